-- helpers for people at a terminal

CREATE FUNCTION tally.sparkline(samples numeric[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH sample AS (
        SELECT place, CASE WHEN x = 'NaN' OR x = 'Infinity' OR x = '-Infinity' THEN NULL ELSE x END AS x
          FROM unnest(samples) WITH ORDINALITY AS s(x, place)),
    -- By halves, since the distance of the greatest number from the least is beyond numeric.
    extent AS (SELECT min(x) AS low, max(x) AS high FROM sample)
    SELECT coalesce(string_agg(CASE WHEN x IS NULL THEN ' '
                                    WHEN high = low THEN chr(9604)
                                    ELSE chr(9601 + least(7, floor((x * 0.5 - low * 0.5) / (high * 0.5 - low * 0.5) * 8))::integer) END, '' ORDER BY place), '')
      FROM sample, extent
    $$;
COMMENT ON FUNCTION tally.sparkline(numeric[]) IS
    'A line of eight block characters that shows the course of the values from least to greatest; a blank for NULL, NaN and infinities';

CREATE FUNCTION tally.rate(total numeric, lasting interval, per interval DEFAULT '00:00:01') RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT total * extract(epoch FROM per)::numeric / nullif(extract(epoch FROM lasting), 0)::numeric $$;
COMMENT ON FUNCTION tally.rate(numeric, interval, interval) IS
    'total per second (or per another interval) over the time it took; NULL over no time; a month counts 30 days, a year 365.25';
