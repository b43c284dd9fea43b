-- packing: recent events become segments, and small segments larger ones
--
-- tallyd calls the step, or a job calls the procedure. Both tend the whole store with the rights of tally_owner, and say
-- nothing of what lies in it.

CREATE FUNCTION tally.pack_step(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_pack_step'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.pack_step(integer, interval, boolean) IS
    'One bounded unit of packing in this transaction; false: all that a round has found is done, the next call begins another. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';

CREATE PROCEDURE tally.pack(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false)
    AS 'MODULE_PATHNAME', 'tally_pack'
    LANGUAGE C;
COMMENT ON PROCEDURE tally.pack(integer, interval, boolean) IS
    'Packs all that waits, and commits after each bounded unit: not inside a transaction. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';

CREATE FUNCTION tally._packing(OUT tenant_id integer, OUT code text, OUT recent_events bigint, OUT oldest timestamptz, OUT packed_events bigint,
    OUT small_segments bigint, OUT full_segments bigint, OUT bytes bigint, OUT packed_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.tenant_id, p.code, sum(p.recent)::bigint, min(p.oldest), sum(p.packed)::bigint, count(*) FILTER (WHERE p.packed < 28000 AND p.packed > 0),
           count(*) FILTER (WHERE p.packed >= 28000), sum(p.bytes)::bigint, min(l.packed_at)
    FROM (SELECT e.tenant_id, e.code, count(*) AS recent, min(e.received_at) AS oldest, 0 AS packed, 0 AS bytes FROM tally.recent_event e GROUP BY e.tenant_id, e.code
          UNION ALL
          SELECT s.tenant_id, s.code, 0, NULL, s.events, pg_column_size(s.data) FROM tally.segment s) p
    LEFT JOIN tally.pile l ON l.tenant_id = p.tenant_id AND l.code_hash = tally._hash32(p.code)
    GROUP BY p.tenant_id, p.code
$$;
COMMENT ON FUNCTION tally._packing() IS 'What view packing shows; reads with the rights of the caller';

CREATE VIEW tally.packing AS SELECT * FROM tally._packing();
COMMENT ON VIEW tally.packing IS 'By code: recent events and since when the oldest waits, packed events, small segments and full ones (28,000 events or more), bytes of segments, last packing';

CREATE FUNCTION tally._storage(OUT tenant_id integer, OUT month date, OUT place text, OUT events bigint, OUT segments bigint, OUT bytes bigint) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.tenant_id, s.month, c.relname::text, sum(s.events)::bigint, count(*), sum(pg_column_size(s.data))::bigint
    FROM tally.segment s JOIN pg_class c ON c.oid = s.tableoid GROUP BY s.tenant_id, s.month, c.relname
    UNION ALL
    SELECT e.tenant_id, date_trunc('month', e.ts AT TIME ZONE 'UTC')::date, 'recent_event', count(*), 0, sum(pg_column_size(e.*))::bigint
    FROM tally.recent_event e GROUP BY 1, 2
$$;
COMMENT ON FUNCTION tally._storage() IS 'What view storage shows; reads with the rights of the caller';

CREATE VIEW tally.storage AS SELECT * FROM tally._storage();
COMMENT ON VIEW tally.storage IS 'Events, segments and bytes of events (without keys and identities) by tenant, month (UTC) and table';
