-- windows: a range of time cut at the calendar or the clock of a time zone

CREATE FUNCTION tally._parse_timestamp(value text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_parse_timestamp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._parse_timestamp(text) IS 'An RFC 3339 timestamp; NULL for any other text';

CREATE FUNCTION tally._check_time_zone(time_zone text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_check_time_zone'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._check_time_zone(text) IS 'The name of a time zone (UTC for NULL). Raises 22023 for anything that is no IANA name';

CREATE FUNCTION tally._local_instant(local_time timestamp, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_local_instant'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._local_instant(timestamp, text) IS
    'First instant at which the clocks of a zone show this time; the moment of the change where they skip it';

CREATE FUNCTION tally._window_width("window" text, field text DEFAULT 'window') RETURNS interval
    AS 'MODULE_PATHNAME', 'tally_window_width'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._window_width(text, text) IS 'Width of a window given by name or as an interval. Raises 22023 naming the field that it was given in';

CREATE FUNCTION tally._window_starts("from" timestamptz, "to" timestamptz, "window" text, time_zone text) RETURNS timestamptz[]
    AS 'MODULE_PATHNAME', 'tally_window_starts'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._window_starts(timestamptz, timestamptz, text, text) IS
    'Starts of the windows of a range, the first one cut to the range; window i reaches to the start of the next, the last one to the end of the range. Weeks start on Mondays. Raises 22023';

CREATE FUNCTION tally.windows("from" timestamptz, "to" timestamptz, "window" text, time_zone text DEFAULT 'UTC',
                              OUT window_start timestamptz, OUT window_end timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_windows'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.windows(timestamptz, timestamptz, text, text) IS
    'Cuts the range [from, to) into windows (minute, hour, day, week, month, quarter, year, or an interval of one kind of unit) of a time zone''s calendar and clock; the first and last are cut to the range. Raises 22023';

