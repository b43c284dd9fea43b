-- unit conversion: exact division, and six roundings
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT v AS value, f AS factor, tally._convert(v, f, 'UP') AS up, tally._convert(v, f, 'DOWN') AS down, tally._convert(v, f, 'NEAREST') AS nearest,
       tally._convert(v, f, 'NEAREST_HALF') AS half, tally._convert(v, f, 'NEAREST_DECILE') AS decile, tally._convert(v, f, 'NONE') AS none
FROM (VALUES (0::numeric, 7), (25, 10), (-25, 10), (24, 10), (-24, 10), (26, 10), (10, 3), (-10, 3), (5, 4), (-5, 4), (0.05, 1), (-0.05, 1), (0.15, 1),
             (1, 1024), (123456789012345678901, 1024), (99999999999999999999999999.999999999, 1), (20000000000000000000000000000001, 2), (1, 2147483647)) x(v, f);
SELECT tally._convert(5, NULL, NULL) AS none, tally._convert(NULL, 5, 'UP') AS of_null;
-- the same by numeric's own arithmetic: whole quotient and remainder are exact
CREATE FUNCTION pg_temp.converted(value numeric, factor numeric, rounding text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE rounding
        WHEN 'UP' THEN q.whole + (q.rest > 0)::integer
        WHEN 'DOWN' THEN q.whole - (q.rest < 0)::integer
        WHEN 'NEAREST' THEN q.whole + sign(value) * (2 * abs(q.rest) >= factor)::integer
        WHEN 'NEAREST_HALF' THEN trim_scale(pg_temp.converted(value * 2, factor, 'NEAREST') * 0.5)
        WHEN 'NEAREST_DECILE' THEN trim_scale(pg_temp.converted(value * 10, factor, 'NEAREST') * 0.1)
        ELSE CASE WHEN q.long * factor = value THEN trim_scale(q.long) ELSE trim_scale(value / factor) END END
    FROM (SELECT div(value, factor) AS whole, value - div(value, factor) * factor AS rest,
                 (value + round(0::numeric, scale(value) + 31)) / factor AS long) q $$;
SELECT setseed(0.25) IS NOT NULL AS seeded;
CREATE TEMP TABLE tried AS
SELECT (CASE WHEN random() < 0.5 THEN -1 ELSE 1 END * round((random() * 10 ^ (random() * 24 - 8)::integer)::numeric, (random() * 12)::integer)
        * CASE WHEN i % 7 = 0 THEN (1e40 + i)::numeric ELSE 1 END)::numeric AS v,
       CASE i % 4 WHEN 0 THEN (1 + random() * 20)::integer::numeric WHEN 1 THEN trunc(2 ^ (random() * 30)::integer::numeric) WHEN 2 THEN (1 + random() * 2147483646)::bigint::numeric
                  ELSE trunc((1 + random() * 1e9)::numeric) * (1 + trunc((random() * 1e18)::numeric)) END AS f
FROM generate_series(1, 1200) i;
INSERT INTO tried SELECT n * f / 20, f FROM generate_series(-60, 60) n, unnest(ARRAY[1, 2, 7, 10, 16, 1000]::numeric[]) f;
INSERT INTO tried SELECT (repeat('9', 300) || '.' || repeat('9', 300))::numeric, f FROM unnest(ARRAY[1, 3, 4096]::numeric[]) f;
INSERT INTO tried SELECT ('1e-' || n)::numeric, f FROM unnest(ARRAY[300, 975, 1000]) n, unnest(ARRAY[1, 3, 4096]::numeric[]) f;
SELECT r AS rounding, count(*) > 1900 AS many, count(*) FILTER (WHERE tally._convert(v, f, r)::text IS DISTINCT FROM pg_temp.converted(v, f, r)::text) AS different
FROM tried, unnest(ARRAY['UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE', 'NONE']) r GROUP BY 1 ORDER BY 1;
SELECT tally._convert(1, 0, 'UP');
SELECT tally._convert(1, -1, 'UP');
SELECT tally._convert(1, 0.5, 'UP');
SELECT tally._convert(1, 1e40, 'UP');
SELECT tally._convert('NaN', 2, 'UP') AS nan;
