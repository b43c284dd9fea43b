-- windows: a range of time cut at the calendar or the clock of a time zone

CREATE FUNCTION tally._parse_timestamp(value text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_parse_timestamp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._parse_timestamp(text) IS 'An RFC 3339 timestamp; NULL for any other text';

CREATE FUNCTION tally._check_time_zone(time_zone text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF time_zone IS NULL OR upper(time_zone) = 'UTC' THEN
        RETURN 'UTC';
    END IF;
    -- PostgreSQL also reads POSIX descriptions, in which UTC+2 lies two hours WEST: only names of zones pass here.
    IF time_zone ~ '^[A-Za-z]+(/[A-Za-z_-]+)+$' OR time_zone ~ '^Etc/GMT[+-]?[0-9]{1,2}$' THEN
        PERFORM now() AT TIME ZONE time_zone;
        RETURN time_zone;
    ELSIF time_zone ~ '^[A-Za-z0-9+-]{1,20}$' AND EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name) = lower(time_zone)) THEN
        RETURN time_zone;
    END IF;
    PERFORM tally._fail('time_zone', format('time zone "%s" is not known', left(time_zone, 64)), 'Use an IANA name such as UTC or America/New_York.');
EXCEPTION WHEN invalid_parameter_value THEN
    PERFORM tally._fail('time_zone', format('time zone "%s" is not known', left(time_zone, 64)), 'Use an IANA name such as UTC or America/New_York.');
END
$$;
COMMENT ON FUNCTION tally._check_time_zone(text) IS 'The name of a time zone (UTC for NULL). Raises 22023 for anything that is no IANA name';

