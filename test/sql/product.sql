-- tally_rest: product families and products, by id or alias
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(answer::text, '(bm|pf|prd|ten)_[0-9A-Za-z]+', '\1_ID', 'g'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"TIME"', 'g') $$;
-- $F: id of the family "Compute", $D: of the default one, $P: of the product "CPU"
CREATE FUNCTION pg_temp.fill(given text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(replace(given, '$F', coalesce((SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family WHERE alias = 'compute'), '')),
        '$D', (SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family WHERE is_default AND tenant_id = 1)),
        '$P', coalesce((SELECT tally._encode_id('prd_', product_id) FROM tally.product WHERE alias = 'cpu'), '')) $$;
CREATE FUNCTION pg_temp.call(function text, id text, query text DEFAULT '{}', body text DEFAULT NULL, tenant integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text; answer text;
BEGIN
    EXECUTE format('SELECT tally_rest.%I($1, $2, $3, $4)', function) INTO answer
    USING tenant, jsonb_build_object('id', pg_temp.fill(id)), pg_temp.fill(query)::jsonb, pg_temp.fill(body);
    RETURN coalesce(pg_temp.plain(answer), 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN pg_temp.plain(format('%s %s: %s', state, field, message));
END $$;
-- families
SELECT b, pg_temp.call('create_product_family', '', body => b) FROM unnest(ARRAY['{"name":"Compute","alias":"compute"}', '{"name":"Compute"}', '{"name":"Storage 100%","alias":null}',
    '{"name":"again","alias":"compute"}', '{}', '{"name":""}', '{"name":null}', '{"name":"x","alias":"a b"}', '{"name":"x","alias":""}', '{"name":"x","alias":7}', '{"nam":"x"}', '[]', '']) b;
SELECT i, pg_temp.call('get_product_family', i) FROM unnest(ARRAY['compute', '$F', '$D', 'Compute', 'pf_0', 'x y']) i;
SELECT pg_temp.call('get_product_family', 'compute', tenant => 2) AS another_tenant;
SELECT b, pg_temp.call('change_product_family', 'compute', body => b) FROM unnest(ARRAY['{}', '{"name":"Computing"}', '{"name":null}', '{"id":"pf_0"}', '{"archived_at":null}', '{"nam":"x"}']) b;
SELECT pg_temp.call('change_product_family', '$D', body => '{"alias":"compute"}');
SELECT pg_temp.call('change_product_family', '$D', body => '{"alias":"default"}');
SELECT pg_temp.call('change_product_family', 'default', body => '{"alias":null}');
SELECT q, pg_temp.call('list_product_families', '', q) FROM unnest(ARRAY['{"order_by":["name.asc"]}', '{"per_page":["2"],"page":["1"],"order_by":["name.asc"]}', '{"page":["7"]}', '{"search":["%"]}', '{"search":["COMP"],"order_by":["name.desc"]}', '{"order_by":["id.asc"]}', '{"archived":["true"]}', '{"archived":["x"]}', '{"serach":["x"]}', '{"per_page":["101"]}']) q;
-- products
SELECT b, pg_temp.call('create_product', '', body => b) FROM unnest(ARRAY['{"name":"CPU","product_family_id":"$F","alias":"cpu","description":"by the second"}',
    '{"name":"GPU","product_family_id":"$F"}', '{"name":"Disk","product_family_id":"$D","description":""}', '{"name":"again","product_family_id":"$F","alias":"cpu"}',
    '{"name":"x"}', '{"name":"x","product_family_id":"pf_0"}', '{"name":"x","product_family_id":"compute"}', '{"product_family_id":"$F"}', '{"name":"x","product_family_id":"$F","price":1}']) b;
-- a body takes ids: for an alias the error tells the id, of the tenant's own things only
DO $$
DECLARE one record; tip text;
BEGIN
    FOR one IN SELECT * FROM (VALUES (1, 'compute', NULL, '$F'), (1, '$F', 'cpu', '$P'), (2, 'compute', NULL, '$F'), (1, '$F', 'none', '$P')) v(tenant, family, product, id) LOOP
        BEGIN
            PERFORM tally_rest.create_metric(one.tenant, '{}', '{}', json_build_object('code', 'x', 'name', 'x', 'aggregation_type', 'COUNT',
                'product_family_id', pg_temp.fill(one.family), 'product_id', one.product)::text);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS tip = PG_EXCEPTION_HINT;
            RAISE NOTICE '% (% told)', SQLERRM, CASE WHEN tip = format('It is %s.', pg_temp.fill(one.id)) THEN 'id' ELSE 'no id' END;
        END;
    END LOOP;
END $$;
SELECT pg_temp.call('create_product', '', body => '{"name":"x","product_family_id":"$F"}', tenant => 2) AS family_of_another_tenant;
SELECT i, pg_temp.call('get_product', i) FROM unnest(ARRAY['cpu', '$P', 'prd_0', 'CPU']) i;
SELECT pg_temp.call('get_product', 'cpu', tenant => 2) AS another_tenant;
SELECT b, pg_temp.call('change_product', 'cpu', body => b) FROM unnest(ARRAY['{}', '{"name":"Processor","description":null}', '{"description":"x"}', '{"description":""}', '{"name":null}',
    '{"product_family_id":"$D"}', '{"id":"x"}', '{"nam":"x"}']) b;
SELECT pg_temp.call('change_product', 'cpu', body => '{"alias":null}') AS cleared, pg_temp.call('get_product', 'cpu') AS gone;
SELECT q, pg_temp.call('list_products', '', q) FROM unnest(ARRAY['{}', '{"per_page":["1"],"page":["2"],"search":["p"]}', '{"product_family_id":["$D"]}', '{"product_family_id":["pf_0"]}', '{"search":["_"]}', '{"order_by":["name.desc"]}', '{"order_by":["name"]}']) q;

-- what a billing system says of a product is kept as it was sent, nulls too
SELECT b, pg_temp.call('create_product', '', body => b) FROM unnest(ARRAY[
    '{"name":"U","product_family_id":"$F","alias":"u","fee_structure":{"fee_type":"USAGE","metric_id":"bm_0","model":"PER_UNIT","cap":null},"catalog":false}',
    '{"name":"R","product_family_id":"$F","fee_structure":{"type":"RATE"}}', '{"name":"N","product_family_id":"$F","fee_structure":null}',
    '{"name":"x","product_family_id":"$F","fee_structure":{}}', '{"name":"x","product_family_id":"$F","fee_structure":{"type":"rate"}}',
    '{"name":"x","product_family_id":"$F","fee_structure":"RATE"}', '{"name":"x","product_family_id":"$F","catalog":"yes"}']) b;
SELECT b, pg_temp.call('change_product', 'u', body => b) FROM unnest(ARRAY['{"catalog":true}',
    '{"fee_structure":{"fee_type":"SLOT","slot_unit_name":"seat"}}', '{"fee_structure":{"fee_type":7}}', '{"fee_structure":null}']) b;
-- families come newest first, products by name
SELECT pg_temp.call('create_product_family', '', body => '{"name":"AAA first"}') IS NOT NULL, pg_sleep(0.01);
SELECT pg_temp.call('create_product_family', '', body => '{"name":"BBB last"}') IS NOT NULL;
SELECT (pg_temp.call('list_product_families', '')::json #>> '{data,0,name}'), (pg_temp.call('list_product_families', '', '{"order_by":["created_at.asc"]}')::json #>> '{data,0,name}');
-- archive and unarchive
SELECT pg_temp.call('create_product', '', body => '{"name":"Net","product_family_id":"$F","alias":"net"}') ~ 'prd_' AS made;
SELECT f, i, pg_temp.call(f, i), pg_temp.call(f, i) AS again, pg_temp.call(f, 'none') AS unknown
FROM (VALUES (1, 'archive_product', 'net'), (2, 'archive_product_family', 'compute')) v(n, f, i) ORDER BY n;
SELECT pg_temp.call('archive_product_family', '$D') AS default_family;
SELECT pg_temp.call('list_products', '', '{"archived":["true"]}') AS products, pg_temp.call('list_product_families', '', '{"archived":["true"]}') AS families;
SELECT f, i, pg_temp.call(f, i), pg_temp.call(f, i) AS again, pg_temp.call(f, 'none') AS unknown
FROM (VALUES (1, 'unarchive_product', 'net'), (2, 'unarchive_product_family', 'compute')) v(n, f, i) ORDER BY n;
SELECT pg_temp.call('get_product', 'net') AS product, pg_temp.call('get_product_family', 'compute') AS family;
