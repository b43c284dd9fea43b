-- what an answer would need beyond work_mem (times hash_mem_multiplier, as aggregation) is refused with 54000 and a hint,
-- wherever events lie and whatever grows: groups, distinct values, long numbers, the text of the answer, a page of events
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT t, tally.create_metric('call', t, slug => lower(t), aggregation_key => CASE WHEN t <> 'COUNT' THEN 'v' END) ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MAX', 'COUNT_DISTINCT']) t;
SELECT tally.create_metric('long', t, slug => 'long-' || lower(t), aggregation_key => CASE WHEN t <> 'COUNT' THEN 'v' END) ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MAX', 'LATEST']) t;
SELECT tally.create_metric('text', 'COUNT', slug => 'text') ~ '^bm_' AS made;
-- 10,000 events of 100 customers, each with a user of its own, in 100 hours
SELECT verdict, count(*) FROM generate_series(0, 9) b, LATERAL tally.ingest((SELECT '[' || string_agg(format(
    '{"event_id":"e%s","code":"call","customer_id":"c%s","timestamp":"%s","properties":{"v":%s,"user":"user %s"}}',
    n, n % 100, to_char(timestamp '2024-03-01' + n % 100 * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), n, n), ',') || ']'
  FROM generate_series(1000 * b, 1000 * b + 999) n), true) GROUP BY 1;
-- 2,000 events of 100 customers in 20 hours, with numbers of 900 digits; 200 with a text of 10 kB
SELECT verdict, count(*) FROM generate_series(0, 1) b, LATERAL tally.ingest((SELECT '[' || string_agg(format(
    '{"event_id":"l%s","code":"long","customer_id":"c%s","timestamp":"2024-03-01T%s:00:00Z","properties":{"v":"%s"}}',
    n, n % 100, lpad((n / 100)::text, 2, '0'), repeat('7', 900)), ',') || ']' FROM generate_series(1000 * b, 1000 * b + 999) n), true) GROUP BY 1;
SELECT verdict, count(*) FROM tally.ingest((SELECT '[' || string_agg(format(
    '{"event_id":"t%s","code":"text","customer_id":"c","timestamp":"2024-03-01T00:00:00Z","properties":{"text":"%s"}}',
    n, repeat('x', 10000)), ',') || ']' FROM generate_series(1, 200) n), true) GROUP BY 1;
