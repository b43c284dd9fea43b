#!/bin/bash
# The aggregates against what PostgreSQL has for the same question, on the same rows, in one run: A B A B ..., medians.
# Each answer of ours is compared with PostgreSQL's, so a wrong result is no fast one.
# usage: aggregates.sh      (environment: ROWS=10000000, ROUNDS=5, libpq's; a server with pgtally in the database)
set -euo pipefail
exec psql -X -q -v ON_ERROR_STOP=1 -v rows="${ROWS:-10000000}" -v rounds="${ROUNDS:-5}" <<'SQL'
SET client_min_messages = warning;
SET jit = off;
SET work_mem = '512MB';
DROP SCHEMA IF EXISTS tally_bench CASCADE;
CREATE SCHEMA tally_bench;
SET search_path = tally_bench, public;
\o /dev/null
SELECT setseed(0.42);
\echo building :rows rows
CREATE UNLOGGED TABLE v AS SELECT (random() * 1000)::numeric(12, 4) AS x, timestamptz '2024-01-01' + random() * interval '1 year' AS ts
  FROM generate_series(1, :rows);
CREATE UNLOGGED TABLE t AS SELECT 'customer-' || (random() * 199999)::int || '-of-a-tenant' AS x FROM generate_series(1, :rows);
CREATE UNLOGGED TABLE i AS SELECT (random() * 199999)::bigint * 1000003 AS x FROM generate_series(1, :rows);
CREATE UNLOGGED TABLE b AS SELECT (i * 7919 % :rows) * 1000003 AS x FROM generate_series(1, :rows::bigint) AS i;
CREATE UNLOGGED TABLE g AS SELECT (random() * 9999)::int AS customer, (random() * 500)::int AS x FROM generate_series(1, :rows);
CREATE UNLOGGED TABLE s AS SELECT tally.summarize(x + k) AS x FROM (VALUES (1.25), (2.5), (-7)) AS v(x), generate_series(1, greatest(:rows / 10, 1)) AS k GROUP BY k;
CREATE UNLOGGED TABLE n AS SELECT tally.total(x) AS x FROM s;
ANALYZE v, t, i, b, g, s, n;
CREATE TABLE question (id int, name text, ours text, theirs text, workers int, target numeric);
INSERT INTO question VALUES
(1, 'summarize(x, ts) | count, sum, min, max, avg', 'SELECT (n(q), total(q), lowest(q), highest(q), mean(q))::text FROM (SELECT tally.summarize(x, ts) AS q FROM v) AS z',
    'SELECT (count(x), sum(x), min(x), max(x), avg(x))::text FROM v', 0, 1.5),
(2, 'the same, 2 workers', 'SELECT (n(q), total(q), lowest(q), highest(q), mean(q))::text FROM (SELECT tally.summarize(x, ts) AS q FROM v) AS z',
    'SELECT (count(x), sum(x), min(x), max(x), avg(x))::text FROM v', 2, 1.5),
(3, 'latest | array_agg ORDER BY', 'SELECT latest(tally.summarize(x, ts))::text FROM v', 'SELECT ((array_agg(x ORDER BY ts DESC))[1])::text FROM v', 0, 5),
(4, 'distinct text, 200,000', 'SELECT cardinality(tally.distinct_values(x))::text FROM t', 'SELECT count(DISTINCT x)::text FROM t', 0, 10),
(5, 'the same, 2 workers for ours', 'SELECT cardinality(tally.distinct_values(x))::text FROM t', 'SELECT count(DISTINCT x)::text FROM t', 2, 10),
(6, 'distinct bigint, 200,000', 'SELECT cardinality(tally.distinct_values(x))::text FROM i', 'SELECT count(DISTINCT x)::text FROM i', 0, 4),
(7, 'distinct bigint, all different', 'SELECT cardinality(tally.distinct_values(x))::text FROM b', 'SELECT count(DISTINCT x)::text FROM b', 0, 4),
(8, 'distinct by 10,000 customers', 'SELECT sum(c)::text FROM (SELECT cardinality(tally.distinct_values(x)) AS c FROM g GROUP BY customer) AS z',
    'SELECT sum(c)::text FROM (SELECT count(DISTINCT x) AS c FROM g GROUP BY customer) AS z', 0, 5),
(9, 'merge of stored summaries | sum(numeric)', 'SELECT total(tally.merge(x))::text FROM s', 'SELECT sum(x)::text FROM n', 0, 1),
(10, 'increase of a counter | sum over lag', 'SELECT increase(tally.counter(x, ts))::text FROM v',
    'SELECT sum(CASE WHEN last IS NULL THEN x - x WHEN x < last THEN x ELSE x - last END)::text FROM (SELECT x, lag(x) OVER (ORDER BY ts, x) AS last FROM v) AS z', 0, 1);
CREATE TABLE measured (id int, who text, round int, ms numeric);
CREATE FUNCTION ask(sql text, OUT answer text, OUT ms numeric) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    EXECUTE sql INTO answer;
    ms := extract(epoch FROM clock_timestamp() - began) * 1000;
END $$;
SET search_path = tally_bench, public, tally;
SET min_parallel_table_scan_size = 0;
SELECT set_config('tally_bench.rounds', :'rounds', false);
DO $$
DECLARE
    q question;
    ours record;
    theirs record;
BEGIN
    FOR q IN SELECT * FROM question ORDER BY id LOOP
        PERFORM set_config('max_parallel_workers_per_gather', q.workers::text, false);
        FOR round IN 0..current_setting('tally_bench.rounds')::int LOOP
            ours := ask(q.ours);
            theirs := ask(q.theirs);
            IF ours.answer IS DISTINCT FROM theirs.answer THEN
                RAISE EXCEPTION '%: ours is %, PostgreSQL''s is %', q.name, ours.answer, theirs.answer;
            END IF;
            CONTINUE WHEN round = 0;  -- the first fills the caches
            INSERT INTO measured VALUES (q.id, 'ours', round, ours.ms), (q.id, 'theirs', round, theirs.ms);
        END LOOP;
    END LOOP;
END $$;
\o
\pset footer off
SELECT q.name AS "ours | PostgreSQL's", round(o.ms) AS "ours ms", round(t.ms) AS "theirs ms", round((t.ms / o.ms)::numeric, 2) AS ratio,
       q.target AS "at least", CASE WHEN t.ms / o.ms < q.target THEN 'missed' ELSE 'met' END AS target
  FROM question q, LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM measured WHERE id = q.id AND who = 'ours') AS o,
       LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM measured WHERE id = q.id AND who = 'theirs') AS t ORDER BY q.id;
SELECT 'summary of 3 values' AS "stored state", avg(pg_column_size(x))::int AS bytes, '' AS "bytes per value" FROM s
UNION ALL SELECT 'summary with moments', pg_column_size(tally.summarize(x, ts)), '' FROM v
UNION ALL SELECT 'distinct bigint', pg_column_size(q), round(pg_column_size(q)::numeric / cardinality(q), 2)::text FROM (SELECT tally.distinct_values(x) AS q FROM i) AS z
UNION ALL SELECT 'distinct text', pg_column_size(q), round(pg_column_size(q)::numeric / cardinality(q), 2)::text FROM (SELECT tally.distinct_values(x) AS q FROM t) AS z;
SET client_min_messages = warning;
DROP SCHEMA tally_bench CASCADE;
SQL
