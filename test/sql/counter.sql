-- tally.counter: against lag() over ordered rows; order, resets, NULL and nothing, ranges, plans, frames, I/O, hostile bytes
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;
SET TIME ZONE 'UTC';
SET search_path = public, tally;

-- a counter that begins again: 5 to 7, then from 0 to 2, then to 4.5; and its rate
SELECT increase(s), resets(s), n(s), first(s), first_at(s), latest(s), latest_at(s), rate(s, '1 day'), round(rate(s), 9) AS per_second
  FROM (SELECT tally.counter(x, ts) FROM (VALUES (7, '2024-01-02'::timestamptz), (4.5, '2024-01-04'), (5, '2024-01-01'), (2, '2024-01-03')) AS v(x, ts)) AS q(s);
-- over the longest time that there is
SELECT seconds(s), rate(s, '1000 years') > 0 AS positive FROM (SELECT tally.counter(x, ts) FROM (VALUES (1, '4713-01-01 BC'::timestamptz), (2, '294276-12-31 23:59:59.999999')) AS v(x, ts)) AS q(s);
-- integers stay integers, whatever the time between; the scale is the greatest that was met
SELECT increase(tally.counter(x, ts)) FROM (VALUES (9007199254740993, '2024-01-01'::timestamptz), (9007199254740996, '2024-01-01 00:00:07')) AS v(x, ts);
SELECT increase(tally.counter(x, ts)) FROM (VALUES (1.10, '2024-01-01'::timestamptz), (2, '2024-01-02'), (1.000, '2024-01-03')) AS v(x, ts);
-- readings at one time are ordered by seq, then by value: only seq can tell a reset from a rise
SELECT resets(tally.counter(x, ts)), resets(tally.counter(x, ts, seq)), increase(tally.counter(x, ts)), increase(tally.counter(x, ts, seq))
  FROM (VALUES (8, '2024-01-01'::timestamptz, 1), (3, '2024-01-01', 2), (9, '2024-01-01', 3)) AS v(x, ts, seq);

-- nothing and NULL; a reading without a time has no place and is skipped
SELECT tally.counter(x, now()) IS NULL AS nothing FROM (SELECT 1 WHERE false) AS v(x);
SELECT tally.counter(x, ts) IS NULL AS only_nulls FROM (VALUES (NULL::numeric, now()), (1, NULL)) AS v(x, ts);
SELECT tally.counter(x, ts, NULL), tally.counter(x, ts, seq) FROM (VALUES (NULL::numeric, '2024-01-01'::timestamptz, 1), (1, NULL, 1), (3, '2024-01-02', NULL)) AS v(x, ts, seq);
SELECT increase(NULL::tally.counter_state) IS NULL, tally.merge(NULL::tally.counter_state) IS NULL, tally.merge_states(NULL::tally.counter_state, NULL) IS NULL AS nothing;
-- one reading: no increase, and no time for a rate
SELECT increase(s), resets(s), n(s), rate(s) IS NULL AS no_rate FROM (SELECT tally.counter(7.50, '2024-01-01')) AS q(s);

-- what is no reading
SELECT tally.counter(-0.5, now());
SELECT tally.counter('NaN', now());
SELECT tally.counter('Infinity', now());
SELECT tally.counter('-Infinity', now());
SELECT tally.counter(1, 'infinity');
SELECT tally.counter(1, '-infinity');
\set VERBOSITY default
SELECT tally.counter(x, '2024-01-01') FROM generate_series(3, -1, -1) AS x;
\set VERBOSITY terse

-- random readings with resets, ties of time, and scales from 10^40 to 10^-40, against lag()
CREATE TABLE counter_readings AS
SELECT i, i % 23 AS g, CASE i % 5 WHEN 0 THEN (i % 300) WHEN 1 THEN round((random() * 1000)::numeric, i % 7) WHEN 2 THEN (i % 9) * 10::numeric ^ (i % 41)
           WHEN 3 THEN (i % 7) / 10::numeric ^ (i % 41) ELSE i / 90 END AS x,
       timestamptz '2024-01-01' + (random() * 2000)::int * interval '1 hour' AS ts, (random() * 3)::int AS seq
  FROM generate_series(1, 4000) AS i;
ANALYZE counter_readings;
CREATE FUNCTION pg_temp.by_lag(readings text, OUT increase text, OUT resets bigint, OUT n bigint, OUT first numeric, OUT latest numeric) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($q$
        SELECT sum(CASE WHEN last IS NULL THEN x - x WHEN x < last THEN x ELSE x - last END)::text, count(*) FILTER (WHERE x < last), count(*),
               (array_agg(x ORDER BY ts, seq, x))[1], (array_agg(x ORDER BY ts DESC, seq DESC, x DESC))[1]
          FROM (SELECT *, lag(x) OVER (ORDER BY ts, seq, x) AS last FROM %s) AS steps$q$, readings) INTO increase, resets, n, first, latest;