-- The SQLSTATE and the hint of what is refused, or what was answered.
CREATE FUNCTION pg_temp.try(question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; hint text;
BEGIN
    EXECUTE question INTO answer;
    RETURN answer;
EXCEPTION WHEN program_limit_exceeded THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat(SQLSTATE, ' ', SQLERRM, '. ', hint);
END $$;
CREATE TEMP TABLE question (place serial, name text, question text);
INSERT INTO question (name, question) SELECT name, 'SELECT count(*) FROM tally.usage(' || arguments || ')' FROM (VALUES
    ('one group', $$'sum', '2024-03-01', '2024-04-01'$$),
    ('few groups', $$'sum', '2024-03-01', '2024-04-01', group_by => '{customer_id}'$$),
    ('many groups', $$'sum', '2024-03-01', '2024-04-01', group_by => '{user}'$$),
    ('many windows, few groups', $$'count', '2024-03-01', '2024-04-01', "window" => 'hour'$$),
    ('windows x groups', $$'count', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id,user}'$$),
    ('distinct values', $$'count_distinct', '2024-03-01', '2024-04-01'$$),
    ('distinct values of one customer', $$'count_distinct', '2024-03-01', '2024-04-01', customer => 'c1'$$),
    ('distinct values, windows and groups', $$'count_distinct', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id}'$$),
    ('a long number', $$'long-sum', '2024-03-01', '2024-04-01'$$),
    ('as many short ones', $$'long-count', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id}'$$),
    ('long numbers', $$'long-sum', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id}'$$),
    ('long greatest ones', $$'long-max', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id}'$$),
    ('long latest ones', $$'long-latest', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{customer_id}'$$),
    ('a long text', $$'text', '2024-03-01', '2024-04-01', "window" => 'hour', group_by => '{text}', fill => true$$)) q(name, arguments);
INSERT INTO question (name, question) VALUES
    ('the total of distinct values', $$SELECT value FROM tally.usage_total('count_distinct', '2024-03-01', '2024-04-01')$$),
    ('customers', $$SELECT count(*) FROM tally.customers$$),
    ('a small answer of REST', $$SELECT length((tally_rest.metric_usage(1, '{"id":"text"}', '{"from":["2024-03-01T00:00:00Z"],"to":["2024-03-02T00:00:00Z"],"group_by":["text"]}', NULL))::text) > 10000$$),
    ('a large one', $$SELECT length((tally_rest.metric_usage(1, '{"id":"text"}', '{"from":["2024-03-01T00:00:00Z"],"to":["2024-03-08T00:00:00Z"],"group_by":["text"],"window":["hour"],"fill":["true"]}', NULL))::text) > 1500000$$),
    ('a page of events', $$SELECT json_array_length(tally_rest.list_events(1, NULL, '{"code":["text"],"limit":["20"]}', NULL) -> 'data')$$),
    ('a page of large ones', $$SELECT json_array_length(tally_rest.list_events(1, NULL, '{"code":["text"],"limit":["200"]}', NULL) -> 'data')$$),
    ('a search of large ones', $$SELECT json_array_length(tally_rest.list_events(1, NULL, '{"search":["xxxx"],"limit":["200"]}', NULL) -> 'data')$$),
    -- These are streamed: what is kept spills.
    ('all events', $$SELECT count(*) FROM tally.events$$),
    ('all events of the store, as void_events finds them', $$SELECT count(*) FROM tally._find_events(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)$$);
CREATE FUNCTION pg_temp.answers() RETURNS TABLE (name text, answer text) LANGUAGE sql AS $$
    SELECT q.name, pg_temp.try(q.question) FROM question q ORDER BY place $$;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT * FROM pg_temp.answers();
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.answers();
CALL tally.pack(1, '0', true);
SELECT count(*) AS recent FROM tally.recent_event;
SELECT 'before' AS place, * FROM (TABLE before EXCEPT ALL SELECT * FROM pg_temp.answers()) d
UNION ALL SELECT 'packed', * FROM (SELECT * FROM pg_temp.answers() EXCEPT ALL TABLE before) d;
-- more memory, more answers
RESET work_mem;
RESET hash_mem_multiplier;
SELECT * FROM pg_temp.answers();
-- the numbers of voided events count too: here more of them than fit, of events that nobody sent
BEGIN;
INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason, act)
SELECT 1, -n, tally._uuid7(), '2024-03-02Z'::timestamptz + n * interval '1 s', 'call', 'c1', 'many', n FROM generate_series(1, 70000) n;
CREATE TEMP TABLE with_voids AS SELECT * FROM (VALUES
    ('usage', $$SELECT count(*) FROM tally.usage('sum', '2024-03-01', '2024-04-01')$$),
    ('of a range with few', $$SELECT count(*) FROM tally.usage('sum', '2024-03-01', '2024-03-02 00:10Z')$$),
    ('several metrics', $$SELECT count(*) FROM (SELECT m FROM (SELECT array_agg(m) AS m FROM tally.metric m WHERE code = 'call') a, LATERAL tally._usage_of_code(a.m, '2024-03-01', '2024-04-01', NULL)) x$$),
    ('an explanation', $$SELECT count(*) FROM tally.explain_usage('sum', '2024-03-01', '2024-04-01')$$),
    ('customers', $$SELECT count(*) FROM tally.customers$$),
    ('all events', $$SELECT count(*) FROM tally.events('call')$$),
    ('a life', $$SELECT l.events FROM tally.metric m, tally._life(m) l WHERE m.slug = 'sum'$$)) q(name, question);
SET LOCAL work_mem = '64kB';
SET LOCAL hash_mem_multiplier = 1;
SELECT q.name, pg_temp.try(q.question) AS answer FROM with_voids q;
SET LOCAL work_mem = '1MB';
SELECT q.name, pg_temp.try(q.question) AS answer FROM with_voids q;
ROLLBACK;
-- more segments side by side than may be held: a page is the same all the same
SELECT count(*) FROM generate_series(0, 39) s, LATERAL tally.ingest((SELECT '[' || string_agg(format(
    '{"event_id":"s%s-%s","code":"side","customer_id":"c","timestamp":"%s"}', s, n, to_char(timestamp '2024-03-05' + (40 * n + s) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), ',') || ']'
  FROM generate_series(1, 1000) n), true);
SELECT count(*) AS segments FROM tally.segment WHERE code = 'side';
CREATE FUNCTION pg_temp.pages() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(e ->> 'event_id', ',')) || ' ' || min(e ->> 'timestamp') FROM json_array_elements(tally_rest.list_events(1, NULL, '{"code":["side"],"limit":["200"]}', NULL) -> 'data') e $$;
SELECT pg_temp.pages() AS pages \gset
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT pg_temp.pages() = :'pages' AS same, :'pages' LIKE '% 2024-03-05T%' AS found;
