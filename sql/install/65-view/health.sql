-- health: how the store is, told from what stands beside events and not from the events, so that it can be asked every few seconds
--
-- Read are the heads of segments, counters, sizes of files and recent events; of these, where more than 50,000 lie in a table
-- of more than 2,000 pages, a sample of about 1,000 pages. So an answer takes milliseconds whatever is stored.

CREATE FUNCTION tally._recent_health(since timestamptz, OUT tenant_id integer, OUT events bigint, OUT oldest timestamptz, OUT newest timestamptz,
                                     OUT last_day bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    pages bigint := pg_relation_size('tally.recent_event') / current_setting('block_size')::integer;
    live  integer := coalesce((SELECT min(g.generation) FROM tally.generation g), 0);
    share double precision := 1;
BEGIN
    IF pages > 2000 AND EXISTS (SELECT FROM tally.recent_event e WHERE e.generation >= live ORDER BY e.generation OFFSET 50000) THEN
        share := 1000.0 / pages;
        RETURN QUERY SELECT e.tenant_id, (count(*) / share)::bigint, min(e.received_at), max(e.ts), (count(*) FILTER (WHERE e.ts >= since) / share)::bigint
                     FROM tally.recent_event e TABLESAMPLE system (100 * share) GROUP BY e.tenant_id;
    ELSE
        RETURN QUERY SELECT e.tenant_id, count(*), min(e.received_at), max(e.ts), count(*) FILTER (WHERE e.ts >= since)
                     FROM tally.recent_event e WHERE e.generation >= live GROUP BY e.tenant_id;
    END IF;
END
$$;
COMMENT ON FUNCTION tally._recent_health(timestamptz) IS
    'By tenant: recent events, when the oldest of them came, when the newest happened, and how many happened since; of very many a sample tells';

CREATE FUNCTION tally._segment_health(since timestamptz, OUT tenant_id integer, OUT events bigint, OUT segments bigint, OUT bytes bigint,
                                      OUT newest timestamptz, OUT last_day bigint) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.tenant_id, sum(s.events)::bigint, count(*), sum(pg_column_size(s.data))::bigint, max(s.last_ts),
           -- Of a segment that began before: its share by time.
           sum(CASE WHEN s.first_ts >= since THEN s.events
                    ELSE round(s.events * extract(epoch FROM s.last_ts - since) / extract(epoch FROM s.last_ts - s.first_ts)) END)
               FILTER (WHERE s.last_ts >= since)::bigint
    FROM tally.segment s GROUP BY s.tenant_id
$$;
COMMENT ON FUNCTION tally._segment_health(timestamptz) IS
    'By tenant, from the heads of segments: packed events, segments, their bytes, when the newest event happened, and about how many happened since';

CREATE FUNCTION tally._limit_health(OUT tenant_id integer, OUT events_this_month bigint, OUT events_per_month bigint, OUT near bigint, OUT reached bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH quota AS (
        SELECT t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid AS key_id, t.events_per_month, true AS of_tenant FROM tally.tenant t
        UNION ALL
        SELECT k.tenant_id, k.key_id, k.events_per_month, false FROM tally.api_key k
        WHERE k.events_per_month IS NOT NULL AND k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true)
    )
    SELECT q.tenant_id, sum(u.used) FILTER (WHERE q.of_tenant)::bigint, sum(q.events_per_month) FILTER (WHERE q.of_tenant)::bigint,
           count(*) FILTER (WHERE u.used >= q.events_per_month * 0.8), count(*) FILTER (WHERE u.used >= q.events_per_month)
    FROM quota q, LATERAL (SELECT coalesce(sum(c.used), 0) AS used FROM tally.month_count c
                           WHERE c.tenant_id = q.tenant_id AND c.key_id = q.key_id AND c.month = (SELECT tally._month(now()))) u
    GROUP BY q.tenant_id
$$;
COMMENT ON FUNCTION tally._limit_health() IS
    'By tenant: events through the API this month (UTC), the tenant''s limit, and of how many limits, its own and those of its keys, 80 % and all are used';

CREATE FUNCTION tally._verified(OUT tenant_id integer, OUT verified_at timestamptz, OUT problems bigint) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT ON (v.tenant_id) v.tenant_id, v.verified_at, v.problems FROM tally.verification v ORDER BY v.tenant_id, v.verification_id DESC
$$;
COMMENT ON FUNCTION tally._verified() IS 'The newest verification of each tenant that has one of its own, and (NULL) of all';

CREATE FUNCTION tally._tenant_health(OUT tenant_id integer, OUT tenant text, OUT events_last_day bigint, OUT newest_event timestamptz,
    OUT recent_events bigint, OUT oldest_recent timestamptz, OUT packed_events bigint, OUT segments bigint, OUT packed_at timestamptz, OUT bytes bigint,
    OUT verified_at timestamptz, OUT problems bigint, OUT imports_running bigint, OUT events_this_month bigint, OUT events_per_month bigint,
    OUT limits_near bigint, OUT limits_reached bigint) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT t.tenant_id, t.name, coalesce(r.last_day, 0) + coalesce(s.last_day, 0), greatest(r.newest, s.newest), coalesce(r.events, 0), r.oldest,
           coalesce(s.events, 0), coalesce(s.segments, 0), p.packed_at, coalesce(s.bytes, 0), greatest(v.verified_at, w.verified_at),
           CASE WHEN v.verified_at >= coalesce(w.verified_at, '-infinity') THEN v.problems WHEN w.verified_at IS NOT NULL THEN 0 END,
           coalesce(i.running, 0), l.events_this_month, l.events_per_month, l.near, l.reached
    FROM tally.tenant t
    JOIN tally._limit_health() l ON l.tenant_id = t.tenant_id
    LEFT JOIN tally._recent_health(now() - interval '1 day') r ON r.tenant_id = t.tenant_id
    LEFT JOIN tally._segment_health(now() - interval '1 day') s ON s.tenant_id = t.tenant_id
    LEFT JOIN (SELECT l.tenant_id, max(l.packed_at) AS packed_at FROM tally.pile l GROUP BY l.tenant_id) p ON p.tenant_id = t.tenant_id
    LEFT JOIN (SELECT b.tenant_id, count(*) AS running FROM tally.import_batch b
               WHERE b.updated_at > now() - interval '1 minute' AND b.voided_at IS NULL GROUP BY b.tenant_id) i ON i.tenant_id = t.tenant_id
    LEFT JOIN tally._verified() v ON v.tenant_id = t.tenant_id
    LEFT JOIN tally._verified() w ON w.tenant_id IS NULL
$$;
COMMENT ON FUNCTION tally._tenant_health() IS 'The rows of view health that are of tenants';

CREATE FUNCTION tally._store_health(OUT tenant_id integer, OUT tenant text, OUT events_last_day bigint, OUT newest_event timestamptz,
    OUT recent_events bigint, OUT oldest_recent timestamptz, OUT packed_events bigint, OUT segments bigint, OUT packed_at timestamptz, OUT bytes bigint,
    OUT verified_at timestamptz, OUT problems bigint, OUT imports_running bigint, OUT events_this_month bigint, OUT events_per_month bigint,
    OUT limits_near bigint, OUT limits_reached bigint) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    SET jit = off
    AS $$
    WITH tenant AS MATERIALIZED (SELECT h.* FROM tally._tenant_health() h)
    SELECT h.* FROM tenant h
    UNION ALL
    SELECT NULL, NULL, coalesce(sum(h.events_last_day), 0)::bigint, max(h.newest_event), coalesce(sum(h.recent_events), 0)::bigint, min(h.oldest_recent),
           coalesce(sum(h.packed_events), 0)::bigint, coalesce(sum(h.segments), 0)::bigint, max(h.packed_at),
           (SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind = 'r'),
           min(w.verified_at), min(w.problems), coalesce(sum(h.imports_running), 0)::bigint, coalesce(sum(h.events_this_month), 0)::bigint, NULL,
           coalesce(sum(h.limits_near), 0)::bigint, coalesce(sum(h.limits_reached), 0)::bigint
    FROM tenant h FULL JOIN (SELECT v.* FROM tally._verified() v WHERE v.tenant_id IS NULL) w ON true
$$;
COMMENT ON FUNCTION tally._store_health() IS 'The rows of view health: of each tenant, and the one of the whole store, whose tenant_id is NULL';

CREATE FUNCTION tally._health(OUT tenant text, OUT events_last_day bigint, OUT newest_event timestamptz,
    OUT recent_events bigint, OUT oldest_recent timestamptz, OUT packed_events bigint, OUT segments bigint, OUT packed_at timestamptz, OUT bytes bigint,
    OUT verified_at timestamptz, OUT problems bigint, OUT imports_running bigint, OUT events_this_month bigint, OUT events_per_month bigint,
    OUT limits_near bigint, OUT limits_reached bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_health'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION tally._health() IS 'What view health shows: rows of the tenants that the caller may see, and for tally_admin the one of the store';

CREATE VIEW tally.health AS SELECT * FROM tally._health();
COMMENT ON VIEW tally.health IS
    'How the store is, by tenant, and (tenant is NULL, for tally_admin) as a whole; cheap, for it reads no packed events. events_last_day: about how many happened in the last 24 hours; recent_events: those that packing has not moved yet, since oldest_recent; bytes: of a tenant''s segments, of the whole store with all tables and indexes; problems: what tally.verify() found at verified_at; imports_running: those that got lines in the last minute; limits_near, limits_reached: limits of the month of which 80 %, and all, are used';
