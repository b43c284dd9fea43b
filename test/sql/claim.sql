-- claims: an event is stored once, whatever way the rows take and whatever is rolled back
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
CREATE EXTENSION IF NOT EXISTS amcheck;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.send(first int, last int, code text DEFAULT 'c', OUT verdict text, OUT count bigint) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT i.verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', code, 'customer_id', 'k')) FROM generate_series(first, last) n)) i GROUP BY 1 ORDER BY 1 $$;
CREATE FUNCTION pg_temp.store(OUT events bigint, OUT ids bigint, OUT identities bigint) LANGUAGE sql AS $$
    SELECT count(*), count(DISTINCT (customer_id, event_id)), (SELECT count(*) FROM tally.recent_identity) FROM tally.recent_event $$;
-- a large batch is claimed without a look, and takes back what was there: with the same and with other content
SELECT * FROM pg_temp.send(500, 500);
SELECT * FROM pg_temp.send(1, 1000);
SELECT * FROM pg_temp.send(1001, 2000);
SELECT * FROM pg_temp.send(1990, 3000, 'other');
SELECT * FROM pg_temp.store();
-- what was sent before leaves nothing behind: no rows that are dead at once
SELECT pg_relation_size('tally.recent_identity') AS before \gset
SELECT * FROM pg_temp.send(1, 2000) UNION ALL SELECT * FROM pg_temp.send(1, 2000);
SELECT pg_relation_size('tally.recent_identity') = :before AS same_size;
-- rolled-back savepoints, as SQL and as blocks with exceptions
BEGIN;
SAVEPOINT s;
SELECT * FROM pg_temp.send(4001, 4003);
ROLLBACK TO s;
SELECT * FROM pg_temp.send(4002, 4004);
SAVEPOINT t;
SELECT * FROM pg_temp.send(4003, 4005);
RELEASE t;
SELECT * FROM pg_temp.send(4001, 4005);
COMMIT;
CREATE FUNCTION pg_temp.deep(level int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
    BEGIN
        PERFORM tally.record('c', 'deep', event_id => 'e');
        IF level > 0 THEN told := pg_temp.deep(level - 1); END IF;
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RETURN (SELECT verdict FROM tally.record('c', 'deep', event_id => 'e'));
END $$;
SELECT pg_temp.deep(100);
SELECT verdict FROM tally.record('c', 'deep', event_id => 'e');
-- twice in one statement
SELECT (tally.record('c', 'twice', event_id => 'e')).verdict FROM generate_series(1, 2);
-- neither in a transaction that only reads nor in one that is said to
BEGIN READ ONLY;
SELECT tally.record('c', 'k');
ROLLBACK;
BEGIN READ ONLY;
SELECT tally.ingest('[]'::text);
ROLLBACK;
BEGIN READ ONLY;
SELECT tally_rest.ingest_batch('{}', '{}');
ROLLBACK;
-- an index that somebody adds gets its entries
CREATE INDEX regress_claim ON tally.recent_event (event_id, customer_id);
SELECT verdict FROM tally.record('c', 'indexed', '{"n": 1}', 'by another index');
SET enable_seqscan = off;
SELECT customer_id, properties FROM tally.recent_event WHERE event_id = 'by another index';
RESET enable_seqscan;
DROP INDEX tally.regress_claim;
-- what direct access does not do goes through SQL: triggers, constraints, other indexes, an engine that owns the table
SET track_functions = 'all';
CREATE FUNCTION pg_temp.by_sql(id text, OUT verdict text, OUT by_sql boolean) LANGUAGE plpgsql AS $$
DECLARE before bigint := coalesce((SELECT calls FROM pg_stat_xact_user_functions WHERE schemaname = 'tally' AND funcname = '_hash32'), 0);
BEGIN
    SELECT r.verdict INTO verdict FROM tally.record('c', 'sql', event_id => id) r;
    by_sql := coalesce((SELECT calls FROM pg_stat_xact_user_functions WHERE schemaname = 'tally' AND funcname = '_hash32'), 0) > before;
END $$;
SELECT * FROM pg_temp.by_sql('plain');
BEGIN;
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', NEW.event_id; RETURN NEW; END $$;
CREATE TRIGGER regress_note BEFORE INSERT ON tally.recent_event FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
SELECT * FROM pg_temp.by_sql('noted');
SELECT * FROM pg_temp.by_sql('noted');
SELECT * FROM tally.ingest('[{"event_id":"plain","code":"other","customer_id":"sql"},{"event_id":"s2","code":"c","customer_id":"sql","properties":{"a":1.0}},{"event_id":"s2","code":"c","customer_id":"sql","properties":{"a":1}}]');
SELECT code_hash = tally._hash32(code) AND customer_hash = tally._hash32(customer_id) AS hashed, properties, month FROM tally.recent_event e JOIN tally.recent_identity i ON i.identity = tally._event_identity(1, customer_id, source, event_id) WHERE event_id = 's2' AND month = (extract(year FROM ts) - 1970) * 12 + extract(month FROM ts) - 1 AND month > 0 \gset
SELECT :'hashed' AS hashed, :'properties' AS properties;
ROLLBACK;
BEGIN;
ALTER TABLE tally.recent_identity ADD CHECK (payload <> 0);
SELECT * FROM pg_temp.by_sql('checked');
ROLLBACK;
BEGIN;
CREATE INDEX ON tally.recent_event (lower(event_id));
SELECT * FROM pg_temp.by_sql('lower');
ROLLBACK;
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
SELECT * FROM pg_temp.by_sql('local table');
INSERT INTO pg_catalog.pg_dist_partition VALUES ('tally.recent_event');
SELECT * FROM pg_temp.by_sql('distributed');
ROLLBACK;
-- a tenant that is gone takes no events
SELECT tally._ingest(77, '[{"event_id":"x","code":"c","customer_id":"k"}]', false);
-- every row is in every index
SELECT bt_index_check(i.indexrelid, true) FROM pg_index i WHERE i.indrelid IN ('tally.recent_event'::regclass, 'tally.recent_identity'::regclass);
SELECT * FROM pg_temp.store();
SET client_min_messages = warning;
DROP EXTENSION amcheck;
