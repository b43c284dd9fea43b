-- zones and windows in parallel plans, and which names are zones
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
-- a function that says that it is parallel safe begins no subtransaction: the same answer with workers and without
CREATE TABLE regress_sub AS SELECT i AS id, timestamptz '2024-01-01Z' + i * interval '1 minute' AS f FROM generate_series(1, 20000) i;
ANALYZE regress_sub;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM regress_sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', '6 hours', 'Europe/Berlin') w WHERE s.id % 100 = 0;
SELECT count(*) FROM regress_sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', '6 hours', 'Europe/Berlin') w WHERE s.id % 100 = 0;
-- errors in workers are the errors that they are without
SELECT count(*) FROM regress_sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', 'fortnight', 'Europe/Berlin') w;
SELECT count(*) FROM regress_sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', 'day', 'Mars/Olympus') w;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM regress_sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', '6 hours', 'Europe/Berlin') w WHERE s.id % 100 = 0;
RESET ALL;
SET timezone = 'UTC';
DROP TABLE regress_sub;
-- IANA names in any case; and what else the machine's directory of zones, or PostgreSQL, takes for a zone
CREATE FUNCTION pg_temp.zone(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN tally._check_time_zone(name);
EXCEPTION WHEN invalid_parameter_value THEN RETURN 'unknown';
END $$;
SELECT string_agg(n || '=' || pg_temp.zone(n), ' ' ORDER BY o) FROM unnest(ARRAY['UTC', 'utc', 'Utc', 'europe/berlin', 'EST5EDT', 'est5edt', 'Etc/GMT+5', 'Etc/GMT-14', 'Etc/GMT0', 'Asia/Calcutta',
    'America/Argentina/ComodRivadavia', 'America/Port-au-Prince', 'GB-Eire', 'NZ-CHAT', 'W-SU', 'GMT0', 'Zulu', 'Etc/UTC']) WITH ORDINALITY u(n, o);
SELECT string_agg(n || '=' || pg_temp.zone(n), ' ' ORDER BY o) FROM unnest(ARRAY['localtime', 'LocalTime', 'posixrules', 'Factory', 'posix/Europe/Berlin', 'POSIX/UTC', 'right/Europe/Berlin', 'leapseconds', 'tzdata.zi',
    'zone.tab', 'posix', 'Etc/GMT+13', 'Etc/GMT-15', 'Etc/GMT+99', 'Etc/GMT+05', 'UTC+2', '+02:00', 'CEST', 'ABC5', 'foo/5', '<a/b>5', 'Europe', 'Europe/', '/Europe', 'Europe//Berlin', '../UTC', 'Europe/Berlin ', '', 'MSK', 'PST',
    repeat('A', 300) || '/' || repeat('b', 300)]) WITH ORDINALITY u(n, o) WHERE pg_temp.zone(n) <> 'unknown';
SELECT tally._check_time_zone(NULL);
-- every zone that PostgreSQL knows, but for those
SELECT count(*) > 500 AS many, string_agg(z.name, ' ') FILTER (WHERE pg_temp.zone(z.name) = 'unknown' AND z.name !~ '^(posix|right)/|^(Factory|localtime|posixrules)$') AS refused FROM pg_timezone_names z;
-- ranges that are none
SELECT * FROM tally.windows('-infinity', '2024-01-01', 'day');
SELECT * FROM tally.windows('2024-01-01', 'infinity', 'day');
SELECT * FROM tally.windows('2024-01-01', '20000-01-01', 'year');
SELECT count(*) FROM tally.windows('2024-01-02', '2024-01-01', 'day');
SELECT count(*) FROM tally.windows(NULL, '2024-01-01', 'day');
SELECT count(*), min(window_start), max(window_end) FROM tally.windows('0001-01-01', '10000-01-01', 'year', 'Asia/Kolkata');
