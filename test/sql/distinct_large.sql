-- tally.distinct_set: integers that lie close together (bits), and sets that outgrow a flat value (expanded objects)
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SET search_path = public, tally;

-- close integers are stored as bits, and only where that is shorter
SELECT distinct_values(x) FROM generate_series(-3, 200) AS x;
SELECT distinct_values(x * 1000) FROM generate_series(1, 3) AS x;
SELECT distinct_values(x) FROM (VALUES (date '2024-02-28'), ('2024-02-29'), ('2024-03-01')) AS v(x);
SELECT name, cardinality(s), pg_column_size(s) FROM (
    SELECT 'a million ids in a row' AS name, distinct_values(x) AS s FROM generate_series(1, 1000000) AS x
    UNION ALL SELECT 'every fifth', distinct_values(x) FROM generate_series(1, 1000000, 5) AS x
    UNION ALL SELECT 'every hundredth', distinct_values(x) FROM generate_series(1, 1000000, 100) AS x
    UNION ALL SELECT 'in a row, and one far away', distinct_values(x) FROM (SELECT generate_series(1, 1000::bigint) UNION ALL SELECT 9223372036854775807) AS v(x)
    UNION ALL SELECT 'both ends', distinct_values(x) FROM (SELECT generate_series(9223372036854775000, 9223372036854775807) UNION ALL SELECT generate_series(-9223372036854775807 - 1, -9223372036854775000)) AS v(x)) AS q;
-- whatever the order, whatever joined: the same bytes
SELECT count(DISTINCT s::text), min(cardinality(s)), bool_and(contains(s, 1) AND contains(s, 5000) AND NOT contains(s, 0) AND NOT contains(s, 5001)) FROM (
    SELECT distinct_values(x ORDER BY x) AS s FROM generate_series(1, 5000) AS x
    UNION ALL SELECT distinct_values(x ORDER BY x DESC) FROM generate_series(1, 5000) AS x
    UNION ALL SELECT distinct_values(x ORDER BY x % 64, x) FROM generate_series(1, 5000) AS x
    UNION ALL SELECT merge(p) FROM (SELECT distinct_values(x) AS p FROM generate_series(1, 5000) AS x GROUP BY x % 977) AS parts
    UNION ALL SELECT merge(p ORDER BY g DESC) FROM (SELECT x / 100 AS g, distinct_values(x) AS p FROM generate_series(1, 5000) AS x GROUP BY x / 100) AS parts
    UNION ALL SELECT merge_states(distinct_values(x) FILTER (WHERE x > 100), distinct_values(x) FILTER (WHERE x <= 101)) FROM generate_series(1, 5000) AS x) AS q;
-- bits that get a fraction, and bits that get a far number, are keys again
SELECT cardinality(s), contains(s, 500), contains(s, 0.5), contains(s, 1e15::numeric) FROM (
    SELECT distinct_values(x) AS s FROM (SELECT generate_series(1, 1000)::numeric UNION ALL SELECT 0.5 UNION ALL SELECT 1e15) AS v(x)) AS q;

-- large sets of every shape against count(DISTINCT)
CREATE TABLE distinct_many AS
SELECT i, i % 3 AS g, i * 7919 % 40000 AS dense, (i * 7919 % 40000)::bigint * 1000003 AS sparse, 'value ' || i * 7919 % 30000 AS short,
       'a longer value, number ' || i * 7919 % 30000 AS long, (i * 7919 % 30000) / 4.0 AS fraction
  FROM generate_series(1, 60000::bigint) AS i;
ANALYZE distinct_many;
SELECT cardinality(distinct_values(dense)) = count(DISTINCT dense) AS dense, cardinality(distinct_values(sparse)) = count(DISTINCT sparse) AS sparse,
       cardinality(distinct_values(short)) = count(DISTINCT short) AS short, cardinality(distinct_values(long)) = count(DISTINCT long) AS long,
       cardinality(distinct_values(fraction)) = count(DISTINCT fraction) AS fraction FROM distinct_many;
SELECT count(*), bool_and(ok) FROM (
    SELECT cardinality(distinct_values(sparse)) = count(DISTINCT sparse) AND cardinality(distinct_values(long)) = count(DISTINCT long) AS ok
      FROM distinct_many GROUP BY GROUPING SETS ((g), (i % 2, g), ())) AS q;

-- an expanded set is packed wherever it is kept: tables, arrays, rows, variables, sorting, materialized results
CREATE TABLE distinct_packed AS SELECT g, distinct_values(sparse) AS s, distinct_values(long) AS t FROM distinct_many GROUP BY g;
SELECT g, cardinality(s), cardinality(t), pg_column_size(s), pg_column_size(t), contains(s, 1000003), contains(t, 'a longer value, number 7'::text) FROM distinct_packed ORDER BY g;
WITH kept AS MATERIALIZED (SELECT g, distinct_values(sparse) AS s FROM distinct_many GROUP BY g)
SELECT count(*), bool_and(k.s = p.s AND k.s::text = p.s::text AND distinct_set_hash(k.s) = distinct_set_hash(p.s)) FROM kept k JOIN distinct_packed p USING (g);
SELECT bool_and(a[1] = p.s), bool_and((r).s = p.s) FROM (
    SELECT g, ARRAY[distinct_values(sparse)] AS a, ROW(g, distinct_values(sparse), NULL)::distinct_packed AS r FROM distinct_many GROUP BY g ORDER BY g DESC) q JOIN distinct_packed p USING (g);
