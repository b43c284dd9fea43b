-- How tables are stored: options of the small hot ones, values that outlive the segment they were read of, encodings that bytes
-- inside a segment could not follow.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;

-- Tables whose rows come and go: vacuum comes often and without waiting, and never cuts the file, for which it would lock out readers.
CREATE FUNCTION pg_temp.option(options text[], wanted text) RETURNS text LANGUAGE sql AS
    $$ SELECT option_value FROM pg_options_to_table(options) WHERE option_name = wanted $$;
SELECT c.relname FROM pg_class c WHERE c.oid = ANY ('{tally.recent_event, tally.recent_identity, tally.generation, tally.pile, tally.life_total, tally.loose_segment, tally.resend_count,
    tally.sealed_identity, tally.identity_run, tally.released_identity}'::regclass[])
    AND (pg_temp.option(c.reloptions, 'vacuum_truncate') = 'off' AND pg_temp.option(c.reloptions, 'autovacuum_vacuum_scale_factor') = '0'
         AND pg_temp.option(c.reloptions, 'autovacuum_vacuum_threshold')::int <= 20000 AND pg_temp.option(c.reloptions, 'autovacuum_vacuum_cost_delay') = '0') IS NOT TRUE;
-- What is inserted and deleted fills its pages, what is updated leaves room, and no index holds a column that changes, so that updates
-- stay on their page.
SELECT c.relname, pg_temp.option(c.reloptions, 'fillfactor') AS fillfactor FROM pg_class c
    WHERE c.oid = ANY ('{tally.recent_event, tally.recent_identity, tally.generation, tally.pile, tally.life_total, tally.month_count, tally.key_use, tally.identity_run, tally.sealed_identity, tally.released_identity}'::regclass[]) ORDER BY 1;
SELECT c.relname, count(*) AS indexes FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
    WHERE c.oid = ANY ('{tally.pile, tally.life_total, tally.month_count, tally.key_use}'::regclass[]) GROUP BY 1 HAVING count(*) > 1 OR NOT bool_and(i.indisprimary);
-- A partition of segments that packing makes has what the parent has: its key, and values that are read by slices.
SELECT tally.create_tenant('storage') IS NOT NULL AS made;
SET tally.tenant = 'storage';
SELECT tally.create_metric('call', 'SUM', aggregation_key => 'n') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.send(first int, last int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', 'call', 'customer_id', 'c' || n % 7,
        'timestamp', '2024-03-01T00:00:00Z'::timestamptz + n * interval '1 minute', 'properties', jsonb_build_object('n', n, 'text', repeat(md5(n::text), 20)))) FROM generate_series(first, last) n), true) i $$;
SELECT pg_temp.send(1, 900);
CALL tally.pack(1, '0');
SELECT a.attstorage, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.inhrelid AND i.indisprimary) AS has_key,
       pg_temp.option(c.reloptions, 'vacuum_truncate') AS vacuum_truncate
    FROM pg_inherits p JOIN pg_class c ON c.oid = p.inhrelid JOIN pg_attribute a ON a.attrelid = p.inhrelid AND a.atttypid = 'tally.segment_data'::regtype
    WHERE p.inhparent = 'tally.segment'::regclass AND EXISTS (SELECT FROM tally.segment s WHERE s.tableoid = p.inhrelid);

-- A cursor that outlives its transaction holds whole events: the segments that it was made of are merged, deleted and vacuumed away.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT e.event_id, length(e.properties ->> 'text') AS length FROM tally.events e ORDER BY e.ts;
FETCH 1 FROM held;
COMMIT;
CREATE TEMP TABLE before AS SELECT s.segment_id FROM tally.segment s;
SELECT pg_temp.send(901, 1800);
CALL tally.pack(1, '0', true);
SELECT count(*) AS of_the_old_ones FROM tally.segment s JOIN before b USING (segment_id);
VACUUM tally.segment;
MOVE 897 FROM held;
FETCH ALL FROM held;
CLOSE held;
-- So do rows that a procedure keeps over its COMMITs.
CREATE TEMP TABLE kept (event_id text, length integer);
DO $$
DECLARE
    e record;
BEGIN
    FOR e IN SELECT v.event_id, v.properties ->> 'text' AS text FROM tally.events v LOOP
        INSERT INTO kept VALUES (e.event_id, length(e.text));
        IF e.event_id IN ('e3', 'e900') THEN
            COMMIT;
            CALL tally.pack(1, '0', true);
            COMMIT;
        END IF;
    END LOOP;
END $$;
SELECT count(DISTINCT event_id), count(*), min(length), max(length) FROM kept;

-- Texts in segments are UTF-8 and nothing converts them, so no other encoding is taken.
SELECT current_database() AS main \gset
CREATE DATABASE tally_latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\c tally_latin1
\set VERBOSITY terse
CREATE EXTENSION pgtally;
SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tally%';
\c :main
\set VERBOSITY terse
DROP DATABASE tally_latin1;
-- A client with another one is answered in its own.
SET tally.tenant = 'storage';
SELECT verdict FROM tally.ingest('[{"event_id": "wide", "code": "call", "customer_id": "é", "timestamp": "2024-03-01T00:00:00Z", "properties": {"n": 1, "text": "naïve"}}]', true);
CALL tally.pack(1, '0');
SET client_encoding = 'LATIN1';
SELECT octet_length(e.customer_id) AS in_the_server, e.properties ->> 'text' = U&'na\00EFve' AS is_equal FROM tally.events e WHERE e.event_id = 'wide';
RESET client_encoding;
