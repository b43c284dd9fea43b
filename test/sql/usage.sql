-- usage: every aggregation, exact, by customer, group and window
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
\pset null ~
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT t, tally.create_metric('m', t, name => t, aggregation_key => 'v') ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
CREATE FUNCTION pg_temp.id(metric_name text) RETURNS text LANGUAGE sql AS $$ SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = metric_name $$;
CREATE FUNCTION pg_temp.load(code text, rows text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE verdict = 'accepted') FROM tally.ingest((
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('event_id', code || n, 'code', code, 'customer_id', r[1], 'timestamp', r[2], 'properties', coalesce(r[3], '{}')::jsonb)))
        FROM (SELECT n, string_to_array(line, '|') AS r FROM regexp_split_to_table(rows, '\n') WITH ORDINALITY l(line, n)) x)::text, true) $$;
-- nothing: one row, 0 or null
SELECT m.name, u.value, u.converted_value, u.events, u.skipped FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-01-01', '2024-02-01') u ORDER BY m.name;
SELECT pg_temp.load('m', 'ann|2024-01-01T00:00:00Z|{"v":0.1}
ann|2024-01-01T00:00:00Z|{"v":"0.10"}
ann|2024-01-05T12:00:00Z|{"v":9007199254740993}
bob|2024-01-06T12:00:00Z|{"v":1}
bob|2024-01-31T23:59:59.999999Z|{"v":"1e2"}
bob|2024-01-31T23:59:59.999999Z|{"v":-7.5}
bob|2024-01-20T00:00:00Z|{"v":"a lot"}
bob|2024-01-20T00:00:00Z|{"v":"NaN"}
bob|2024-01-20T00:00:00Z|{"v":""}
bob|2024-01-20T00:00:00Z|{"w":"5"}
ann|2024-02-01T00:00:00Z|{"v":1000}') AS accepted;
SELECT m.name, u.value, u.events, u.skipped FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-01-01', '2024-02-01') u ORDER BY m.name;
SELECT m.name, u.customer_id, u.value, u.events, u.skipped FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-01-01', '2024-02-01', group_by => ARRAY['customer_id']) u ORDER BY m.name, 2;
SELECT m.name, u.customer_id, u.value, u.events, u.skipped FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-01-01', '2024-02-01', 'bob') u ORDER BY m.name;
-- the end of a range belongs to the next one
SELECT a.value + b.value = c.value AS adds_up FROM tally.usage(pg_temp.id('SUM'), '2024-01-01', '2024-02-01') a, tally.usage(pg_temp.id('SUM'), '2024-02-01', '2024-03-01') b, tally.usage(pg_temp.id('SUM'), '2024-01-01', '2024-03-01') c;
-- ten times 0.1 is 1.0; 2^53 + 1 and 1 more
SELECT pg_temp.load('tenth', (SELECT string_agg('c|2024-03-01T00:00:00Z|{"v":0.1}', E'\n') FROM generate_series(1, 10)));
SELECT pg_temp.load('big', 'c|2024-03-01T00:00:00Z|{"v":9007199254740993}
c|2024-03-01T00:00:00Z|{"v":1}');
SELECT tally.create_metric('tenth', 'SUM', aggregation_key => 'v') AS m \gset
SELECT value FROM tally.usage(:'m', '2024-03-01', '2024-03-02');
SELECT tally.create_metric('big', 'SUM', aggregation_key => 'v') AS m \gset
SELECT value FROM tally.usage(:'m', '2024-03-01', '2024-03-02');
-- LATEST with equal timestamps: the one that came last, also over groups and whatever the order in time of arrival
SELECT pg_temp.load('tie', 'a|2024-03-01T00:00:00Z|{"v":1}
b|2024-03-01T00:00:00Z|{"v":2}
a|2024-03-01T00:00:00Z|{"v":3}
b|2024-02-29T00:00:00Z|{"v":4}');
SELECT tally.create_metric('tie', 'LATEST', aggregation_key => 'v') ~ '^bm_' AS made;
SELECT customer_id, value FROM tally.usage('tie', '2024-01-01', '2025-01-01', group_by => '{customer_id}') UNION ALL SELECT 'all', value FROM tally.usage_total('tie', '2024-01-01', '2025-01-01');
SELECT (SELECT events FROM tally.usage_total('tie', '2024-01-01', '2025-01-01', customer => NULL) u) = (SELECT events FROM tally.usage_total('tie', '2024-01-01', '2025-01-01')) AS null_is_all_customers, events AS of_none FROM tally.usage_total('tie', '2024-01-01', '2025-01-01', customer => '');
-- the total of groups is made from their states: not a sum of maxima, means or distinct counts
SELECT m.name, t.value AS total, sum(u.value) AS sum_of_groups FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-01-01', '2024-03-01', group_by => '{customer_id}') u, tally.usage_total(pg_temp.id(m.name), '2024-01-01', '2024-03-01') t WHERE m.code = 'm' GROUP BY 1, 2 ORDER BY 1;
-- windows in a zone over both clock changes
SELECT pg_temp.load('clock', (SELECT string_agg(format('c|%s|{"v":1}', to_char(h AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), E'\n') FROM generate_series('2024-03-09 05:00Z'::timestamptz, '2024-03-12 03:00Z', '1 hour') h));
SELECT pg_temp.load('clock2', (SELECT string_agg(format('c|%s|{"v":1}', to_char(h AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), E'\n') FROM generate_series('2024-11-02 04:00Z'::timestamptz, '2024-11-05 04:00Z', '1 hour') h));
SELECT tally.create_metric('clock', 'COUNT') AS m \gset
SELECT window_start, window_end, value FROM tally.usage(:'m', '2024-03-09 05:00Z', '2024-03-12 04:00Z', "window" => 'day', time_zone => 'America/New_York');
SELECT tally.create_metric('clock2', 'COUNT') AS m \gset
SELECT window_start, window_end, value FROM tally.usage(:'m', '2024-11-02 04:00Z', '2024-11-05 05:00Z', "window" => 'day', time_zone => 'America/New_York');
-- empty windows on request
SELECT window_start::date, value, events FROM tally.usage(pg_temp.id('SUM'), '2024-01-04', '2024-01-08', "window" => 'day');
SELECT window_start::date, value, events FROM tally.usage(pg_temp.id('SUM'), '2024-01-04', '2024-01-08', "window" => 'day', fill => true);
SELECT window_start::date, customer_id, value FROM tally.usage(pg_temp.id('MAX'), '2024-01-04', '2024-01-08', "window" => 'day', group_by => '{customer_id}', fill => true);
-- filters and ad-hoc groups
SELECT pg_temp.load('call', 'a|2024-05-01T00:00:00Z|{"region":"eu","tier":1,"ms":10}
a|2024-05-01T00:00:00Z|{"region":"us","tier":"1","ms":20}
a|2024-05-01T00:00:00Z|{"region":"eu","tier":2,"ms":30}
b|2024-05-01T00:00:00Z|{"tier":2,"ms":40}
b|2024-05-01T00:00:00Z|{"region":"","tier":2,"ms":50}');
SELECT tally.create_metric('call', 'SUM', aggregation_key => 'ms') ~ '^bm_' AS made;
SELECT dimensions, value FROM tally.usage('call', '2024-05-01', '2024-06-01', group_by => '{region,tier}');
SELECT customer_id, dimensions, value FROM tally.usage('call', '2024-05-01', '2024-06-01', group_by => '{tier,customer_id,tier}');
SELECT value FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '{"region": "eu"}');
SELECT value FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '{"region": ["eu", "us"], "tier": 1}');
SELECT value FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '{"region": []}');
SELECT value FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '{"x\u0027; DROP TABLE tally.recent_event; --": "1"}');
-- equal numbers are one value, whatever zeros were sent; texts are what they are
SELECT pg_temp.load('zeros', 'a|2024-05-01T00:00:00Z|{"v":1}
a|2024-05-01T00:00:00Z|{"v":1.0}
a|2024-05-01T00:00:00Z|{"v":1.00}
a|2024-05-01T00:00:00Z|{"v":"1.0"}
a|2024-05-01T00:00:00Z|{"v":100}');
SELECT tally.create_metric('zeros', 'COUNT_DISTINCT', aggregation_key => 'v') ~ '^bm_' AS made;
SELECT value, events FROM tally.usage('zeros', '2024-05-01', '2024-05-02');
SELECT dimensions, value, events FROM tally.usage('zeros', '2024-05-01', '2024-05-02', group_by => '{v}');
SELECT events FROM tally.usage('zeros', '2024-05-01', '2024-05-02', filter => '{"v": 1.000}');
SELECT events FROM tally.usage('zeros', '2024-05-01', '2024-05-02', filter => '{"v": "1.0"}');
-- a mean is converted from what it is the quotient of, not from its rounded digits
SELECT pg_temp.load('third', 'a|2024-05-01T00:00:00Z|{"v":1}
a|2024-05-01T00:00:00Z|{"v":1}
a|2024-05-01T00:00:00Z|{"v":0.999999999999999999999999999999}');
SELECT tally.create_metric('third', 'MEAN', aggregation_key => 'v', conversion_factor => 1, conversion_rounding => 'DOWN') ~ '^bm_' AS made;
SELECT converted_value FROM tally.usage('third', '2024-05-01', '2024-05-02');
-- wrong calls
SELECT * FROM tally.usage('call', '0001-01-01 BC', '2024-05-01');
SELECT * FROM tally.usage('call', '2024-05-01', '2024-05-01');
SELECT * FROM tally.usage('call', NULL, '2024-05-01');
SELECT * FROM tally.usage('call', '-infinity', '2024-05-01');
SELECT * FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '[]');
SELECT * FROM tally.usage('call', '2024-05-01', '2024-06-01', filter => '{"a": {"b": 1}}');
SELECT * FROM tally.usage('call', '2024-05-01', '2024-06-01', group_by => '{NULL}');
SELECT * FROM tally.usage('call', '2024-05-01', '2024-06-01', group_by => '{a,b,c,d,e,f,g,h,i,j,k}');
SELECT * FROM tally.usage('nothing', '2024-05-01', '2024-06-01');
SELECT * FROM tally.usage(NULL, '2024-05-01', '2024-06-01');
-- against plain SQL, on random events
SELECT setseed(0.42);
CREATE TEMP TABLE plain AS SELECT n, 'c' || (random() * 5)::int AS customer, '2024-06-01'::timestamptz + random() * interval '60 days' AS ts,
    CASE WHEN random() < 0.1 THEN 'oops' ELSE ((random() - 0.5) * 10 ^ (random() * 12)::int)::numeric(30, 6)::text END AS v FROM generate_series(1, 3000) n;
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', 'rnd', 'customer_id', customer, 'timestamp', to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'properties', jsonb_build_object('v', v))) FROM plain), true) GROUP BY 1;
SELECT t, tally.create_metric('rnd', t, name => 'rnd ' || t, aggregation_key => 'v') ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
WITH good AS (SELECT *, v::numeric AS x, date_trunc('day', ts AT TIME ZONE 'Europe/Berlin') AS day FROM plain WHERE v <> 'oops'),
expected AS (
    SELECT customer, day, 'rnd SUM' AS name, sum(x) AS value FROM good GROUP BY 1, 2 UNION ALL
    SELECT customer, day, 'rnd MIN', min(x) FROM good GROUP BY 1, 2 UNION ALL SELECT customer, day, 'rnd MAX', max(x) FROM good GROUP BY 1, 2 UNION ALL
    SELECT customer, day, 'rnd MEAN', trim_scale(avg(x)) FROM good GROUP BY 1, 2 UNION ALL
    SELECT customer, day, 'rnd LATEST', (array_agg(x ORDER BY ts DESC))[1] FROM good GROUP BY 1, 2 UNION ALL
    SELECT customer, date_trunc('day', ts AT TIME ZONE 'Europe/Berlin'), 'rnd COUNT', count(*) FROM plain GROUP BY 1, 2 UNION ALL
    SELECT customer, date_trunc('day', ts AT TIME ZONE 'Europe/Berlin'), 'rnd COUNT_DISTINCT', count(DISTINCT v) FROM plain GROUP BY 1, 2),
answered AS (SELECT u.customer_id, u.window_start AT TIME ZONE 'Europe/Berlin' AS day, m.name, u.value
    FROM tally.metric m, tally.usage(pg_temp.id(m.name), '2024-05-31 22:00Z', '2024-08-31 22:00Z', "window" => 'day', time_zone => 'Europe/Berlin', group_by => '{customer_id}') u
    WHERE m.code = 'rnd' AND u.value IS NOT NULL AND (u.events > 0))
SELECT count(*) FILTER (WHERE e.value IS DISTINCT FROM a.value OR e.value::text <> a.value::text) AS different, count(*) > 2000 AS many
FROM expected e FULL JOIN answered a ON (e.customer, e.day, e.name) = (a.customer_id, a.day, a.name);
