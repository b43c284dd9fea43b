-- Confirms the usage answers over the sample by plain SELECTs over the same file: all six metrics, in total, for every
-- airport, and for every airport and week. Ends with an error when anything differs. After `make run`:
--   gzip -dc test/sample/flights.csv.gz | psql -h "$PWD/.run" tally -f test/sample/check.sql

\set ON_ERROR_STOP on
\set QUIET on
SET timezone = 'UTC';
SET tally.tenant = 'demo';

CREATE TEMP TABLE flight (
    place integer GENERATED ALWAYS AS IDENTITY,
    time timestamptz, delay integer, distance integer, origin text, destination text);
\copy flight (time, delay, distance, origin, destination) FROM pstdin WITH (FORMAT csv, HEADER)

-- One row for all, one for each airport, one for each airport and week; NULL where there is no such part.
CREATE TEMP TABLE by_select AS
SELECT f.origin, f.week, m.metric, m.value
FROM (SELECT origin, date_trunc('week', time) AS week,
             count(*)::numeric AS flights, sum(distance)::numeric AS miles, max(delay)::numeric AS worst, trim_scale(avg(delay)) AS mean,
             (array_agg(distance ORDER BY time DESC, place DESC))[1]::numeric AS last,
             count(DISTINCT destination)::numeric AS destinations
      FROM flight
      GROUP BY GROUPING SETS ((), (origin), (origin, date_trunc('week', time)))) f,
     LATERAL (VALUES ('flights flown', flights), ('miles', miles), ('worst delay', worst), ('mean delay', mean),
                     ('last distance', last), ('distinct destinations', destinations)) m(metric, value);

-- Mondays, so that weeks are whole: the sample lies in the first quarter of 2001.
CREATE TEMP TABLE by_usage AS
SELECT u.customer_id AS origin, u.week, m.name AS metric, u.value
FROM tally.metric m,
     LATERAL (SELECT NULL AS customer_id, NULL::timestamptz AS week, value
              FROM tally.usage(m.slug, '2001-01-01', '2001-04-02')
              UNION ALL
              SELECT customer_id, NULL, value
              FROM tally.usage(m.slug, '2001-01-01', '2001-04-02', group_by => ARRAY['customer_id'])
              UNION ALL
              SELECT customer_id, window_start, value
              FROM tally.usage(m.slug, '2001-01-01', '2001-04-02', "window" => 'week', group_by => ARRAY['customer_id'])) u
WHERE m.code = 'flight' AND m.tenant_id = tally.current_tenant();

CREATE TEMP TABLE compared AS
SELECT metric, s.origin, s.week, s.value AS by_select, u.value AS by_usage, s.value IS NOT DISTINCT FROM u.value AS same
FROM (SELECT *, coalesce(origin, '') AS part, coalesce(week, '-infinity') AS since FROM by_select) s
JOIN (SELECT *, coalesce(origin, '') AS part, coalesce(week, '-infinity') AS since FROM by_usage) u USING (metric, part, since);

SELECT c.metric, max(by_select) FILTER (WHERE origin IS NULL) AS "by SELECT", max(by_usage) FILTER (WHERE origin IS NULL) AS "by usage",
       count(*) FILTER (WHERE same) AS same,
       greatest((SELECT count(*) FROM by_select s WHERE s.metric = c.metric),
                (SELECT count(*) FROM by_usage u WHERE u.metric = c.metric)) - count(*) FILTER (WHERE same) AS differ
FROM compared c
GROUP BY c.metric
ORDER BY c.metric;

DO $$
BEGIN
    IF (SELECT count(DISTINCT metric) FROM compared) <> 6 THEN
        RAISE EXCEPTION 'the six metrics of the sample are not all there';
    ELSIF EXISTS (SELECT FROM compared WHERE NOT same)
          OR (SELECT count(*) FROM compared) <> (SELECT count(*) FROM by_select)
          OR (SELECT count(*) FROM compared) <> (SELECT count(*) FROM by_usage) THEN
        RAISE EXCEPTION 'usage differs from what a plain SELECT says';
    END IF;
END
$$;
\echo every usage answer is confirmed
