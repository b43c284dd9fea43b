#!/bin/bash
# The aggregates against what PostgreSQL has for the same question, on the same rows, in one run: A B A B ..., medians.
# Each answer of ours is compared with PostgreSQL's, so a wrong result is no fast one.
# usage: aggregates.sh      (environment: ROWS=10000000, ROUNDS=5, libpq's; a server with pgtally in the database)
set -euo pipefail
ask() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
ask -v rows="${ROWS:-10000000}" -v rounds="${ROUNDS:-5}" -v tables="$(dirname "$0")/aggregates/tables.sql" <<'SQL'
\i :tables
\o /dev/null
-- Without a target: what PostgreSQL needs to bring the same rows to any aggregate, so the most that a faster one could reach.
CREATE TABLE question (id numeric, name text, ours text, theirs text, workers int, target numeric);
INSERT INTO question VALUES
(1, 'summarize(x, ts) | count, sum, min, max, avg', 'SELECT (n(q), total(q), lowest(q), highest(q), mean(q))::text FROM (SELECT tally.summarize(x, ts) AS q FROM v) AS z',
    'SELECT (count(x), sum(x), min(x), max(x), avg(x))::text FROM v', 0, 1.5),
(2, 'the same, 2 workers', 'SELECT (n(q), total(q), lowest(q), highest(q), mean(q))::text FROM (SELECT tally.summarize(x, ts) AS q FROM v) AS z',
    'SELECT (count(x), sum(x), min(x), max(x), avg(x))::text FROM v', 2, 1.5),
(3, 'latest | array_agg ORDER BY', 'SELECT latest(tally.summarize(x, ts))::text FROM v', 'SELECT ((array_agg(x ORDER BY ts DESC))[1])::text FROM v', 0, 5),
(4, 'distinct text, 200,000', 'SELECT cardinality(tally.distinct_values(x))::text FROM t', 'SELECT count(DISTINCT x)::text FROM t', 0, 10),
(5, 'the same, 2 workers for ours', 'SELECT cardinality(tally.distinct_values(x))::text FROM t', 'SELECT count(DISTINCT x)::text FROM t', 2, 10),
(6, 'distinct bigint, 200,000', 'SELECT cardinality(tally.distinct_values(x))::text FROM i', 'SELECT count(DISTINCT x)::text FROM i', 0, 4),
(6.1, 'the same, 2 workers for ours', 'SELECT cardinality(tally.distinct_values(x))::text FROM i', 'SELECT count(DISTINCT x)::text FROM i', 2, 4),
(6.2, 'bound: count(x)', 'SELECT count(x) FROM i', 'SELECT count(DISTINCT x)::text FROM i', 0, NULL),
(7, 'distinct bigint, all different', 'SELECT cardinality(tally.distinct_values(x))::text FROM b', 'SELECT count(DISTINCT x)::text FROM b', 0, 4),
(7.1, 'the same, 2 workers for ours', 'SELECT cardinality(tally.distinct_values(x))::text FROM b', 'SELECT count(DISTINCT x)::text FROM b', 2, 4),
(7.2, 'ids in a row, all different', 'SELECT cardinality(tally.distinct_values(x / 1000003))::text FROM b', 'SELECT count(DISTINCT x / 1000003)::text FROM b', 0, 4),
(8, 'distinct by 10,000 customers', 'SELECT sum(c)::text FROM (SELECT cardinality(tally.distinct_values(x)) AS c FROM g GROUP BY customer) AS z',
    'SELECT sum(c)::text FROM (SELECT count(DISTINCT x) AS c FROM g GROUP BY customer) AS z', 0, 5),
(8.1, 'the same, 2 workers', 'SELECT sum(c)::text FROM (SELECT cardinality(tally.distinct_values(x)) AS c FROM g GROUP BY customer) AS z',
    'SELECT sum(c)::text FROM (SELECT count(DISTINCT x) AS c FROM g GROUP BY customer) AS z', 2, 5),
(8.2, 'bound: count(x) by customer', 'SELECT sum(c)::text FROM (SELECT count(x) AS c FROM g GROUP BY customer) AS z',
    'SELECT sum(c)::text FROM (SELECT count(DISTINCT x) AS c FROM g GROUP BY customer) AS z', 0, NULL),
