-- tally.summary in window frames that move: to the last byte what adding up each frame gives, whatever enters and leaves
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;

-- who has a moving form: what has a moment or a set cannot give back what left (README, design notes)
SELECT aggfnoid::regprocedure, aggmtransfn, aggminvtransfn, aggmtranstype::regtype, aggmfinalfn, aggmfinalmodify
  FROM pg_aggregate JOIN pg_proc ON pg_proc.oid = aggfnoid
 WHERE pronamespace = 'tally'::regnamespace AND aggminvtransfn <> 0 ORDER BY 1;
SELECT tally.summary_moving_final(NULL);

-- few different values, so that extremes have copies and leave; NULLs, specials, nothing, and in group 4 wide values
SELECT setseed(0.42) \g /dev/null
CREATE TABLE window_rows AS
SELECT i, i % 5 AS g, (random() * 40)::int AS k, timestamptz '2024-01-01' + random() * interval '3 days' AS ts,
       CASE WHEN r < 0.08 THEN NULL WHEN r < 0.10 THEN 'NaN' WHEN r < 0.12 THEN 'Infinity' WHEN r < 0.14 THEN '-Infinity'
            WHEN r < 0.17 AND i % 5 = 4 THEN 12345678901234567890123456789012345678901.5 * (i % 3 - 1)
            WHEN r < 0.20 THEN 9e36 * (i % 2 * 2 - 1) WHEN r < 0.5 THEN i % 4
            ELSE round((random() * 20 - 10)::numeric, (random() * 3)::int) END AS x
  FROM (SELECT i, random() AS r FROM generate_series(1, 1500) AS i) AS q;
CREATE TABLE window_states AS
SELECT i, g, k, ts, CASE i % 11 WHEN 0 THEN NULL WHEN 1 THEN '{"n":0,"total":"0.000"}'
                        WHEN 2 THEN tally.difference(tally.summarize(x), '{"n":0,"total":"0"}') WHEN 3 THEN tally.summarize(x, ts)
                        ELSE tally.summarize(x) END AS x
  FROM (SELECT i, g, k, ts, (random() < 0.1 AND i % 11 IN (2, 3))::int AS rare FROM window_rows) AS r
  CROSS JOIN LATERAL (SELECT w.x, w.ts FROM window_rows AS w WHERE w.i BETWEEN r.i AND r.i + r.k % 4 AND (r.i % 11 NOT IN (2, 3) OR rare = 1)) AS v(x, vts)
 GROUP BY i, g, k, ts;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE x IS NULL) > 50 AS nulls, count(DISTINCT x::text) > 300 AS different FROM window_states;

-- the same aggregates without the moving form
CREATE AGGREGATE pg_temp.still(numeric) (SFUNC = tally.summary_add, STYPE = tally.summary, FINALFUNC = tally.summary_final);
CREATE AGGREGATE pg_temp.still(tally.summary) (SFUNC = tally.merge_states, STYPE = tally.summary, FINALFUNC = tally.summary_final);
CREATE FUNCTION pg_temp.differences(moving text, source text, frame text) RETURNS TABLE (row_count bigint, answers bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT count(*), count(m), count(*) FILTER (WHERE tally.summary_send(m) IS DISTINCT FROM tally.summary_send(s))
          FROM (SELECT %1$s(x) FILTER (WHERE i %% 13 <> 0) OVER w AS m, pg_temp.still(x) FILTER (WHERE i %% 13 <> 0) OVER w AS s
                  FROM %2$s WINDOW w AS (%3$s)
                UNION ALL
                SELECT %1$s(x) OVER w, pg_temp.still(x) OVER w FROM %2$s WINDOW w AS (%3$s)) AS q $query$, moving, source, frame);
END $$;
SELECT frame, min(row_count) > 2000 AS many, min(answers) > 1000 AS answered, sum(differ) AS differ
  FROM (VALUES (1, 'ORDER BY i ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING'),
               (2, 'PARTITION BY g ORDER BY i ROWS BETWEEN 30 PRECEDING AND CURRENT ROW'),
               (3, 'PARTITION BY g ORDER BY i ROWS BETWEEN 12 PRECEDING AND 3 PRECEDING'),
               (4, 'PARTITION BY g ORDER BY i ROWS BETWEEN 2 FOLLOWING AND 2 FOLLOWING'),
               (5, 'PARTITION BY g ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING'),
               (6, 'PARTITION BY g ORDER BY i'),
               (7, 'PARTITION BY g ORDER BY k RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING'),
               (8, 'ORDER BY ts RANGE BETWEEN interval ''1 hour'' PRECEDING AND interval ''5 minutes'' PRECEDING'),
               (9, 'PARTITION BY g ORDER BY k GROUPS BETWEEN 3 PRECEDING AND CURRENT ROW'),
               (10, 'PARTITION BY g ORDER BY i ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE CURRENT ROW'),
               (11, 'PARTITION BY g ORDER BY k GROUPS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE TIES'),
               (12, 'ORDER BY x::text ROWS BETWEEN 40 PRECEDING AND CURRENT ROW')) AS f(n, frame),
       (VALUES ('tally.summarize', 'window_rows'), ('tally.merge', 'window_states')) AS a(moving, source),
       LATERAL pg_temp.differences(moving, source, frame) AS d
 GROUP BY n, frame ORDER BY n;

-- what a row sees: copies of an extreme, the greatest scale, nothing
SELECT i, x, tally.summarize(x) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)
  FROM (VALUES (1, 1.50), (2, NULL), (3, NULL), (4, 2), (5, 2), (6, 2.0), (7, 'NaN'), (8, 7)) AS v(i, x);

DROP TABLE window_rows, window_states;
