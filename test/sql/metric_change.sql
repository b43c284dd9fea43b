-- tally_rest: changing and archiving metrics
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
CREATE FUNCTION pg_temp.plain(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(answer::text, '(bm|pf|prd|ten)_[0-9A-Za-z]+', '\1_ID', 'g'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"TIME"', 'g') $$;
CREATE FUNCTION pg_temp.id() RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('id', tally._encode_id('bm_', metric_id)) FROM tally.metric WHERE code = 'c' $$;
CREATE FUNCTION pg_temp.patch(body text, tenant integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN pg_temp.plain(tally_rest.change_metric(tenant, pg_temp.id(), '{}', body));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN regexp_replace(format('%s %s: %s', state, field, message), 'bm_[0-9A-Za-z]+', 'bm_ID');
END $$;
SELECT tally.create_metric('c', 'SUM', name => 'Calls', aggregation_key => 'v', description => 'd', conversion_factor => 10, conversion_rounding => 'UP',
    segmentation_matrix => '{"key":"p","values":["x"]}') ~ '^bm_' AS made;
-- what is present changes, null clears, {} changes nothing
SELECT b, pg_temp.patch(b) FROM unnest(ARRAY['{}', '{"name":"Calls made"}', '{"unit_conversion":{"factor":2,"rounding":"NONE"}}', '{"description":null}',
    '{"segmentation_matrix":{"key":"q","values":["y","z"]}}', '{"unit_conversion":null,"segmentation_matrix":null,"description":""}']) b;
-- what cannot be
SELECT b, pg_temp.patch(b) FROM unnest(ARRAY['', '[]', '{"name":null}', '{"name":""}', '{"name":7}', '{"description":{}}', '{"unit_conversion":{"factor":0,"rounding":"UP"}}',
    '{"unit_conversion":[]}', '{"segmentation_matrix":{"key":"p"}}', '{"segmentation_matrix":"x"}', '{"code":"d"}', '{"aggregation_type":"COUNT"}', '{"aggregation_key":"w"}',
    '{"usage_group_key":null}', '{"product_family_id":null}', '{"product_id":null}', '{"id":"bm_0"}', '{"archived_at":null}', '{"nmae":"x"}']) b;
SELECT pg_temp.patch('{"name":"x"}', 2);
SELECT tally_rest.change_metric(1, '{"id":"bm_0"}', '{}', '{}');
SELECT tally_rest.change_metric(1, '{"id":"d"}', '{}', '{}');
SELECT tally_rest.change_metric(1, pg_temp.id(), '{"x":["1"]}', '{}');
-- archive and unarchive: once, twice, what does not exist
SELECT tally_rest.archive_metric(1, pg_temp.id(), '{}', NULL) IS NULL AS nothing;
CREATE TEMP TABLE first AS SELECT archived_at FROM tally.metric;
SELECT pg_sleep(0.005) IS NOT NULL AS later, tally_rest.archive_metric(1, pg_temp.id(), '{}', NULL) IS NULL AS nothing;
SELECT m.archived_at = f.archived_at AS as_before FROM tally.metric m, first f;
SELECT pg_temp.plain(tally_rest.get_metric(1, pg_temp.id(), '{}', NULL));
SELECT json_array_length(tally_rest.list_metrics(1, '{}', '{}', NULL) -> 'data') AS listed, json_array_length(tally_rest.list_metrics(1, '{}', '{"archived":["true"]}', NULL) -> 'data') AS archived;
SELECT pg_temp.patch('{"name":"Calls once made"}');
SELECT tally_rest.unarchive_metric(1, pg_temp.id(), '{}', NULL) IS NULL AS nothing;
SELECT tally_rest.unarchive_metric(1, pg_temp.id(), '{}', NULL) IS NULL AS nothing;
SELECT pg_temp.plain(tally_rest.get_metric(1, pg_temp.id(), '{}', NULL));
SELECT tally_rest.archive_metric(1, '{"id":"bm_0"}', '{}', NULL);
SELECT tally_rest.unarchive_metric(1, '{"id":"bm_0"}', '{}', NULL);
SELECT tally_rest.unarchive_metric(1, '{"id":"x"}', '{}', NULL);
SELECT tally_rest.archive_metric(1, pg_temp.id(), '{"force":["1"]}', NULL);
