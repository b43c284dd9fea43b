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

CREATE FUNCTION tally.windows("from" timestamptz, "to" timestamptz, "window" text, time_zone text DEFAULT 'UTC',
                              anchor timestamp DEFAULT NULL, week_start text DEFAULT NULL,
                              OUT window_start timestamptz, OUT window_end timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_windows'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.windows(timestamptz, timestamptz, text, text, timestamp, text) IS
    'Cuts the range [from, to) into windows (minute, hour, day, week, month, quarter, year, or an interval of one kind of unit) of a time zone''s calendar and clock; the first and last are cut to the range. anchor: a date or time of the zone''s clocks that windows of days or months are counted from: months from the 31st of January end on the last day of shorter months. week_start: the day that weeks start on (monday). Raises 22023';
