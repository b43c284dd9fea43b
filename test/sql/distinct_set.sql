-- tally.distinct_set: against count(DISTINCT) for every kind of type, NULL and nothing, merging, membership, plans, I/O
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SET TIME ZONE 'UTC';
SET search_path = public, tally;
SET extra_float_digits = 0;

-- the text form is fixed for ever: keys are on disk
SELECT tally.distinct_values(x) FROM (VALUES (1), (-7), (0), (1)) AS v(x);
SELECT tally.distinct_values(x) FROM (VALUES (0.10), (12345678901234567890123), (7.000)) AS v(x);
SELECT tally.distinct_values(x) FROM (VALUES ('a'), (''), ('exactly 15 byte'), ('exactly 16 bytes'), ('a')) AS v(x);
SELECT tally.distinct_values('018c344b-da87-7392-bbae-c5c8780adb1b'::uuid), tally.distinct_values('\x00ff'::bytea);

-- nothing and NULL
SELECT tally.distinct_values(x) IS NULL AS nothing FROM (SELECT 1 WHERE false) AS v(x);
SELECT tally.distinct_values(x) IS NULL AS only_nulls FROM (VALUES (NULL::text), (NULL)) AS v(x);
SELECT tally.cardinality(tally.distinct_values(x)) FROM (VALUES (NULL::int), (1), (NULL)) AS v(x);
SELECT tally.cardinality(tally.distinct_values('x'::text));

-- every kind of type against count(DISTINCT)
CREATE TYPE distinct_mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN distinct_code AS text;
CREATE TYPE distinct_pair AS (a int, b text);
CREATE TYPE distinct_wide AS (a bigint, b text);
CREATE TABLE distinct_data AS
SELECT i, (i * 7 % 300)::smallint AS i2, i * 13 % 900 AS i4, (i * 17 % 1100)::bigint * 1000000007 AS i8,
       round((i * 31 % 1300) / 7.0, i % 12) AS num, (i % 700) * 10::numeric ^ (i % 60 - 20) AS wild, i % 3 = 0 AS flag,
       ((i * 31 % 1300) / 7.0)::real AS f4, (i * 31 % 1300) / 7.0::float8 AS f8,
       'c' || i % 800 AS short, repeat('customer ', i % 5) || i % 800 AS long, ('v' || i % 50)::varchar(20) AS vc,
       ('p' || i % 50)::char(12) AS padded, ('n' || i % 60)::name AS nam, decode(md5((i % 600)::text), 'hex') AS byt,
       md5((i % 650)::text)::uuid AS id, date '2024-01-01' + i % 400 AS day, timestamp '2024-01-01' + i % 410 * interval '1 hour' AS ts,
       timestamptz '2024-01-01' + i % 420 * interval '1 hour' AS tstz, time '00:00' + i % 430 * interval '1 minute' AS clock,
       i % 440 * interval '1 minute' AS span, (enum_range(NULL::distinct_mood))[1 + i % 3] AS mood, ('d' || i % 70)::distinct_code AS code,
       ARRAY[i % 80, i % 3] AS arr, jsonb_build_object('a', i % 90) AS doc, int4range(i % 95, i % 95 + 5) AS rng,
       ('10.0.0.' || i % 100)::inet AS ip, (i % 110)::oid AS o, (i % 120)::text::"char" AS ch, ROW(i % 130, 'x')::distinct_pair AS rec
  FROM generate_series(1, 6000) AS i;
INSERT INTO distinct_data (i, f4, f8, num) VALUES (0, '-0', '-0', '-0.00'), (0, '0', '0', 0), (0, 'NaN', 'NaN', 'NaN'), (0, 'NaN', 'NaN', 'NaN'),
    (0, 'Infinity', 'Infinity', 'Infinity'), (0, '-Infinity', '-Infinity', '-Infinity');
ANALYZE distinct_data;
DO $$
DECLARE
    col text;
    same boolean;
