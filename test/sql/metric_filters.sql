-- filters of metrics: every op over recent events and segments, together with matrix, groups and the question's filter; changed and cleared
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
SELECT tally.create_tenant('filters') \g /dev/null
SET tally.tenant = 'filters';
\set ECHO all
\pset null '(none)'

-- plan: pro, free, the number 1, the text "1", empty, or none; v is 2^n
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(json_build_object(
    'event_id', n::text, 'code', 'c', 'customer_id', 'ann', 'timestamp', '2024-05-01T00:00:00Z',
    'properties', CASE n % 6 WHEN 0 THEN json_build_object('v', 1 << n, 'plan', 'pro', 'region', 'eu') WHEN 1 THEN json_build_object('v', 1 << n, 'plan', 'free', 'region', 'us')
        WHEN 2 THEN json_build_object('v', 1 << n, 'plan', 1.0, 'region', 'eu') WHEN 3 THEN json_build_object('v', 1 << n, 'plan', '1', 'region', 'asia')
        WHEN 4 THEN json_build_object('v', 1 << n, 'plan', '') ELSE json_build_object('v', 1 << n) END)) FROM generate_series(0, 11) n), allow_backfilling => true) GROUP BY 1;

CREATE FUNCTION pg_temp.with_filters(slug text, filters jsonb) RETURNS void LANGUAGE sql AS $$
    SELECT tally.create_metric('c', 'SUM', slug, 'v', slug => slug, filters => filters, segmentation_matrix => NULL) $$;
SELECT pg_temp.with_filters(s, f::jsonb) FROM (VALUES ('all', NULL), ('none', '[]'), ('equal', '[{"property":"plan","op":"EQUAL","values":["pro"]}]'),
    ('not-equal', '[{"property":"plan","op":"NOT_EQUAL","values":["pro"]}]'), ('in', '[{"property":"plan","op":"IN","values":["pro","1.0"]}]'),
    ('not-in', '[{"property":"plan","op":"NOT_IN","values":["free","1"]}]'),
    ('both', '[{"property":"plan","op":"NOT_EQUAL","values":["free"]},{"property":"region","op":"IN","values":["eu","us"]}]')) m(s, f) \g /dev/null
CREATE VIEW pg_temp.answers AS
    SELECT m.slug, (SELECT t.value FROM tally.usage_total(m.slug, '2024-01-01Z', '2025-01-01Z') t) AS total,
           (SELECT jsonb_object_agg(coalesce(u.dimensions ->> 'region', '-'), u.value) FROM tally.usage(m.slug, '2024-01-01Z', '2025-01-01Z', group_by => '{region}') u) AS by_region,
           (SELECT sum(u.value) FROM tally.usage(m.slug, '2024-01-01Z', '2025-01-01Z', filter => '{"region": ["eu"]}') u) AS of_eu
    FROM tally.metrics m ORDER BY m.slug;
SELECT * FROM pg_temp.answers;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.answers;
CALL tally.pack(1, '0', true);
SELECT count(*) AS segments FROM tally.segment;
SELECT count(*) AS differences FROM (SELECT * FROM before EXCEPT SELECT * FROM pg_temp.answers) d;

-- the views and answers show them; the event list says why
SELECT slug, filters FROM tally.metrics WHERE filters IS NOT NULL ORDER BY slug;
SELECT tally_rest.get_metric(1, '{"id":"both"}', '{}', NULL) -> 'filters' AS filters;
SELECT DISTINCT m ->> 'reason' AS reason FROM json_array_elements(tally_rest.list_events(1, '{}', '{}', NULL) -> 'data') e,
    json_array_elements(e -> 'metrics') m WHERE (m ->> 'counted')::boolean IS NOT TRUE;

-- changed, cleared, refused
SELECT tally.update_metric('in', filters => '[{"property":"plan","op":"EQUAL","values":["free"]}]') IS NOT NULL AS changed;
SELECT value AS free FROM tally.usage_total('in', '2024-01-01Z', '2025-01-01Z');
SELECT tally.update_metric('in', clear => '{filters}') IS NOT NULL AS cleared;
SELECT value AS everything FROM tally.usage_total('in', '2024-01-01Z', '2025-01-01Z');
CREATE FUNCTION pg_temp.refused(filters jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE field text; message text;
BEGIN
    PERFORM tally.create_metric('c', 'COUNT', filters => filters);
    RETURN 'taken';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS field = COLUMN_NAME, message = MESSAGE_TEXT;
    RETURN field || ': ' || message;
END
$$;
SELECT f, pg_temp.refused(f::jsonb) FROM unnest(ARRAY['{}', '"x"', '[1]', '[{}]', '[{"property":"p","op":"EQUAL"}]', '[{"property":"p","op":"LIKE","values":["a"]}]',
    '[{"property":"p","op":"EQUAL","values":["a","b"]}]', '[{"property":"p","op":"IN","values":[]}]', '[{"property":"p","op":"IN","values":[1]}]', '[{"property":"","op":"IN","values":["a"]}]',
    '[{"property":"p","op":"IN","values":["a"]},{"property":"$.a[","op":"IN","values":["a"]}]', '[{"property":"p","op":"IN","values":["a"],"x":1}]']) f;

-- a value metric counts its life by its filters, and anew when they change
SELECT tally.create_metric('pay', kind => 'dual', slug => 'paid', filters => '[{"property":"currency","op":"NOT_EQUAL","values":["test"]}]') IS NOT NULL AS made;
SELECT verdict, count(*) FROM tally.ingest('[{"event_id":"p1","code":"pay","customer_id":"ann","properties":{"value":10,"currency":"eur"}},
    {"event_id":"p2","code":"pay","customer_id":"ann","properties":{"value":100,"currency":"test"}},{"event_id":"p3","code":"pay","customer_id":"ann","properties":{"value":1000}}]'::jsonb) GROUP BY 1;
SELECT value FROM tally.usage_total('paid', '2000-01-01Z', '2100-01-01Z');
CALL tally.pack(1, '0', true);
SELECT tally_rest.record_value(1, '{"metric":"paid"}', '{}', '{"value":5,"event_id":"p4","filters":{"currency":"eur"}}');
SELECT tally.update_metric('paid', clear => '{filters}') IS NOT NULL AS cleared;
SELECT tally_rest.record_value(1, '{"metric":"paid"}', '{}', '{"value":5,"event_id":"p5"}');
