-- tally.level: against the integral worked out step by step; order, NULL and nothing, carried level, plans, I/O
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SET TIME ZONE 'UTC';
SET search_path = public, tally;

-- a level of 2500 from 5 March of a month of 31 days
SELECT tally.time_weighted(tally.level(2500, '2024-03-05'), '2024-03-01', '2024-04-01');
-- a level carried from before, which drops and rises
SELECT tally.time_weighted(s, '2024-01-01', '2024-01-05', 10), tally.time_weighted_seconds(s, '2024-01-01', '2024-01-05', start_level => 10),
       tally.change(s), tally.n(s)
  FROM (SELECT tally.level(x, ts) FROM (VALUES (-10, '2024-01-02'::timestamptz), (5.5, '2024-01-04')) AS v(x, ts)) AS q(s);
-- exact to the microsecond
SELECT tally.time_weighted_seconds(tally.level(0.1, '2024-01-01 00:00:00.999999'), '2024-01-01', '2024-01-01 00:00:01');

-- nothing and NULL
SELECT tally.level(x, now()) IS NULL AS nothing FROM (SELECT 1 WHERE false) AS v(x);
SELECT tally.level(x, ts) IS NULL AS only_nulls FROM (VALUES (NULL::numeric, now()), (1, NULL)) AS v(x, ts);
SELECT tally.time_weighted('{"n":0,"change":"0","moment":"0"}', '2024-01-01', '2024-01-02', 7), tally.time_weighted(NULL, '2024-01-01', '2024-01-02');
-- a level that nobody changed is what it was
SELECT tally.time_weighted(tally.level(x, now()), '2024-01-01', '2024-01-03', 100), tally.time_weighted_seconds(tally.level(x, now()), '2024-01-01', '2024-01-03', 100)
  FROM (SELECT 1 WHERE false) AS v(x);
SELECT tally.time_weighted(NULL, NULL, '2024-01-03', 100) IS NULL, tally.time_weighted(NULL, '2024-01-01', '2024-01-03', NULL) IS NULL,
       tally.time_weighted_seconds(tally.level(1, '2024-01-01'), '2024-01-01', NULL) IS NULL;

-- changes all before the time are its level; changes partly outside are refused
SELECT tally.time_weighted(tally.level(3, '2023-06-01'), '2024-01-01', '2024-01-02', 1);
SELECT tally.time_weighted(s, '2024-01-01', '2024-01-02'), tally.time_weighted(s, '2023-12-31', '2024-01-01')
  FROM (SELECT tally.level(4, '2024-01-01') UNION ALL SELECT tally.level(4, '2024-01-01') ) AS q(s) LIMIT 1;
SELECT tally.time_weighted(tally.level(3, '2024-06-01'), '2024-01-01', '2024-01-02');
SELECT tally.time_weighted(tally.level(x, ts), '2024-01-01', '2024-01-09') FROM (VALUES (1, '2023-12-31'::timestamptz), (2, '2024-01-02')) AS v(x, ts);
SELECT tally.time_weighted(tally.level(1, '2024-01-01'), '2024-01-02', '2024-01-02');
SELECT tally.time_weighted(tally.level(1, '2024-01-01'), '-infinity', '2024-01-02');
SELECT tally.level('NaN', now());
SELECT tally.level('Infinity', now());
SELECT tally.level(1, 'infinity');

-- random changes of every magnitude against the integral step by step
CREATE TABLE level_changes AS
SELECT i, i % 23 AS g, CASE i % 4 WHEN 0 THEN round((random() * 1000)::numeric, i % 7) WHEN 1 THEN -round((random() * 1000)::numeric, 2)
           WHEN 2 THEN (i % 9 - 4) * 10::numeric ^ (i % 30) ELSE (i % 7 - 3) / 10::numeric ^ (i % 20) END AS delta,
       timestamptz '2024-01-01' + random() * interval '366 days' AS ts
  FROM generate_series(1, 3000) AS i;
