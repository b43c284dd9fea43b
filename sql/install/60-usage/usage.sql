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

CREATE FUNCTION tally._usage_of_code(metrics tally.metric[], "from" timestamptz, "to" timestamptz, customers text[], as_of text DEFAULT NULL,
                                     OUT metric_number integer, OUT is_total boolean, OUT window_start timestamptz,
                                     OUT window_end timestamptz, OUT customer_id text, OUT dimensions jsonb, OUT value numeric,
                                     OUT converted_value numeric, OUT events bigint, OUT skipped bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_usage_of_code'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000 COST 10000;
COMMENT ON FUNCTION tally._usage_of_code(tally.metric[], timestamptz, timestamptz, text[], text) IS
    'Usage of several metrics that read one code, in one pass over its events: for each metric, numbered as in the array, a row for each of its groups, in the order of dimension values (by bytes), then one total row made by merging their states. Together they may take the memory of one; what one of them raises is raised for all';

CREATE FUNCTION tally.usage(metric text, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, customer text DEFAULT NULL,
                            "window" text DEFAULT NULL, time_zone text DEFAULT 'UTC', group_by text[] DEFAULT '{}',
                            filter jsonb DEFAULT NULL, fill boolean DEFAULT false, anchor timestamp DEFAULT NULL,
                            week_start text DEFAULT NULL, start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL,
                            as_of text DEFAULT NULL,
                            OUT window_start timestamptz, OUT window_end timestamptz, OUT customer_id text, OUT dimensions jsonb,
                            OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_usage'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION tally.usage(text, timestamptz, timestamptz, text, text, text, text[], jsonb, boolean, timestamp, text, timestamptz, timestamptz, text) IS
    'Usage of a metric (its id, its slug, or a code that one metric reads) of the current tenant in [from, to), or [start_date, end_date): a row for each window (minute, hour, day, week, month, quarter, year or an interval, in a time zone; from an anchor or week_start as tally.windows) and group (the metric''s own dimensions, then group_by: properties, paths, or customer_id). filter: {"property": "value" or ["value", ...]}, where a property may be a path. fill: also rows for windows in which nothing happened. events were counted; skipped had a value that the metric cannot use. Rows come in the order of window, customer and dimension values (by bytes). as_of: what was known at a cut, given its name or id, or at the last one before a time; by the metric''s filters, matrix and conversion as they were then. Raises 22023, P0002 no such metric, 54000 where the groups need more than work_mem';

CREATE FUNCTION tally._explain_usage(metric tally.metric, "from" timestamptz, "to" timestamptz, customers text[], filter jsonb, as_of text DEFAULT NULL) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_explain_usage_json'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION tally._explain_usage(tally.metric, timestamptz, timestamptz, text[], jsonb, text) IS
    'tally.explain_usage of a metric''s row, without the definition';

CREATE FUNCTION tally.explain_usage(metric text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL, filter jsonb DEFAULT NULL,
                                    as_of text DEFAULT NULL) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_explain_usage'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION tally.explain_usage(text, timestamptz, timestamptz, text, jsonb, text) IS
    'Why a metric''s usage in [from, to) is what it is: the definition used; how many events of the code, the range and the customer there are and what became of them (by_outcome: counted, filtered, outside_matrix, missing, empty, not_a_number, not_a_value, voided, amended), with up to 10 examples each; where those that the metric looks at lie; sent_again: how many events of the code and the customer were answered as duplicate or as conflict, by calls that were committed, until now, whatever filter and as_of say, with a timestamp on one of the days (UTC) from first_day to last_day, which are those that the range touches; steps: how the total is made of the counted ones and converted. Each event is judged anew, and XX001 is raised where that is not what usage counts. as_of: as in usage; events and corrections that were not known then are left out. Raises 22023, P0002 no such metric';

CREATE FUNCTION tally.usage_total(metric text, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, customer text DEFAULT NULL,
                                  filter jsonb DEFAULT NULL, start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL,
                                  as_of text DEFAULT NULL,
                                  OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'tally_usage_total'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION tally.usage_total(text, timestamptz, timestamptz, text, jsonb, timestamptz, timestamptz, text) IS
    'Usage of a metric of the current tenant in [from, to), or [start_date, end_date), over all its groups: one row, made by merging the groups'' states. customer: NULL, given or left out, is all of them; '''' is events of none. as_of: as in usage';

CREATE FUNCTION tally._metric_total(metric tally.metric, "from" timestamptz, "to" timestamptz, customers text[], filter jsonb,
                                    OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'tally_metric_total'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION tally._metric_total(tally.metric, timestamptz, timestamptz, text[], jsonb) IS
    'tally.usage_total of a metric''s row, and of several customers; no group is kept, so there may be any number';
