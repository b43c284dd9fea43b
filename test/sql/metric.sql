-- metrics: what a definition may be, and what it is told when it is wrong
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_metric('api', 'COUNT') ~ '^bm_' AS made;
SELECT tally.create_metric('api', 'SUM');
SELECT tally.create_metric('api', 'sum', aggregation_key => 'x');
SELECT tally.create_metric('', 'COUNT');
SELECT tally.create_metric(repeat('x', 513), 'COUNT', name => 'n');
SELECT tally.create_metric(NULL, 'COUNT');
SELECT tally.create_metric('api', 'SUM', aggregation_key => '');
SELECT tally.create_metric('api', 'COUNT', conversion_factor => 0);
SELECT tally.create_metric('api', 'COUNT', conversion_factor => -5, conversion_rounding => 'UP');
SELECT tally.create_metric('api', 'COUNT', conversion_factor => 5, conversion_rounding => 'SIDEWAYS');
SELECT tally.create_metric('api', 'COUNT', conversion_rounding => 'UP');
SELECT tally.create_metric('api', 'COUNT', product_family_id => 'pf_0');
SELECT tally.create_metric('api', 'COUNT', product_family_id => 'nonsense');
SELECT tally.create_metric('api', 'COUNT', product_id => 'prd_0');
-- a group key that is a dimension of the matrix already groups no further
SELECT tally.create_metric('twice', 'COUNT', segmentation_matrix => '{"key":"p","values":["a"]}', usage_group_key => 'p') ~ '^bm_' AS made;
SELECT verdict FROM tally.record('twice', 'c', '{"p": "a"}');
SELECT dimensions FROM tally.usage('twice', now() - interval '1 day', now() + interval '1 day');
-- segmentation matrices
CREATE FUNCTION pg_temp.seg(m jsonb) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(array_to_string(tally._segmentation_problem(m), ': '), 'good') $$;
SELECT m, pg_temp.seg(m::jsonb) FROM unnest(ARRAY[
    '{"key":"p","values":["a"]}', '{"type":"SINGLE","key":"p","values":["a","b"]}', '{"type":"SINGLE","key":"p","values":[]}',
    '{"type":"SINGLE","key":"","values":["a"]}', '{"type":"SINGLE","key":"p"}', '{"type":"SINGLE","key":"p","values":["a",1]}',
    '{"type":"SINGLE","key":"p","values":["a"],"more":1}', '{"type":"TRIPLE"}', '[]', '"x"',
    '{"type":"DOUBLE","dimension1":{"key":"a","values":["1"]},"dimension2":{"key":"b","values":["2"]}}',
    '{"type":"DOUBLE","dimension1":{"key":"a","values":["1"]}}',
    '{"type":"DOUBLE","dimension1":{"key":"a","values":["1"]},"dimension2":{"key":"a","values":["2"]}}',
    '{"type":"DOUBLE","dimension1":{"key":"a","values":["1"]},"dimension2":{"key":"b","values":[]}}',
    '{"type":"LINKED","dimension1_key":"a","dimension2_key":"b","values":{"x":["1"],"y":[]}}',
    '{"type":"LINKED","dimension1_key":"a","dimension2_key":"b","values":{}}',
    '{"type":"LINKED","dimension1_key":"a","dimension2_key":"a","values":{"x":[]}}',
    '{"type":"LINKED","dimension1_key":"a","values":{"x":[]}}', '{"type":"LINKED","dimension1_key":"a","dimension2_key":"b","values":{"x":"1"}}']) m;
-- the table itself refuses what the functions would
INSERT INTO tally.metric (tenant_id, name, code, aggregation_type, product_family_id) SELECT 1, 'n', 'c', 'SUM', product_family_id FROM tally.product_family;
INSERT INTO tally.metric (tenant_id, name, code, aggregation_type, product_family_id, segmentation_matrix) SELECT 1, 'n', 'c', 'COUNT', product_family_id, '{}' FROM tally.product_family;
-- another tenant's family and product cannot be pointed at
SELECT tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT tally._encode_id('pf_', product_family_id) AS foreign_family FROM tally.product_family f JOIN tally.tenant t USING (tenant_id) WHERE t.name = 'other' \gset
\set SHOW_CONTEXT never
DO $$ BEGIN PERFORM tally.create_metric('api', 'COUNT', product_family_id => (SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family f JOIN tally.tenant t USING (tenant_id) WHERE t.name = 'other'));
EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE 'refused'; END $$;
INSERT INTO tally.metric (tenant_id, name, code, aggregation_type, product_family_id) SELECT tally.current_tenant(), 'n', 'c', 'COUNT', product_family_id FROM tally.product_family f JOIN tally.tenant t USING (tenant_id) WHERE t.name = 'other';
-- a code names a metric as long as only one reads it
SELECT (tally._find_metric(tally.current_tenant(), 'api')).code;
SELECT tally.create_metric('api', 'MAX', aggregation_key => 'ms') AS second \gset
DO $$ BEGIN PERFORM tally._find_metric(tally.current_tenant(), 'api'); EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE '%', SQLERRM; END $$;
SELECT (tally._find_metric(tally.current_tenant(), :'second')).aggregation_type;
SELECT tally.archive_metric(:'second') = :'second' AS archived;
SELECT tally.archive_metric(:'second') = :'second' AS again;
SELECT (tally._find_metric(tally.current_tenant(), 'api')).aggregation_type, (tally._find_metric(tally.current_tenant(), :'second')).archived_at IS NOT NULL AS still_found;
SELECT tally.archive_metric('nothing');