ANALYZE level_changes;
CREATE FUNCTION pg_temp.by_steps(changes text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    answer numeric;
BEGIN
    EXECUTE format($q$
        SELECT sum(level * (1000000 * extract(epoch FROM until))::numeric - level * (1000000 * extract(epoch FROM ts))::numeric) / 1000000
          FROM (SELECT sum(delta) OVER (ORDER BY ts, i) AS level, ts, lead(ts, 1, '2025-01-01') OVER (ORDER BY ts, i) AS until FROM %s) AS steps$q$,
        changes) INTO answer;
    RETURN answer;
END $$;
SELECT tally.time_weighted_seconds(tally.level(delta, ts), '2024-01-01', '2025-01-01') = pg_temp.by_steps('level_changes') AS same FROM level_changes;
SELECT count(*), bool_and(a = pg_temp.by_steps(format('(SELECT * FROM level_changes WHERE g = %s) AS c', g))) AS same FROM (
    SELECT g, tally.time_weighted_seconds(tally.level(delta, ts), '2024-01-01', '2025-01-01') AS a FROM level_changes GROUP BY g) AS q;
SELECT bool_and(tally.time_weighted(s, '2024-01-01', '2025-01-01')::text = (tally.time_weighted_seconds(s, '2024-01-01', '2025-01-01') * 1000000 / (366 * 86400000000::numeric))::text) AS mean
  FROM (SELECT tally.level(delta, ts) AS s FROM level_changes WHERE i % 4 = 1) AS q;
-- a month's mean from the changes of the month and the level before it
SELECT tally.time_weighted_seconds(tally.level(delta, ts) FILTER (WHERE ts >= '2024-05-01'), '2024-05-01', '2025-01-01',
           start_level => sum(delta) FILTER (WHERE ts < '2024-05-01'))
     + tally.time_weighted_seconds(tally.level(delta, ts) FILTER (WHERE ts < '2024-05-01'), '2024-01-01', '2024-05-01')
     = tally.time_weighted_seconds(tally.level(delta, ts), '2024-01-01', '2025-01-01') AS months_add_up FROM level_changes;

-- random splits in any order
SELECT count(DISTINCT s::text), bool_and(s = whole) FROM (
    SELECT k, tally.merge(part ORDER BY random()) AS s FROM (
        SELECT k, tally.level(delta, ts) AS part FROM level_changes, generate_series(1, 20) AS k GROUP BY k, (random() * k)::int) AS parts GROUP BY k) AS merged,
    (SELECT tally.level(delta, ts ORDER BY i DESC) AS whole FROM level_changes) AS w;

-- a parallel plan
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT tally.level(delta, ts) FROM level_changes;
CREATE TEMP TABLE level_parallel AS SELECT tally.level(delta, ts) AS a, tally.level(delta, ts) FILTER (WHERE i % 4 = 1) AS b FROM level_changes;
SET max_parallel_workers_per_gather = 0;
SELECT p.a = q.a, p.b = q.b FROM level_parallel p,
    (SELECT tally.level(delta, ts) AS a, tally.level(delta, ts) FILTER (WHERE i % 4 = 1) AS b FROM level_changes) AS q;

-- window frames
SELECT bool_and(c = s) FROM (SELECT tally.change(tally.level(delta, ts) OVER w) AS c, sum(delta) OVER w AS s
    FROM level_changes WHERE i < 200 WINDOW w AS (ORDER BY i ROWS 5 PRECEDING)) AS q;

-- text and binary round trips
SELECT bool_and(s::text::tally.level_state = s AND s::text::tally.level_state::text = s::text) FROM (SELECT tally.level(delta, ts) AS s FROM level_changes GROUP BY i % 200) AS q;
CREATE TABLE level_kept AS SELECT g, tally.level(delta, ts) AS s FROM level_changes GROUP BY g;
INSERT INTO level_kept VALUES (100, NULL), (101, '{"n":0,"change":"0","moment":"0"}');
\copy level_kept TO 'results/level_kept.bin' (FORMAT binary)
CREATE TABLE level_again (LIKE level_kept);
\copy level_again FROM 'results/level_kept.bin' (FORMAT binary)
SELECT count(*), bool_and(a.s IS NOT DISTINCT FROM b.s) FROM level_kept a JOIN level_again b USING (g);
SELECT pg_column_size(tally.level(1, '2024-01-01')) < 50 AS compact;

-- malformed text
SELECT ''::tally.level_state;
SELECT '{"n":1,"change":"1","moment":"1"}'::tally.level_state;
SELECT '{"n":0,"change":"1","moment":"0"}'::tally.level_state;
SELECT '{"n":1,"change":"NaN","moment":"1","first":"2024-01-01T00:00:00Z","last":"2024-01-01T00:00:00Z"}'::tally.level_state;
SELECT '{"n":1,"change":"1","moment":"1","first":"2024-01-02T00:00:00Z","last":"2024-01-01T00:00:00Z"}'::tally.level_state;
SELECT '{"n":1,"change":"1","moment":"1","first":"infinity","last":"infinity"}'::tally.level_state;
SELECT '{"n":1,"n":1}'::tally.level_state;

DROP TABLE level_changes, level_kept, level_again;
