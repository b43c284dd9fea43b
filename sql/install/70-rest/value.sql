-- tally_rest: value updates of one metric, and reading them back, as the Measurely API means them
--
-- A value update is an event of the metric's code whose property under the aggregation key is the value and whose other
-- properties are the filters; its source names the metric, so that an event id is unique within the metric.

CREATE FUNCTION tally_rest._metric_to_update(tenant_id integer, reference text) RETURNS tally.metric
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant integer := _metric_to_update.tenant_id;
    m      tally.metric;
    ids    text[];
    shared text := 'metrics are named';
BEGIN
    SELECT * INTO m FROM tally.metric x
    WHERE x.tenant_id = tenant AND x.archived_at IS NULL AND (x.metric_id = tally._decode_id('bm_', reference) OR x.slug = reference);
    IF m.metric_id IS NOT NULL THEN     -- one at most: no slug looks like an id
        RETURN m;
    END IF;
    SELECT array_agg(tally._encode_id('bm_', x.metric_id) ORDER BY x.metric_id) INTO ids FROM tally.metric x
    WHERE x.tenant_id = tenant AND x.name = reference AND x.archived_at IS NULL;
    IF ids IS NULL THEN
        shared := 'metrics read the code';
        SELECT array_agg(tally._encode_id('bm_', x.metric_id) ORDER BY x.metric_id) INTO ids FROM tally.metric x
        WHERE x.tenant_id = tenant AND x.code = reference AND x.archived_at IS NULL;
    END IF;
    IF ids IS NULL THEN
        RAISE EXCEPTION '%', tally_rest._bad_key() USING ERRCODE = 'invalid_authorization_specification';
    ELSIF cardinality(ids) > 1 THEN
        PERFORM tally._fail('metric', format('%s %s "%s"', cardinality(ids), shared, left(reference, 64)),
                            'Name one by its id or slug: ' || array_to_string(ids[1:10], ', ') || '.');
    END IF;
    SELECT * INTO m FROM tally.metric x WHERE x.tenant_id = tenant AND x.metric_id = tally._decode_id('bm_', ids[1]);
    RETURN m;
END
$$;
COMMENT ON FUNCTION tally_rest._metric_to_update(integer, text) IS
    'A metric in use, given its id, its slug, its name or (in this order) a code that it alone reads. Raises 22023 where several have the name or the code, and for a metric that is not there exactly what authenticate() raises for a bad key';

CREATE FUNCTION tally_rest._value_field(m tally.metric, fields jsonb) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    value   numeric;
    problem text;
BEGIN
    IF NOT fields ? 'value' THEN
        PERFORM tally._fail('value', 'value is missing', 'Send a body such as {"value": 100}.');
    ELSIF jsonb_typeof(fields -> 'value') <> 'number' THEN
        PERFORM tally._fail('value', format('value must be a JSON number, not of type %s', jsonb_typeof(fields -> 'value')), 'Send a body such as {"value": 100}.');
    ELSIF m.aggregation_type IN ('COUNT', 'COUNT_DISTINCT') THEN
        PERFORM tally._fail('value', format('metric "%s" takes no values: it is a %s', m.name, m.aggregation_type),
                            'Send it events instead: POST /api/v1/events/ingest.');
    END IF;
    value := (fields ->> 'value')::numeric;
    IF length(value::text) > 1000 THEN
        PERFORM tally._fail('value', 'value has more than 1000 digits');
    END IF;
    problem := tally._kind_problem(m, value);
    IF problem IS NOT NULL THEN
        PERFORM tally._fail('value', problem);
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION tally_rest._value_field(tally.metric, jsonb) IS 'The value of a value update, exactly, checked by the kind of its metric. Raises 22023';