BEGIN
    FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = 'distinct_data'::regclass AND attnum > 0 ORDER BY attnum LOOP
        EXECUTE format('SELECT tally.cardinality(tally.distinct_values(%1$I)) = count(DISTINCT %1$I) FROM distinct_data', col) INTO same;
        IF same IS NOT TRUE THEN RAISE WARNING 'distinct_values(%) differs from count(DISTINCT)', col; END IF;
        EXECUTE format('SELECT bool_and(a = b) FROM (SELECT tally.cardinality(tally.distinct_values(%1$I)) AS a, count(DISTINCT %1$I) AS b
                          FROM distinct_data WHERE i > 0 GROUP BY i %% 40) AS q', col) INTO same;
        IF same IS NOT TRUE THEN RAISE WARNING 'distinct_values(%) by group differs from count(DISTINCT)', col; END IF;
        EXECUTE format('SELECT bool_and(tally.contains(s, %1$I)) FROM distinct_data, (SELECT tally.distinct_values(%1$I) FROM distinct_data) AS q(s)
                         WHERE %1$I IS NOT NULL', col) INTO same;
        IF same IS NOT TRUE THEN RAISE WARNING 'contains(%) misses a value', col; END IF;
    END LOOP;
END $$;

-- equal numbers of different types are one value, and so are padded and plain text
SELECT tally.cardinality(tally.merge(s)) FROM (
    SELECT tally.distinct_values(1::smallint) UNION ALL SELECT tally.distinct_values(1::bigint)
    UNION ALL SELECT tally.distinct_values(1.00) UNION ALL SELECT tally.distinct_values(1.01) UNION ALL SELECT tally.distinct_values(1::oid)) AS q(s);
SELECT tally.cardinality(tally.merge(s)) FROM (
    SELECT tally.distinct_values('a '::char(5)) UNION ALL SELECT tally.distinct_values('a'::text) UNION ALL SELECT tally.distinct_values('a'::name)) AS q(s);

-- a set of numbers widens when a fraction comes, and says so only in its width
SELECT tally.cardinality(s), length(s::text), tally.contains(s, 5), tally.contains(s, 5.5), tally.contains(s, 5.6), tally.contains(s, 0)
  FROM (SELECT tally.distinct_values(x) FROM (SELECT generate_series(0, 99)::numeric UNION ALL SELECT 5.5) AS v(x)) AS q(s);

-- a nondeterministic collation keeps its own equality
CREATE COLLATION distinct_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT tally.cardinality(tally.distinct_values(x COLLATE distinct_nocase)), count(DISTINCT x COLLATE distinct_nocase),
       tally.cardinality(tally.distinct_values(x COLLATE "C"))
  FROM (VALUES ('Ab'), ('aB'), ('c')) AS v(x);

-- values made of values: their types' own hashes fold bigint to 32 bits, forget the shape of arrays and documents, and
-- repeat themselves every 32 items of a document; the set does not
SELECT tally.cardinality(tally.distinct_values(ARRAY[x])) AS arr, tally.cardinality(tally.distinct_values(ROW(x, 'x')::distinct_wide)) AS rec,
       tally.cardinality(tally.distinct_values((x, 'x'))) AS record, tally.cardinality(tally.distinct_values(int8range(x, NULL))) AS rng,
       tally.cardinality(tally.distinct_values(x * interval '1 us')) AS span, tally.cardinality(tally.distinct_values('0/0'::pg_lsn + x)) AS lsn,
       tally.cardinality(tally.distinct_values(ARRAY[timestamptz '2000-01-01Z' + x * interval '1 us'])) AS times
  FROM (VALUES (1::bigint), (4294967296), (1)) AS v(x);
SELECT tally.cardinality(tally.distinct_values(x)), count(DISTINCT x)
  FROM (VALUES ('{}'::numeric[]), ('{1}'), ('{1.00}'), ('[0:0]={1}'), ('{{1}}'), ('{NULL}'), ('{1,NULL}'), ('{NULL,1}')) AS v(x);
SELECT tally.cardinality(tally.distinct_values(x)), count(DISTINCT x)
  FROM (VALUES ('empty'::numrange), ('(,)'), ('(,3)'), ('[3,)'), ('[1,3)'), ('[1.0,3.00)'), ('[1,3]'), ('(1,3)')) AS v(x);
SELECT tally.cardinality(tally.distinct_values(x)), count(DISTINCT x)
  FROM (VALUES (interval '1 month'), ('30 days'), ('720:00'), ('-1 month'), ('1 month 1 us')) AS v(x);
SELECT tally.cardinality(tally.distinct_values(x)), count(DISTINCT x)
  FROM (VALUES ('1'::jsonb), ('[1]'), ('[1.0]'), ('[[1]]'), ('"1"'), ('null'), ('[null]'), ('true'), ('{}'), ('[]'), ('{"a": 1}'), ('{"a": 1.00}'),
               ('["a", "b"]'), ('["ab"]'), ('[["a"], "b"]'), ('[["a", "b"]]'), ('{"a": {"b": 1}}'), ('{"a": {}, "b": 1}')) AS v(x);
SELECT tally.cardinality(tally.distinct_values(to_jsonb(3 - i) || to_jsonb(array_fill(0, ARRAY[31])) || to_jsonb(i))) AS far_items FROM generate_series(1, 2) AS i;
SELECT tally.cardinality(tally.distinct_values((a, b, c))), count(DISTINCT (a, b, c))
  FROM (VALUES (1, 'a', NULL), (1, 'a', 2), (1, NULL, 2), (NULL, 'a', 2), (1, 'a', NULL)) AS v(a, b, c);
SELECT tally.cardinality(tally.distinct_values(CASE WHEN i % 2 = 0 THEN ROW(i % 3, 'a') ELSE ROW(2.5, i % 4, NULL) END)) AS records_of_two_shapes,
       tally.cardinality(tally.distinct_values(ROW(i % 5, ARRAY[ROW(i % 3, jsonb_build_object('k', i % 2))]))) AS nested
  FROM generate_series(1, 60) AS i;
SELECT tally.distinct_values(x) = tally.distinct_values(x ORDER BY x DESC) AS same FROM (VALUES (ARRAY[1, 2]), (ARRAY[3, 4])) AS v(x);
-- these bytes are on disk too
SELECT tally.distinct_values(ARRAY['a', NULL]), tally.distinct_values('{"a": [1, true]}'::jsonb), tally.distinct_values(int4range(1, 5)), tally.distinct_values((1, 'a'));

-- a literal without a type is a text
SELECT tally.contains(s, 'a'), tally.contains(s, 'b'), tally.contains(s, NULL) FROM (SELECT tally.distinct_values('a'::text)) AS q(s);
SELECT tally.contains(tally.distinct_values(1), '1');

-- kinds never mix; a type that cannot be hashed is refused
SELECT tally.merge_states(tally.distinct_values(1), tally.distinct_values('1'::text));
SELECT tally.contains(tally.distinct_values(1), '1'::text);
SELECT tally.distinct_values(point(1, 2));
SELECT tally.distinct_values(B'101');

-- random splits merged in any order are the whole
SELECT count(DISTINCT s::text), bool_and(s = whole) FROM (
    SELECT k, tally.merge(part ORDER BY random()) AS s FROM (
        SELECT k, tally.distinct_values(wild) AS part FROM distinct_data, generate_series(1, 10) AS k GROUP BY k, (random() * k)::int) AS parts
     GROUP BY k) AS merged, (SELECT tally.distinct_values(wild ORDER BY i DESC) AS whole FROM distinct_data) AS w;
SELECT tally.merge_states(NULL, NULL::tally.distinct_set) IS NULL, tally.merge_states(NULL, s) = s, tally.merge_states(s, NULL) = s,
       tally.merge_states(s, s) = s
  FROM (SELECT tally.distinct_values(long) FROM distinct_data) AS q(s);

-- a parallel plan, with and without groups
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT tally.distinct_values(long) FROM distinct_data;
CREATE TEMP TABLE distinct_parallel AS SELECT tally.distinct_values(long) AS a, tally.distinct_values(i8) AS b, tally.distinct_values(wild) AS c FROM distinct_data;
CREATE TEMP TABLE distinct_groups AS SELECT i % 7 AS g, tally.distinct_values(long) AS a FROM distinct_data GROUP BY 1;
SET max_parallel_workers_per_gather = 0;
SELECT p.a = q.a, p.b = q.b, p.c = q.c FROM distinct_parallel p,
    (SELECT tally.distinct_values(long) AS a, tally.distinct_values(i8) AS b, tally.distinct_values(wild) AS c FROM distinct_data) AS q;
SELECT count(*), bool_and(p.a = q.a) FROM distinct_groups p JOIN (SELECT i % 7 AS g, tally.distinct_values(long) AS a FROM distinct_data GROUP BY 1) q USING (g);

-- window frames and grouping sets
SELECT bool_and(c = (SELECT count(DISTINCT i4) FROM distinct_data d WHERE d.i BETWEEN w.i - 9 AND w.i)) FROM (
    SELECT i, tally.cardinality(tally.distinct_values(i4) OVER (ORDER BY i ROWS 9 PRECEDING)) AS c FROM distinct_data WHERE i BETWEEN 1 AND 100) AS w
 WHERE i > 9;
SELECT bool_and(a = b) FROM (SELECT tally.cardinality(tally.distinct_values(short)) AS a, count(DISTINCT short) AS b
    FROM distinct_data GROUP BY GROUPING SETS ((i % 5), (i % 3, flag), ())) AS q;

-- larger: growth far beyond the first table, all keys present
SELECT tally.cardinality(tally.distinct_values(x)), tally.cardinality(tally.distinct_values(x::text || ' of a longer text')) FROM generate_series(1, 200000) AS x;

-- text and binary round trips
SELECT bool_and(s::text::tally.distinct_set = s AND s::text::tally.distinct_set::text = s::text) FROM (
    SELECT tally.distinct_values(wild) AS s FROM distinct_data GROUP BY i % 300 UNION ALL
    SELECT tally.distinct_values(long) FROM distinct_data GROUP BY i % 300 UNION ALL
    SELECT tally.distinct_values(i8) FROM distinct_data GROUP BY i % 300) AS q;
CREATE TABLE distinct_kept AS SELECT i % 10 AS g, tally.distinct_values(id) AS s, tally.distinct_values(num) AS n FROM distinct_data GROUP BY 1;
INSERT INTO distinct_kept VALUES (10, NULL, NULL), (11, '{"kind":"text","count":0,"keys":""}', '{"kind":"number","count":0,"keys":""}');
\copy distinct_kept TO 'results/distinct_kept.bin' (FORMAT binary)
CREATE TABLE distinct_again (LIKE distinct_kept);
\copy distinct_again FROM 'results/distinct_kept.bin' (FORMAT binary)
SELECT count(*), bool_and(a.s IS NOT DISTINCT FROM b.s AND a.n IS NOT DISTINCT FROM b.n) FROM distinct_kept a JOIN distinct_again b USING (g);
SELECT tally.cardinality('{"kind":"text","count":0,"keys":""}'), tally.contains('{"kind":"text","count":0,"keys":""}', 'x'::text);
-- bytes per value
SELECT pg_column_size(tally.distinct_values(i8)) / 1100 AS narrow, pg_column_size(tally.distinct_values(id)) / 650 AS wide FROM distinct_data;
-- called directly: nothing in place, packed answer
SELECT tally.distinct_set_add(s, 2), s FROM (SELECT tally.distinct_set_add(NULL, 1)) AS q(s);

-- malformed text
SELECT ''::tally.distinct_set;
SELECT '{}'::tally.distinct_set;
SELECT '{"kind":"text"}'::tally.distinct_set;
SELECT '{"kind":"colour","count":0,"keys":""}'::tally.distinct_set;
SELECT '{"kind":"number","count":1,"keys":""}'::tally.distinct_set;
SELECT '{"kind":"number","count":-1,"keys":""}'::tally.distinct_set;
SELECT '{"kind":"number","count":1,"keys":"AAAAAAAAAAE"}'::tally.distinct_set;
SELECT '{"kind":"number","count":1,"keys":"AAAAAAAAAA!="}'::tally.distinct_set;
SELECT '{"kind":"number","count":1,"keys":"AAAAAAAAAAF="}'::tally.distinct_set;
SELECT '{"kind":"number","count":2,"keys":"AAAAAAAAAAEAAAAAAAAAAQ=="}'::tally.distinct_set;
SELECT '{"kind":"text","count":1,"keys":"AAAAAAAAAAE="}'::tally.distinct_set;
SELECT '{"kind":"date","count":1,"keys":"AAAAAAAAAAEAAAAAAAAAAQ=="}'::tally.distinct_set;
SELECT '{"kind":"date","kind":"date","count":0,"keys":""}'::tally.distinct_set;
SELECT '{"kind":"date","count":0,"keys":""}{}'::tally.distinct_set;

DROP TABLE distinct_data, distinct_kept, distinct_again;
DROP TYPE distinct_mood, distinct_pair, distinct_wide;
DROP DOMAIN distinct_code;
DROP COLLATION distinct_nocase;