END $$;
CREATE FUNCTION pg_temp.read(s tally.counter_state, OUT increase text, OUT resets bigint, OUT n bigint, OUT first numeric, OUT latest numeric) LANGUAGE sql
    AS 'SELECT tally.increase(s)::text, tally.resets(s), tally.n(s), tally.first(s), tally.latest(s)';
SELECT pg_temp.read(tally.counter(x, ts, seq)) = pg_temp.by_lag('counter_readings') AS same, resets(tally.counter(x, ts, seq)) > 1000 AS many FROM counter_readings;
SELECT count(*), bool_and(pg_temp.read(s) = pg_temp.by_lag(format('(SELECT * FROM counter_readings WHERE g = %s) AS c', g))) AS same FROM (
    SELECT g, tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY g) AS q;
SELECT count(*), bool_and(pg_temp.read(s) = pg_temp.by_lag(format('(SELECT * FROM counter_readings WHERE i %% 5 = %s) AS c', k))) AS same FROM (
    SELECT i % 5 AS k, tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY k) AS q;
-- in every order the same state
SELECT count(DISTINCT s::text) FROM (
    SELECT tally.counter(x, ts, seq) FROM counter_readings UNION ALL
    SELECT tally.counter(x, ts, seq ORDER BY ts, seq, x) FROM counter_readings UNION ALL
    SELECT tally.counter(x, ts, seq ORDER BY ts DESC) FROM counter_readings UNION ALL
    SELECT tally.counter(x, ts, seq ORDER BY random()) FROM counter_readings) AS q(s);
-- grouping sets
SELECT count(*), bool_and(CASE WHEN g IS NULL THEN s = whole ELSE s = part END) AS same FROM (
    SELECT g, tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY GROUPING SETS ((g), ())) AS sets
    LEFT JOIN (SELECT g, tally.counter(x, ts, seq ORDER BY i DESC) AS part FROM counter_readings GROUP BY g) AS parts USING (g),
    (SELECT tally.counter(x, ts, seq ORDER BY i) AS whole FROM counter_readings) AS w;
-- frames that grow, over rows in order and not, and frames that move
SELECT bool_and(increase(s)::text = expected::text) AS in_order FROM (
    SELECT tally.counter(x, ts, seq) OVER (ORDER BY ts, seq, x ROWS UNBOUNDED PRECEDING) AS s, sum(step) OVER (ORDER BY ts, seq, x ROWS UNBOUNDED PRECEDING) AS expected FROM (
        SELECT *, CASE WHEN last IS NULL THEN x - x WHEN x < last THEN x ELSE x - last END AS step FROM (
            SELECT *, lag(x) OVER (ORDER BY ts, seq, x) AS last FROM counter_readings) AS l) AS steps) AS q;
SELECT count(*), bool_and(grown = s AND grown::text = s::text) AS out_of_order FROM (
    SELECT i, tally.counter(x, ts, seq) OVER (ORDER BY i) AS grown FROM counter_readings WHERE i <= 150) AS q,
    LATERAL (SELECT tally.counter(x, ts, seq) AS s FROM counter_readings AS r WHERE r.i <= q.i) AS whole;
SELECT count(*), bool_and(framed = s) AS moving FROM (
    SELECT i, tally.counter(x, ts, seq) OVER (ORDER BY i ROWS 7 PRECEDING) AS framed FROM counter_readings WHERE i <= 150) AS q,
    LATERAL (SELECT tally.counter(x, ts, seq) AS s FROM counter_readings AS r WHERE r.i BETWEEN q.i - 7 AND q.i) AS whole;

-- random splits into ranges, merged in any order
SELECT count(DISTINCT s::text), bool_and(s = whole) AS same FROM (
    SELECT k, tally.merge(part ORDER BY random()) AS s FROM (
        SELECT k, tally.counter(x, ts, seq ORDER BY random()) AS part
          FROM (SELECT *, row_number() OVER (ORDER BY ts, seq, x) AS place FROM counter_readings) AS r, generate_series(1, 20) AS k GROUP BY k, place / (k * k * 10)) AS parts
     GROUP BY k) AS merged,
    (SELECT tally.counter(x, ts, seq) AS whole FROM counter_readings) AS w;
