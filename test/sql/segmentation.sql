-- segmentation matrices, usage group keys and unit conversion in usage
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
\pset null ~
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', v::text, 'code', 'pr', 'customer_id', 'c', 'timestamp', '2024-01-01T00:00:00Z',
        'properties', jsonb_strip_nulls(jsonb_build_object('p', p, 'r', r, 'v', v))))
    FROM (VALUES ('aws', 'eu', 1), ('aws', 'asia', 2), ('gcp', 'asia', 4), ('azure', 'eu', 8), ('aws', NULL, 16), (NULL, 'eu', 32)) x(p, r, v)), true) GROUP BY 1;
CREATE FUNCTION pg_temp.groups(matrix jsonb, group_key text DEFAULT NULL) RETURNS TABLE(dimensions jsonb, value numeric, events bigint) LANGUAGE plpgsql AS $$
DECLARE m text := tally.create_metric('pr', 'SUM', aggregation_key => 'v', segmentation_matrix => matrix, usage_group_key => group_key);
BEGIN RETURN QUERY SELECT u.dimensions, u.value, u.events FROM tally.usage(m, '2024-01-01', '2024-01-02') u; END $$;
SELECT * FROM pg_temp.groups('{"type":"SINGLE","key":"p","values":["aws","gcp"]}');
SELECT * FROM pg_temp.groups('{"type":"DOUBLE","dimension1":{"key":"p","values":["aws","gcp"]},"dimension2":{"key":"r","values":["eu","asia"]}}');
SELECT * FROM pg_temp.groups('{"type":"LINKED","dimension1_key":"p","dimension2_key":"r","values":{"aws":["eu"],"gcp":[]}}');
SELECT * FROM pg_temp.groups('{"type":"LINKED","dimension1_key":"p","dimension2_key":"r","values":{"aws":[]}}');
SELECT * FROM pg_temp.groups('{"type":"SINGLE","key":"p","values":["aws","gcp"]}', 'r');
SELECT * FROM pg_temp.groups(NULL, 'r');
SELECT * FROM pg_temp.groups('{"type":"SINGLE","key":"p","values":["nobody"]}');
-- totals of a segmented metric
CREATE TEMP TABLE made AS SELECT t, tally.create_metric('pr', t, aggregation_key => 'v', segmentation_matrix => '{"key":"p","values":["aws","gcp"]}') AS m
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
SELECT t, u.* FROM made, tally.usage_total(m, '2024-01-01', '2024-01-02') u;
-- a matrix and ad-hoc groups and filters together
SELECT tally.create_metric('pr', 'SUM', aggregation_key => 'v', segmentation_matrix => '{"key":"p","values":["aws","gcp"]}') AS m \gset
SELECT dimensions, value FROM tally.usage(:'m', '2024-01-01', '2024-01-02', group_by => '{r,p}', filter => '{"r":["eu","asia"]}');
-- conversion: each group's value divided, then rounded; the total's own value, not the sum of the rounded groups
SELECT tally.create_metric('pr', 'SUM', aggregation_key => 'v', usage_group_key => 'p', conversion_factor => 10, conversion_rounding => 'UP') AS m \gset
SELECT dimensions, value, converted_value FROM tally.usage(:'m', '2024-01-01', '2024-01-02');
SELECT tally.create_metric('pr', 'SUM', aggregation_key => 'v', usage_group_key => 'p', conversion_factor => 10, conversion_rounding => 'UP') AS m \gset
SELECT value, converted_value FROM tally.usage_total(:'m', '2024-01-01', '2024-01-02');
SELECT tally.create_metric('pr', 'MEAN', aggregation_key => 'none', conversion_factor => 10) AS m \gset
SELECT value, converted_value FROM tally.usage(:'m', '2024-01-01', '2024-01-02');
-- one customer's filled windows of a grouped metric
SELECT tally.create_metric('pr', 'SUM', aggregation_key => 'v', usage_group_key => 'p') AS m \gset
SELECT window_start::date, dimensions, value FROM tally.usage(:'m', '2024-01-01', '2024-01-03', "window" => 'day', fill => true);
