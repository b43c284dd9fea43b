-- tally.summary: every part against PostgreSQL's own aggregates, NULL and nothing, order, NaN, plans, windows, I/O
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SET TIME ZONE 'America/New_York';

-- ten times 0.1, and a number that no double holds
SELECT tally.total(tally.summarize(0.1)) FROM generate_series(1, 10);
SELECT tally.total(tally.summarize(x)) FROM (VALUES (9007199254740993), (1)) AS v(x);
SELECT tally.summarize(x) FROM (VALUES (1.10), (2.2), (3.300), (NULL)) AS v(x);

-- literals and other integer types need no cast
SELECT tally.n(tally.summarize(1)), tally.n(tally.summarize(1.5)), tally.n(tally.summarize(1::smallint)),
       tally.n(tally.summarize(NULL)), tally.n(tally.summarize('1.5')),
       tally.n(tally.summarize(1, '2024-01-01')), tally.n(tally.summarize(1, '2024-01-01', 1)),
       tally.n(tally.summarize(1, date '2024-01-01'));

-- nothing and NULL
SELECT tally.summarize(x) IS NULL AS nothing FROM (SELECT 1.0 WHERE false) AS v(x);
SELECT tally.summarize(x) IS NULL AS only_nulls FROM (VALUES (NULL::numeric), (NULL)) AS v(x);
SELECT tally.n(s), tally.total(s), tally.mean(s), tally.lowest(s), tally.latest(s), tally.latest_at(s)
  FROM (SELECT '{"n":0,"total":"0"}'::tally.summary) AS e(s);
SELECT tally.n(NULL::tally.summary), tally.total(NULL::tally.summary);

-- order: (time, tiebreak), then value; a NULL time takes no part, a NULL tiebreak is 0
SELECT tally.first(s), tally.latest(s), tally.first_at(s), tally.latest_at(s)
  FROM (SELECT tally.summarize(x, ts, seq) FROM (VALUES
        (1, '2024-03-10 06:59:59.999999+00'::timestamptz, 1), (2, '2024-03-10 07:00+00', 2), (3, '2024-03-10 07:00+00', 1),
        (4, NULL, 9), (5, '2024-03-10 06:59:59.999999+00', NULL)) AS v(x, ts, seq)) AS q(s);
SELECT tally.first(s), tally.latest(s) FROM (SELECT tally.summarize(x, '2024-01-01') FROM (VALUES (2), (3.0), (3), (1)) v(x)) q(s);
SELECT tally.summarize(x, ts) FROM (VALUES (1, 'infinity'::timestamptz), (2, '-infinity'), (3, '4713-01-01 BC'), (4, '294276-12-31')) v(x, ts);

-- equal values of different scales: the greater scale is shown, whatever the order
SELECT tally.lowest(tally.summarize(x)), tally.highest(tally.summarize(x)) FROM (VALUES (1.0), (1.00), (1)) AS v(x);
SELECT tally.lowest(tally.summarize(x)), tally.highest(tally.summarize(x)) FROM (VALUES (1), (1.00), (1.0)) AS v(x);

-- random values of every magnitude and scale, against PostgreSQL, whole and by group
CREATE TABLE summary_values AS
SELECT i, i % 37 AS g, CASE i % 11
           WHEN 0 THEN (random() * 1000)::numeric(12, 4)
           WHEN 1 THEN -(random() * 1e6)::numeric(20, 2)
           WHEN 2 THEN (random())::numeric * 10::numeric ^ (i % 300)
           WHEN 3 THEN -(random())::numeric / 10::numeric ^ (i % 150)
           WHEN 4 THEN (i - 2500)::numeric
           WHEN 5 THEN 0.000
           WHEN 6 THEN 10::numeric ^ (i % 80 - 40)
           WHEN 7 THEN -(10::numeric ^ (i % 80)) + 1
           WHEN 8 THEN (99999999999999999999999999999999999.99 * (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END))
           WHEN 9 THEN round((random() * 1e9)::numeric, i % 40)
           ELSE NULL END AS x,
       '2024-01-01'::timestamptz + (i * 7919 % 1000) * interval '1 minute' AS ts
  FROM generate_series(1, 5000) AS i;
ANALYZE summary_values;
CREATE FUNCTION pg_temp.same(s tally.summary, n bigint, total numeric, low numeric, high numeric, mean numeric) RETURNS boolean
    LANGUAGE sql AS $$
    SELECT tally.n(s) = n AND tally.total(s)::text = total::text AND tally.lowest(s) = low AND tally.highest(s) = high
       AND tally.mean(s)::text = mean::text $$;
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)) FROM summary_values;
SELECT count(*), bool_and(same) FROM (
    SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)) AS same FROM summary_values GROUP BY g) AS q;
SELECT count(*), bool_and(same) FROM (
    SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)) AS same
      FROM summary_values GROUP BY GROUPING SETS ((g), (g % 5, i % 2), ())) AS q;
