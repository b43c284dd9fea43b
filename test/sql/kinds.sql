-- properties of every kind of JSON: stored and given back as sent, the same before and after packing, and what metrics make of them
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.send(VARIADIC properties text[]) RETURNS TABLE (verdict text, reason text, field text) LANGUAGE sql AS $$
    SELECT i.verdict, i.reason, i.field
    FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"e%s","code":"k","customer_id":"c","timestamp":"2024-01-01T00:00:%sZ","properties":%s}',
                                                       n, to_char(n, 'FM00'), p), ',' ORDER BY n) || ']'
                       FROM unnest(properties) WITH ORDINALITY p(p, n)), true) i $$;
-- everything that JSON can say
SELECT * FROM pg_temp.send('{"p":true}', '{"p":false}', '{"p":null}', '{"p":{}}', '{"p":[]}', '{"p": {"b" : [1.0, "x", null, true, {"c": -0.50e1}], "a":""} , "q":[[[]]]}',
    '{"p":"true"}', '{"p":1.0}', '{"p":"\u00e9","q":{"\u00e9":"\n"}}', '{"usage":{"bytes":7,"region":"eu","ok":true,"list":[1,{"v":2.50},"x"]},"n":1}',
    '{"usage":{"bytes":"3","region":"us","ok":false,"list":[]},"n":2}', '{"usage":{"bytes":{"deep":1},"region":1.0,"ok":null},"n":4}', '{"usage":"text","n":8}',
    '{"usage":{"bytes":5},"usage.bytes":100,"n":16}', '{"usage":[{"bytes":9}],"n":32}', '{"usage":null,"usage.bytes":"10","n":64}');
-- the same event however it is written; another one is a conflict
SELECT * FROM pg_temp.send('{"p":true}', '{"p":true}', '{"p":"null"}', '{"p":[]}', '{"p": [ ]}', '{"q":[[[ ]]],"p":{"a":"","b":[1,"x",null,true,{"c":-5}]}}', '{"p":"true"}', '{"p":1}', '{"q":{"é":"\u000a"},"p":"é"}');
SELECT verdict FROM tally.record('k', 'c', '{"q": [[[]]], "p": {"a": "", "b": [1, "x", null, true, {"c": -5}]}}', 'e6', '2024-01-01 00:00:06Z', allow_backfilling => true);
-- what cannot be stored
SELECT verdict, field, reason FROM tally.ingest('[{"event_id":"a","code":"k","customer_id":"c","properties":{"p":[{"a":1,"a":2}]}},{"event_id":"b","code":"k","customer_id":"c","properties":{"p":["\u0000"]}},
  {"event_id":"c","code":"k","customer_id":"c","properties":{"p":{"a":["\ud800"]}}},{"event_id":"d","code":"k","customer_id":"c","properties":{"p":[1e5000]}}]');
SELECT left(i.reason, 60) AS reason, i.field FROM (VALUES (64), (65), (5000), (500000)) d(depth),
    LATERAL tally.ingest('[{"event_id":"deep' || depth || '","code":"deep","customer_id":"c","properties":{"p":' || repeat('[', depth) || repeat(']', depth) || '}}]') i;
SELECT index, verdict, reason FROM tally.ingest('[{"event_id":"a","code":"k","customer_id":"c","properties":{"p":[1,,2]}}]');
SELECT tally.create_metric('k', 'SUM', name => k.key, aggregation_key => k.key) IS NOT NULL AS made
FROM unnest(ARRAY['p', 'usage.bytes', '$.usage.bytes', '$[''usage''][''bytes'']', '$.usage.list[1].v', '$.usage.list[-1]', 'usage']) k(key);
CREATE VIEW pg_temp.metric AS SELECT m.name, tally._encode_id('bm_', m.metric_id) AS id, m.aggregation_type AS type FROM tally.metric m;
CREATE FUNCTION pg_temp.sums() RETURNS TABLE (key text, value numeric, events bigint, skipped bigint) LANGUAGE sql AS $$
    SELECT m.name, u.value, u.events, u.skipped FROM pg_temp.metric m, tally.usage_total(m.id, '2024-01-01Z', '2024-02-01Z') u ORDER BY m.type, m.name COLLATE "C" $$;
CREATE FUNCTION pg_temp.groups() RETURNS TABLE (name text, dimensions jsonb, value numeric, events bigint, skipped bigint) LANGUAGE sql AS $$
    SELECT g.name, u.dimensions, u.value, u.events, u.skipped
    FROM (VALUES ('p', ARRAY['p'], NULL), ('path', ARRAY['usage.region', '$.usage.ok'], NULL), ('true', ARRAY['$.usage.ok'], '{"$.usage.ok": true}'),
                 ('text', NULL, '{"p": "true"}'), ('number', ARRAY['usage.bytes'], '{"usage.region": [1, "eu"]}'), ('null', NULL, '{"p": "null"}')) g(name, keys, filter),
         LATERAL tally.usage('n', '2024-01-01Z', '2024-02-01Z', group_by => coalesce(g.keys, '{}'), filter => g.filter::jsonb) u $$;
