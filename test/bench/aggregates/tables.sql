-- The rows that aggregates are measured on, in schema tally_bench, and a function that times a query. For psql, with the
-- variable rows. v: amounts with times; t: texts, i: integers, of 200,000 different each; b: integers, all different;
-- g: ten thousand customers; s: stored summaries, n: their totals.
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
-- What a query answers, how long the server took, and how long this process was on a processor (NULL where there is no
-- Linux to say): waiting for a core that others use does not count in it, nor do parallel workers.
CREATE FUNCTION ask(sql text, OUT answer text, OUT ms numeric, OUT cpu numeric) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    used  numeric := split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1);
BEGIN
    EXECUTE sql INTO answer;
    ms := extract(epoch FROM clock_timestamp() - began) * 1000;
    cpu := (split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::numeric - used) / 1000000;
END $$;
\o
