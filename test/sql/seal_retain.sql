-- Sealed identities of time that retention dropped go by sealing alone, although nothing newer is large enough for a merge.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
DO $$ BEGIN PERFORM tally.create_tenant('seal'); PERFORM tally.create_metric(code => 'call', aggregation_type => 'COUNT'); END $$;
CREATE FUNCTION pg_temp.send(prefix text, at timestamptz, events integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', prefix || n, 'code', 'call', 'customer_id', 'c',
        'timestamp', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', '{}'::jsonb)) FROM generate_series(1, events) n), true) i $$;
-- Steps until there is nothing to do; the number is beyond reach, so nothing more is sealed.
CREATE FUNCTION pg_temp.settle() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..1000 LOOP EXIT WHEN NOT tally.seal_identities(1000000, 1); ASSERT i < 1000, 'there is no end'; END LOOP; END $$;
CREATE FUNCTION pg_temp.old_month() RETURNS integer LANGUAGE sql AS $$ SELECT (extract(year FROM now()) * 12 + extract(month FROM now()))::integer - 1970 * 12 - 1 - 60 $$;
CREATE VIEW pg_temp.sealed AS SELECT count(DISTINCT run_id) AS runs, count(*) FILTER (WHERE month < pg_temp.old_month()) AS old, count(*) AS identities FROM tally._sealed_identities();
-- a large run, for the most part old, and a small one that does not set off a merge
SELECT pg_temp.send('old', '2014-05-01Z', 9000), pg_temp.send('kept', now(), 3000);
SELECT tally.seal_identities(1, 1000000);
SELECT pg_temp.send('new', now(), 100);
SELECT tally.seal_identities(1, 1000000);
SELECT pg_temp.settle();
SELECT * FROM pg_temp.sealed;
CALL tally.retain('5 years');
SELECT pg_temp.settle();
SELECT * FROM pg_temp.sealed;
SELECT state, entries, filters FROM tally.identity_run;
SELECT count(*) FROM tally.sealed_identity s WHERE NOT EXISTS (SELECT FROM tally.identity_run r WHERE r.run_id = s.run_id);
-- what is kept is known as before, and what was dropped is not taken
SELECT pg_temp.send('kept', now(), 3000), pg_temp.send('new', now(), 100), pg_temp.send('old', '2014-05-01Z', 10);
-- a run of which nothing is kept goes as a whole; one of which little goes stays as it is
SELECT pg_temp.send('few', date_trunc('month', now()) - interval '40 months', 500);
SELECT tally.seal_identities(1, 1000000);
SELECT pg_temp.settle();
SELECT runs, identities FROM pg_temp.sealed;
CALL tally.retain('2 years');
SELECT pg_temp.settle();
SELECT runs, identities FROM pg_temp.sealed;
SELECT * FROM tally.verify();