CREATE FUNCTION tally._local_instant(local_time timestamp, time_zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- A local time that the clock shows twice means the first time: a day starts at its first midnight. (PostgreSQL takes
    -- the second.) Clocks have been set back by 20 minutes to 3 hours.
    SELECT min(i.at - b.back)
    FROM (SELECT local_time AT TIME ZONE time_zone AS at) i,
         unnest('{0,20min,30min,40min,1h,90min,2h,3h}'::interval[]) b(back)
    WHERE (i.at - b.back) AT TIME ZONE time_zone = local_time OR b.back = '0'
$$;
COMMENT ON FUNCTION tally._local_instant(timestamp, text) IS
    'First instant at which the clocks of a zone show this time; the moment of the change where they skip it';

CREATE FUNCTION tally._window_width("window" text) RETURNS interval
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    width interval;
    kinds integer;
BEGIN
    -- PostgreSQL takes a number without a unit for seconds, and M for minutes where others mean months. Of times (1:30) and
    -- of ISO 8601 (P1M, PT1M) every number is clear.
    IF regexp_replace("window", '[0-9]+(:[0-9.]+)+', '', 'g') ~ '[0-9.]\s*(?![[:alpha:]0-9.]|\s)' THEN
        PERFORM tally._fail('window', format('"%s" is no window: a number has no unit', left("window", 64)),
            'Write such as "20m", "6 hours" or "14 days".');
    ELSIF "window" ~ '[0-9.]\s*M(?![[:alpha:]])' AND "window" !~ '^\s*P' THEN
        PERFORM tally._fail('window', format('"%s" is no window: M may mean minutes or months', left("window", 64)),
            'Write such as "20m" for minutes and "1 month" for months.');
    END IF;
    width := CASE lower("window")
        WHEN 'minute' THEN '1 minute' WHEN 'hour' THEN '1 hour' WHEN 'day' THEN '1 day' WHEN 'week' THEN '7 days'
        WHEN 'month' THEN '1 month' WHEN 'quarter' THEN '3 months' WHEN 'year' THEN '1 year' ELSE "window" END::interval;
    kinds := (extract(year FROM width) * 12 + extract(month FROM width) <> 0)::integer + (extract(day FROM width) <> 0)::integer
             + (width - date_trunc('day', width) <> '0')::integer;
    IF width < '1 millisecond' OR width > '1000 years' OR kinds <> 1 THEN
        PERFORM tally._fail('window', format('"%s" is no window', left("window", 64)),
            'A window is a positive number of months, of days, or of hours and smaller units, and not a mixture of these.');
    END IF;
    RETURN width;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
    PERFORM tally._fail('window', format('"%s" is no window', left("window", 64)),
        'Use minute, hour, day, week, month, quarter, year, or an interval such as "20m", "6 hours" or "14 days".');
END
$$;
COMMENT ON FUNCTION tally._window_width(text) IS 'Width of a window given by name or as an interval. Raises 22023';

CREATE FUNCTION tally._window_starts("from" timestamptz, "to" timestamptz, "window" text, time_zone text) RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    width       interval;
    months      integer;
    days        integer;
    microseconds bigint;
    day_length  constant bigint := 86400000000;
    local_from  timestamp := "from" AT TIME ZONE time_zone;
    local_to    timestamp := "to" AT TIME ZONE time_zone;
    first_local timestamp;
    inner_starts timestamptz[];
BEGIN
    IF "window" IS NULL THEN
        RETURN ARRAY["from"];
    END IF;
    width := tally._window_width("window");
    months := extract(year FROM width) * 12 + extract(month FROM width);
    days := extract(day FROM width);
    microseconds := round(extract(epoch FROM width - date_trunc('day', width))::numeric * 1000000);
    IF extract(epoch FROM "to" - "from")::numeric / extract(epoch FROM width)::numeric > 100000 THEN
        PERFORM tally._fail('window', format('a window of "%s" cuts this range into more than 100000 windows', "window"),
                            'Ask for a shorter range or wider windows.');
    END IF;

    IF months > 0 THEN      -- counted from the year 0, so that quarters and years lie where people expect them
        months := extract(year FROM local_from)::integer * 12 + extract(month FROM local_from)::integer - 1;
        months := months - months % (extract(year FROM width) * 12 + extract(month FROM width))::integer;
        first_local := make_timestamp(months / 12, months % 12 + 1, 1, 0, 0, 0);
    ELSIF days > 0 THEN     -- counted from a Monday
        first_local := local_from::date - (((local_from::date - date '2001-01-01') % days) + days) % days;
    ELSIF microseconds > 3600000000 AND day_length % microseconds = 0 THEN     -- by the clock: 00:00, 06:00, 12:00, 18:00
        first_local := date_trunc('day', local_from);
    END IF;
    IF first_local IS NOT NULL THEN
        SELECT array_agg(DISTINCT tally._local_instant(s, time_zone)) INTO inner_starts
        FROM generate_series(first_local, greatest(local_from, local_to) + interval '1 day', width) s;
    ELSIF day_length % microseconds = 0 THEN
        -- By time elapsed since local midnight: a day of 23 or 25 hours has 23 or 25 windows of an hour.
        SELECT array_agg(DISTINCT s) INTO inner_starts
        FROM generate_series(date_trunc('day', least(local_from, local_to)), greatest(local_from, local_to), interval '1 day') d,
             generate_series(tally._local_instant(d, time_zone),
                             tally._local_instant(d + interval '1 day', time_zone) - interval '1 microsecond', width) s;
    ELSE                    -- widths that no day is made of: counted from a fixed instant
        SELECT array_agg(s) INTO inner_starts
        FROM (SELECT tally._local_instant('2001-01-01', time_zone) AS origin) o,
             generate_series(o.origin + floor(extract(epoch FROM "from" - o.origin)::numeric * 1000000 / microseconds)
                                        * microseconds * interval '1 microsecond', "to", width) s;
    END IF;
    RETURN (SELECT array_agg(s ORDER BY s) FROM (SELECT "from" AS s UNION SELECT u FROM unnest(inner_starts) u WHERE u > "from" AND u < "to") w);
END
$$;
COMMENT ON FUNCTION tally._window_starts(timestamptz, timestamptz, text, text) IS
    'Starts of the windows of a range, the first one cut to the range; window i reaches to the start of the next, the last one to the end of the range. Weeks start on Mondays. Raises 22023';

CREATE FUNCTION tally.windows("from" timestamptz, "to" timestamptz, "window" text, time_zone text DEFAULT 'UTC',
                              OUT window_start timestamptz, OUT window_end timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.start, coalesce(lead(s.start) OVER (ORDER BY s.start), "to")
    FROM unnest(tally._window_starts("from", "to", "window", tally._check_time_zone(time_zone))) s(start)
    WHERE "from" < "to"
    ORDER BY 1
$$;
COMMENT ON FUNCTION tally.windows(timestamptz, timestamptz, text, text) IS
    'Cuts the range [from, to) into windows (minute, hour, day, week, month, quarter, year, or an interval of one kind of unit) of a time zone''s calendar and clock; the first and last are cut to the range. Raises 22023';

