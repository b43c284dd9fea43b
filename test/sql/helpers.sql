-- tally.sparkline and tally.rate
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
RESET client_min_messages;

SELECT tally.sparkline(array_agg(x)) FROM generate_series(1, 8) AS x;
SELECT tally.sparkline(ARRAY[1, 5, 22, 13, 53, 40, NULL, -3.5, 'NaN', 53]);
SELECT tally.sparkline(ARRAY[7, 7, 7]), tally.sparkline('{}') = '' AS nothing, tally.sparkline(NULL) IS NULL AS of_null;
SELECT tally.sparkline(array_agg(tally.total(s) ORDER BY h)) FROM (
    SELECT floor(x / 10) AS h, tally.summarize((x - 50) ^ 2) AS s FROM generate_series(0.0, 99) AS x GROUP BY 1) AS q;
SELECT tally.sparkline(ARRAY[1e300, -1e300, 0]);
SELECT tally.sparkline(ARRAY[9 * 10::numeric ^ 131071, -9 * 10::numeric ^ 131071, 0]);

SELECT tally.rate(7200, '2 hours'), tally.rate(7200, '2 hours', '1 minute'), tally.rate(5, '0'), tally.rate(NULL::numeric, '1 s');
SELECT tally.rate(9007199254740993, '1 microsecond', '1 microsecond') = 9007199254740993 AS exact;
