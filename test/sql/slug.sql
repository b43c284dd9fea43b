-- slugs: a metric's own name, taken wherever its id is; then a code that it alone reads
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(answer, '(bm|pf|prd|ten)_[0-9A-Za-z]{20,}', '\1_ID', 'g'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"TIME"', 'g') $$;
CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text; hint text; answer text;
BEGIN
    EXECUTE call INTO answer;
    RETURN pg_temp.plain(answer);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME, hint = PG_EXCEPTION_HINT;
    RETURN pg_temp.plain(format('%s %s: %s (%s)', state, field, message, hint));
END $$;
SELECT tally.create_metric('call', 'COUNT', name => 'Calls', slug => 'calls') AS calls,
       tally.create_metric('call', 'SUM', name => 'Bytes', aggregation_key => 'bytes', slug => 'call-bytes_2') AS bytes,
       tally.create_metric('gpu', 'SUM', name => 'GPU', aggregation_key => 'seconds') AS gpu \gset
SELECT count(*) FROM tally.ingest('[{"event_id": "1", "code": "call", "customer_id": "ann", "properties": {"bytes": 7}}, {"event_id": "2", "code": "gpu", "customer_id": "ann", "properties": {"seconds": 2}}]');
-- what is a slug, and what is not
SELECT s, pg_temp.try(format('SELECT tally.create_metric(''x'', ''COUNT'', slug => %L)', s))
FROM unnest(ARRAY['a', '0', 'a-b_c', repeat('a', 64), repeat('a', 65), '', 'A', 'ä', '-a', '_a', 'a b', 'a.b', E'a\n', 'bm_abc', '01a2213b-9015-76f5-9dcc-ac9e508c4c9f', 'calls']) s;
SELECT b, pg_temp.try(format('SELECT tally_rest.create_metric(1, ''{}'', ''{}'', %L)', replace(b, '$F', (SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family WHERE tenant_id = 1))))
FROM unnest(ARRAY['{"code":"x","name":"n","aggregation_type":"COUNT","product_family_id":"$F","slug":"by-rest"}', '{"code":"x","name":"n","aggregation_type":"COUNT","product_family_id":"$F","slug":null}',
    '{"code":"x","name":"n","aggregation_type":"COUNT","product_family_id":"$F","slug":7}', '{"code":"x","name":"n","aggregation_type":"COUNT","product_family_id":"$F","slug":"By"}',
    '{"code":"x","name":"n","aggregation_type":"COUNT","product_family_id":"$F","slug":"calls"}']) b;
-- the table refuses what the functions would
UPDATE tally.metric SET slug = 'A' WHERE name = 'GPU';
UPDATE tally.metric SET slug = '' WHERE name = 'GPU';
-- another tenant has its own
SET tally.tenant = 'other';
SELECT tally.create_metric('call', 'COUNT', slug => 'calls') ~ '^bm_' AS made;
SELECT pg_temp.try($$ SELECT value FROM tally.usage_total('call-bytes_2', now() - interval '1 day', now() + interval '1 day') $$);
SET tally.tenant = 'acme';
-- wherever a metric is named: by slug, by id, and by a code that it alone reads; a code of several says which
SELECT c.call, pg_temp.try(replace(c.call, '$', '''call''')) ~ '^22023 (metric|id|metric_id): (code "call" is read by 2 metrics|2 metrics read the code "call") .Name one by its id or slug: bm_ID, bm_ID.' AS several,
       pg_temp.try(replace(c.call, '$', '''call-bytes_2''')) AS slug, pg_temp.try(replace(c.call, '$', quote_literal(:'bytes'))) AS id, pg_temp.try(replace(c.call, '$', '''gpu''')) AS code
FROM unnest(ARRAY[
    'SELECT value FROM tally.usage($, now() - interval ''1 day'', now() + interval ''1 day'')',
    'SELECT value FROM tally.usage_total($, now() - interval ''1 day'', now() + interval ''1 day'')',
    'SELECT tally_rest.get_metric(1, jsonb_build_object(''id'', $), ''{}'', NULL) ->> ''name''',
    'SELECT tally_rest.metric_usage(1, jsonb_build_object(''id'', $), ''{"from":["2024-01-01"],"to":["2100-01-01"]}'', NULL) #>> ''{total,value}''',
    'SELECT tally_rest.metric_value(1, jsonb_build_object(''id'', $), ''{}'', NULL) ->> ''value''',
    'SELECT tally_rest.metric_summaries(1, jsonb_build_object(''id'', $), ''{"from":["2024-01-01"],"to":["2100-01-01"],"bucket":["100 years"]}'', NULL) #>> ''{summaries,0,total}''',
    'SELECT tally_rest.usage_summary(1, ''{}'', jsonb_build_object(''start_date'', ARRAY[''2024-01-01''], ''end_date'', ARRAY[''2100-01-01''], ''metric_id'', ARRAY[$]), NULL) #>> ''{usage,0,metric_name}''',
    'SELECT tally_rest.customer_usage(1, ''{"customer_id":"ann"}'', jsonb_build_object(''start_date'', ARRAY[''2024-01-01''], ''end_date'', ARRAY[''2100-01-01''], ''metric_id'', ARRAY[$]), NULL) #>> ''{usage,0,total_value}''',
    'SELECT tally_rest.record_value(1, jsonb_build_object(''metric'', $), ''{}'', ''{"value": 0}'') ->> ''total''',
    'SELECT tally_rest.change_metric(1, jsonb_build_object(''id'', $), ''{}'', ''{"description":"d"}'') ->> ''description''',
    'SELECT tally.archive_metric($) ~ ''^bm_''']) WITH ORDINALITY c(call, place) ORDER BY c.place;
-- archived: by id and slug only
SELECT pg_temp.try($$ SELECT value FROM tally.usage_total('gpu', now() - interval '1 day', now() + interval '1 day') $$);
SELECT pg_temp.try($$ SELECT tally_rest.get_metric(1, '{"id":"gpu"}', '{}', NULL) $$);
SELECT value FROM tally.usage_total('call-bytes_2', now() - interval '1 day', now() + interval '1 day');
SELECT tally_rest.unarchive_metric(1, '{"id":"call-bytes_2"}', '{}', NULL) IS NULL AS nothing;
-- an id first, then a slug, then a code; of value updates a name before the code
SELECT tally.create_metric('calls', 'SUM', name => 'Other calls', aggregation_key => 'n') AS other \gset
SELECT tally_rest.get_metric(1, '{"id":"calls"}', '{}', NULL) ->> 'name' AS slug_before_code;
SELECT tally.create_metric('named', 'SUM', name => 'Coded', aggregation_key => 'n') ~ '^bm_' AS made, tally.create_metric('more', 'SUM', name => 'named', aggregation_key => 'n') ~ '^bm_' AS made,
       tally.create_metric('last', 'SUM', name => 'Slug', slug => 'named', aggregation_key => 'n') AS slug \gset
SELECT tally_rest.record_value(1, '{"metric":"named"}', '{}', '{"value":1}') ->> 'total' AS total;
SELECT value AS by_slug FROM tally.usage_total(:'slug', now() - interval '1 day', now() + interval '1 day');
SELECT tally_rest.change_metric(1, '{"id":"named"}', '{}', '{"slug":null}') ->> 'slug' AS none;
SELECT tally_rest.record_value(1, '{"metric":"named"}', '{}', '{"value":2}') ->> 'total' AS total;
SELECT value AS by_name FROM tally.usage_total('more', now() - interval '1 day', now() + interval '1 day');
-- changed, cleared, given to another; what is taken says by whom
SELECT b, pg_temp.try(format('SELECT tally_rest.change_metric(1, ''{"id":"%s"}'', ''{}'', %L) ->> ''slug''', :'other', b))
FROM unnest(ARRAY['{"slug":"others"}', '{"slug":"others"}', '{"slug":"calls"}', '{"slug":"No"}', '{"slug":""}', '{"slug":5}', '{}', '{"slug":null}']) b;
SELECT tally_rest.change_metric(1, '{"id":"calls"}', '{}', '{"slug":"all-calls"}') ->> 'slug' AS slug;
SELECT tally_rest.change_metric(1, jsonb_build_object('id', :'other'), '{}', '{"slug":"calls"}') ->> 'slug' AS slug;
-- lists show it, and search in it
SELECT d ->> 'name' AS name, d ->> 'slug' AS slug FROM json_array_elements(tally_rest.list_metrics(1, '{}', '{"search":["CALLS"]}', NULL) -> 'data') d;
SELECT d ->> 'name' AS name, d ->> 'slug' AS slug FROM json_array_elements(tally_rest.list_metrics(1, '{}', '{"search":["bytes_"],"archived":["all"]}', NULL) -> 'data') d;
