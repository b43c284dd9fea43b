-- pgtally_hll and pgtally_tdigest: NULL and nothing, error against the exact answer, merging, parallel plans, odd schemas
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SELECT count(*) < 2 AS missing FROM pg_available_extensions WHERE name IN ('hll', 'tdigest') \gset
\if :missing
\echo the extensions hll and tdigest are not installed here: nothing to test
\quit
\endif

-- they may live in any schema
CREATE SCHEMA "Sketch {hll} ""home""";
CREATE SCHEMA approximate_first;
CREATE SCHEMA approximate_second;
CREATE EXTENSION pgtally_hll;
CREATE EXTENSION hll SCHEMA "Sketch {hll} ""home""";
CREATE EXTENSION tdigest SCHEMA approximate_first;
CREATE EXTENSION pgtally_hll;
CREATE EXTENSION pgtally_tdigest;
\set hll '"Sketch {hll} ""home"""'

-- nothing and NULL
SELECT tally.approximate_distinct(x) IS NULL AS nothing, tally.percentiles(x) IS NULL FROM (SELECT 1 WHERE false) AS v(x);
SELECT tally.approximate_distinct(x) IS NULL AS only_nulls, tally.percentiles(x) IS NULL FROM (VALUES (NULL::int), (NULL)) AS v(x);
SELECT tally.cardinality(tally.approximate_distinct(x)), tally.cardinality(tally.approximate_distinct(x, NULL)), tally.n(tally.percentiles(x)),
       tally.n(tally.percentiles(x, NULL))
  FROM (VALUES (NULL::int), (1), (NULL), (5)) AS v(x);
SELECT tally.cardinality(NULL:::hll.hll) IS NULL, tally.percentile(NULL, 0.5) IS NULL, tally.merge(NULL:::hll.hll) IS NULL,
       tally.merge(NULL::approximate_first.tdigest) IS NULL, tally.merge_states(NULL, NULL:::hll.hll) IS NULL,
       tally.merge_states(NULL, NULL::approximate_first.tdigest) IS NULL;

-- few values are counted exactly, by the same key as the exact count: equal numbers are one value, whatever their type
SELECT tally.cardinality(tally.approximate_distinct(x)) FROM (VALUES (1), (1.0), (1.00), (1.01), (-7)) AS v(x);
SELECT tally.cardinality(tally.merge(s)) FROM (
    SELECT tally.approximate_distinct(1::smallint) UNION ALL SELECT tally.approximate_distinct(1::bigint)
    UNION ALL SELECT tally.approximate_distinct(1.00) UNION ALL SELECT tally.approximate_distinct('a '::char(5))
    UNION ALL SELECT tally.approximate_distinct('a'::text) UNION ALL SELECT tally.approximate_distinct(true)) AS q(s);

-- many are within five standard errors, at any precision and of any type
CREATE TABLE approximate_data AS
SELECT i, i * 7919 % 60000 AS n, round((i * 31 % 50000) / 7.0, 4) AS num, 'customer ' || i % 40000 AS name, md5((i % 30000)::text)::uuid AS id,
       timestamptz '2024-01-01Z' + i % 20000 * interval '1 minute' AS ts, ((i::bigint * 7919) % 100003)::numeric / 100 AS cost
  FROM generate_series(1, 100000) AS i;
ANALYZE approximate_data;
CREATE VIEW approximate_error AS
SELECT abs(tally.cardinality(tally.approximate_distinct(n)) / count(DISTINCT n)::float8 - 1) AS n,
       abs(tally.cardinality(tally.approximate_distinct(num)) / count(DISTINCT num)::float8 - 1) AS num,
       abs(tally.cardinality(tally.approximate_distinct(name)) / count(DISTINCT name)::float8 - 1) AS name,
       abs(tally.cardinality(tally.approximate_distinct(id)) / count(DISTINCT id)::float8 - 1) AS id,
       abs(tally.cardinality(tally.approximate_distinct(ts)) / count(DISTINCT ts)::float8 - 1) AS ts,
       abs(tally.cardinality(tally.approximate_distinct(n, 14)) / count(DISTINCT n)::float8 - 1) AS fine
  FROM approximate_data;
SELECT n < 0.115, num < 0.115, name < 0.115, id < 0.115, ts < 0.115, fine < 0.041 FROM approximate_error;
SELECT tally.approximate_distinct(1, 3);
SELECT tally.approximate_distinct(1, 18);

-- the defaults of a session change nothing
SELECT tally.approximate_distinct(n)::text AS sketch FROM approximate_data \gset
SELECT :hll.hll_set_defaults(13, 5, -1, 1) IS NOT NULL AS changed;
SELECT tally.approximate_distinct(n)::text = :'sketch' FROM approximate_data;
SELECT :hll.hll_set_defaults(11, 5, -1, 1);

-- parts merged in any order are the whole
SELECT count(*), count(DISTINCT s::text), bool_and(s::text = :'sketch') FROM (
    SELECT k, tally.merge(part ORDER BY md5(k || '-' || g)) AS s FROM (
        SELECT k, i % (k * 3) AS g, tally.approximate_distinct(n) AS part FROM approximate_data, generate_series(1, 4) AS k GROUP BY 1, 2) AS parts
     GROUP BY k) AS merged;