SELECT tally.create_metric('k', 'COUNT_DISTINCT', name => 'distinct ' || k.key, aggregation_key => k.key) IS NOT NULL AS made FROM unnest(ARRAY['p', 'usage.ok', '$.usage.region']) k(key);
-- one that is found by its code: the events once more under another one
SELECT tally.create_metric('n', 'SUM', aggregation_key => 'n') IS NOT NULL AS made;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'n' || e.event_id, 'code', 'n', 'customer_id', e.customer_id, 'timestamp', to_char(e.ts, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', e.properties)) FROM tally.events e WHERE code = 'k'), true) WHERE verdict = 'accepted';
CREATE TEMP TABLE before AS SELECT 'sum' AS what, s::text AS row FROM pg_temp.sums() s UNION ALL SELECT 'group', g::text FROM pg_temp.groups() g
    UNION ALL SELECT 'event', (e.event_id, e.properties::jsonb)::text FROM tally.events('k') e;
SELECT * FROM pg_temp.sums();
SELECT * FROM pg_temp.groups();
-- why an event counts or not
SELECT e.event_id, (SELECT string_agg(coalesce(j ->> 'reason', 'counted'), '; ' ORDER BY m.name COLLATE "C") FROM json_array_elements(tally._event_json(e, false) -> 'metrics') j
                    JOIN pg_temp.metric m ON m.id = j ->> 'metric_id' WHERE m.name IN ('p', 'distinct p', 'usage.bytes', '$.usage.bytes')) AS reasons
FROM tally._find_events(tally.current_tenant(), 'k', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 100) e ORDER BY e.ts;
SELECT event_id, properties FROM tally.events('k') ORDER BY ts;
CALL tally.pack(min_events => 1, max_age => '0');
SELECT count(*) AS recent FROM tally.recent_event WHERE code IN ('k', 'n');
-- packed, everything is as it was
CREATE TEMP TABLE packed AS SELECT 'sum' AS what, s::text AS row FROM pg_temp.sums() s UNION ALL SELECT 'group', g::text FROM pg_temp.groups() g
    UNION ALL SELECT 'event', (e.event_id, e.properties::jsonb)::text FROM tally.events('k') e;
(TABLE before EXCEPT ALL TABLE packed) UNION ALL (TABLE packed EXCEPT ALL TABLE before);
SELECT event_id, properties FROM tally.events('k') WHERE event_id IN ('e3', 'e6', 'e9') ORDER BY ts;
SELECT verdict, count(*) FROM pg_temp.send('{"p":true}', '{"p":true}', '{"p":null}') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS problems FROM tally.verify();
-- keys that are none are refused where they are given, with the place
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    field text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS field = COLUMN_NAME;
    RETURN format('%s %s: %s', SQLSTATE, field, SQLERRM);
END $$;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT tally.create_metric('x', 'SUM', aggregation_key => '$.a[')$$, $$SELECT tally.create_metric('x', 'SUM', aggregation_key => 'a..b')$$,
    $$SELECT tally.create_metric('x', 'COUNT', usage_group_key => '$[0]')$$,
    $$SELECT tally.create_metric('x', 'COUNT', segmentation_matrix => '{"key": "$.a[*]", "values": ["1"]}')$$,
    $$SELECT tally.create_metric('x', 'COUNT', segmentation_matrix => '{"type": "DOUBLE", "dimension1": {"key": "a", "values": ["1"]}, "dimension2": {"key": "b.", "values": ["1"]}}')$$,
    $$SELECT tally.create_metric('x', 'COUNT', segmentation_matrix => '{"type": "LINKED", "dimension1_key": "$", "dimension2_key": "b", "values": {"1": []}}')$$,
    $$SELECT * FROM tally.usage('n', '2024-01-01Z', '2024-02-01Z', group_by => '{$.a-b}')$$,
    $$SELECT * FROM tally.usage('n', '2024-01-01Z', '2024-02-01Z', filter => '{"$..a": 1}')$$,
    $$SELECT * FROM tally.usage('n', '2024-01-01Z', '2024-02-01Z', filter => '{"a": {"b": 1}}')$$,
    $$SELECT tally.create_metric('x', 'SUM', aggregation_key => '$cost')$$]) s;
-- a kind sees what a path leads to; a matrix too
SELECT tally.create_metric('paid', kind => 'base', aggregation_key => '$.order.total', segmentation_matrix => '{"key": "order.paid", "values": ["true"]}') IS NOT NULL AS made;
SELECT verdict, field, reason, unmatched FROM tally.ingest('[{"event_id":"1","code":"paid","customer_id":"c","properties":{"order":{"total":5,"paid":true}}},{"event_id":"2","code":"paid","customer_id":"c","properties":{"order":{"total":-5,"paid":true}}},
  {"event_id":"3","code":"paid","customer_id":"c","properties":{"order":{"total":-5,"paid":false}}},{"event_id":"4","code":"paid","customer_id":"c","properties":{"order":{"paid":true}}},{"event_id":"5","code":"pait","customer_id":"c"}]');
SELECT value, events, skipped FROM tally.usage_total('paid', '2000-01-01Z', '2100-01-01Z');