-- the small values alone, where the sum stays within 128 bits
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)) FROM summary_values WHERE i % 11 IN (0, 1, 4, 5);
-- latest and first
SELECT tally.latest(s) = (SELECT x FROM summary_values WHERE x IS NOT NULL ORDER BY ts DESC, i DESC LIMIT 1) AS latest,
       tally.first(s) = (SELECT x FROM summary_values WHERE x IS NOT NULL ORDER BY ts, i LIMIT 1) AS first,
       tally.latest_at(s) = (SELECT max(ts) FROM summary_values WHERE x IS NOT NULL) AS latest_at
  FROM (SELECT tally.summarize(x, ts, i) FROM summary_values) AS q(s);
-- the greatest and the smallest numeric there are
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x))
  FROM (VALUES (10::numeric ^ 131071), (repeat('9', 131072)::numeric - 10::numeric ^ 131071), (('0.' || repeat('0', 16382) || '1')::numeric), (-1)) AS v(x);
SELECT tally.total(tally.summarize(x)) FROM (VALUES (repeat('9', 131072)::numeric), (repeat('9', 131072)::numeric)) AS v(x);

-- random splits: states of any parts, merged in any order, are the state of the whole
SELECT count(DISTINCT s::text), bool_and(s OPERATOR(tally.=) whole) FROM (
    SELECT k, tally.merge(part ORDER BY random()) AS s FROM (
        SELECT k, tally.summarize(x, ts, i) AS part FROM summary_values, generate_series(1, 20) AS k
         GROUP BY k, (random() * k)::int) AS parts GROUP BY k) AS merged,
    (SELECT tally.summarize(x, ts, i ORDER BY i DESC) AS whole FROM summary_values) AS w;
SELECT tally.merge_states(NULL, NULL::tally.summary) IS NULL,
       tally.merge_states('{"n":0,"total":"0"}', s) OPERATOR(tally.=) s, tally.merge_states(s, NULL) OPERATOR(tally.=) s
  FROM (SELECT tally.summarize(x, ts, i) FROM summary_values) AS q(s);

-- NaN and infinities: as PostgreSQL's own
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)), tally.summarize(x)
  FROM (VALUES (1.50), ('NaN'::numeric), (2)) AS v(x);
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)), tally.summarize(x)
  FROM (VALUES ('Infinity'::numeric), (2)) AS v(x);
SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)), tally.summarize(x)
  FROM (VALUES ('Infinity'::numeric), ('-Infinity'), (2)) AS v(x);
SELECT tally.total(tally.merge(s)) FROM (
    SELECT tally.summarize(x) FROM (VALUES (1, 1.5), (1, 'Infinity'), (2, 3), (3, '-Infinity')) AS v(g, x) GROUP BY g) AS q(s);

-- difference: n and total of what is left
SELECT tally.difference(whole, part), tally.lowest(tally.difference(whole, part)) IS NULL AS unknown
  FROM (SELECT tally.summarize(x) AS whole, tally.summarize(x) FILTER (WHERE x > 2) AS part FROM (VALUES (1.5), (2), (3.25)) AS v(x)) AS q;
SELECT tally.difference(tally.summarize(1), tally.summarize(x)) FROM (VALUES (1), (2)) AS v(x);
SELECT tally.merge_states(tally.difference(tally.summarize(x), '{"n":0,"total":"0"}'), tally.summarize(1, now())) FROM (VALUES (1), (2)) AS v(x);

-- a parallel plan: partial states travel as the type they are
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT tally.summarize(x, ts, i) FROM summary_values;
CREATE TEMP TABLE parallel_answers AS SELECT g, tally.summarize(x, ts, i) AS s FROM summary_values GROUP BY g;
SELECT tally.summarize(x, ts, i) AS parallel FROM summary_values WHERE i % 11 IN (0, 4, 5) \gset
SET max_parallel_workers_per_gather = 0;
SET search_path = public, tally;
SELECT tally.summarize(x, ts, i) = :'parallel'::tally.summary AS same FROM summary_values WHERE i % 11 IN (0, 4, 5);
SELECT count(*), bool_and(a.s = b.s) FROM parallel_answers a JOIN
    (SELECT g, tally.summarize(x, ts, i) AS s FROM summary_values GROUP BY g) b USING (g);
RESET search_path;
RESET ALL;

