-- windows: starts and ends in every zone, on days on which clocks change
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT * FROM tally.windows('2024-03-09 05:00Z', '2024-03-12 04:00Z', 'day', 'America/New_York');
SELECT * FROM tally.windows('2024-11-02 04:00Z', '2024-11-05 05:00Z', 'day', 'America/New_York');
-- a day of 23 hours and one of 25
SELECT count(*), min(window_end - window_start), max(window_end - window_start) FROM tally.windows('2024-03-10 05:00Z', '2024-03-11 04:00Z', 'hour', 'America/New_York');
SELECT count(*), min(window_end - window_start), max(window_end - window_start) FROM tally.windows('2024-11-03 04:00Z', '2024-11-04 05:00Z', 'hour', 'America/New_York');
SELECT *, window_end - window_start AS length FROM tally.windows('2024-03-10 05:00Z', '2024-03-11 04:00Z', '6 hours', 'America/New_York');
SELECT *, window_end - window_start AS length FROM tally.windows('2024-11-03 04:00Z', '2024-11-04 05:00Z', '6 hours', 'America/New_York');
-- zones off the hour
SELECT * FROM tally.windows('2024-01-01 00:00Z', '2024-01-01 02:00Z', 'hour', 'Asia/Kathmandu');
SELECT * FROM tally.windows('2024-01-01 00:10Z', '2024-01-01 01:10Z', '20 minutes', 'Asia/Kathmandu');
-- midnight that does not exist (Sao Paulo) and midnight that happens twice (Havana)
SELECT *, window_end - window_start AS length FROM tally.windows('2018-11-03 03:00Z', '2018-11-06 02:00Z', 'day', 'America/Sao_Paulo');
SELECT *, window_end - window_start AS length FROM tally.windows('2024-11-02 04:00Z', '2024-11-05 05:00Z', 'day', 'America/Havana');
-- clocks that go back across midnight (St. John's until 2011), and by two hours (Troll)
SELECT * FROM tally.windows('2010-11-07 02:30:30Z', '2010-11-07 02:33Z', 'minute', 'America/St_Johns');
SELECT *, window_end - window_start AS length FROM tally.windows('2010-11-06 02:30Z', '2010-11-09 03:30Z', 'day', 'America/St_Johns');
SELECT *, window_end - window_start AS length FROM tally.windows('2024-10-26 22:00Z', '2024-10-27 04:00Z', '2 hours', 'Antarctica/Troll');
-- weeks start on Mondays, months and years by the calendar
SELECT window_start, to_char(window_start, 'Dy') FROM tally.windows('2024-02-26', '2024-03-18', 'week');
SELECT * FROM tally.windows('2024-01-31 12:00Z', '2024-04-01', 'month');
SELECT * FROM tally.windows('2023-06-01', '2025-06-01', 'year', 'Europe/Berlin');
SELECT * FROM tally.windows('2024-01-01', '2025-01-01', 'quarter');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '14 days');
SELECT count(*), min(window_start) FROM tally.windows('2024-01-01', '2024-01-02', '7 hours');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-01-01 00:00:10', '1.5 seconds');
-- windows touch, cover the range and nothing else
SELECT w AS width, z AS zone, bool_and(window_end = coalesce(next, '2025-01-03 12:34Z')) AS touch, min(window_start) = '2023-12-30 01:23Z' AS begins, max(window_end) = '2025-01-03 12:34Z' AS ends
FROM unnest(ARRAY['20 minutes', '1 hour', '6 hours', '5 hours', 'day', '3 days', 'week', 'month', 'year']) w,
     unnest(ARRAY['UTC', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Kolkata']) z,
     LATERAL (SELECT *, lead(window_start) OVER (ORDER BY window_start) AS next FROM tally.windows('2023-12-30 01:23Z', '2025-01-03 12:34Z', w, z)) x
GROUP BY 1, 2 HAVING NOT (bool_and(window_end = coalesce(next, '2025-01-03 12:34Z')) AND min(window_start) = '2023-12-30 01:23Z' AND max(window_end) = '2025-01-03 12:34Z' AND bool_and(window_end > window_start));
-- what is no window and no zone
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'fortnight');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '1 month 1 day');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '0 days');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '-1 day');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '20');
SELECT w, tally._window_width(w) FROM unnest(ARRAY['20m', '20 m', '90s', '1.5 hours', '1h30m', '1:30', '00:20:00', 'P1M', 'PT1M', '1 Month', '2 Min', '3mon', '1d', '500ms', 'P1Y2M', 'Week']) w;
DO $$
DECLARE w text;
BEGIN
    FOREACH w IN ARRAY ARRAY['1M', '20 M', '1.5M', '1h 20', '1h20', '20.', ' 20 ', '-20', '1 20m', 'P0001-02-03', '1M30s'] LOOP
        BEGIN
            RAISE NOTICE '% is %', w, tally._window_width(w);
        EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE '%', SQLERRM;
        END;
    END LOOP;
