-- kinds of metrics, value updates and reading them back
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_metric('sales', kind => 'base', name => 'Sales') ~ '^bm_' AS made, tally.create_metric('members', kind => 'dual', name => 'Members') ~ '^bm_' AS made,
       tally.create_metric('mood', kind => 'average', name => 'How it feels / 100%', aggregation_key => 'score') ~ '^bm_' AS made,
       tally.create_metric('load', 'MAX', 'Load', 'cpu') ~ '^bm_' AS made, tally.create_metric('hits', 'COUNT', 'Hits') ~ '^bm_' AS made,
       tally.create_metric('who', 'COUNT_DISTINCT', 'Who', 'who') ~ '^bm_' AS made;
SELECT name, kind, aggregation_type, aggregation_key FROM tally.metric ORDER BY metric_id;
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; state text; message text; field text; hint text;
BEGIN
    EXECUTE command INTO answer;
    RETURN regexp_replace(answer, '(bm|pf)_[0-9A-Za-z]+', '\1_ID', 'g');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME, hint = PG_EXCEPTION_HINT;
    RETURN regexp_replace(concat_ws(' ', state, field || ':', message, '(' || nullif(hint, '') || ')'), 'bm_[0-9A-Za-z]+', 'bm_ID', 'g');
END $$;
-- definitions
SELECT pg_temp.try($$ SELECT tally.create_metric('x', kind => 'multi') $$);
SELECT pg_temp.try($$ SELECT tally.create_metric('x', 'MAX', kind => 'base') $$);
SELECT pg_temp.try($$ SELECT tally.create_metric('x', 'SUM', kind => 'average') $$);
SELECT pg_temp.try($$ SELECT tally.create_metric('x') $$);
CREATE FUNCTION pg_temp.post(body text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT tally_rest.create_metric(1, ''{}'', ''{}'', %L)::jsonb - ''created_at''',
                              replace(body, '$F', (SELECT tally._encode_id('pf_', product_family_id) FROM tally.product_family)))) $$;
SELECT pg_temp.post('{"code":"refunds","name":"Refunds","kind":"base","product_family_id":"$F"}');
SELECT pg_temp.post('{"code":"refunds","name":"Refunds","kind":"average","aggregation_type":"MEAN","aggregation_key":"x","product_family_id":"$F"}');
SELECT pg_temp.post('{"code":"refunds","name":"Refunds","kind":"base","aggregation_type":"COUNT","product_family_id":"$F"}');
SELECT pg_temp.post('{"code":"refunds","name":"Refunds","kind":5,"product_family_id":"$F"}');
SELECT pg_temp.try(format('SELECT tally_rest.change_metric(1, %L, ''{}'', ''{"kind":"dual"}'')', jsonb_build_object('id', metric_id))) FROM tally.metric WHERE name = 'Sales';
UPDATE tally.metric SET kind = 'average' WHERE name = 'Sales';
-- updates
CREATE FUNCTION pg_temp.update(metric text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT tally_rest.record_value(1, %L, ''{}'', %L)', jsonb_build_object('metric', metric), body)) $$;
SELECT b, pg_temp.update('Sales', b) FROM unnest(ARRAY['{"value":100}', '{"value":0.1}', '{"value":2.10}', '{"value":1e2}', '{"value":0}', '{"value":-0.0}', '{"value":-1}',
    '{"value":"5"}', '{"value":null}', '{"value":true}', '{"value":[1]}', '{}', '[]', '5', '', '{"value":', '{"value":01}', '{"value":NaN}', '{"value":1,"amount":2}',
    '{"value":1e2000}', '{"value":1e-2000}', '{"value":1e999999}', '{"value":12345678901234567890123456789.123456789}']) b;
SELECT b, pg_temp.update('Members', b) FROM unnest(ARRAY['{"value":5}', '{"value":-2.5}', '{"value":0}', '{"value":0.000}']) b;
SELECT b, pg_temp.update('How it feels / 100%', b) FROM unnest(ARRAY['{"value":5}', '{"value":-2}', '{"value":0}']) b;
SELECT m, pg_temp.update(m, '{"value":-3}') FROM unnest(ARRAY['Load', 'Hits', 'Who']) m;
-- a metric that is not there answers as a bad key does
SELECT m, pg_temp.update(m, '{"value":1}') FROM unnest(ARRAY['sale', 'Sale', '', 'bm_0', 'bm_7n42DGM5Tflk9n8mt7Fhc7', '00000000-0000-0000-0000-000000000000']) m;
SELECT pg_temp.try($$ SELECT tally_rest.authenticate('x', 'write') $$);
SELECT tally.archive_metric('who') ~ '^bm_' AS archived;
SELECT pg_temp.update('Who', '{"value":1}'), pg_temp.update((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'Who'), '{"value":1}');
SELECT pg_temp.update((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'Sales'), '{"value":1}') AS by_id;
SELECT tally.create_metric('sales', 'SUM', 'Sales', 'other') AS twin \gset
SELECT pg_temp.update('Sales', '{"value":1}');
SELECT tally.archive_metric(:'twin') = :'twin' AS archived;
-- filters, event ids, times
SELECT b, pg_temp.update('Sales', b) FROM unnest(ARRAY['{"value":1,"filters":{"region":"eu","Plan":"pro"}}', '{"value":1,"filters":null}', '{"value":1,"filters":{}}',
    '{"value":1,"filters":{"region":5}}', '{"value":1,"filters":["eu"]}', '{"value":1,"filters":{"value":"eu"}}', '{"value":1,"filters":{"":"eu"}}',
    '{"value":7,"event_id":"e1"}', '{"value":7.0,"event_id":"e1"}', '{"value":8,"event_id":"e1"}', '{"value":7,"event_id":""}', '{"value":7,"event_id":5}', '{"value":7,"event_id":null}',
    '{"value":7,"timestamp":""}', '{"value":7,"timestamp":null}', '{"value":7,"timestamp":"now"}', '{"value":7,"timestamp":5}']) b;
SELECT regexp_replace(pg_temp.update('Sales', '{"value":7,"timestamp":"2020-01-01T00:00:00Z"}'), '\d+ days', 'N days');
-- an event id is unique within its metric
SELECT pg_temp.update('Members', '{"value":7,"event_id":"e1"}');
SELECT code, regexp_replace(source, '_.*', '_ID') AS source, customer_id, properties FROM tally.recent_event WHERE event_id = 'e1' OR properties::jsonb ? 'region' ORDER BY seq;
SELECT pg_temp.try(format('SELECT tally_rest.record_value(1, %L, ''{"x":["1"]}'', %L)', '{"metric":"Sales"}', '{"value":1}'));
-- reading back
CREATE FUNCTION pg_temp.value(metric_name text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT tally_rest.metric_value(1, %L, ''{}'', NULL)', jsonb_build_object('id', (SELECT metric_id FROM tally.metric WHERE name = metric_name ORDER BY metric_id LIMIT 1)))) $$;
SELECT pg_temp.value(m) FROM unnest(ARRAY['Sales', 'Members', 'How it feels / 100%', 'Load', 'Hits', 'Who', 'Refunds']) m;
SELECT pg_temp.try($$ SELECT tally_rest.metric_value(1, '{"id":"bm_0"}', '{}', NULL) $$);
SELECT pg_temp.try($$ SELECT tally_rest.metric_value(1, '{"id":"bm_0"}', '{"x":["y"]}', NULL) $$);
-- the other entry: events by code
SELECT i.event_id, i.verdict, i.reason, i.field FROM tally.ingest('[
  {"event_id":"k1","code":"members","customer_id":"c","properties":{"value":3}},
  {"event_id":"k2","code":"members","customer_id":"c","properties":{"value":"0.0"}},
  {"event_id":"k3","code":"members","customer_id":"c","properties":{"value":"many"}},
  {"event_id":"k4","code":"members","customer_id":"c"},
  {"event_id":"k5","code":"sales","customer_id":"c","properties":{"value":-1}},
  {"event_id":"k5","code":"sales","customer_id":"c","properties":{"value":1}},
  {"event_id":"k5","code":"sales","customer_id":"c","properties":{"value":2}},
  {"event_id":"k6","code":"mood","customer_id":"c","properties":{"score":0}},
  {"event_id":"k7","code":"other","customer_id":"c","properties":{"value":0}}]') i;
SELECT verdict, reason FROM tally.record('sales', 'c', '{"value": 0}');
SELECT pg_temp.value('Sales'), pg_temp.value('Members');
-- a strict body fails as a whole, the ones beside it do not
INSERT INTO tally.api_key (tenant_id, name, secret_hash, hint, scopes) VALUES (1, 'k', sha256('k'), 'k', '{write}');
SELECT ordinal, status, body FROM tally_rest.ingest_batch(array_fill(sha256('k'), ARRAY[3]), ARRAY[
  '{"events":[{"event_id":"s1","code":"sales","customer_id":"c","properties":{"value":1}},{"event_id":"s2","code":"sales","customer_id":"c","properties":{"value":-5}}]}',
  '{"events":[{"event_id":"s3","code":"sales","customer_id":"c","properties":{"value":1}}]}',
  '{"allow_partial_failures":true,"events":[{"event_id":"s4","code":"sales","customer_id":"c","properties":{"value":0}},{"event_id":"s5","code":"sales","customer_id":"c","properties":{"value":2}}]}']) ORDER BY 1;
SELECT event_id FROM tally.recent_event WHERE event_id ~ '^s' ORDER BY 1;
-- only what the metric counts is judged
SELECT tally.create_metric('trips', kind => 'base', name => 'Trips', segmentation_matrix => '{"key":"r","values":["eu"]}') ~ '^bm_' AS made;
SELECT (tally.record('trips', 'c', '{"value": -1, "r": "us"}')).verdict AS outside, (tally.record('trips', 'c', '{"value": -1, "r": "eu"}')).verdict AS inside;
-- an archived metric refuses nothing
SELECT tally.archive_metric('trips') ~ '^bm_' AS archived, (tally.record('trips', 'c', '{"value": -1, "r": "eu"}')).verdict;
-- summaries
SELECT tally.create_metric('till', kind => 'dual', name => 'Till') AS till, tally.create_metric('stars', kind => 'average', name => 'Stars') AS stars \gset
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', c || n, 'code', c, 'customer_id', '', 'timestamp', t, 'properties', jsonb_build_object('value', v)))
  FROM (VALUES (1, '1999-12-31T23:59:59Z', 1.5), (2, '2024-02-28T23:59:59.999999Z', -2), (3, '2024-02-29T00:00:00Z', 10), (4, '2024-02-29T00:19:59.999Z', -0.25),
               (5, '2024-02-29T00:20:00Z', 3), (6, '2024-02-29T13:59:00Z', 1), (7, '2024-03-01T00:00:00Z', -7), (8, '2024-03-04T00:00:00Z', 5)) x(n, t, v), unnest(ARRAY['till', 'stars']) c), true) GROUP BY 1;
CREATE FUNCTION pg_temp.summaries(metric text, query jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.value::text FROM json_array_elements(tally_rest.metric_summaries(1, jsonb_build_object('id', metric), query, NULL) -> 'summaries') s;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NEXT pg_temp.try(format('SELECT tally_rest.metric_summaries(1, %L, %L, NULL)', jsonb_build_object('id', metric), query));
END $$;
SELECT pg_temp.summaries(:'till', '{"from":["2024-02-28"],"to":["2024-03-02"]}');
SELECT pg_temp.summaries(:'till', '{"from":["2024-02-29T00:10:00Z"],"to":["2024-02-29T00:20:00.000001Z"],"bucket":["20m"]}');
SELECT pg_temp.summaries(:'till', '{"from":["2024-02-29T00:10:00Z"],"to":["2024-02-29T00:20:00Z"],"bucket":["20m"]}');
SELECT pg_temp.summaries(:'stars', '{"from":["1990-01-01"],"to":["2024-03-05"],"bucket":["1d"]}');
SELECT b, s ->> 'start' AS start, s ->> 'end' AS "end", s ->> 'positive' AS positive, s ->> 'negative' AS negative, s ->> 'total' AS total
FROM unnest(ARRAY['1w', '2 days', 'month', 'quarter', '1 year', '36:00', '7m', '00:00:00.5']) b,
     json_array_elements(tally_rest.metric_summaries(1, jsonb_build_object('id', :'till'), jsonb_build_object('from', ARRAY['1999-01-01'], 'to', ARRAY['2024-02-29T00:20:00Z'], 'bucket', ARRAY[b]), NULL) -> 'summaries') s;
SELECT q, pg_temp.summaries(:'till', q::jsonb) FROM unnest(ARRAY['{"from":["2024-02-28"],"to":["2024-03-02"],"bucket":["0m"]}', '{"from":["2024-02-28"],"to":["2024-03-02"],"bucket":["-5m"]}',
    '{"from":["2024-02-28"],"to":["2024-03-02"],"bucket":["1 month 2 days"]}', '{"from":["2024-02-28"],"to":["2024-03-02"],"bucket":["often"]}', '{"from":["2024-02-28"],"to":["2024-03-02"],"bucket":["20"]}', '{"from":["2024-02-28"],"to":["2024-02-28"]}',
    '{"to":["2024-02-28"]}', '{"from":["2024-02-28"]}', '{"from":["2024-02-28"],"to":["2024-03-02"],"window":["1d"]}', '{"from":["2025-01-01"],"to":["2025-01-02"]}']) q;
SELECT pg_temp.summaries(tally.create_metric('hits', 'COUNT'), '{"from":["2024-02-28"],"to":["2024-03-02"]}');
-- in pages: the same buckets whatever a page holds, and a page of time in which nothing happened is not the last one
WITH RECURSIVE page(given, most, n, answer) AS (
    SELECT x.given, l, 1, tally_rest.metric_summaries(1, jsonb_build_object('id', :'till'), x.given, NULL)
    FROM unnest(ARRAY[1, 2, 5, 100]) l, jsonb_build_object('from', ARRAY['1999-01-01T00:07:00Z'], 'to', ARRAY['2024-03-05'], 'bucket', ARRAY['20m'], 'limit', ARRAY[l::text]) x(given)
    UNION ALL
    SELECT given, most, n + 1, tally_rest.metric_summaries(1, jsonb_build_object('id', :'till'), given || jsonb_build_object('cursor', ARRAY[answer ->> 'next_cursor']), NULL)
    FROM page WHERE answer ->> 'next_cursor' IS NOT NULL)
SELECT most, count(*) AS pages, max(json_array_length(answer -> 'summaries')) AS longest,
       (SELECT string_agg(s.value::text, ' ' ORDER BY q.n, s.place) FROM page q, json_array_elements(q.answer -> 'summaries') WITH ORDINALITY s(value, place) WHERE q.most = p.most) =
       (SELECT string_agg(s.value::text, ' ' ORDER BY s.place) FROM json_array_elements(tally_rest.metric_summaries(1, jsonb_build_object('id', :'till'),
           '{"from":["1999-01-01T00:07:00Z"],"to":["2024-03-05"],"bucket":["20m"]}', NULL) -> 'summaries') WITH ORDINALITY s(value, place)) AS the_same
FROM page p GROUP BY most ORDER BY most;
SELECT q, pg_temp.summaries(:'till', q::jsonb || '{"from":["2024-02-28"],"to":["2024-03-02"]}') FROM unnest(ARRAY['{"limit":["0"]}', '{"limit":["100001"]}', '{"cursor":["2024-02-27T23:59:59Z"]}',
    '{"cursor":["2024-03-02T00:00:00Z"]}', '{"cursor":["nonsense"]}', '{"limit":["2"],"cursor":["2024-02-29T13:40:00Z"]}']) q;
-- too many buckets
INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties)
SELECT 0, 1, tally._hash32('till'), 0, '2024-05-01'::timestamptz + n * interval '1 s', now(), 'till', 'many', '', n::text, '{"value": 1}' FROM generate_series(0, 100000) n;
SELECT pg_temp.summaries(:'till', '{"from":["2024-05-01"],"to":["2024-06-01"],"bucket":["1 second"]}') LIMIT 1;
SELECT pg_temp.summaries(:'till', '{"from":["2024-05-01"],"to":["2024-06-01"],"bucket":["month"]}');
-- what is void counts no longer
INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason)
SELECT tenant_id, seq, gen_random_uuid(), ts, code, customer_id, 'test' FROM tally.recent_event WHERE code = 'till' AND (event_id = 'till2' OR customer_id = 'many');
SELECT pg_temp.value('Till');
SELECT pg_temp.summaries(:'till', '{"from":["2024-01-01"],"to":["2024-06-01"],"bucket":["month"]}');
