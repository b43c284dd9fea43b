-- tally_rest: what a tenant's store holds and what came lately, in one answer

CREATE FUNCTION tally_rest._codes(tenant_id integer) RETURNS TABLE (code text, last_ts timestamptz, metrics bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT x.code, max(x.ts), (SELECT count(*) FROM tally.metric m WHERE m.tenant_id = _codes.tenant_id AND m.code = x.code AND m.archived_at IS NULL)
    FROM (SELECT s.code, s.last_ts FROM tally.segment s WHERE s.tenant_id = _codes.tenant_id
          UNION ALL
          SELECT e.code, max(e.ts) FROM tally.recent_event e WHERE e.tenant_id = _codes.tenant_id GROUP BY e.code) x (code, ts)
    GROUP BY x.code
    ORDER BY 2 DESC, x.code COLLATE "C"
    LIMIT 1000
$$;
COMMENT ON FUNCTION tally_rest._codes(integer) IS 'Codes of a tenant''s events, voided ones too, by the newest of each, and how many metrics in use read them; at most 1000';

CREATE FUNCTION tally_rest._counted(tenant_id integer, code text) RETURNS tally.metric
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_populate_record(NULL::tally.metric, jsonb_build_object('tenant_id', tenant_id, 'metric_id', '00000000-0000-0000-0000-000000000000',
        'code', code, 'name', code, 'aggregation_type', 'COUNT'))
$$;
COMMENT ON FUNCTION tally_rest._counted(integer, text) IS 'A metric that is nowhere stored: it counts the events of a code';

CREATE FUNCTION tally_rest.overview(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant     integer := overview.tenant_id;
    hours_to   timestamptz := date_trunc('hour', tally._now(), 'UTC') + interval '2 hours';     -- an event may be an hour ahead
    hours_from timestamptz := hours_to - interval '169 hours';
    codes      json;
    hours      json;
    packed     record;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    WITH code AS MATERIALIZED (
        SELECT c.* FROM tally_rest._codes(tenant) c
    ), counted AS (
        SELECT r.row ->> 'start' AS start, sum((r.row ->> 'events')::bigint) AS events
        FROM (SELECT c.code FROM code c WHERE c.last_ts >= hours_from LIMIT 100) c,
             json_array_elements(tally_rest._metric_usage(tally_rest._counted(tenant, c.code), hours_from, hours_to, NULL, 'hour', 'UTC', NULL, NULL, false, NULL, NULL)
                                 -> 'usage') AS r (row)
        GROUP BY 1
    )
    SELECT (SELECT json_agg(json_build_object('code', c.code, 'last_event', tally_rest._timestamp(c.last_ts), 'metrics', c.metrics)
                            ORDER BY c.last_ts DESC, c.code COLLATE "C") FROM code c),
           (SELECT json_agg(json_build_object('start', h.start, 'events', h.events) ORDER BY h.start) FROM counted h)
    INTO codes, hours;
    SELECT count(*) AS segments, coalesce(sum(s.events), 0) AS events, coalesce(sum(pg_column_size(s.data)), 0) AS bytes INTO packed
    FROM tally.segment s WHERE s.tenant_id = tenant;
    RETURN json_build_object(
        'newest_event', (SELECT tally._event_json(e, false) FROM tally._find_events(tenant, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1) e),
        'codes', coalesce(codes, '[]'), 'hours', coalesce(hours, '[]'),
        'storage', json_build_object(
            'recent_events', (SELECT count(*) FROM tally.recent_event e WHERE e.tenant_id = tenant),
            'packed_events', packed.events, 'segments', packed.segments, 'packed_bytes', packed.bytes));
END
$$;
COMMENT ON FUNCTION tally_rest.overview(integer, jsonb, jsonb, text) IS
    'GET /api/v1/overview: the newest event, the codes of events and how many metrics read each, the events of each hour of the last 7 days in which some happened (of the 100 codes with the newest), and what lies packed';
