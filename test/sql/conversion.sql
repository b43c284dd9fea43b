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
