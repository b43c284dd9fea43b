-- why a usage is what it is, and what each metric makes of an event: by the rule, in rows and in segments
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, slug => lower(t), aggregation_key => 'v', segmentation_matrix => '{"key":"region","values":["eu","us"]}', conversion_factor => 3,
    conversion_rounding => CASE WHEN t = 'COUNT' THEN 'NONE' ELSE 'UP' END) ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'SUM', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
SELECT tally.create_metric('call', 'SUM', name => 'plain', slug => 'plain', aggregation_key => 'v', usage_group_key => 'zone') ~ '^bm_' AS made;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', 'call', 'customer_id', 'c' || n % 3, 'timestamp', to_char(timestamp '2026-01-01' + n * interval '1 h', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'properties', jsonb_strip_nulls(jsonb_build_object('v', CASE n % 10 WHEN 9 THEN '"many"' WHEN 8 THEN '""' WHEN 7 THEN 'null' ELSE (n / 10.0)::text END::jsonb, 'region', (ARRAY['eu', 'us', 'asia', NULL])[1 + n % 4], 'zone', 'z' || n % 2)))) FROM generate_series(1, 100) n), true);
SELECT seq > 0 AS done FROM tally.void_event('e1', 'x');
SELECT seq > 0 AS done FROM tally.amend_event('e4', 'x', properties => '{"v": 1000, "region": "eu"}');
CREATE FUNCTION pg_temp.told(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', answer ->> 'events', (SELECT string_agg(k.key || ':' || (k.value ->> 'events'), ' ' ORDER BY n) FROM json_each(answer -> 'by_outcome') WITH ORDINALITY k(key, value, n)), answer ->> 'value', answer ->> 'converted_value', answer ->> 'places') $$;
CREATE VIEW pg_temp.answers AS
    SELECT m.name, c.customer, pg_temp.told(x.answer) AS told, (SELECT string_agg(concat_ws(' ', s ->> 'step', s ->> 'events', s ->> 'by', s ->> 'rounding', '=', s ->> 'result'), '; ' ORDER BY n) FROM json_array_elements(x.answer -> 'steps') WITH ORDINALITY k(s, n)) AS steps,
           (u.value, u.converted_value, u.events, u.skipped)::text = ((x.answer ->> 'value')::numeric, (x.answer ->> 'converted_value')::numeric, (x.answer -> 'by_outcome' -> 'counted' ->> 'events')::bigint,
              (SELECT sum((x.answer -> 'by_outcome' -> k ->> 'events')::bigint)::bigint FROM unnest(ARRAY['missing', 'empty', 'not_a_number', 'not_a_value']) k))::text AS same
    FROM tally.metric m, (VALUES (NULL), ('c1'), ('nobody')) c(customer),
         LATERAL tally.explain_usage(m.slug, '2026-01-01', '2026-01-04', c.customer, '{"region": ["eu", "asia", "us"]}') x(answer),
         LATERAL tally.usage_total(m.slug, '2026-01-01', '2026-01-04', c.customer, '{"region": ["eu", "asia", "us"]}') u;
SELECT * FROM pg_temp.answers ORDER BY name, customer;
CREATE TEMP TABLE before AS SELECT name, customer, regexp_replace(told, '[{].*', '') AS told, steps FROM pg_temp.answers;
SELECT e ->> 'event_id' AS event_id, e ->> 'customer_id' AS customer, e ->> 'timestamp' AS ts FROM json_array_elements(tally.explain_usage('sum', '2026-01-01', '2026-02-01') -> 'by_outcome' -> 'not_a_number' -> 'examples') e ORDER BY 3;
SELECT json_array_length(tally.explain_usage('sum', '2026-01-01', '2026-02-01') -> 'by_outcome' -> 'counted' -> 'examples') AS examples, tally.explain_usage('sum', '2026-01-01', '2026-02-01') -> 'by_outcome' -> 'amended' AS amended;
SELECT d ->> 'id' = m.id AS public_id, d ->> 'name' AS name, d ->> 'aggregation_type' AS aggregation, d ->> 'conversion_factor' AS factor, d -> 'segmentation_matrix' AS matrix FROM (SELECT tally.explain_usage('sum', '2026-01-01', '2026-02-01') -> 'definition') x(d), tally.metrics m WHERE m.slug = 'sum';
SELECT tally.explain_usage('nothing', '2026-01-01', '2026-02-01');
SELECT tally.explain_usage('sum', '2026-01-01', NULL);
SELECT tally.explain_usage('sum', '2026-01-01', '2026-02-01', filter => '{"customer_id": "c1"}');
CALL tally.pack(1, '0', true);
SELECT count(*), bool_and(a.same) AS same, count(b.name) AS as_before FROM pg_temp.answers a LEFT JOIN before b ON b.name = a.name AND b.customer IS NOT DISTINCT FROM a.customer AND a.told LIKE b.told || '%' AND a.steps = b.steps;
-- an event: what each metric takes of it, and why not
SELECT seq, customer_id, metric, counted, value, dimensions, reason FROM tally.explain_event('e2');
SELECT metric, counted, value, dimensions, reason FROM tally.explain_event('e5');
SELECT seq, metric, counted, value, dimensions, reason FROM tally.explain_event('e4', 'c1', '') WHERE metric IN ('SUM', 'plain');
SELECT metric, reason FROM tally.explain_event('e9') WHERE metric IN ('SUM', 'COUNT', 'COUNT_DISTINCT');
SELECT verdict FROM tally.record('unread', event_id => 'u', ts => '2026-01-01', allow_backfilling => true);
SELECT code, metric, counted, reason FROM tally.explain_event('u');
SELECT count(*) FROM tally.explain_event('nothing');
SELECT DISTINCT window_start, window_end FROM tally.explain_event('e2');
SELECT DISTINCT window_start, window_end, metric_id ~ '^bm_' AS named FROM tally.explain_event('e2', "window" => 'week', time_zone => 'Europe/Berlin');
SELECT tally.explain_event('e2', "window" => 'fortnight');
SELECT e -> 'metrics' -> -1 ->> 'value' AS value, e -> 'metrics' -> -1 ->> 'dimensions' AS dimensions FROM json_array_elements(tally_rest.get_event(1, '{"event_id": "e2"}', '{}', NULL) -> 'data') e;
-- a definition that is no metric: what it would make of the newest events, checked as if it were created, and stored nowhere
SELECT t.answer ->> 'events' AS events, t.answer ->> 'counted' AS counted, d ->> 'event_id' AS event_id, d ->> 'counted' AS counts, d ->> 'value' AS value, d ->> 'dimensions' AS dimensions, d ->> 'reason' AS reason
FROM (SELECT tally_rest.try_metric(1, '{}', jsonb_build_object('limit', '["4"]'::jsonb, 'metric', jsonb_build_array(m.slug)), json_build_object('name', 'tried', 'code', m.code, 'aggregation_type', 'MAX', 'aggregation_key', m.aggregation_key, 'usage_group_key', 'region', 'slug', m.slug,
             'product_family_id', (SELECT tally._encode_id('pf_', f.product_family_id) FROM tally.product_family f WHERE f.tenant_id = 1))::text) FROM tally.metric m WHERE m.name = 'SUM') t(answer), json_array_elements(t.answer -> 'data') d;
SELECT tally_rest.try_metric(1, '{}', '{}', '{"name": "tried", "code": "x", "aggregation_type": "SUM"}');
-- a slug that another metric has is refused before saving too; a metric that is to be changed may keep its own
SELECT json_build_object('name', 'tried', 'code', 'call', 'aggregation_type', 'COUNT', 'slug', 'plain',
    'product_family_id', (SELECT tally._encode_id('pf_', f.product_family_id) FROM tally.product_family f WHERE f.tenant_id = 1)) AS plain \gset
SELECT tally_rest.try_metric(1, '{}', '{}', :'plain');
SELECT tally_rest.try_metric(1, '{}', '{"metric": ["sum"]}', :'plain');
SELECT tally_rest.try_metric(1, '{}', '{"metric": ["nothing"]}', :'plain');
SELECT tally_rest.try_metric(1, '{}', '{"metric": ["plain"], "limit": ["1"]}', :'plain') ->> 'events' AS events;
SELECT count(*) FROM tally.metric WHERE name = 'tried';
