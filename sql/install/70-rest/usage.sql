-- tally_rest: usage of one metric

CREATE FUNCTION tally_rest._usage_filter(query jsonb) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'tally_usage_filter'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._usage_filter(jsonb) IS 'The filter {property: [values]} of parameters like filter[region]=eu';

CREATE FUNCTION tally_rest._metric_usage(metric tally.metric, "from" timestamptz, "to" timestamptz, customers text[], "window" text,
                                         time_zone text, group_by text[], filter jsonb, fill boolean, anchor timestamp DEFAULT NULL,
                                         week_start text DEFAULT NULL, as_of text DEFAULT NULL, page_rows bigint DEFAULT NULL,
                                         page_after text[] DEFAULT NULL) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_metric_usage_json'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION tally_rest._metric_usage(tally.metric, timestamptz, timestamptz, text[], text, text, text[], jsonb, boolean, timestamp, text, text, bigint, text[]) IS
    'The answer of metric_usage: rows as tally.usage has them, the total of all, and what it was made of. page_rows: so many rows at most (at least 1), page_after: only those behind this place (start of the window, customer, values; none: NULL), and next_cursor, the place of the last row or null. Raises 22023 for more than 100000 rows where neither is given';

CREATE FUNCTION tally_rest._usage_place(query jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := tally_rest._parameter(query, 'cursor');
    place text[];
BEGIN
    BEGIN
        place := ARRAY(SELECT e.value FROM json_array_elements_text(convert_from(decode(given, 'hex'), 'UTF8')::json) WITH ORDINALITY e ORDER BY e.ordinality);
    EXCEPTION WHEN data_exception OR untranslatable_character OR character_not_in_repertoire THEN
        NULL;   -- it is refused below
    END;
    IF coalesce(cardinality(place), 0) = 0 THEN
        PERFORM tally._fail('cursor', 'cursor must be the next_cursor of an earlier answer to this question');
    END IF;
    RETURN place;
END
$$;
COMMENT ON FUNCTION tally_rest._usage_place(jsonb) IS 'page_after of _metric_usage out of the parameter cursor, which is there. Raises 22023 where it is no next_cursor';

CREATE FUNCTION tally_rest.metric_usage(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m          tally.metric := tally_rest._metric_of_path(tenant_id, path);
    time_zone  text;
    range_from timestamptz;
    range_to   timestamptz;
    as_of      json;
    answer     json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['from', 'to', 'start_date', 'end_date', 'customer_id', 'window', 'time_zone', 'group_by', 'fill', 'explain', 'anchor', 'week_start', 'filter[]', 'as_of', 'limit', 'cursor']);
    time_zone := tally._check_time_zone(tally_rest._parameter(query, 'time_zone'));
    range_from := tally_rest._instant(query, tally_rest._either(query, 'from', 'start_date', time_zone), time_zone);
    range_to := tally_rest._instant(query, tally_rest._either(query, 'to', 'end_date', time_zone), time_zone);
    as_of := tally_rest._as_of(tenant_id, query, time_zone);
    answer := tally_rest._metric_usage(m, range_from, range_to, tally_rest._parameter_list(query, 'customer_id'), tally_rest._parameter(query, 'window'), time_zone,
                                       tally_rest._parameter_list(query, 'group_by'), tally_rest._usage_filter(query), tally_rest._parameter_flag(query, 'fill'),
                                       tally_rest._local_time(query, 'anchor', time_zone), tally_rest._parameter(query, 'week_start'), as_of ->> 'id',
                                       CASE WHEN query ?| ARRAY['limit', 'cursor'] THEN tally_rest._parameter_number(query, 'limit', 1, 100000, 100000) END,
                                       CASE WHEN query ? 'cursor' THEN tally_rest._usage_place(query) END);
    IF NOT tally_rest._parameter_flag(query, 'explain') THEN
        RETURN answer;
    END IF;
    RETURN left(answer::text, -1) || ',"explanation":' || json_build_object('definition', tally_rest._metric(m),
        'total', tally._explain_usage(m, range_from, range_to, tally_rest._parameter_list(query, 'customer_id'), tally_rest._usage_filter(query), as_of ->> 'id'))::text || '}';
END
$$;
COMMENT ON FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text) IS
    'GET /api/v1/metrics/{id}/usage: from, to (RFC 3339 or dates in time_zone; start_date, end_date too), customer_id (may repeat), window, time_zone, anchor (a date, or a time), week_start, group_by (may repeat; customer_id allowed), as_of (a cut, or a time after it), filter[property]=value (may repeat), fill=true, limit and cursor (pages, the last of which has no next_cursor), explain=true: how the total is made, of what was known then. Values are decimal strings; made_of: how many of the events, counted and skipped, were recent ones, and how many came out of segments';

