-- tally_rest: usage of one metric

CREATE FUNCTION tally_rest._usage_filter(query jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_object_agg(substr(q.key, 8, length(q.key) - 8), q.value)
    FROM jsonb_each(query) q WHERE q.key ~ '^filter[[].+[]]$'
$$;
COMMENT ON FUNCTION tally_rest._usage_filter(jsonb) IS 'The filter {property: [values]} of parameters like filter[region]=eu';

CREATE FUNCTION tally_rest._usage_row(window_start timestamptz, window_end timestamptz, customer_id text, dimensions jsonb,
                                      value numeric, converted_value numeric, events bigint, skipped bigint) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN customer_id IS NULL
        THEN json_build_object('start', tally_rest._timestamp(window_start), 'end', tally_rest._timestamp(window_end),
                               'dimensions', dimensions, 'value', value::text, 'converted_value', converted_value::text,
                               'events', events, 'skipped', skipped)
        ELSE json_build_object('start', tally_rest._timestamp(window_start), 'end', tally_rest._timestamp(window_end),
                               'customer_id', customer_id, 'dimensions', dimensions, 'value', value::text,
                               'converted_value', converted_value::text, 'events', events, 'skipped', skipped) END
$$;
COMMENT ON FUNCTION tally_rest._usage_row(timestamptz, timestamptz, text, jsonb, numeric, numeric, bigint, bigint) IS
    'One row of a usage answer; customer_id is left out where there is none';

CREATE FUNCTION tally_rest.metric_usage(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    m           tally.metric := tally_rest._metric_of_path(tenant_id, path);
    time_zone   text;
    window_name text := tally_rest._parameter(query, 'window');
    range_from  timestamptz;
    range_to    timestamptz;
    total       record;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['from', 'to', 'customer_id', 'window', 'time_zone', 'group_by', 'fill', 'filter[]']);
    time_zone := tally._check_time_zone(tally_rest._parameter(query, 'time_zone'));
    range_from := tally_rest._instant(query, 'from', time_zone);
    range_to := tally_rest._instant(query, 'to', time_zone);
    WITH answer AS MATERIALIZED (
        SELECT * FROM tally._usage(m, range_from, range_to, tally_rest._parameter_list(query, 'customer_id'), window_name, time_zone,
                                   tally_rest._parameter_list(query, 'group_by'), tally_rest._usage_filter(query),
                                   tally_rest._parameter_flag(query, 'fill'))
    )
    SELECT t.value, t.converted_value, t.events, t.skipped,
           (SELECT count(*) - 1 FROM answer) AS row_count,
           (SELECT json_agg(tally_rest._usage_row(a.window_start, a.window_end, a.customer_id, a.dimensions, a.value,
                                                  a.converted_value, a.events, a.skipped))
            FROM (SELECT * FROM answer WHERE NOT is_total LIMIT 100000) a) AS rows
    INTO total FROM answer t WHERE t.is_total;
    IF total.row_count > 100000 THEN
        PERFORM tally._fail('group_by', format('this usage has %s rows; at most 100000 are answered at once', total.row_count),
                            'Ask for a shorter range, wider windows, fewer groups, or one customer.');
    END IF;
    RETURN (
        SELECT json_object_agg(f.name, f.value)
        FROM (VALUES ('metric_id', to_json(tally._encode_id('bm_', m.metric_id))),
                     ('code', to_json(m.code)),
                     ('from', to_json(tally_rest._timestamp(range_from))),
                     ('to', to_json(tally_rest._timestamp(range_to))),
                     ('window', to_json(window_name)),
                     ('time_zone', to_json(time_zone)),
                     ('usage', coalesce(total.rows, '[]')),
                     ('total', json_build_object('value', total.value::text, 'converted_value', total.converted_value::text,
                                                 'events', total.events, 'skipped', total.skipped)),
                     ('freshness', json_build_object('live_events', total.events + total.skipped, 'rolled_up_events', 0))) f(name, value)
        WHERE f.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text) IS
    'GET /api/v1/metrics/{id}/usage: from, to (RFC 3339 or dates in time_zone), customer_id (may repeat), window, time_zone, group_by (may repeat; customer_id allowed), filter[property]=value (may repeat), fill=true. Values are decimal strings; live_events were read from the event log, rolled_up_events answered from rollups';

