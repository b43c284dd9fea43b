-- verify: nothing is wrong with a store that was used as it is meant to be, and whatever is done to it by hand is told
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
DO $$ BEGIN PERFORM tally.create_tenant('verify'); END $$;
CREATE FUNCTION pg_temp.send(first integer, last integer, at timestamp DEFAULT '2024-01-01') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"e%s","code":"call","customer_id":"c%s","timestamp":"%s","properties":{"n":%s}}', n, n % 7,
        to_char(at + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), n), ',') || ']' FROM generate_series(first, last) n), true) i $$;
SELECT pg_temp.send(1, 500);
SELECT * FROM tally.verify();
CALL tally.pack(1, '0');
SELECT pg_temp.send(401, 600);
SELECT tally.seal_identities(1);
SELECT pg_temp.send(601, 610, '1999-01-01');
SELECT count(*) FROM tally._stored_events(NULL);
SELECT * FROM tally.verify();
SELECT * FROM tally.verify(1);
SELECT * FROM tally.verify(2);
-- an import that was taken back, and came again
SELECT tally_rest.import_chunk(1, '{}', '{"name":["file"]}', '{"event_id":"i1","code":"call","customer_id":"c","timestamp":"2024-01-01T00:00:00Z","properties":{"n":1}}') ->> 'accepted' AS accepted;
CALL tally.pack(1, '0');
SELECT imports IS NOT NULL AS has_imports, count(*) FROM tally.segment GROUP BY 1 ORDER BY 1;
SELECT tally_rest.void_import(1, jsonb_build_object('id', import_id), '{}', NULL) -> 'voided' ->> 'events' AS voided FROM tally.import_batch;
SELECT * FROM tally.verify();
SELECT verdict FROM tally.record('call', 'c', '{"n": 1}', 'i1', '2024-01-01Z', allow_backfilling => true);
SELECT * FROM tally.verify();
CALL tally.pack(1, '0', true);
SELECT * FROM tally.verify();
SELECT month, events FROM tally.segment ORDER BY 1;
-- packing that deletes without inserting, and inserts without deleting
BEGIN;
SELECT pg_temp.send(701, 702);
DELETE FROM tally.recent_event WHERE event_id = 'e701';
INSERT INTO tally.recent_event SELECT e.generation, e.tenant_id, e.code_hash, e.customer_hash, e.ts, 1000000, e.received_at, e.import_id, e.code, e.customer_id, e.source, e.event_id, e.properties
FROM tally.recent_event e WHERE e.event_id = 'e702';
SELECT tenant_id, split_part(object, ' ', 1) AS object, problem FROM tally.verify() ORDER BY problem;
ROLLBACK;
BEGIN;
DELETE FROM tally.segment WHERE month = '1999-01-01';
SELECT count(*), min(problem), max(problem) FROM tally.verify();
SELECT count(*) FROM tally.verify(2);
ROLLBACK;
BEGIN;
CREATE TEMP TABLE copied AS SELECT * FROM tally.segment s WHERE s.month = '1999-01-01';
UPDATE copied SET segment_id = 1000;
INSERT INTO tally.segment TABLE copied;
SELECT split_part(object, ' ', 1) AS object, problem, count(*) FROM tally.verify() GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;
-- rows that say of their segment what is not so
BEGIN;
UPDATE tally.segment SET events = events + 1 WHERE month = '1999-01-01';
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.segment SET first_customer = '' WHERE month = '1999-01-01';
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.segment SET last_ts = last_ts + interval '1 s' WHERE month = '1999-01-01';
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.segment SET weight = 1 WHERE month = '1999-01-01';
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.segment SET imports = NULL WHERE imports IS NOT NULL;
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.correction SET seq = -1;
SELECT object, problem FROM tally.verify() ORDER BY object COLLATE "C" DESC LIMIT 1;
ROLLBACK;
-- a damaged byte: told, and nothing else is wrong but that its events are missing
BEGIN;
CREATE FUNCTION pg_temp.raw(cstring) RETURNS tally.segment_data LANGUAGE internal IMMUTABLE AS 'byteain';
UPDATE tally.segment s SET data = pg_temp.raw(set_byte(b.bytes, length(b.bytes) / 2, 255 - get_byte(b.bytes, length(b.bytes) / 2))::text::cstring)
FROM (SELECT x.segment_id, x.data::text::bytea AS bytes FROM tally.segment x) b WHERE s.segment_id = b.segment_id AND s.month = '1999-01-01';
SELECT split_part(object, ' ', 1) AS object, problem, count(*) FROM tally.verify() GROUP BY 1, 2 ORDER BY 2;
ROLLBACK;
SET ROLE tally_app;
SELECT * FROM tally.verify();
SET ROLE tally_api;
SELECT * FROM tally.verify();
SELECT * FROM tally._stored_events(NULL);
SET ROLE tally_admin;
SELECT * FROM tally.verify();
RESET ROLE;