CREATE FUNCTION tally_rest._filters_field(m tally.metric, fields jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    filters jsonb := coalesce(nullif(fields -> 'filters', 'null'), '{}');
    wrong   text;
BEGIN
    IF jsonb_typeof(filters) <> 'object' THEN
        PERFORM tally._fail('filters', format('filters must be an object of strings, not %s', jsonb_typeof(filters)));
    END IF;
    SELECT f.key INTO wrong FROM jsonb_each(filters) f WHERE jsonb_typeof(f.value) <> 'string' ORDER BY f.key LIMIT 1;
    IF FOUND THEN
        PERFORM tally._fail('filters.' || left(wrong, 64), format('filter "%s" must be a string, not %s', left(wrong, 64), jsonb_typeof(filters -> wrong)));
    ELSIF filters ? m.aggregation_key THEN
        PERFORM tally._fail('filters.' || m.aggregation_key, format('"%s" is the property that holds the value: no filter can be named so', m.aggregation_key));
    END IF;
    RETURN filters;
END
$$;
COMMENT ON FUNCTION tally_rest._filters_field(tally.metric, jsonb) IS 'The filters of a value update; an empty object where there are none. Raises 22023';

CREATE FUNCTION tally_gated.record_value(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m       tally.metric := tally_rest._metric_to_update(tenant_id, path ->> 'metric');
    fields  jsonb := tally_rest._body(body);
    value   numeric;
    event   jsonb;
    verdict record;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(fields, ARRAY['value', 'filters', 'event_id', 'timestamp']);
    value := tally_rest._value_field(m, fields);
    event := jsonb_build_object('code', m.code, 'customer_id', '', 'source', 'value:' || tally._encode_id('bm_', m.metric_id),
        'event_id', coalesce(nullif(fields -> 'event_id', 'null'), to_jsonb(tally._uuid7())), 'timestamp', coalesce(fields -> 'timestamp', 'null'),
        'properties', tally_rest._filters_field(m, fields) || jsonb_build_object(m.aggregation_key, value));
    SELECT * INTO verdict FROM tally._ingest(m.tenant_id, jsonb_build_array(event)::text, false);
    IF verdict.verdict = 'limited' THEN
        RAISE EXCEPTION '%', verdict.reason USING ERRCODE = 'TL429', DETAIL = verdict.details;
    ELSIF verdict.verdict = 'conflict' THEN
        RAISE EXCEPTION 'a value with this event_id is stored already with other content; the first one stands'
            USING ERRCODE = 'TL409', COLUMN = 'event_id';
    ELSIF verdict.verdict = 'rejected' THEN
        PERFORM tally._fail(CASE WHEN verdict.field = 'properties.' || m.aggregation_key THEN 'value'
                                 ELSE regexp_replace(verdict.field, '^properties', 'filters') END, verdict.reason,
                            CASE WHEN verdict.reason LIKE '%allow_backfilling' THEN format(
                                'A value update is of now; send old values to POST /api/v1/events/ingest as events of the code "%s".', m.code) END);
    END IF;
    RETURN json_build_object('value', value::text, 'total', (SELECT l.total::text FROM tally._life(m) l));
END
$$;
COMMENT ON FUNCTION tally_gated.record_value(integer, jsonb, jsonb, text) IS 'What record_value does once the gate has let the caller through';

CREATE FUNCTION tally_rest.record_value(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.record_value(integer, jsonb, jsonb, text) IS
    'POST /event/v1/{metric}: takes a value {value, filters?, event_id?, timestamp?} of the metric with this id, slug, name or code and answers it with the exact sum of all values of the metric. With event_id the same update again counts once. Errors: 28000 no such metric, just as for a bad key; 22023 a value that the metric''s kind refuses; TL409 another content under this event_id; TL429 over the limit of the month, with {"limit"} as its detail';

CREATE FUNCTION tally_rest.metric_value(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m        tally.metric := tally_rest._metric_of_path(tenant_id, path);
    as_of    json;
    l record;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['as_of']);
    as_of := tally_rest._as_of(tenant_id, query);
    SELECT * INTO l FROM tally._life(m, as_of ->> 'id') l;
    RETURN (
        SELECT json_object_agg(f.name, f.value ORDER BY f.place)
        FROM (VALUES (1, 'metric_id', to_json(tally._encode_id('bm_', m.metric_id))), (2, 'name', to_json(m.name)), (3, 'kind', to_json(m.kind)),
                     (4, 'value', coalesce(to_json(l.value::text), 'null')), (5, 'total', to_json(l.total::text)),
                     (6, 'positive', to_json(l.positive::text)), (7, 'negative', to_json(l.negative::text)),
                     (8, 'net', to_json((l.positive - l.negative)::text)), (9, 'count', to_json(l.events)),
                     (10, 'mean', CASE WHEN m.aggregation_type = 'MEAN' THEN coalesce(to_json(l.value::text), 'null') END),
                     (11, 'skipped', to_json(l.skipped)), (12, 'as_of', as_of)) f(place, name, value)
        WHERE f.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION tally_rest.metric_value(integer, jsonb, jsonb, text) IS
    'GET /api/v1/metrics/{id}/value: the metric over all its events: value by its aggregation, total, the sum of all values; of kind dual also positive, negative (as an amount) and net; of averages also mean. count events were counted, skipped had no usable value. Numbers are decimal strings';

CREATE FUNCTION tally_rest.metric_summaries(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m          tally.metric := tally_rest._metric_of_path(tenant_id, path);
    range_from timestamptz;
    range_to   timestamptz;
    bucket     text := coalesce(tally_rest._parameter(query, 'bucket'), '20m');
    width      interval;
    form       text;
    as_of      json;
    row_limit  integer := tally_rest._parameter_number(query, 'limit', 1, 100000, 100000);
    most       integer;     -- buckets of time that a page looks at
    in_pages   boolean := query ?| ARRAY['limit', 'cursor'];
    page_from  timestamptz;
    page_to    timestamptz;
    found      record;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['from', 'to', 'start_date', 'end_date', 'bucket', 'as_of', 'limit', 'cursor']);
    range_from := tally_rest._instant(query, tally_rest._either(query, 'from', 'start_date'), 'UTC');
    range_to := tally_rest._instant(query, tally_rest._either(query, 'to', 'end_date'), 'UTC');
    PERFORM tally._check_range(range_from, range_to);
    as_of := tally_rest._as_of(tenant_id, query);
    width := tally._window_width(bucket, 'bucket');
    form := CASE WHEN extract(microseconds FROM width)::bigint % 1000 = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
                 ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END;
    IF m.aggregation_type IN ('COUNT', 'COUNT_DISTINCT') THEN
        PERFORM tally._fail('id', format('metric "%s" has no values to sum up: it is a %s', m.name, m.aggregation_type),
                            'Ask for its usage with a window instead.');
    END IF;
    page_from := CASE WHEN query ? 'cursor' THEN tally_rest._instant(query, 'cursor', 'UTC') ELSE range_from END;
    IF page_from < range_from OR page_from >= range_to THEN
        PERFORM tally._fail('cursor', 'cursor must be the next_cursor of an earlier answer to this question');
    END IF;
    -- Only so much time is counted for a page: each page costs the same, however far it is to the end of the range.
    most := greatest(2 * row_limit, 10000);
    page_to := CASE WHEN in_pages AND extract(epoch FROM range_to - page_from) > most * extract(epoch FROM width)
                    THEN least(range_to, (page_from AT TIME ZONE 'UTC' + width * most) AT TIME ZONE 'UTC') ELSE range_to END;
    WITH summary AS MATERIALIZED (
        SELECT s.*, s.total_positive - s.total_negative AS total FROM tally._summaries(m, page_from, page_to, width, as_of ->> 'id') s LIMIT row_limit + 1
    )
    SELECT (SELECT count(*) FROM summary) AS buckets, (SELECT max(s.bucket_start) FROM summary s) AS last_start, (SELECT max(s.bucket_end) FROM summary s) AS last_end,
           (SELECT json_agg(json_strip_nulls(json_build_object(
                       'start', to_char(s.bucket_start AT TIME ZONE 'UTC', form), 'end', to_char(s.bucket_end AT TIME ZONE 'UTC', form),
                       'positive', s.positive::text, 'negative', s.negative::text, 'events', s.events,
                       'total_positive', s.total_positive::text, 'total_negative', s.total_negative::text, 'total', s.total::text,
                       'total_events', s.total_events,
                       'mean', CASE WHEN m.kind = 'average' THEN trim_scale(s.total / s.total_events)::text END)) ORDER BY s.bucket_start)
            FROM (SELECT * FROM summary LIMIT row_limit) s) AS rows
    INTO found;
    IF in_pages THEN    -- where the next page begins: with the bucket that was too many, or where this one's time ends
        page_to := CASE WHEN found.buckets > row_limit THEN found.last_start ELSE greatest(page_to, found.last_end) END;
    ELSIF found.buckets > 100000 THEN
        PERFORM tally._fail('bucket', 'this range has more than 100000 buckets; no more are answered at once',
                            'Ask for a shorter range or wider buckets, or for pages by limit and cursor.');
    END IF;
    RETURN left(json_build_object('metric_id', tally._encode_id('bm_', m.metric_id), 'from', tally_rest._timestamp(range_from),
                             'to', tally_rest._timestamp(range_to), 'bucket', bucket, 'summaries', coalesce(found.rows, '[]'))::text, -1)
           || coalesce(', "as_of": ' || as_of::text, '')
           || CASE WHEN NOT in_pages THEN '' WHEN page_to < range_to THEN
                  ', "next_cursor": "' || to_char(page_to AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"' ELSE ', "next_cursor": null' END || '}';
END
$$;
COMMENT ON FUNCTION tally_rest.metric_summaries(integer, jsonb, jsonb, text) IS
    'GET /api/v1/metrics/{id}/summaries: from, to, bucket (20m by default; any width such as 5m, 1h, 1d, month, by the clock of UTC), limit and cursor (pages, the last of which has no next_cursor): every whole bucket that the range touches and in which something happened, with the sums above and below 0 (both as amounts) and the running totals of the metric''s whole life after the bucket';
