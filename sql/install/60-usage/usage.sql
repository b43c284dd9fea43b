-- usage: the engine's faces (extension/pg/usage). It reads events wherever they lie in one pass, with the statement's snapshot,
-- into states by window, customer and dimension values, which merge exactly

CREATE FUNCTION tally._check_range("from" timestamptz, "to" timestamptz) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
BEGIN
    IF "from" IS NULL OR NOT isfinite("from") THEN
        PERFORM tally._fail('from', 'from must be a point in time');
    ELSIF "to" IS NULL OR NOT isfinite("to") THEN
        PERFORM tally._fail('to', 'to must be a point in time');
    ELSIF "from" < '0001-01-01' OR "to" > '10000-01-01' THEN
        PERFORM tally._fail('from', 'from and to must lie in the years 1 to 9999');
    ELSIF "from" >= "to" THEN
        PERFORM tally._fail('to', 'to must lie after from', 'A range holds its start and not its end.');
    END IF;
END
$$;
COMMENT ON FUNCTION tally._check_range(timestamptz, timestamptz) IS 'Raises 22023 unless from < to';

CREATE FUNCTION tally._usage_of_code(metrics tally.metric[], "from" timestamptz, "to" timestamptz, customers text[],
                                     OUT metric_number integer, OUT is_total boolean, OUT window_start timestamptz,
                                     OUT window_end timestamptz, OUT customer_id text, OUT dimensions jsonb, OUT value numeric,
                                     OUT converted_value numeric, OUT events bigint, OUT skipped bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_usage_of_code'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000 COST 10000;
COMMENT ON FUNCTION tally._usage_of_code(tally.metric[], timestamptz, timestamptz, text[]) IS
    'Usage of several metrics that read one code, in one pass over its events: for each metric, numbered as in the array, a row for each of its groups, in the order of dimension values (by bytes), then one total row made by merging their states. Together they may take the memory of one; what one of them raises is raised for all';

CREATE FUNCTION tally.usage(metric text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL,
                            "window" text DEFAULT NULL, time_zone text DEFAULT 'UTC', group_by text[] DEFAULT '{}',
                            filter jsonb DEFAULT NULL, fill boolean DEFAULT false, anchor timestamp DEFAULT NULL,
                            week_start text DEFAULT NULL,
                            OUT window_start timestamptz, OUT window_end timestamptz, OUT customer_id text, OUT dimensions jsonb,
                            OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_usage'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION tally.usage(text, timestamptz, timestamptz, text, text, text, text[], jsonb, boolean, timestamp, text) IS
    'Usage of a metric (its id, its slug, or a code that one metric reads) of the current tenant in [from, to): a row for each window (minute, hour, day, week, month, quarter, year or an interval, in a time zone; from an anchor or week_start as tally.windows) and group (the metric''s own dimensions, then group_by: properties, paths, or customer_id). filter: {"property": "value" or ["value", ...]}, where a property may be a path. fill: also rows for windows in which nothing happened. events were counted; skipped had a value that the metric cannot use. Rows come in the order of window, customer and dimension values (by bytes). Raises 22023, P0002 no such metric, 54000 where the groups need more than work_mem';

CREATE FUNCTION tally.usage_total(metric text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL,
                                  filter jsonb DEFAULT NULL,
                                  OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'tally_usage_total'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION tally.usage_total(text, timestamptz, timestamptz, text, jsonb) IS
    'Usage of a metric of the current tenant in [from, to) over all its groups: one row, made by merging the groups'' states';