END $$;
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', repeat('9', 1000));
SELECT * FROM tally.windows('1970-01-01', '2024-02-01', '1 second');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'day', 'Mars/Olympus');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'day', 'UTC+2');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'day', '+02:00');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'day', 'foo/5');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', 'day', '<a/b>5');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-01-03', 'day', 'Etc/GMT+5');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-01-03', 'day', 'America/Argentina/Buenos_Aires');
SELECT * FROM tally.windows('2024-01-01', '2024-02-01', '2000000000 days');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-01-03', 'day', 'utc');
-- months from an anchor are PostgreSQL's own anchor + n * interval, in every zone: no difference
WITH anchors AS (SELECT a::timestamp AS anchor FROM unnest(ARRAY['2024-01-31', '2024-01-30', '2024-02-29', '2023-12-31 13:30', '2020-08-15', '2031-05-31', '0001-01-31', '2024-03-31 12:30']) a),
     cuts AS (SELECT w, i FROM (VALUES ('month', interval '1 month'), ('quarter', '3 months'), ('year', '1 year'), ('5 months', '5 months'), ('14 days', '14 days'), ('week', '7 days'), ('day', '1 day')) v(w, i)),
     zones AS (SELECT z FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']) z),
     mine AS (SELECT anchor, w, z, window_start AS start FROM anchors, cuts, zones, LATERAL tally.windows('2022-11-05 11:00Z', '2026-02-01Z', w, z, anchor) WHERE window_start > '2022-11-05 11:00Z'),
     theirs AS (SELECT anchor, w, z, (anchor + n.n * i) AT TIME ZONE z AS start FROM anchors, cuts, zones,
                LATERAL (SELECT extract(epoch FROM timestamp '2024-06-01' - anchor) / extract(epoch FROM i) AS n, 1000 * 86400 / extract(epoch FROM i) + 5 AS about) a,
                LATERAL generate_series((a.n - about - abs(a.n) / 50)::int, (a.n + about + abs(a.n) / 50)::int) n(n)
                WHERE (anchor + n.n * i) AT TIME ZONE z > '2022-11-05 11:00Z' AND (anchor + n.n * i) AT TIME ZONE z < '2026-02-01Z')
SELECT 'only here' AS which, * FROM (TABLE mine EXCEPT ALL TABLE theirs) x UNION ALL SELECT 'only there', * FROM (TABLE theirs EXCEPT ALL TABLE mine) y ORDER BY 1, 2, 3, 4, 5 LIMIT 10;
SELECT window_start FROM tally.windows('2024-01-31', '2024-07-01', 'month', anchor => '2024-01-31');
SELECT window_start FROM tally.windows('2024-01-01', '2024-07-01', 'month', 'Europe/Berlin', '2025-01-31 12:00');
-- weeks from every day, and what has no place for an anchor or a day
SELECT d, count(*), min(to_char(window_start, 'day')) FILTER (WHERE window_start > '2024-01-03Z') AS first, bool_and(to_char(window_start, 'FMday') = lower(d)) FILTER (WHERE window_start > '2024-01-03Z') AS fits
FROM unnest(ARRAY['monday', 'Tuesday', 'WEDNESDAY', 'thursday', 'friday', 'saturday', 'sunday']) d, LATERAL tally.windows('2024-01-03', '2024-02-14', 'week', week_start => d) GROUP BY 1 ORDER BY 1;
SELECT window_start FROM tally.windows('2024-01-03Z', '2024-02-14Z', '2 weeks', 'America/New_York', week_start => 'sunday');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'hour', anchor => '2024-01-31');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', NULL, anchor => '2024-01-31');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'month', anchor => 'infinity');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'month', anchor => '0044-03-15 BC');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'week', week_start => 'sun');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'month', week_start => 'sunday');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', NULL, week_start => 'sunday');
SELECT count(*) FROM tally.windows('2024-01-01', '2024-02-01', 'week', anchor => '2024-01-31', week_start => 'sunday');