DO $$
DECLARE
    kept tally.distinct_set;
    copied tally.distinct_set;
BEGIN
    SELECT tally.distinct_values(sparse) INTO kept FROM distinct_many;
    copied := kept;
    kept := tally.merge_states(kept, tally.distinct_values(-1));
    RAISE INFO '% %', tally.cardinality(copied), tally.cardinality(kept);
END $$;
SELECT cardinality(merge(s)), cardinality(merge(t)) FROM distinct_packed;
SELECT merge(s) = (SELECT distinct_values(sparse) FROM distinct_many) AS same FROM distinct_packed;
SELECT count(*) FROM (SELECT s FROM (SELECT distinct_values(sparse) AS s FROM distinct_many GROUP BY i % 2, g UNION ALL SELECT s FROM distinct_packed) AS q GROUP BY s) AS z;
-- two accessors read one state; the aggregate goes on after its result was read, in a window
SELECT cardinality(distinct_values(sparse)), contains(distinct_values(sparse), 0), pg_column_size(distinct_values(sparse)) FROM distinct_many;
SELECT i, cardinality(s), cardinality(lag(s) OVER (ORDER BY i)) FROM (
    SELECT i, distinct_values(sparse) OVER (ORDER BY i) AS s FROM distinct_many WHERE i <= 12000) AS q WHERE i % 4000 = 0;
SELECT bool_and(c = LEAST(i, 9000)) FROM (
    SELECT i, cardinality(distinct_values(sparse) OVER (ORDER BY i ROWS 8999 PRECEDING)) AS c FROM distinct_many WHERE i <= 9100) AS q;

-- a parallel plan of large sets
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT cardinality(distinct_values(sparse)), cardinality(distinct_values(dense)), cardinality(distinct_values(long)) FROM distinct_many;
SELECT cardinality(distinct_values(sparse)), cardinality(distinct_values(dense)), cardinality(distinct_values(long)) FROM distinct_many;
RESET max_parallel_workers_per_gather;

-- hash aggregation sees the memory of expanded sets and spills
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.hash_batches(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'HashAgg Batches';
END $$;
SET enable_sort = off;
SET work_mem = '1MB';
SELECT pg_temp.hash_batches('SELECT g, tally.distinct_values(k) FROM generate_series(1, 12) AS g, generate_series(1, 20000000, 1000) AS k GROUP BY g') > 1 AS spills;
SELECT count(*), min(c), max(c) FROM (
    SELECT cardinality(distinct_values(k)) AS c FROM generate_series(1, 12) AS g, generate_series(1, 20000000, 1000) AS k GROUP BY g) AS q;
RESET ALL;
SET search_path = public, tally;

-- text and binary round trips of bits, and the refusal of bits that are not canonical
SELECT bool_and(s::text::distinct_set = s AND s::text::distinct_set::text = s::text) FROM (
    SELECT distinct_values(dense) AS s FROM distinct_many GROUP BY i % 50 UNION ALL SELECT distinct_values(dense) FROM distinct_many GROUP BY dense / 100) AS q;
\copy distinct_packed TO 'results/distinct_packed.bin' (FORMAT binary)
CREATE TABLE distinct_again (LIKE distinct_packed);
\copy distinct_again FROM 'results/distinct_packed.bin' (FORMAT binary)
SELECT count(*), bool_and(a.s = b.s AND a.t = b.t) FROM distinct_packed a JOIN distinct_again b USING (g);
SELECT '{"kind":"number","count":3,"base":"9223372036854775808","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":2,"base":"9223372036854775808","bits":"BgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":4,"base":"9223372036854775808","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":3,"base":"9223372036854775809","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":3,"base":"99999999999999999999","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":3,"base":"-1","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":3,"bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":3,"base":"9223372036854775808","bits":"DgAAAAAAAAAAAAAAAAAAAA=="}'::distinct_set;
SELECT '{"kind":"text","count":3,"base":"9223372036854775808","bits":"DgAAAAAAAAA="}'::distinct_set;
SELECT '{"kind":"number","count":0,"base":"0","bits":""}'::distinct_set;
SELECT '{"kind":"number","count":3,"keys":"AQAAAAAAAIACAAAAAAAAgAMAAAAAAACA"}'::distinct_set;

-- a set has at most 67,108,864 keys, however they come together: more are an error, not memory that is not there
CREATE FUNCTION block_of(base numeric, n integer) RETURNS distinct_set LANGUAGE sql AS $$
    SELECT format('{"kind":"number","count":%s,"base":"%s","bits":"%s"}', n, base, translate(encode(decode(repeat('ff', n / 8), 'hex'), 'base64'), E'\n', ''))::distinct_set $$;
SELECT cardinality(merge_states(block_of(0, 60000000), block_of(9223372036854775808, 7000000)));
SELECT cardinality(merge_states(block_of(0, 60000000), block_of(9223372036854775808, 7200000)));
SELECT cardinality(merge_states(block_of(0, 60000000), block_of(9223372036854775808, 20000000)));
SELECT cardinality(merge(s)) FROM (VALUES (block_of(0, 60000000)), (block_of(9223372036854775808, 20000000))) AS v(s);
DROP FUNCTION block_of(numeric, integer);

DROP TABLE distinct_many, distinct_packed, distinct_again;
