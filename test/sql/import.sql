-- imports: a batch of events that can be taken back as a whole
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, aggregation_key => 'v') ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'SUM', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
CREATE FUNCTION pg_temp.usage(OUT metric text, OUT value text, OUT events bigint) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT m.name, round(u.value, 4)::text, u.events FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2025-01-01') u ORDER BY 1 $$;
-- two of the events come by themselves, the file has one of these again
SELECT verdict, count(*) FROM tally.ingest('[{"event_id":"a","code":"call","customer_id":"ann","timestamp":"2024-01-01T00:00:00Z","properties":{"v":1}},
    {"event_id":"b","code":"call","customer_id":"bob","timestamp":"2024-01-02T00:00:00Z","properties":{"v":2}}]'::text, true) GROUP BY 1;
CREATE TEMP TABLE file AS SELECT '[{"event_id":"b","code":"call","customer_id":"bob","timestamp":"2024-01-02T00:00:00Z","properties":{"v":2}},
    {"event_id":"c","code":"call","customer_id":"ann","timestamp":"2024-01-03T00:00:00Z","properties":{"v":100}},
    {"event_id":"d","code":"call","customer_id":"ann","timestamp":"2024-02-03T00:00:00Z","properties":{"v":200}},
    {"event_id":"e","code":"call","customer_id":"eve","properties":{"v":"x"},"timestamp":"2024-02-03T00:00:00Z"}]' AS events;
