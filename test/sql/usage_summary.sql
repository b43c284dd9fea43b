-- tally_rest: usage of all metrics in the shape of the Meteroid API
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(answer, 'bm_[0-9A-Za-z]+', 'bm_ID', 'g') $$;
CREATE FUNCTION pg_temp.summary(query text, tenant integer DEFAULT 1, customer text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN pg_temp.plain((CASE WHEN customer IS NULL THEN tally_rest.usage_summary(tenant, '{}', query::jsonb, NULL)
                          ELSE tally_rest.customer_usage(tenant, jsonb_build_object('customer_id', customer), query::jsonb, NULL) END)::text);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
-- one row for each metric and group
CREATE FUNCTION pg_temp.rows(query text, customer text DEFAULT NULL, OUT metric text, OUT total text, OUT value text, OUT dimensions text, OUT error text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT u ->> 'metric_name', u ->> 'total_value', g ->> 'value', g ->> 'dimensions', u ->> 'error'
    FROM json_array_elements(pg_temp.summary(query, 1, customer)::json -> 'usage') u LEFT JOIN LATERAL json_array_elements(u -> 'grouped_usage') g ON true $$;
SELECT pg_temp.summary('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}') AS no_metrics;
SELECT t, tally.create_metric('m', t, name => t, aggregation_key => 'v', usage_group_key => 'g') ~ '^bm_' AS made
FROM unnest(ARRAY['SUM', 'COUNT', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
SELECT tally.create_metric('m', 'SUM', name => 'plain', aggregation_key => 'v', conversion_factor => 1000, conversion_rounding => 'UP') ~ '^bm_' AS made;
SELECT tally.create_metric('m', 'SUM', name => 'matrix', aggregation_key => 'v', segmentation_matrix => '{"type":"LINKED","dimension1_key":"p","dimension2_key":"r","values":{"aws":["eu"],"gcp":[]}}') ~ '^bm_' AS made;
SELECT tally.create_metric('m', 'SUM', name => 'archived', aggregation_key => 'v') AS archived \gset
SELECT tally.archive_metric(:'archived') = :'archived' AS archived;
-- nothing has happened
SELECT * FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}');
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', 'm', 'customer_id', r[1], 'timestamp', r[2], 'properties', r[3]::jsonb))
    FROM (SELECT n, string_to_array(line, '|') AS r FROM regexp_split_to_table('ann|2024-01-01T00:00:00Z|{"v":1,"g":"x","p":"aws","r":"eu"}
ann|2024-01-05T00:00:00Z|{"v":2,"p":"aws","r":"asia"}
bob|2024-01-06T00:00:00Z|{"v":4.50,"g":"","p":"gcp","r":"asia"}
bob|2024-01-31T23:59:59.999999Z|{"v":8,"g":"y","p":"azure","r":"eu"}
bob|2024-01-31T00:00:00Z|{"v":"lots","g":"y"}
bob|2024-02-01T00:00:00Z|{"v":1000,"g":"x"}', '\n') WITH ORDINALITY l(line, n)) x)::text, true) GROUP BY 1;
-- the total is no sum of groups; the end is no part of the period
SELECT * FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}');
SELECT * FROM pg_temp.rows('{"start_date":["2024-02-01"],"end_date":["2024-02-02"]}') WHERE metric IN ('SUM', 'COUNT');
-- one customer; one without events
SELECT * FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"],"metric_id":[""]}', 'ann');
SELECT * FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}', 'nobody') WHERE metric IN ('SUM', 'MEAN', 'plain');
-- one metric, an archived one too
SELECT pg_temp.summary(format('{"start_date":["2024-01-01"],"end_date":["2024-02-01"],"metric_id":["%s"]}', :'archived'));
SELECT pg_temp.summary('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}', 2) AS another_tenant;
-- wrong questions
SELECT q, pg_temp.summary(q) FROM unnest(ARRAY['{}', '{"start_date":["2024-01-01"]}', '{"end_date":["2024-01-01"]}', '{"start_date":["2024-01-01"],"end_date":["2024-01-01"]}',
    '{"start_date":["2024-02-01"],"end_date":["2024-01-01"]}', '{"start_date":["0000-12-31"],"end_date":["2024-01-01"]}', '{"start_date":["2024-02-30"],"end_date":["2024-03-01"]}', '{"start_date":["2024-01-01T00:00:00Z"],"end_date":["2024-03-01"]}',
    '{"start_date":["yesterday"],"end_date":["2024-03-01"]}', '{"start_date":["2024-01-01","2024-01-02"],"end_date":["2024-03-01"]}', '{"start_date":["2024-01-01"],"end_date":["2024-03-01"],"metric_id":["bm_0"]}',
    '{"start_date":["2024-01-01"],"end_date":["2024-03-01"],"metric_id":["m"]}', '{"start_date":["2024-01-01"],"end_date":["2024-03-01"],"window":["day"]}']) q;
SELECT pg_temp.summary(format('{"start_date":["2024-01-01"],"end_date":["2024-02-01"],"metric_id":["%s"]}', :'archived'), 2) ~ '^P0002 metric_id' AS metric_of_another_tenant;
-- a metric that cannot be computed spoils no other
ALTER TABLE tally.metric DROP CONSTRAINT metric_conversion_factor_check;
UPDATE tally.metric SET conversion_factor = 0 WHERE name = 'plain';
SELECT * FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}') WHERE metric IN ('SUM', 'plain', 'matrix');
SELECT u FROM json_array_elements(pg_temp.summary('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}')::json -> 'usage') u WHERE u ->> 'metric_name' = 'plain';
SELECT pg_temp.summary('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}', 1, repeat('x', 256));
-- all metrics of a code are answered in one pass over its events, and say what each says alone
CREATE FUNCTION pg_temp.index_scans() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_stat_get_xact_numscans('tally.recent_event_pkey'::regclass) $$;
BEGIN;
SELECT pg_temp.index_scans() AS before \gset
SELECT pg_temp.summary('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}') ~ 'COUNT_DISTINCT' AS answered;
SELECT pg_temp.index_scans() - :before AS scans_of_a_failing_code;
UPDATE tally.metric SET conversion_factor = 1000 WHERE name = 'plain';
SELECT tally.create_metric('n', 'COUNT', name => 'other code') ~ '^bm_' AS made;
SELECT pg_temp.index_scans() AS before \gset
SELECT count(DISTINCT metric) AS metrics, count(error) AS errors FROM pg_temp.rows('{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}');
SELECT pg_temp.index_scans() - :before AS scans_of_two_codes;
SELECT name AS answered_differently FROM tally.metric m,
    LATERAL (SELECT u ->> 'total_value' AS total, (u ->> 'grouped_usage')::jsonb AS groups
             FROM json_array_elements(tally_rest.usage_summary(1, '{}', '{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}', NULL) -> 'usage') u
             WHERE u ->> 'metric_id' = tally._encode_id('bm_', m.metric_id)) together,
    LATERAL (SELECT (SELECT value::text FROM tally.usage_total(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2024-02-01')) AS total,
                    (SELECT coalesce(jsonb_agg(jsonb_build_object('value', value::text, 'dimensions', dimensions) ORDER BY dimensions), '[]')
                     FROM tally.usage(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2024-02-01')) AS groups) alone
WHERE (together.total, together.groups) IS DISTINCT FROM (alone.total, alone.groups);
SELECT is_total, count(*), sum(events + skipped) AS events
FROM tally._usage_of_code(ARRAY(SELECT m FROM tally.metric m WHERE code = 'm' AND name IN ('SUM', 'COUNT')), '2024-01-01', '2024-02-01', NULL) GROUP BY 1;
SELECT tally._usage_of_code(ARRAY(SELECT m FROM tally.metric m WHERE name IN ('SUM', 'other code')), '2024-01-01', '2024-02-01', NULL);
ROLLBACK;
SELECT tally._usage_of_code('{}', '2024-01-01', '2024-02-01', NULL);
SELECT tally._usage_of_code(ARRAY[NULL]::tally.metric[], '2024-01-01', '2024-02-01', NULL);
-- a metric that needs more than the memory takes nothing from the others of its code; where events lie changes no answer
SELECT t, tally.create_metric('many', t, name => 'many ' || t, aggregation_key => CASE WHEN t <> 'COUNT' THEN 'v' END) ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'COUNT_DISTINCT', 'SUM']) t;
SELECT verdict, count(*) FROM generate_series(0, 1) batch, LATERAL tally.ingest(
    (SELECT jsonb_agg(jsonb_build_object('event_id', 'many ' || n, 'code', 'many', 'customer_id', 'ann', 'timestamp', '2024-03-01T00:00:00Z', 'properties', jsonb_build_object('v', n)))
     FROM generate_series(10000 * batch + 1, 10000 * batch + 10000) n)::text, true) GROUP BY 1;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT metric, total, error FROM pg_temp.rows('{"start_date":["2024-03-01"],"end_date":["2024-04-01"]}') WHERE metric ~ 'many';
CALL tally.pack(1, '0 seconds', true);
SELECT metric, total, error FROM pg_temp.rows('{"start_date":["2024-03-01"],"end_date":["2024-04-01"]}') WHERE metric ~ 'many';
RESET work_mem;
RESET hash_mem_multiplier;
SELECT metric, total, error FROM pg_temp.rows('{"start_date":["2024-03-01"],"end_date":["2024-04-01"]}') WHERE metric ~ 'many';
-- an answer says what it is made of
SELECT verdict, reason FROM tally.record('many', 'bob', '{"v":"x"}', 'late', '2024-03-02T00:00:00Z', allow_backfilling => true);
SELECT tally_rest.metric_usage(1, json_build_object('id', tally._encode_id('bm_', metric_id))::jsonb, '{"from":["2024-03-01"],"to":["2024-04-01"]}', NULL) -> 'made_of' AS made_of FROM tally.metric WHERE name = 'many SUM';
SELECT tally.archive_metric(tally._encode_id('bm_', metric_id)) ~ '^bm_' AS archived FROM tally.metric WHERE code = 'many';
-- an error of another kind spoils no other metric, nor does one that never ends; nor a code
SELECT tally.create_metric('n', 'COUNT', name => 'other code') ~ '^bm_' AS made;
CREATE FUNCTION pg_temp.spoil(statement text) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    EXECUTE format($q$CREATE OR REPLACE FUNCTION tally._usage_of_code(metrics tally.metric[], "from" timestamptz, "to" timestamptz, customers text[], as_of text)
        RETURNS TABLE (metric_number integer, is_total boolean, value numeric, dimensions jsonb) LANGUAGE plpgsql VOLATILE AS $b$
        DECLARE names text[] := ARRAY(SELECT name FROM unnest(metrics));
        BEGIN %s; RETURN QUERY SELECT u.metric_number, u.is_total, u.value, u.dimensions FROM tally._unspoilt(metrics, "from", "to", customers, as_of) u; END $b$ $q$, statement);
END $f$;
ALTER FUNCTION tally._usage_of_code(tally.metric[], timestamptz, timestamptz, text[], text) RENAME TO _unspoilt;
CREATE FUNCTION pg_temp.states(period text DEFAULT '{"start_date":["2024-01-01"],"end_date":["2024-02-01"]}') RETURNS TABLE (metric text, state text) LANGUAGE sql AS $$
    SELECT u ->> 'metric_name', coalesce(u ->> 'error', 'answered') FROM json_array_elements(tally_rest.usage_summary(1, '{}', period::jsonb, NULL) -> 'usage') u $$;
SELECT pg_temp.spoil($$IF 'COUNT' = ANY (names) THEN PERFORM 1 / 0; ELSIF 'MIN' = ANY (names) THEN PERFORM tally.no_such_function(); END IF$$);
SELECT * FROM pg_temp.states();
SELECT pg_temp.spoil($$IF names && '{COUNT,matrix,other code,archived}' THEN PERFORM pg_sleep(1000000); END IF$$);
SET statement_timeout = '4s';
SELECT * FROM pg_temp.states();
-- of one metric alone it is the statement that ends
SET statement_timeout = '100ms';
SELECT pg_temp.states(format('{"start_date":["2024-01-01"],"end_date":["2024-02-01"],"metric_id":["%s"]}', :'archived'));
RESET statement_timeout;
SELECT tally._statement_deadline();
SELECT tally._set_statement_deadline('infinity');
-- a cancel is no timer: it ends the statement, though time is left
SELECT pg_temp.spoil($$IF 'COUNT' = ANY (names) THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(1000000); END IF$$);
SET statement_timeout = '1000s';
SELECT * FROM pg_temp.states();
RESET statement_timeout;
