-- views with public ids, and the verbs of REST in SQL
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE ROLE regress_view_app IN ROLE tally_app;
CREATE ROLE regress_view_admin IN ROLE tally_admin;
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(answer, '(bm|pf|prd|ten|imp)_[0-9A-Za-z]{20,}', '\1_ID', 'g') $$;
CREATE FUNCTION pg_temp.try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text; answer text;
BEGIN
    EXECUTE call INTO answer;
    RETURN pg_temp.plain(answer);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN pg_temp.plain(format('%s %s: %s', state, field, message));
END $$;
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other', 'test') ~ '^ten_' AS made;
SET tally.tenant = 'other';
SELECT tally.create_metric('foreign', 'COUNT') ~ '^bm_' AS made, tally.create_product('Foreign') ~ '^prd_' AS made, (tally.record('foreign', 'zoe')).verdict;
SET tally.tenant = 'acme';
-- products and families: made, changed, archived
SELECT tally.create_product_family('Compute', 'compute') AS compute \gset
SELECT c, pg_temp.try(c) FROM unnest(ARRAY[
    $$SELECT tally.create_product_family('Again', 'compute')$$, $$SELECT tally.create_product_family(NULL)$$, $$SELECT tally.create_product_family('x', 'a b')$$,
    $$SELECT tally.update_product_family('compute', name => 'Computing')$$, $$SELECT tally.update_product_family('compute', clear => '{name}')$$,
    $$SELECT tally.update_product_family('nothing')$$, $$SELECT tally.archive_product_family('compute')$$, $$SELECT tally.unarchive_product_family('compute')$$,
    $$SELECT tally.archive_product_family((SELECT id FROM tally.product_families WHERE is_default))$$,
    $$SELECT tally.create_product('GPU', 'compute', 'gpu', 'Graphics')$$, $$SELECT tally.create_product('Other')$$, $$SELECT tally.create_product('x', 'nothing')$$,
    $$SELECT tally.create_product('x', alias => 'gpu')$$, $$SELECT tally.update_product('gpu', name => 'GPUs', clear => '{description}')$$,
    $$SELECT tally.update_product('gpu', description => 'x', clear => '{description}')$$, $$SELECT tally.update_product('gpu', alias => 'gpus')$$, $$SELECT tally.update_product('gpu')$$,
    $$SELECT tally.archive_product('gpus')$$]) WITH ORDINALITY u(c, place) ORDER BY place;
SELECT pg_temp.plain(id) AS id, name, alias, is_default, archived_at IS NOT NULL AS archived FROM tally.product_families;
SELECT pg_temp.plain(id) AS id, name, alias, product_family_id = :'compute' AS compute, description, archived_at IS NOT NULL AS archived FROM tally.products;
SELECT tally.unarchive_product('gpus') = id AS same FROM tally.products WHERE alias = 'gpus';
SELECT name, archived_at FROM tally.products;
-- metrics: shown with the names that functions take; changed, archived and back
SELECT tally.create_metric('gpu', 'SUM', slug => 'gpu', aggregation_key => 'seconds', description => 'd', conversion_factor => 60, conversion_rounding => 'UP') ~ '^bm_' AS made,
       tally.create_metric('gpu', 'COUNT', name => 'Jobs', product_family_id => :'compute') ~ '^bm_' AS made;
SELECT c, pg_temp.try(c) FROM unnest(ARRAY[
    $$SELECT tally.update_metric('gpu', name => 'GPU seconds')$$, $$SELECT tally.update_metric('gpu', conversion_factor => 3600)$$, $$SELECT tally.update_metric('gpu', slug => 'gpu-seconds', description => 'more')$$,
    $$SELECT tally.update_metric('gpu-seconds', segmentation_matrix => '{"key": "region", "values": ["eu"]}')$$,
    $$SELECT tally.update_metric('gpu-seconds', segmentation_matrix => '{"key": "region"}')$$, $$SELECT tally.update_metric('gpu-seconds', conversion_factor => 0)$$,
    $$SELECT tally.update_metric('gpu-seconds', conversion_rounding => 'DOWN')$$, $$SELECT tally.update_metric('gpu-seconds', conversion_rounding => 'UP', clear => '{conversion_factor}')$$,
    $$SELECT tally.update_metric('gpu-seconds', slug => 'Bad')$$, $$SELECT tally.update_metric('gpu-seconds', clear => '{code}')$$, $$SELECT tally.update_metric('gpu-seconds', clear => ARRAY[NULL])$$,
    $$SELECT tally.update_metric('gpu')$$, $$SELECT tally.update_metric(NULL)$$, $$SELECT tally.archive_metric('gpu-seconds')$$, $$SELECT tally.unarchive_metric('nothing')$$]) WITH ORDINALITY u(c, place) ORDER BY place;
SELECT pg_temp.plain(id) AS id, slug, name, code, aggregation_type, aggregation_key, kind, description, segmentation_matrix, conversion_factor, conversion_rounding,
       pg_temp.plain(product_family_id) AS family, updated_at > created_at AS changed, archived_at IS NOT NULL AS archived FROM tally.metrics;
