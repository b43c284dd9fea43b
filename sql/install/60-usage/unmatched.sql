-- unmatched codes: what is stored and counts for nobody, because no metric in use reads its code
--
-- Quick over packed stores: of a segment only what stands beside its data is read.

CREATE FUNCTION tally._unmatched_codes(tenant_id integer, OUT code text, OUT events bigint, OUT first timestamptz, OUT last timestamptz)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.code, sum(p.events)::bigint, min(p.first_ts), max(p.last_ts)
    FROM (SELECT s.code COLLATE "C" AS code, s.events, s.first_ts, s.last_ts FROM tally.segment s
          WHERE s.tenant_id = _unmatched_codes.tenant_id
          UNION ALL
          SELECT e.code, count(*), min(e.ts), max(e.ts) FROM tally.recent_event e
          WHERE e.tenant_id = _unmatched_codes.tenant_id GROUP BY e.code
          UNION ALL
          SELECT c.code, -count(*), NULL, NULL FROM tally.correction c
          WHERE c.tenant_id = _unmatched_codes.tenant_id GROUP BY c.code) p
    WHERE NOT EXISTS (SELECT FROM tally.metric m
                      WHERE m.tenant_id = _unmatched_codes.tenant_id AND m.code = p.code AND m.archived_at IS NULL)
    GROUP BY p.code HAVING sum(p.events) > 0
    ORDER BY sum(p.events) DESC, p.code COLLATE "C"
$$;
COMMENT ON FUNCTION tally._unmatched_codes(integer) IS 'tally.unmatched_codes for a tenant that the caller may act for';

CREATE FUNCTION tally.unmatched_codes(OUT code text, OUT events bigint, OUT first timestamptz, OUT last timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT u.code, u.events, u.first, u.last FROM tally._unmatched_codes(tally.current_tenant()) u $$;
COMMENT ON FUNCTION tally.unmatched_codes() IS
    'Codes of events of the current tenant that no metric in use reads, most events first: how many there are, and when the first and the last of them happened. Voided events are not counted. A metric that is created for such a code sees all of them';