(9, 'merge of stored summaries | sum(numeric)', 'SELECT total(tally.merge(x))::text FROM s', 'SELECT sum(x)::text FROM n', 0, 1),
(10, 'increase of a counter | sum over lag', 'SELECT increase(tally.counter(x, ts))::text FROM v',
    'SELECT sum(CASE WHEN last IS NULL THEN x - x WHEN x < last THEN x ELSE x - last END)::text FROM (SELECT x, lag(x) OVER (ORDER BY ts, x) AS last FROM v) AS z', 0, 1);
CREATE TABLE measured (id numeric, who text, round int, ms numeric, cpu numeric);
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
            IF q.target IS NOT NULL AND ours.answer IS DISTINCT FROM theirs.answer THEN
                RAISE EXCEPTION '%: ours is %, PostgreSQL''s is %', q.name, ours.answer, theirs.answer;
            END IF;
            CONTINUE WHEN round = 0;  -- the first fills the caches
            INSERT INTO measured VALUES (q.id, 'ours', round, ours.ms, ours.cpu), (q.id, 'theirs', round, theirs.ms, theirs.cpu);
        END LOOP;
    END LOOP;
END $$;
\o
\pset footer off
CREATE VIEW median AS
SELECT id, who, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms, percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu) AS cpu FROM measured GROUP BY id, who;
SELECT q.name AS "ours | PostgreSQL's", round(o.ms) AS "ours ms", round(t.ms) AS "theirs ms", round((t.ms / o.ms)::numeric, 2) AS ratio,
       CASE WHEN q.workers = 0 THEN round((t.cpu / o.cpu)::numeric, 2) END AS "cpu ratio", q.target AS "at least",
       CASE WHEN t.ms / o.ms < q.target THEN 'missed' WHEN q.target IS NOT NULL THEN 'met' ELSE '' END AS target
  FROM question q JOIN median o ON o.id = q.id AND o.who = 'ours' JOIN median t ON t.id = q.id AND t.who = 'theirs' ORDER BY q.id;
SELECT 'summary of 3 values' AS "stored state", avg(pg_column_size(x))::int AS bytes, '' AS "bytes per value" FROM s
UNION ALL SELECT 'summary with moments', pg_column_size(tally.summarize(x, ts)), '' FROM v
UNION ALL SELECT 'distinct bigint', pg_column_size(q), round(pg_column_size(q)::numeric / cardinality(q), 2)::text FROM (SELECT tally.distinct_values(x) AS q FROM i) AS z
UNION ALL SELECT 'distinct text', pg_column_size(q), round(pg_column_size(q)::numeric / cardinality(q), 2)::text FROM (SELECT tally.distinct_values(x) AS q FROM t) AS z
UNION ALL SELECT 'distinct ids in a row', pg_column_size(q), round(pg_column_size(q)::numeric / cardinality(q), 2)::text FROM (SELECT tally.distinct_values(x / 1000003) AS q FROM b) AS z
UNION ALL SELECT 'level', pg_column_size(tally.level(x, ts)), '' FROM v
UNION ALL SELECT 'counter', pg_column_size(tally.counter(x, ts)), '' FROM v;
SQL

# Peak memory of a backend of its own for a query, in kB: of the server's Linux, for a superuser.
peak() { # SQL
    ask -A -t -c "SET jit = off; SET work_mem = '512MB'; SET max_parallel_workers_per_gather = 0" -c "$1" \
        -c "SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')" | tail -n 1
}
# What it takes beyond a plain scan of the same table, for each distinct value.
per_value() { # SQL
    awk -v peak="$(peak "$1")" -v scan="$scan" -v count="$count" 'BEGIN { printf "%.1f", (peak - scan) * 1024 / count }'
}
printf '\n%-36s %12s %12s\n' 'peak memory, bytes a distinct value' ours "PostgreSQL's"
for question in 'distinct text, 200,000:t' 'distinct bigint, 200,000:i' 'distinct bigint, all different:b'; do
    table=tally_bench.${question##*:}
    count=$(ask -A -t -c "SELECT tally.cardinality(tally.distinct_values(x)) FROM $table")
    scan=$(peak "SELECT count(x) FROM $table")
    printf '%-36s %12s %12s\n' "${question%:*}" "$(per_value "SELECT tally.cardinality(tally.distinct_values(x)) FROM $table")" \
        "$(per_value "SELECT count(DISTINCT x) FROM $table")"
done
ask -c 'SET client_min_messages = warning; DROP SCHEMA tally_bench CASCADE'