-- ranges may touch at one reading, which adds nothing; where they overlap nobody can know
SELECT tally.merge_states(a, b), tally.merge_states(b, a) = tally.merge_states(a, b) AS same
  FROM (SELECT tally.counter(x, ts) FROM (VALUES (1, '2024-01-01'::timestamptz), (4, '2024-01-03')) AS v(x, ts)) AS a(a),
       (SELECT tally.counter(x, ts) FROM (VALUES (4, '2024-01-03'::timestamptz), (9, '2024-01-05')) AS v(x, ts)) AS b(b);
\set VERBOSITY default
SELECT tally.merge(s) FROM (
    SELECT tally.counter(i, timestamptz '2024-01-01' + i * interval '1 day') AS s FROM generate_series(1, 10) AS i GROUP BY i % 2) AS halves;
-- the one place where order matters: once a and c are merged, b has no place between them
CREATE TEMP TABLE counter_abc AS SELECT tally.counter(x, '2024-01-01') AS a, tally.counter(x + 1, '2024-01-02', 5) AS b, tally.counter(x + 5, '2024-01-03') AS c FROM (VALUES (1)) AS v(x);
SELECT increase(tally.merge(s)) FROM (SELECT a AS s FROM counter_abc UNION ALL SELECT c FROM counter_abc UNION ALL SELECT b FROM counter_abc) AS q;
SELECT increase(tally.merge_states(tally.merge_states(a, b), c)), increase(tally.merge_states(tally.merge_states(b, c), a)) FROM counter_abc;
SELECT tally.merge_states(tally.merge_states(a, c), b) FROM counter_abc;
\set VERBOSITY terse
-- readings go on from a stored state, as an ordinary function
SELECT increase(tally.counter_add(tally.counter_add(NULL, 5, '2024-01-01'), 9, '2024-01-02')), increase(tally.counter_add(c, 1, '2024-01-04', 2)) FROM counter_abc;

-- a parallel plan
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT tally.counter(x, ts, seq) FROM counter_readings;
CREATE TEMP TABLE counter_parallel AS SELECT tally.counter(x, ts, seq) AS a, tally.counter(x, ts) FILTER (WHERE i % 5 = 0) AS b FROM counter_readings;
CREATE TABLE counter_days AS SELECT date_trunc('day', ts) AS day, tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY 1;
EXPLAIN (COSTS OFF) SELECT tally.merge(s) FROM counter_days;
CREATE TEMP TABLE counter_parallel_merge AS SELECT tally.merge(s) AS a FROM counter_days;
SET max_parallel_workers_per_gather = 0;
SELECT p.a = q.a, p.b = q.b, m.a = q.a AS merged FROM counter_parallel p, counter_parallel_merge m,
    (SELECT tally.counter(x, ts, seq) AS a, tally.counter(x, ts) FILTER (WHERE i % 5 = 0) AS b FROM counter_readings) AS q;

-- text and binary round trips
SELECT bool_and(s::text::tally.counter_state = s AND s::text::tally.counter_state::text = s::text) FROM (SELECT tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY i % 400) AS q;
CREATE TABLE counter_kept AS SELECT g, tally.counter(x, ts, seq) AS s FROM counter_readings GROUP BY g;
INSERT INTO counter_kept VALUES (100, NULL), (101, '{"n":1,"first":"7","first_at":"2024-01-01T00:00:00Z"}');
\copy counter_kept TO 'results/counter_kept.bin' (FORMAT binary)
CREATE TABLE counter_again (LIKE counter_kept);
\copy counter_again FROM 'results/counter_kept.bin' (FORMAT binary)
SELECT count(*), bool_and(a.s IS NOT DISTINCT FROM b.s) FROM counter_kept a JOIN counter_again b USING (g);
SELECT count(*) FROM counter_kept a JOIN counter_again b ON a.s = b.s AND NOT a.s <> b.s;
SELECT count(*) FROM (SELECT s FROM counter_kept UNION SELECT s FROM counter_again) AS q;
SELECT pg_column_size(tally.counter(x, ts)) < 50 AS compact FROM (VALUES (1, '2024-01-01'::timestamptz), (2, '2024-01-02')) AS v(x, ts);

-- a running state that is written out (as Citus ships them, by the output function) goes on where it is read
CREATE AGGREGATE counter_open(numeric, timestamptz, bigint) (SFUNC = tally.counter_add, STYPE = tally.counter_state, COMBINEFUNC = tally.merge_states);
SELECT counter_open(x, ts, NULL) FROM (VALUES (7, '2024-01-02'::timestamptz), (5, '2024-01-01')) AS v(x, ts);
CREATE TABLE counter_open_states AS SELECT i % 7 AS k, counter_open(x, ts, seq) AS s FROM counter_readings GROUP BY 1;
SELECT (SELECT tally.merge(s::text::tally.counter_state) FROM counter_open_states) = whole AS by_text, (SELECT tally.merge(s) FROM counter_open_states) = whole AS by_bytes,
       (SELECT bool_and(s = s::text::tally.counter_state AND pg_temp.read(s) = pg_temp.read(s::text::tally.counter_state)) FROM counter_open_states) AS same
  FROM (SELECT tally.counter(x, ts, seq) AS whole FROM counter_readings) AS q;

