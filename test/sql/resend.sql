-- events that are sent again: counted by every way of ingest, folded by packing, told by an explanation, gone with the time they are of
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT tally.create_metric('call', 'SUM', slug => 'sum', aggregation_key => 'v') ~ '^bm_' AS made;
CREATE FUNCTION pg_temp.event(id text, customer text, day text, v numeric) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('event_id', id, 'code', 'call', 'customer_id', customer, 'timestamp', day || 'T12:00:00Z', 'properties', jsonb_build_object('v', v)) $$;
CREATE FUNCTION pg_temp.send(VARIADIC events jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(verdict, ' ' ORDER BY index) FROM tally.ingest(to_jsonb(events), true) $$;
CREATE FUNCTION pg_temp.again("from" timestamptz DEFAULT '2026-01-01', "to" timestamptz DEFAULT '2026-02-01', customer text DEFAULT NULL) RETURNS json LANGUAGE sql AS $$
    SELECT tally.explain_usage('sum', "from", "to", customer) -> 'sent_again' $$;
-- nothing is written where nothing is sent again
SELECT pg_temp.send(pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('b', 'bob', '2026-01-05', 2), pg_temp.event('c', 'ann', '2026-01-06', 3));
SELECT count(*) FROM tally.resend_count;
SELECT pg_temp.again();
-- one row a call, code, day and customer; what one call sends twice is sent again too
SELECT pg_temp.send(pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('a', 'ann', '2026-01-05', 9), pg_temp.event('b', 'bob', '2026-01-05', 2), pg_temp.event('d', 'ann', '2026-01-05', 4), pg_temp.event('d', 'ann', '2026-01-05', 4));
SELECT code, day, customer_id, duplicates, conflicts FROM tally.resend_count ORDER BY customer_id;
SELECT verdict FROM tally.record('call', 'ann', '{"v": 3}', 'c', '2026-01-06T12:00:00Z', allow_backfilling => true);
SELECT verdict FROM tally.record('call', 'ann', '{"v": 3}', 'c', '2026-01-07T12:00:00Z', allow_backfilling => true);    -- another day: another content, of the day that was sent
SELECT pg_temp.again();
SELECT pg_temp.again(customer => 'ann'), pg_temp.again(customer => 'bob'), pg_temp.again(customer => 'nobody');
SELECT pg_temp.again('2026-01-05 23:00', '2026-01-06 01:00'), pg_temp.again('2026-01-07', '2026-01-08'), pg_temp.again('2026-01-04', '2026-01-05');
-- an import; a request of the API, partial and strict, of which one is refused for a conflict: that is told, and its duplicates are not
SELECT r ->> 'accepted' AS accepted, r ->> 'duplicates' AS duplicates FROM tally_rest.import_chunk(1, '{}', '{"name":["file"]}',
    '{"event_id":"a","code":"call","customer_id":"ann","timestamp":"2026-01-05T12:00:00Z","properties":{"v":1}}') r;
SELECT pg_temp.again();
SELECT tally.create_api_key(name => 'k') AS secret \gset
CREATE FUNCTION pg_temp.post(secret text, strict boolean, VARIADIC events jsonb[]) RETURNS integer LANGUAGE sql AS $$
    SELECT status FROM tally_rest.ingest_batch(ARRAY[sha256(secret::bytea)], ARRAY[jsonb_build_object('events', events, 'allow_backfilling', true, 'allow_partial_failures', NOT strict)::text]) $$;
SELECT pg_temp.post(:'secret', false, pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('b', 'bob', '2026-01-05', 7));
SELECT pg_temp.again();
SELECT pg_temp.post(:'secret', true, pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('b', 'bob', '2026-01-05', 7), pg_temp.event('new', 'bob', '2026-01-05', 7));
SELECT pg_temp.again();
-- what is rolled back was not told
BEGIN;
SELECT pg_temp.send(pg_temp.event('a', 'ann', '2026-01-05', 1));
SELECT pg_temp.again() ->> 'duplicates' AS duplicates;
ROLLBACK;
SELECT pg_temp.again() ->> 'duplicates' AS duplicates;
-- packing folds the rows of calls, into those that are folded too, and the sums stay; also for who sends packed events again
SELECT count(*) AS rows, count(DISTINCT part) > 1 AS of_calls FROM tally.resend_count;
CREATE TEMP TABLE told AS SELECT pg_temp.again()::text AS was;
CALL tally.pack(1000, '1 hour');
SELECT count(*) > 5 AS few_wait FROM tally.resend_count;
CALL tally.pack(1, '0');
SELECT day, customer_id, part, duplicates, conflicts FROM tally.resend_count ORDER BY day, customer_id;
SELECT pg_temp.send(pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('b', 'bob', '2026-01-05', 2)) FROM generate_series(1, 3);
SELECT count(*) AS rows FROM tally.resend_count;
SELECT pg_temp.again();
CALL tally.pack(1, '0');
SELECT count(*) AS rows FROM tally.resend_count;
SELECT pg_temp.again(), was FROM told;
-- a table with a trigger is written by SQL
CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER nothing BEFORE INSERT ON tally.recent_event FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing();
SELECT pg_temp.send(pg_temp.event('a', 'ann', '2026-01-05', 1), pg_temp.event('e', 'ann', '2026-01-05', 1));
SELECT pg_temp.again(customer => 'ann') ->> 'duplicates' AS duplicates;
DROP TRIGGER nothing ON tally.recent_event;
-- who reads another tenant is told of that one; a reader is told what the engine is
SELECT tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'other';
SELECT tally.create_metric('call', 'SUM', slug => 'sum', aggregation_key => 'v') ~ '^bm_' AS made;
SELECT pg_temp.again();
CREATE ROLE resend_reader;
GRANT tally_read TO resend_reader;
SELECT tally.grant_read('resend_reader', 'acme') IS NOT NULL AS granted;
SET ROLE resend_reader;
SET tally.tenant = 'acme';
SELECT tally.explain_usage('sum', '2026-01-01', '2026-02-01') -> 'sent_again' ->> 'duplicates' AS duplicates;
SELECT count(*) FROM tally.resend_count;
RESET ROLE;
DROP ROLE resend_reader;
SELECT * FROM tally.verify();
-- retention
SELECT verdict FROM generate_series(1, 2) n, LATERAL tally.record('call', 'old' || left(n::text, 0), '{}', 'old', '1990-03-04', allow_backfilling => true);
SELECT count(*) FROM tally.resend_count WHERE day < '2000-01-01';
CALL tally.retain(interval '300 months');
SELECT count(*) FILTER (WHERE day < '2000-01-01') AS old, count(*) > 0 AS kept FROM tally.resend_count;
