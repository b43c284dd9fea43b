-- sealed identities: sealing, merging, releasing; an identity is known for ever wherever it lies
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
-- stands for n identities of ingest: key and payload are made of the number; sealing looks for them when as many events were taken
CREATE FUNCTION pg_temp.key(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('id' || n)::uuid $$;
CREATE FUNCTION pg_temp.add(first integer, last integer) RETURNS void LANGUAGE sql AS $$
    SELECT setval('tally.event_seq', nextval('tally.event_seq') + last - first);
    INSERT INTO tally.recent_identity SELECT pg_temp.key(n), n, 1, n % 600 FROM generate_series(first, last) n $$;
CREATE FUNCTION pg_temp.found(first integer, last integer, OUT known bigint, OUT right_content boolean) LANGUAGE sql AS $$
    SELECT count(f.identity), coalesce(bool_and(f.payload = n AND f.month = n % 600), true)
    FROM generate_series(first, last) n LEFT JOIN tally._find_sealed(ARRAY(SELECT pg_temp.key(n) FROM generate_series(first, last) n ORDER BY 1)) f ON f.identity = pg_temp.key(n)
    WHERE f.identity IS NOT NULL $$;
CREATE VIEW pg_temp.state AS SELECT (SELECT count(*) FROM tally.recent_identity) AS recent, (SELECT string_agg(state || ' ' || entries, ', ' ORDER BY run_id) FROM tally.identity_run) AS runs,
    (SELECT count(DISTINCT run_id) FROM tally.sealed_identity) AS runs_with_parts, (SELECT count(*) FROM tally.released_identity) AS released;
-- too few wait
SELECT pg_temp.add(1, 999), tally.seal_identities(1000, 1000) AS did;
SELECT * FROM pg_temp.state;
-- enough are sealed, and found, and nothing else is
SELECT pg_temp.add(1000, 25000);
SELECT tally.seal_identities(1000, 20000) AS did;
SELECT * FROM pg_temp.state;
SELECT tally.seal_identities(5000, 20000) AS did;
SELECT * FROM pg_temp.state;
SELECT * FROM pg_temp.found(1, 25000);
SELECT known FROM pg_temp.found(25001, 45000);
-- runs are merged while both hold, then the old ones go
SELECT pg_temp.add(25001, 50000);
SELECT tally.seal_identities(1000, 25000) AS did;
SELECT tally.seal_identities(1000, 25000) AS did, (SELECT runs FROM pg_temp.state);
SELECT * FROM pg_temp.state;
DO $$ BEGIN FOR i IN 1 .. 20 LOOP PERFORM tally.seal_identities(1000, 25000); END LOOP; END $$;
SELECT * FROM pg_temp.state;
SELECT tally.seal_identities(1000, 25000) AS nothing_left;
SELECT * FROM pg_temp.found(1, 50000);
SELECT known FROM pg_temp.found(50001, 60000);
SELECT count(*), count(DISTINCT identity), bool_and(identity = pg_temp.key(payload::integer) AND month = payload % 600) FROM tally._sealed_identities();
-- a released identity is not known, may come again and is known then; sealing leaves it alone until its old self is gone
SELECT tally._release_identities(ARRAY[pg_temp.key(7), pg_temp.key(8), pg_temp.key(50001)]);
SELECT * FROM pg_temp.state;
SELECT * FROM pg_temp.found(1, 10);
INSERT INTO tally.recent_identity VALUES (pg_temp.key(7), 7007, 1, 5);
SELECT pg_temp.add(50001, 50010);
SELECT tally.seal_identities(1, 1000) AS did;
SELECT * FROM pg_temp.state;
SELECT payload FROM tally.recent_identity LIMIT 5;
-- released again while it is recent: nothing of it is left but what is sealed and released
SELECT tally._release_identities(ARRAY[pg_temp.key(7)]);
SELECT * FROM pg_temp.state;
INSERT INTO tally.recent_identity VALUES (pg_temp.key(7), 7008, 1, 5);
SELECT pg_temp.add(60001, 90000);
DO $$ BEGIN FOR i IN 1 .. 30 LOOP PERFORM tally.seal_identities(30000, 40000); END LOOP; END $$;
SELECT * FROM pg_temp.state;
-- merging dropped what was released; now the new one is sealed too
DO $$ BEGIN FOR i IN 1 .. 30 LOOP PERFORM tally.seal_identities(1, 40000); END LOOP; END $$;
SELECT recent, released FROM pg_temp.state;
SELECT payload FROM tally._find_sealed(ARRAY[pg_temp.key(7), pg_temp.key(8)]);
-- where nothing but released ones wait, all runs are merged, so that they go
SELECT tally._release_identities(ARRAY(SELECT pg_temp.key(n) FROM generate_series(1, 100) n));
WITH taken AS (SELECT setval('tally.event_seq', nextval('tally.event_seq') + 99))
INSERT INTO tally.recent_identity SELECT pg_temp.key(n), -n, 1, 1 FROM generate_series(1, 100) n, taken;
SELECT tally.seal_identities(100, 1000) AS merges, (SELECT max(recent) FROM pg_temp.state) AS recent;
DO $$ BEGIN FOR i IN 1 .. 30 LOOP PERFORM tally.seal_identities(100, 1000); END LOOP; END $$;
SELECT recent, released FROM pg_temp.state;
SELECT count(*), count(*) FILTER (WHERE payload < 0) AS new FROM tally._sealed_identities() WHERE identity IN (SELECT pg_temp.key(n) FROM generate_series(1, 100) n);
-- a transaction that rolls back changes nothing
BEGIN;
SELECT pg_temp.add(100001, 100100);
SELECT tally.seal_identities(1, 1000) AS did;
SELECT known FROM pg_temp.found(100001, 100100);
ROLLBACK;
SELECT known FROM pg_temp.found(100001, 100100);
SELECT tally.seal_identities(1, 1000) AS nothing;
-- damage is told
UPDATE tally.sealed_identity SET data = set_byte(data, 100, get_byte(data, 100) # 4) WHERE part = 3;
SELECT count(*) FROM tally._sealed_identities();
SELECT tally._find_sealed(ARRAY(SELECT pg_temp.key(n) FROM generate_series(1, 50000) n));
UPDATE tally.sealed_identity SET data = set_byte(data, 100, get_byte(data, 100) # 4) WHERE part = 3 OR part = -2;
SELECT count(*) FROM tally._sealed_identities();
DELETE FROM tally.sealed_identity WHERE part = -1;
SELECT count(*) FROM tally._sealed_identities();
SELECT tally.seal_identities(0, 1);
BEGIN READ ONLY;
SELECT tally.seal_identities();
ROLLBACK;
-- who may not read the tables may not read them by functions either
SET ROLE tally_app;
SELECT * FROM tally._find_sealed(ARRAY[gen_random_uuid()]);
SELECT count(*) FROM tally._sealed_identities();
SELECT tally.seal_identities();
SELECT tally._release_identities(ARRAY[gen_random_uuid()]);
RESET ROLE;
-- ingest: what is sealed is a duplicate or a conflict, what is released may come again
SET client_min_messages = warning;
DROP EXTENSION pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SELECT tally.create_tenant('seal') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.send(first integer, last integer, v integer DEFAULT 1) RETURNS TABLE (verdict text, events bigint) LANGUAGE sql AS $$
    SELECT i.verdict, count(*) FROM tally.ingest((SELECT json_agg(json_build_object('event_id', n::text, 'code', 'c', 'customer_id', 'k' || n % 7, 'properties', json_build_object('v', v)))::text FROM generate_series(first, last) n)) i GROUP BY 1 ORDER BY 1 $$;
SELECT tally.create_api_key() AS key \gset
SELECT * FROM pg_temp.send(1, 3000);
DO $$ BEGIN WHILE tally.seal_identities(1, 1000) LOOP END LOOP; END $$;
SELECT recent, runs_with_parts FROM (SELECT count(*) AS recent FROM tally.recent_identity) r, (SELECT count(DISTINCT run_id) AS runs_with_parts FROM tally.sealed_identity) s;
SELECT * FROM pg_temp.send(2001, 4000);
SELECT * FROM pg_temp.send(2990, 3010, 2);
SELECT verdict, field FROM tally.record('c', 'k1', '{"v": 5}', event_id => '1');
SELECT status, body FROM tally_rest.ingest_batch(ARRAY[sha256(:'key')], ARRAY['{"events":[{"event_id":"1","code":"c","customer_id":"k1","properties":{"v":1}},{"event_id":"2","code":"c","customer_id":"k2","properties":{"v":9}}]}']);
SELECT count(*), count(DISTINCT event_id) FROM tally.recent_event;
SELECT tally._release_identities(ARRAY[tally._event_identity(1, 'k1', '', '1'), tally._event_identity(1, 'k3', '', '3001')]);
SELECT * FROM pg_temp.send(1, 3, 8);
SELECT * FROM pg_temp.send(1, 3, 8);
-- a run that says of itself what is not so is told, and lets nothing in again
UPDATE tally.identity_run SET blocks = -blocks;
ALTER TABLE tally.identity_run DROP CONSTRAINT identity_run_check, DROP CONSTRAINT identity_run_filters_check, DROP CONSTRAINT identity_run_entries_check;
CREATE FUNCTION pg_temp.resent_after(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    verdicts text;
BEGIN
    EXECUTE 'UPDATE tally.identity_run SET ' || change;
    SELECT string_agg(s.events || ' ' || s.verdict, ', ' ORDER BY s.verdict) INTO verdicts FROM pg_temp.send(100, 200) s;
    RAISE EXCEPTION '%', verdicts;      -- takes the change back
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, 'run \d+', 'run N');
END $$;
SELECT c AS change, pg_temp.resent_after(c) FROM unnest(ARRAY['blocks = blocks', 'blocks = -blocks', 'blocks = 0', 'blocks = blocks * 2', 'blocks = 1',
    'filters = -1', 'filters = 0', 'filters = filters * 2', 'entries = -1', 'entries = 10000000']) c;
