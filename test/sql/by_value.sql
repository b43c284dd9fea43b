-- numbers are compared by value and texts as they are, wherever a configured text meets a property
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
\pset null ~
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
-- size as it was sent, with a power of two to tell which events are meant
CREATE TEMP TABLE sent (n integer, size text);
INSERT INTO sent VALUES (1, '1'), (2, '1.0'), (4, '1.00'), (8, '1e0'), (16, '0.1e1'), (32, '"1"'), (64, '"1.0"'), (128, '"+1"'), (256, '"1e0"'),
    (512, '2'), (1024, '"one"'), (2048, '-1.0'), (4096, '0.0'), (8192, '-0'), (16384, '12345678901234567890123.10'), (32768, '""'), (65536, NULL);
SELECT verdict, count(*) FROM tally.ingest((SELECT ('[' || string_agg(format(
    '{"event_id": "%s", "code": "disk", "customer_id": "c", "timestamp": "2024-01-01T00:00:00Z", "properties": {"n": %s%s}}',
    n, n, ', "size": ' || size), ',') || ']')::json::text::jsonb FROM sent), true) GROUP BY 1;
-- which of them a filter and a matrix let in
CREATE FUNCTION pg_temp.filtered(filter jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(s.size, ' ' ORDER BY s.n), '-') FROM tally.usage_total('disk', '2024-01-01', '2024-01-02', filter => filter) u, sent s
    WHERE s.n & u.value::integer > 0 $$;
CREATE FUNCTION pg_temp.segmented(matrix jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text := tally.create_metric('disk', 'SUM', aggregation_key => 'n', segmentation_matrix => matrix);
BEGIN
    RETURN (SELECT coalesce(string_agg(s.size, ' ' ORDER BY s.n), '-') FROM tally.usage_total(m, '2024-01-01', '2024-01-02') u, sent s
            WHERE s.n & u.value::integer > 0);
END $$;
SELECT tally.create_metric('disk', 'SUM', aggregation_key => 'n') ~ '^bm_' AS made;
SELECT f AS filter, pg_temp.filtered(jsonb_build_object('size', f)) AS finds
FROM unnest(ARRAY['1', '1.0', '1.00', '1e0', '10e-1', '+1', '01', '1.', '-1', '-1.00', '0', '-0.0', '12345678901234567890123.1', ' 1', '1 ', '0x1', 'one', 'ONE', '', 'NaN']) f;
SELECT f AS filter, pg_temp.filtered(f) AS finds
FROM unnest(ARRAY['{"size": 1.0}', '{"size": 1}', '{"size": 1e0}', '{"size": ["2.0", "one"]}', '{"size": [2.000, "1.0"]}', '{"size": []}', '{"size": "1.0", "n": 2.0}',
                  '{"size": "1.0", "n": "2e0"}', '{"n": [512.0, "1024.00"]}', '{"none": "1"}']::jsonb[]) f;
SELECT v AS listed, pg_temp.segmented(jsonb_build_object('key', 'size', 'values', jsonb_build_array(v))) AS single,
       pg_temp.segmented(jsonb_build_object('type', 'DOUBLE', 'dimension1', jsonb_build_object('key', 'size', 'values', jsonb_build_array(v)),
                                            'dimension2', '{"key": "n", "values": ["2.0", "4e0", "64.00", "512"]}'::jsonb)) AS double,
       pg_temp.segmented(jsonb_build_object('type', 'LINKED', 'dimension1_key', 'n', 'dimension2_key', 'size',
                                            'values', jsonb_build_object('2.0', jsonb_build_array(v), '4', '[]'::jsonb, '6.40e1', jsonb_build_array(v)))) AS linked
FROM unnest(ARRAY['1', '1.0', '+1', 'one', '2.00']) v;
-- an empty list of a linked matrix means any value, none included; two spellings of one number join their lists
SELECT pg_temp.segmented('{"type": "LINKED", "dimension1_key": "size", "dimension2_key": "none", "values": {"1.0": []}}') AS any,
       pg_temp.segmented('{"type": "LINKED", "dimension1_key": "size", "dimension2_key": "n", "values": {"1.0": ["1"], "1": ["2.0"], "2": ["1"]}}') AS joined;
-- one group and one distinct value, whatever zeros: the metric's own group, group_by, the text 1 and the number 1
SELECT tally.create_metric('disk', 'COUNT', usage_group_key => 'size') AS grouped \gset
SELECT dimensions, value FROM tally.usage(:'grouped', '2024-01-01', '2024-01-02');
SELECT dimensions, value FROM tally.usage(:'grouped', '2024-01-01', '2024-01-02', group_by => '{size}', filter => '{"size": "1.0"}');
SELECT tally.create_metric('disk', 'COUNT_DISTINCT', aggregation_key => 'size') AS different \gset
SELECT value, events, skipped FROM tally.usage_total(:'different', '2024-01-01', '2024-01-02');
SELECT value, events, skipped FROM tally.usage_total(:'different', '2024-01-01', '2024-01-02', filter => '{"size": 1.0}');
SELECT dimensions, value FROM tally.usage(:'different', '2024-01-01', '2024-01-02', group_by => '{size}', filter => '{"size": ["1.0", "-0.00"]}');
-- kinds refuse by value and within their segments, the event list says why in the same words
SELECT tally.create_metric('paid', 'SUM', aggregation_key => 'v', kind => 'dual', segmentation_matrix => '{"key": "size", "values": ["1.0"]}') ~ '^bm_' AS made;
SELECT verdict, reason, field FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'p' || n, 'code', 'paid', 'customer_id', 'c', 'properties', p) ORDER BY n)
    FROM unnest(ARRAY['{"size": 1, "v": 0.00}', '{"size": 1.00, "v": "-0e5"}', '{"size": 2, "v": 0}', '{"size": "1", "v": 0}', '{"size": "1.0", "v": 0}',
                      '{"size": 1.00, "v": "0x0"}', '{"size": 1, "v": 0.0001}', '{"size": 1, "v": ""}', '{"size": 1}']::jsonb[]) WITH ORDINALITY x(p, n)));
SELECT e -> 'properties' AS properties, e #>> '{metrics,0,counted}' AS counted, e #>> '{metrics,0,reason}' AS reason
FROM json_array_elements(tally_rest.list_events((SELECT t.tenant_id FROM tally.tenant t), '{}', '{"code": ["paid"]}', NULL) -> 'data') e ORDER BY e ->> 'event_id';