CREATE FUNCTION pg_temp.load(batch_name text, tenant integer DEFAULT 1, OUT verdict text, OUT count bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE import uuid;
BEGIN
    INSERT INTO tally.import_batch (tenant_id, name) VALUES (tenant, batch_name) RETURNING import_id INTO import;
    RETURN QUERY SELECT i.verdict, count(*) FROM file f, tally._ingest(tenant, f.events, true, import) i GROUP BY 1 ORDER BY 1;
    UPDATE tally.import_batch SET accepted = (SELECT count(*) FROM tally.recent_event e WHERE e.import_id = import) WHERE import_id = import;
END $$;
CREATE FUNCTION pg_temp.id(batch_name text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('id', tally._encode_id('imp_', import_id)) FROM tally.import_batch WHERE name = batch_name AND tenant_id = 1 $$;
CREATE FUNCTION pg_temp.plain(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(answer::text, '(bm|imp)_[0-9A-Za-z]+', '\1_ID', 'g'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"TIME"', 'g') $$;
SELECT * FROM pg_temp.load('first');
SELECT * FROM pg_temp.load('first of the other tenant', 2);
SELECT * FROM pg_temp.usage();
SELECT pg_temp.plain(tally_rest.list_imports(1, '{}', '{}', NULL));
-- taken back: what came by itself still counts, what came with the file does not
SELECT pg_temp.plain(tally_rest.void_import(1, pg_temp.id('first'), '{"reason":["wrong file"]}', NULL));
SELECT * FROM pg_temp.usage();
SELECT customer_id, value FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'SUM'), '2024-01-01', '2025-01-01', group_by => '{customer_id}');
SELECT l.events AS count, l.total AS sum FROM tally.metric m, tally._life(m) l WHERE m.name = 'SUM';
SELECT e ->> 'event_id' AS event, e ->> 'import_id' ~ '^imp_' AS imported, e -> 'voided' ->> 'reason' AS voided, e -> 'metrics' -> 0 ->> 'counted' AS counted, e -> 'metrics' -> 0 ->> 'reason' AS reason
FROM json_array_elements(tally_rest.list_events(1, '{}', '{}', NULL) -> 'data') e;
SELECT e.customer_id = c.customer_id AS right_customer, e.event_id, c.reason, c.ts = e.ts AS same_time, c.code, c.created_by = session_user AS by_me FROM tally.correction c JOIN tally.recent_event e USING (tenant_id, seq) ORDER BY 2;
-- twice is a conflict; what is not there is not found
SELECT tally_rest.void_import(1, '{"id":"imp_0"}', '{}', NULL);
SELECT tally_rest.void_import(1, '{"id":"first"}', '{}', NULL);
SELECT tally_rest.void_import(1, pg_temp.id('first'), '{"force":["1"]}', NULL);
SELECT tally_rest.void_import(1, pg_temp.id('first'), jsonb_build_object('reason', jsonb_build_array(repeat('x', 1001))), NULL);
DO $$ BEGIN PERFORM tally_rest.void_import(1, pg_temp.id('first'), '{}', NULL); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', regexp_replace(SQLSTATE || ' ' || SQLERRM, 'imp_\w+', 'imp_ID'); END $$;
DO $$ BEGIN PERFORM tally_rest.void_import(2, pg_temp.id('first'), '{}', NULL); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', regexp_replace(SQLSTATE || ' ' || SQLERRM, 'imp_\w+', 'imp_ID'); END $$;
-- the same file again counts again, once
SELECT * FROM pg_temp.load('second');
SELECT * FROM pg_temp.load('third');
SELECT * FROM pg_temp.usage();
-- found by identity: the voided event and the one that counts
SELECT e -> 'voided' ->> 'reason' AS voided, e -> 'metrics' -> 0 ->> 'counted' AS counted FROM json_array_elements(tally_rest.get_event(1, '{"event_id":"c"}', '{"customer_id":["ann"],"source":[""]}', NULL) -> 'data') e;
-- an event of a voided import may come again with other content, and then it is that one
SELECT pg_temp.plain(tally_rest.void_import(1, pg_temp.id('second'), '{}', NULL));
SELECT verdict FROM tally.ingest('[{"event_id":"c","code":"call","customer_id":"ann","timestamp":"2024-05-03T00:00:00Z","properties":{"v":7}}]'::text, true);
SELECT verdict FROM tally.ingest('[{"event_id":"c","code":"call","customer_id":"ann","timestamp":"2024-01-03T00:00:00Z","properties":{"v":100}}]'::text, true);
SELECT * FROM pg_temp.usage();
SELECT count(*) AS in_log, count(c.seq) AS voided, (SELECT count(*) FROM tally.recent_identity WHERE tenant_id = 1) AS identities FROM tally.recent_event e LEFT JOIN tally.correction c USING (tenant_id, seq) WHERE e.tenant_id = 1;
-- an import that brought nothing
SELECT pg_temp.plain(tally_rest.void_import(1, pg_temp.id('third'), '{}', NULL));
SELECT pg_temp.plain(tally_rest.get_import(1, pg_temp.id('second'), '{}', NULL)), tally_rest.list_imports(1, '{}', '{"per_page":["2"],"page":["5"]}', NULL) -> 'pagination_meta' ->> 'total_items' AS total;
-- the other tenant has all of it
SELECT count(*) FROM tally.correction WHERE tenant_id = 2;
-- a developer stores through functions, and nothing by hand or past the gate
CREATE ROLE regress_import LOGIN;
GRANT tally_app TO regress_import;
SET SESSION AUTHORIZATION regress_import;
DELETE FROM tally.recent_identity;
SELECT verdict FROM tally.ingest('[{"event_id":"z","code":"call","customer_id":"zoe","timestamp":"2024-07-03T00:00:00Z"}]'::text, true);
INSERT INTO tally.import_batch (tenant_id, name) VALUES (tally.current_tenant(), 'fourth');
SELECT tally._void_import(b.tenant_id, b.import_id, 'test') FROM tally.import_batch b LIMIT 1;
UPDATE tally.correction SET reason = 'x';
DELETE FROM tally.correction;
DELETE FROM tally.import_batch;
RESET SESSION AUTHORIZATION;
SELECT tally._event_identity(1, 'zoe', '', e) IN (SELECT identity FROM tally.recent_identity) AS known FROM unnest('{y,z}'::text[]) e;
DROP OWNED BY regress_import;
DROP ROLE regress_import;