-- hash aggregation sees the memory of the states and spills
CREATE FUNCTION pg_temp.hash_batches(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'HashAgg Batches';
END $$;
SET enable_sort = off;
SET work_mem = '64kB';
SELECT pg_temp.hash_batches('SELECT i % 2500, tally.summarize(x, ts) FROM summary_values GROUP BY 1') > 1 AS spills,
       pg_temp.hash_batches('SELECT i % 100, tally.distinct_values(i) FROM generate_series(1, 100000) AS i GROUP BY 1') > 1 AS sets_spill;
SELECT count(*), bool_and(same) FROM (
    SELECT pg_temp.same(tally.summarize(x), count(x), sum(x), min(x), max(x), avg(x)) AS same FROM summary_values WHERE x IS NOT NULL GROUP BY i % 2500) AS q;
RESET work_mem;
RESET enable_sort;

-- window frames
SELECT bool_and(same) FROM (
    SELECT pg_temp.same(tally.summarize(x) OVER w, count(x) OVER w, sum(x) OVER w, min(x) OVER w, max(x) OVER w, avg(x) OVER w) AS same
      FROM summary_values WHERE i <= 300 AND x IS NOT NULL WINDOW w AS (ORDER BY i ROWS BETWEEN 4 PRECEDING AND 2 FOLLOWING)) AS q;
SELECT x, tally.n(tally.summarize(x) OVER w), tally.total(tally.summarize(x) OVER w) FROM generate_series(1, 4) AS x WINDOW w AS (ORDER BY x);

-- text and binary round trips
SELECT bool_and(s::text::tally.summary::text = s::text AND s::text::tally.summary OPERATOR(tally.=) s) FROM (
    SELECT tally.summarize(x, ts, i) AS s FROM summary_values GROUP BY i % 500) AS q;
CREATE TABLE summary_kept (g int PRIMARY KEY, s tally.summary);
INSERT INTO summary_kept SELECT i % 100, tally.summarize(x, ts, i) FROM summary_values GROUP BY 1;
INSERT INTO summary_kept VALUES (100, NULL), (101, '{"n":0,"total":"0"}'),
    (102, '{"n":3,"total":"1.5","nan":1,"infinity":1,"lowest":"1.5","highest":"NaN"}');
\copy summary_kept TO 'results/summary_kept.bin' (FORMAT binary)
CREATE TABLE summary_again (LIKE summary_kept);
\copy summary_again FROM 'results/summary_kept.bin' (FORMAT binary)
SELECT count(*), bool_and(a.s::text IS NOT DISTINCT FROM b.s::text) FROM summary_kept a JOIN summary_again b USING (g);
SELECT pg_column_size(tally.summarize(x)) < 40 AS compact FROM generate_series(1, 100) AS x;
-- hash equality: GROUP BY and joins of states
SELECT count(*) FROM (SELECT s FROM (VALUES ('{"n":1,"total":"1","lowest":"1","highest":"1"}'::tally.summary),
    ('{"total":"1","n":1,"highest":"1","lowest":"1"}'), ('{"n":1,"total":"1.0","lowest":"1.0","highest":"1.0"}')) v(s) GROUP BY s) q;

-- a transition function called directly changes nothing in place and answers in packed form
SELECT tally.summary_add(s, 2.5, '2024-01-02'), s FROM (SELECT tally.summary_add(NULL, 1, '2024-01-01')) AS q(s);
-- a user's own aggregate over the public functions
CREATE AGGREGATE pg_temp.totals(tally.summary) (SFUNC = tally.merge_states, STYPE = tally.summary, INITCOND = '{"n":0,"total":"0"}');
SELECT tally.n(pg_temp.totals(s)), tally.total(pg_temp.totals(s)) = sum(tally.total(s)) FROM summary_kept WHERE g < 100;

-- malformed text
SELECT ''::tally.summary;
SELECT '{}'::tally.summary;
SELECT '{"n":1,"total":"1"}'::tally.summary;
SELECT '{"n":1,"total":"1","lowest":"2","highest":"1"}'::tally.summary;
SELECT '{"n":-1,"total":"1","lowest":"1","highest":"1"}'::tally.summary;
SELECT '{"n":1,"total":"1e5","lowest":"1","highest":"1"}'::tally.summary;
SELECT '{"n":1,"total":1,"lowest":"1","highest":"1"}'::tally.summary;
SELECT '{"n":1,"n":1,"total":"1","lowest":"1","highest":"1"}'::tally.summary;
SELECT '{"n":1,"total":"1","lowest":"1","highest":"1","évil":"1"}'::tally.summary;
SELECT '{"n":99999999999999999999,"total":"1","lowest":"1","highest":"1"}'::tally.summary;
SELECT '{"n":1,"total":"1","lowest":"1","highest":"1","first":"1"}'::tally.summary;
SELECT '{"n":1,"total":"1","lowest":"1","highest":"1","first":"1","first_at":"2024-02-30T00:00:00Z","first_seq":0,"latest":"1","latest_at":"2024-02-28T00:00:00Z","latest_seq":0}'::tally.summary;
SELECT '{"n":1,"total":"1","lowest":"1","highest":"1"} x'::tally.summary;
SELECT ('{"n":1,"total":"' || repeat('9', 140000) || '","lowest":"1","highest":"1"}')::tally.summary;

DROP TABLE summary_values, summary_kept, summary_again;
