-- tally_rest: the store's health for /metrics: the figures of all tenants together, and so nobody's

CREATE FUNCTION tally_rest.health() RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object(
        'tenants', (SELECT count(*) FROM tally.tenant), 'events_last_day', h.events_last_day, 'newest_event', extract(epoch FROM h.newest_event),
        'recent_events', h.recent_events, 'oldest_recent', extract(epoch FROM h.oldest_recent), 'packed_events', h.packed_events, 'segments', h.segments,
        'packed_at', extract(epoch FROM h.packed_at), 'recent_bytes', b.recent, 'segment_bytes', b.segment, 'identity_bytes', b.identity,
        'other_bytes', h.bytes - b.recent - b.segment - b.identity,
        'identity_runs', (SELECT count(*) FROM tally.identity_run r WHERE r.state = 'ready'),
        'verified_at', extract(epoch FROM h.verified_at), 'problems', h.problems, 'imports_running', h.imports_running,
        'limits_near', h.limits_near, 'limits_reached', h.limits_reached)
    FROM tally._store_health() h,
         (SELECT coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname = 'recent_event'), 0) AS recent,
                 coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relispartition), 0) AS segment,
                 coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname IN ('recent_identity', 'sealed_identity', 'identity_run', 'released_identity')), 0) AS identity
          FROM pg_class c WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind = 'r') b
    WHERE h.tenant_id IS NULL
$$;
COMMENT ON FUNCTION tally_rest.health() IS
    'The row of the whole store of tally.health, with sizes by kind of table and moments in seconds since 1970: what tallyd shows at /metrics. It names no tenant, and needs no key';
