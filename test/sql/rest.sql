-- tally_rest: what the routes answer
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.family() RETURNS text LANGUAGE sql AS $$ SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family $$;
-- an answer without its ids and times
CREATE FUNCTION pg_temp.plain(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(answer::text, '(bm|pf|prd|ten)_[0-9A-Za-z]+', '\1_ID', 'g'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"TIME"', 'g') $$;
CREATE FUNCTION pg_temp.post(body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN pg_temp.plain(tally_rest.create_metric(1, '{}', '{}', replace(body, '$F', pg_temp.family())));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT pg_temp.post('{"aggregation_type":"COUNT","code":"a","name":"Calls","product_family_id":"$F"}');
SELECT pg_temp.post('{"aggregation_type":"SUM","code":"a","name":"100%","product_family_id":"$F","aggregation_key":"v","description":"d","product_id":null,"segmentation_matrix":{"key":"p","values":["x"]},"unit_conversion":{"factor":123,"rounding":"UP"},"usage_group_key":"g"}');
SELECT b, pg_temp.post(b) FROM unnest(ARRAY['', 'x', '[]', '{}', '{"name":5}',
    '{"aggregation_type":"SUM","code":"a","name":"n","product_family_id":"$F"}',
    '{"aggregation_type":"TOTAL","code":"a","name":"n","product_family_id":"$F"}',
    '{"aggregation_type":"COUNT","code":"","name":"n","product_family_id":"$F"}',
    '{"aggregation_type":"COUNT","code":"a","name":"n"}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"pf_0"}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","product_id":"prd_0"}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","unit_conversion":{"factor":0,"rounding":"UP"}}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","unit_conversion":{"factor":1.5,"rounding":"UP"}}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","unit_conversion":{"factor":2}}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","unit_conversion":7}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","segmentation_matrix":{"key":"p","values":[]}}',
    '{"aggregation_type":"COUNT","code":"a","name":"n","product_family_id":"$F","descripton":"d"}',
    '{"aggregation_type":"COUNT","code":"a\u0000","name":"n","product_family_id":"$F"}']) b;
SELECT pg_temp.post('{"aggregation_type":"COUNT","code":"b","name":"calls_2","product_family_id":"$F"}') ~ 'bm_' AS made;
-- lists
CREATE FUNCTION pg_temp.names(query jsonb, OUT names text, OUT meta json) LANGUAGE sql AS $$
    SELECT (SELECT string_agg(d ->> 'name', ', ') FROM json_array_elements(a -> 'data') d), a -> 'pagination_meta' FROM tally_rest.list_metrics(1, '{}', query, NULL) a $$;
SELECT q, n.* FROM unnest(ARRAY['{}', '{"per_page":["2"]}', '{"per_page":["2"],"page":["1"]}', '{"page":["9"]}', '{"order_by":["name.desc"]}', '{"order_by":["created_at.desc"]}',
    '{"search":["%"]}', '{"search":["_"]}', '{"search":["CALLS"]}', '{"search":["nothing"]}', '{"archived":["true"]}', '{"archived":["all"]}']) q, pg_temp.names(q::jsonb) n;
SELECT tally_rest.list_metrics(1, '{}', '{"per_page":["0"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"per_page":["101"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"page":["-1"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"page":["1","2"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"order_by":["id.asc"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"archived":["maybe"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"product_family_id":["pf_0"]}', NULL);
SELECT tally_rest.list_metrics(1, '{}', '{"serach":["x"]}', NULL);
SELECT pg_temp.plain(tally_rest.get_metric(1, jsonb_build_object('id', metric_id), '{}', NULL)) FROM tally.metric WHERE name = 'Calls';
SELECT tally_rest.get_metric(1, '{"id":"bm_7n42DGM5Tflk9n8mt7Fhc7"}', '{}', NULL);
SELECT tally_rest.get_metric(1, '{"id":"Calls"}', '{}', NULL);
SELECT replace(pg_temp.plain(tally_rest.get_profile(1, '{}', '{}', NULL)), to_char(now(), 'YYYY-MM'), 'MONTH');
-- bodies that are JSON and can yet not be stored: the field is named
CREATE FUNCTION pg_temp.made(body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN tally_rest.create_metric(1, '{}', '{}', body);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT b, pg_temp.made(b) FROM unnest(ARRAY['{"code":"x","name":1e999999}', '{"code":"x","unit_conversion":{"factor":[1e-999999]}}', '{"code":"a\\u0000","name":["b\\\u0000"]}', '{"a\u0000b":1}',
    '{"code":"x","name":"n","description":1e400}']) b;
-- usage
SELECT verdict, count(*) FROM tally.ingest('[{"event_id":"1","code":"b","customer_id":"ann","timestamp":"2024-01-01T00:00:00Z","properties":{"r":"eu"}},
  {"event_id":"2","code":"b","customer_id":"ann","timestamp":"2024-01-02T00:00:00.5Z","properties":{"r":"us"}},
  {"event_id":"3","code":"b","customer_id":"bob","timestamp":"2024-01-02T12:00:00Z"}]'::text, true) GROUP BY 1;
CREATE FUNCTION pg_temp.usage(query jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN regexp_replace(tally_rest.metric_usage(1, jsonb_build_object('id', (SELECT metric_id FROM tally.metric WHERE code = 'b')), query, NULL)::text, 'bm_[0-9A-Za-z]+', 'bm_ID');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT q, pg_temp.usage(q::jsonb) FROM unnest(ARRAY[
    '{"from":["2024-01-01"],"to":["2024-01-03"]}',
    '{"from":["2024-01-01T00:00:00Z"],"to":["2024-01-02T00:00:00.500001Z"]}',
    '{"from":["2024-01-01"],"to":["2024-01-04"],"window":["day"],"fill":["true"],"customer_id":["ann"]}',
    '{"from":["2024-01-01"],"to":["2024-01-03"],"group_by":["customer_id","r"],"customer_id":["ann","bob","bob"]}',
    '{"from":["2024-01-01"],"to":["2024-01-03"],"filter[r]":["eu","us"],"time_zone":["America/New_York"]}',
    '{"to":["2024-01-03"]}', '{"from":["2024-01-01"]}', '{"from":["2024-13-01"],"to":["2024-01-03"]}', '{"from":["2024-01-01T00:00:00 02:00"],"to":["2024-01-03"]}',
    '{"from":["2024-01-03"],"to":["2024-01-01"]}', '{"from":["2024-01-01"],"to":["2024-01-03"],"window":["moon"]}', '{"from":["2024-01-01"],"to":["2024-01-03"],"fill":["yes"]}',
    '{"from":["2024-01-01"],"to":["2024-01-03"],"windw":["day"]}', '{"from":["2024-01-01"],"to":["2024-01-03"],"time_zone":["EST+5"]}', '{"from":["2024-01-01"],"to":["2024-01-03"],"filter[]":["x"]}']) q;
