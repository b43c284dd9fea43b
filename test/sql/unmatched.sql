-- events whose code no metric reads: told when they come, and listed
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
CREATE FUNCTION pg_temp.send(code text, id text, ts text DEFAULT '2024-01-05T00:00:00Z') RETURNS text LANGUAGE sql AS $$
    SELECT i.verdict || CASE WHEN i.unmatched THEN ', unmatched' ELSE '' END
    FROM tally.ingest(format('[{"event_id":"%s","code":"%s","customer_id":"c","timestamp":"%s"}]', id, code, ts), true) i $$;
-- who has no metric yet is told nothing, and can ask
SELECT pg_temp.send('call', '1');
SELECT * FROM tally.unmatched_codes();
SELECT tally.create_metric('call', 'COUNT') AS call \gset
SELECT * FROM tally.unmatched_codes();
SELECT pg_temp.send('call', '2'), pg_temp.send('cal', '3'), pg_temp.send('cal', '3'), pg_temp.send('cal', '3', '2024-01-06T00:00:00Z'), pg_temp.send('', '4');
SELECT verdict, unmatched FROM tally.record('call', 'c');
SELECT verdict, unmatched FROM tally.record('Call', 'c', ts => '2024-03-01Z', allow_backfilling => true);
SELECT index, verdict, unmatched FROM tally.ingest('[{"event_id":"a","code":"call","customer_id":"c"},{"event_id":"b","code":"col","customer_id":"c"},{"event_id":"b","code":"col","customer_id":"c"},{"event_id":"c","code":"col","customer_id":"c"},{"event_id":"d","code":"call","customer_id":"c","x":1}]');
SELECT code, events, first = last AS once FROM tally.unmatched_codes();
-- over REST a count, where it is not 0
SELECT tally.create_api_key() AS key \gset
CREATE FUNCTION pg_temp.rest(key text, VARIADIC bodies text[]) RETURNS TABLE (status integer, body text) LANGUAGE sql AS $$
    SELECT b.status, b.body FROM tally_rest.ingest_batch(array_fill(sha256(convert_to(key, 'UTF8')), ARRAY[cardinality(bodies)]), bodies) b ORDER BY b.ordinal $$;
SELECT * FROM pg_temp.rest(:'key', '{"events":[{"event_id":"r1","code":"call","customer_id":"c"}]}', '{"events":[{"event_id":"r2","code":"cal","customer_id":"c"},{"event_id":"r3","code":"call","customer_id":"c"},{"event_id":"r4","code":"nothing","customer_id":"c"}]}',
    '{"events":[{"event_id":"r2","code":"cal","customer_id":"c"}]}', '{"events":[{"event_id":"r5","code":"cal","customer_id":"c"},{"event_id":"","code":"cal","customer_id":"c"}]}',
    '{"allow_partial_failures":true,"events":[{"event_id":"r5","code":"cal","customer_id":"c"},{"event_id":"","code":"cal","customer_id":"c"}]}');
-- packed or not, the same; a voided import is not counted
CREATE TEMP TABLE listed AS SELECT * FROM tally.unmatched_codes();
CALL tally.pack(min_events => 1, max_age => '0');
TABLE listed EXCEPT SELECT * FROM tally.unmatched_codes();
SELECT count(*) > 0 AS packed FROM tally.segment;
SELECT tally._open_import(tally.current_tenant(), NULL, 'file') AS batch \gset
SELECT accepted, failed, unmatched FROM tally._import(:'batch', E'{"code":"file","customer_id":"c"}\n{"code":"call","customer_id":"d"}\n{"code":"file","customer_id":"d"}\n{}\n', false, 1, '{}');
SELECT code, events FROM tally.unmatched_codes() WHERE code = 'file';
SELECT (tally._void_import(tally.current_tenant(), (:'batch'::tally.import_batch).import_id, 'wrong')).voided;
SELECT code, events FROM tally.unmatched_codes() WHERE code = 'file';
-- an archived metric reads nothing any more; a metric that comes later reads all of them
SELECT tally.archive_metric(:'call') = :'call' AS archived;
SELECT tally.create_metric('cal', 'COUNT') IS NOT NULL AS made;
SELECT code, events FROM tally.unmatched_codes();
SELECT pg_temp.send('call', '9'), pg_temp.send('cal', '9');
-- of one's own tenant
SET tally.tenant = 'other';
SELECT * FROM tally.unmatched_codes();
SET ROLE tally_app;
SET tally.tenant = 'acme';
SELECT code FROM tally.unmatched_codes();
RESET ROLE;
-- REST
SELECT u ->> 'code' AS code, u ->> 'events' AS events, u ->> 'first' AS first FROM json_array_elements(tally_rest.list_unmatched_codes(tally.current_tenant(), '{}', '{"limit": ["1"]}', NULL) -> 'data') u;
SELECT tally_rest.list_unmatched_codes(tally.current_tenant(), '{}', '{"code": ["1"]}', NULL);