-- malformed text
SELECT ''::tally.counter_state;
SELECT '{"n":1,"first":"7"}'::tally.counter_state;
SELECT '{"n":0,"resets":0,"increase":"0","first":"7","first_at":"2024-01-01T00:00:00Z","latest":"7","latest_at":"2024-01-01T00:00:00Z"}'::tally.counter_state;
SELECT '{"n":2,"resets":0,"increase":"1","first":"7","first_at":"2024-01-01T00:00:00Z","latest":"9","latest_at":"2024-01-02T00:00:00Z"}'::tally.counter_state;
SELECT '{"n":2,"resets":1,"increase":"1","first":"7","first_at":"2024-01-01T00:00:00Z","latest":"-1","latest_at":"2024-01-02T00:00:00Z"}'::tally.counter_state;
SELECT '{"n":1,"first":"7","first_at":"infinity"}'::tally.counter_state;
SELECT '{"n":1,"n":1}'::tally.counter_state;
SELECT '{"parts":[{"n":1,"first":"7","first_at":"2024-01-02T00:00:00Z"},{"n":1,"first":"7","first_at":"2024-01-01T00:00:00Z"}]}'::tally.counter_state;

-- hostile bytes behind the type, packed and working, byte by byte: an answer or an error, and the server goes on
CREATE TYPE hostile;
CREATE FUNCTION hostile_in(cstring) RETURNS hostile AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION hostile_out(hostile) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE hostile (INPUT = hostile_in, OUTPUT = hostile_out, LIKE = tally.counter_state);
CREATE CAST (hostile AS tally.counter_state) WITHOUT FUNCTION;
CREATE CAST (tally.counter_state AS hostile) WITHOUT FUNCTION;
CREATE FUNCTION pg_temp.outcome(bad hostile, use text, OUT state text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT length((%s)::text)', use) USING bad;
    state := 'answer';
EXCEPTION WHEN OTHERS THEN
    state := SQLSTATE;
END $$;
CREATE TABLE hostile_use AS SELECT unnest(ARRAY['increase($1::tally.counter_state)', '$1::tally.counter_state', 'tally.counter_add($1::tally.counter_state, 3, now())',
    'tally.counter_state_hash($1::tally.counter_state)', 'SELECT tally.merge(s) FROM (VALUES ($1::tally.counter_state), (tally.counter_add(NULL, 1, ''2000-01-01''))) AS v(s)']) AS use;
CREATE TABLE hostile_state AS
SELECT 'packed' AS form, s::hostile::text::bytea AS good FROM counter_kept WHERE g = 3 UNION ALL
SELECT 'working', s::hostile::text::bytea FROM counter_open_states WHERE k = 3 UNION ALL
SELECT 'working, joined', s::hostile::text::bytea FROM (SELECT counter_open(i, timestamptz '2024-01-01' + i * interval '1 hour', i) FROM generate_series(1, 9) AS i) AS q(s);
SELECT form, get_byte(good, 2) AS working, pg_temp.outcome(good::text::hostile, use) AS unharmed, count(*) FROM hostile_state, hostile_use GROUP BY 1, 2, 3 ORDER BY 1;
SELECT form, count(*) > 1000 AS many, count(*) FILTER (WHERE state = 'XX001') > 100 AS refused, bool_and(state IN ('answer', 'XX001', '22003', '22008', '22023')) AS clear FROM (
    SELECT form, pg_temp.outcome(set_byte(good, place, value)::text::hostile, use) AS state
      FROM hostile_state, hostile_use, unnest(ARRAY[0, 1, 2, 127, 128, 255]) AS value, generate_series(0, least(length(good), 180) - 1) AS place) AS q GROUP BY form ORDER BY form;
SELECT form, bool_and(state = 'XX001') AS cut_short_refused FROM (
    SELECT form, pg_temp.outcome(substr(good, 1, size)::text::hostile, use) AS state
      FROM hostile_state, hostile_use, generate_series(0, least(length(good), 144) - 1) AS size) AS q GROUP BY form ORDER BY form;

DROP TABLE counter_readings, counter_days, counter_kept, counter_again, counter_open_states, hostile_use, hostile_state;
DROP TYPE hostile CASCADE;
