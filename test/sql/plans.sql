-- Partial states in plans: partitions aggregated one by one, parallel workers, grouping sets, and what Citus asks of an
-- aggregate that it pushes down
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;

-- a combine function, a state of a named type that can be sent, parallel safe: every aggregate of the schema has them
SELECT count(*) >= 8 AS some FROM pg_aggregate JOIN pg_proc ON pg_proc.oid = aggfnoid WHERE pronamespace = 'tally'::regnamespace;
SELECT aggfnoid::regprocedure AS violator, aggcombinefn, aggtranstype::regtype, typtype, typsend, typreceive, proparallel
  FROM pg_aggregate JOIN pg_proc ON pg_proc.oid = aggfnoid JOIN pg_type ON pg_type.oid = aggtranstype
 WHERE pronamespace = 'tally'::regnamespace
   AND (aggcombinefn = 0 OR typtype = 'p' OR typsend = 0 OR typreceive = 0 OR proparallel <> 's')
 ORDER BY 1;

CREATE TABLE plan_events (k int, region text, x numeric, ts timestamptz) PARTITION BY RANGE (k);
CREATE TABLE plan_events_1 PARTITION OF plan_events FOR VALUES FROM (0) TO (1000);
CREATE TABLE plan_events_2 PARTITION OF plan_events FOR VALUES FROM (1000) TO (2000);
CREATE TABLE plan_events_3 PARTITION OF plan_events FOR VALUES FROM (2000) TO (3000);
INSERT INTO plan_events
SELECT i, 'region ' || i % 7, CASE WHEN i % 97 = 0 THEN NULL ELSE (i % 1009) / 10::numeric ^ (i % 4) END, timestamptz '2024-01-01' + i * 7919 % 3001 * interval '1 minute'
  FROM generate_series(0, 2999) AS i;
ANALYZE plan_events;
CREATE VIEW plan_answers AS
SELECT region, tally.summarize(x) AS plain, tally.summarize(x, ts) AS timed, tally.summarize(x, ts, k) AS ordered,
       tally.distinct_values(x) AS different, tally.level(x, ts) AS level
  FROM plan_events GROUP BY region;
CREATE VIEW plan_totals AS
SELECT tally.merge(timed) AS timed, tally.merge(different) AS different, tally.merge(level) AS level FROM plan_answers;
CREATE FUNCTION pg_temp.same(before text, again text) RETURNS TABLE (groups bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), count(*) FILTER (WHERE a::text IS DISTINCT FROM b::text) FROM %s AS b FULL JOIN %s AS a USING (region)', before, again);
END $$;

SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE plain_answers AS SELECT * FROM plan_answers;
CREATE TEMP TABLE plain_totals AS SELECT * FROM plan_totals;

SET enable_sort = off;  -- one plan on every version
-- each partition on its own, then their states together: the key of the groups is not that of the partitions
SET enable_partitionwise_aggregate = on;
EXPLAIN (COSTS OFF) SELECT * FROM plan_answers;
SELECT * FROM pg_temp.same('plain_answers', 'plan_answers');
-- the key of the partitions is among those of the groups: whole states of each
EXPLAIN (COSTS OFF) SELECT k, tally.summarize(x) FROM plan_events GROUP BY k;

-- workers take partitions, or parts of them
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SET enable_parallel_append = off;
EXPLAIN (COSTS OFF) SELECT tally.summarize(x, ts), tally.distinct_values(x), tally.level(x, ts) FROM plan_events;
EXPLAIN (COSTS OFF) SELECT region, tally.summarize(x, ts), tally.distinct_values(x), tally.level(x, ts) FROM plan_events_1 GROUP BY region;
SELECT * FROM pg_temp.same('plain_answers', 'plan_answers');
SELECT t::text = p::text AS same FROM plan_totals AS t, plain_totals AS p;
-- states that were stored merge in workers too
CREATE TABLE plan_states AS SELECT k, timed, different, level FROM plan_answers, generate_series(1, 200) AS k;
ANALYZE plan_states;
EXPLAIN (COSTS OFF) SELECT tally.merge(timed), tally.merge(different), tally.merge(level) FROM plan_states;
SELECT tally.n(tally.merge(timed)) = 200 * (SELECT tally.n(timed) FROM plain_totals) AS n,
       tally.total(tally.merge(timed)) = 200 * (SELECT tally.total(timed) FROM plain_totals) AS total,
       tally.latest(tally.merge(timed)) = (SELECT tally.latest(timed) FROM plain_totals) AS latest,
       tally.merge(different)::text = (SELECT different::text FROM plain_totals) AS different FROM plan_states;
SET max_parallel_workers_per_gather = 0;

-- grouping sets: each has states of its own
SELECT count(*), bool_and(tally.n(s) = n AND tally.total(s) = total AND tally.highest(s) = highest AND tally.cardinality(d) = different AND tally.change(l) = total)
  FROM (SELECT tally.summarize(x, ts) AS s, tally.distinct_values(x) AS d, tally.level(x, ts) AS l, count(x) AS n, sum(x) AS total, max(x) AS highest, count(DISTINCT x) AS different
          FROM plan_events GROUP BY GROUPING SETS ((region), (k % 5, k % 3), (k % 5), ())) AS q;
SELECT count(*), bool_and(tally.n(s) = n AND tally.total(s) = total AND tally.highest(s) = highest AND tally.cardinality(d) = different)
  FROM (SELECT tally.summarize(x, ts) AS s, tally.distinct_values(x) AS d, count(x) AS n, sum(x) AS total, max(x) AS highest, count(DISTINCT x) AS different
          FROM plan_events GROUP BY CUBE (region, k % 5)) AS q;

DROP VIEW plan_totals, plan_answers;
DROP TABLE plan_events, plan_states;