SELECT tally.update_metric('gpu-seconds', clear => '{conversion_factor,description,segmentation_matrix,slug}') = tally.unarchive_metric(id) AS same FROM tally.metrics WHERE slug = 'gpu-seconds';
SELECT pg_temp.try($$SELECT tally.update_metric((SELECT id FROM tally.metrics WHERE name = 'GPU seconds'), conversion_rounding => 'UP')$$);
SELECT name, slug, description, segmentation_matrix, conversion_factor, conversion_rounding, archived_at FROM tally.metrics;
-- customers: recent events and packed ones; a void event counts nowhere, nor does one without a customer
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', CASE WHEN n % 3 = 0 THEN 'gpu' ELSE 'call' END, 'customer_id', CASE WHEN n % 7 = 6 THEN '' ELSE 'c' || n % 7 END,
    'timestamp', to_char(timestamp '2026-01-28' + n * interval '7 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', jsonb_build_object('seconds', n))) FROM generate_series(1, 3000) AS n), allow_backfilling => true) WHERE verdict = 'accepted';
CREATE FUNCTION pg_temp.differ(one text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
    WITH told AS (SELECT * FROM tally.customers(one)),
         counted AS (SELECT customer_id, min(ts), max(ts), count(*) FROM tally.events WHERE NOT voided AND customer_id <> '' AND (one IS NULL OR customer_id = one) GROUP BY 1)
    SELECT count(*) FROM ((TABLE told EXCEPT TABLE counted) UNION ALL (TABLE counted EXCEPT TABLE told)) x $$;
SELECT * FROM tally.customers;
SELECT pg_temp.differ() AS differ;
CALL tally.pack(min_events => 1, max_age => '0');
SELECT pg_temp.differ() AS differ, pg_temp.differ('c3') AS one, pg_temp.differ('nobody') AS nobody, pg_temp.differ('') AS none;
SELECT tally_rest.import_chunk(1, '{}', '{"name":["old"]}', string_agg(format('{"event_id":"i%s","code":"call","customer_id":"%s","timestamp":"%s"}', n, CASE n WHEN 1 THEN 'only' ELSE 'c1' END,
    CASE n WHEN 1 THEN '2026-01-01T00:00:00Z' WHEN 2 THEN '2026-01-02T00:00:00Z' ELSE '2026-03-01T00:00:00Z' END), E'\n')) ->> 'import_id' AS import FROM generate_series(1, 3) n \gset
SELECT pg_temp.differ() AS differ;
SELECT * FROM tally.customers('c1');
CALL tally.pack(min_events => 1, max_age => '0', tidy => true);
SELECT pg_temp.differ() AS differ;
-- imports: taken back once
SELECT pg_temp.plain(id) AS id, name, accepted, duplicates, failures, voided_at, void_reason, voided FROM tally.imports;
SELECT tally.void_import(:'import', 'a mistake') AS voided;
SELECT pg_temp.try(format('SELECT tally.void_import(%L)', :'import'));
SELECT pg_temp.try($$SELECT tally.void_import('imp_0')$$), pg_temp.try($$SELECT tally.void_import('x')$$), pg_temp.try($$SELECT tally.void_import(NULL)$$);
SELECT name, voided_at IS NOT NULL AS void, void_reason, voided FROM tally.imports;
SELECT pg_temp.differ() AS differ;
SELECT * FROM tally.customers('only');
SELECT * FROM tally.customers('c1');
SELECT event_id, voided FROM tally.events('call', '2026-01-01Z', '2026-01-03Z') ORDER BY ts;
-- too many for the memory: told, and not taken
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'm' || n, 'code', 'many', 'customer_id', repeat('m', 200) || n)) FROM generate_series(1, 3000) AS n)) WHERE verdict = 'accepted';
SELECT count(*) FROM tally.customers;
RESET work_mem;
RESET hash_mem_multiplier;
SELECT count(*) FROM tally.customers;
-- limits
SELECT * FROM tally.limits;
SELECT tally.set_limits(events_per_month => 10, requests_per_second => 5, burst => 7) ~ '^ten_' AS set;
SELECT * FROM tally.limits;
-- who sees what: an administrator all tenants, a developer the one that it chose
SET ROLE regress_view_admin;
SELECT pg_temp.plain(id) AS id, name, mode, events_per_month FROM tally.tenants;
SELECT name FROM tally.metrics ORDER BY 1;
SET ROLE regress_view_app;
SELECT name, mode FROM tally.tenants;
SELECT (SELECT count(*) FROM tally.metrics) AS metrics, (SELECT count(*) FROM tally.products) AS products, (SELECT count(*) FROM tally.product_families) AS families,
       (SELECT count(*) FROM tally.imports) AS imports, (SELECT count(*) > 5 FROM tally.customers) AS customers, (SELECT events_per_month FROM tally.limits) AS allowed;
SET tally.tenant = 'other';
SELECT (SELECT string_agg(code, ',') FROM tally.metrics) AS metrics, (SELECT string_agg(name, ',') FROM tally.products) AS products, (SELECT count(*) FROM tally.product_families) AS families,
       (SELECT count(*) FROM tally.imports) AS imports, (SELECT string_agg(customer_id, ',') FROM tally.customers) AS customers, (SELECT events_per_month FROM tally.limits) AS allowed;
RESET ROLE;
RESET tally.tenant;
DROP ROLE regress_view_app, regress_view_admin;