SELECT tally.merge_states(NULL, s)::text = s::text, tally.merge_states(s, NULL)::text = s::text, tally.merge_states(s, s)::text = s::text,
       tally.merge_states(low, high)::text = s::text
  FROM (SELECT tally.approximate_distinct(n) AS s, tally.approximate_distinct(n) FILTER (WHERE i <= 300) AS low,
               tally.approximate_distinct(n) FILTER (WHERE i > 300) AS high FROM approximate_data) AS q;

-- percentiles against the exact ones, by rank; every count is exact
CREATE FUNCTION approximate_rank(x double precision) RETURNS double precision LANGUAGE sql AS
    $$ SELECT count(*) FILTER (WHERE cost <= x) / count(*)::float8 FROM approximate_data $$;
SELECT tally.percentile(tally.percentiles(1), 2);
SELECT tally.percentile(tally.percentiles(1), 'NaN');
SELECT f, abs(approximate_rank(tally.percentile(d, f)) - f) < 0.01 AS near, abs(approximate_rank(tally.percentile(fine, f)) - f) < 0.001 AS nearer,
       abs(tally.percentile_of(d, (SELECT percentile_disc(f) WITHIN GROUP (ORDER BY cost) FROM approximate_data)) - f) < 0.01 AS back
  FROM (SELECT tally.percentiles(cost) AS d, tally.percentiles(cost, 1000) AS fine FROM approximate_data) AS q,
       unnest(ARRAY[0.01, 0.25, 0.5, 0.9, 0.99, 0.999]) AS f;
SELECT tally.n(d), tally.percentile(d, 0) = min, tally.percentile(d, 1) = max, tally.percentile_of(d, max + 1)
  FROM (SELECT tally.percentiles(cost) AS d, min(cost), max(cost) FROM approximate_data) AS q;
SELECT tally.n(d), abs(approximate_rank(tally.percentile(d, 0.9)) - 0.9) < 0.02 AS near FROM (
    SELECT tally.merge(part) AS d FROM (SELECT tally.percentiles(cost) AS part FROM approximate_data GROUP BY i % 17) AS parts) AS q;
SELECT tally.n(tally.merge_states(low, high)), abs(approximate_rank(tally.percentile(tally.merge_states(low, high), 0.9)) - 0.9) < 0.02 AS near,
       tally.merge_states(NULL, low)::text = low::text, tally.merge_states(low, NULL)::text = low::text
  FROM (SELECT tally.percentiles(cost) FILTER (WHERE i <= 300) AS low, tally.percentiles(cost) FILTER (WHERE i > 300) AS high
          FROM approximate_data) AS q;
SELECT tally.percentiles('NaN'::numeric);
SELECT tally.percentiles('-Infinity'::float8);
SELECT tally.percentiles(1, 9);
SELECT tally.percentiles(1, 10001);

-- parallel plans
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT tally.approximate_distinct(n), tally.percentiles(cost) FROM approximate_data;
SELECT tally.approximate_distinct(n)::text = :'sketch', tally.n(tally.percentiles(cost)),
       abs(approximate_rank(tally.percentile(tally.percentiles(cost), 0.9)) - 0.9) < 0.02 AS near FROM approximate_data;
CREATE TABLE approximate_parts AS SELECT i % 50 AS g, tally.approximate_distinct(n) AS s, tally.percentiles(cost) AS d FROM approximate_data GROUP BY 1;
EXPLAIN (COSTS OFF) SELECT tally.merge(s), tally.merge(d) FROM approximate_parts;
SELECT tally.merge(s)::text = :'sketch', tally.n(tally.merge(d)) FROM approximate_parts;
RESET max_parallel_workers_per_gather;

-- grouping sets and window frames
SELECT count(*), bool_and(abs(a - b) <= b * 0.115) FROM (
    SELECT tally.cardinality(tally.approximate_distinct(name)) AS a, count(DISTINCT name) AS b FROM approximate_data
     WHERE i <= 20000 GROUP BY GROUPING SETS ((i % 2), ())) AS q;
SELECT i, tally.cardinality(tally.approximate_distinct(n) OVER w), tally.n(tally.percentiles(n) OVER w) FROM approximate_data
 WHERE i <= 5 WINDOW w AS (ORDER BY i ROWS 2 PRECEDING) ORDER BY i;

-- tdigest may move (13 keeps bodies as text, which cannot follow)
DO $$
DECLARE
    answer text;
BEGIN
    IF current_setting('server_version_num')::int >= 140000 THEN
        ALTER EXTENSION tdigest SET SCHEMA approximate_second;
    END IF;
    SELECT (tally.n(d), tally.percentile(d, 0.5), tally.percentile_of(d, 2), tally.n(tally.merge_states(d, d))) INTO answer
      FROM (SELECT tally.percentiles(x) AS d FROM (VALUES (1), (2), (3)) AS v(x)) AS q;
    RAISE NOTICE '%', answer;
END $$;

-- neither can be dropped from under its bridge, and a bridge leaves nothing
DROP EXTENSION hll;
DROP EXTENSION tdigest;
DROP VIEW approximate_error;
DROP TABLE approximate_data, approximate_parts;
DROP FUNCTION approximate_rank;
DROP EXTENSION pgtally_hll, pgtally_tdigest;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.proname ~ 'hll|tdigest|percentile|approximate' AND p.pronamespace = 'tally'::regnamespace;
DROP EXTENSION hll, tdigest;
DROP SCHEMA "Sketch {hll} ""home""", approximate_first, approximate_second;
