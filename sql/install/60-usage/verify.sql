-- verify: whether each event is there once, and each identity is an event's

CREATE FUNCTION tally._stored_events(tenant integer, OUT tenant_id integer, OUT identity uuid, OUT month integer, OUT seq bigint, OUT segment_id bigint, OUT problem text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_stored_events'
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1000000;
COMMENT ON FUNCTION tally._stored_events(integer) IS
    'All stored events, of a tenant or (NULL) of all, voided ones too, with the segments that they lie in; and rows with what is wrong with a segment';

CREATE FUNCTION tally.verify(tenant integer DEFAULT NULL, OUT tenant_id integer, OUT object text, OUT problem text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH edge AS (
        SELECT coalesce((SELECT (extract(year FROM s.retained_from AT TIME ZONE 'UTC') * 12 + extract(month FROM s.retained_from AT TIME ZONE 'UTC'))::integer
                                - 1970 * 12 - 1 FROM tally.store s WHERE isfinite(s.retained_from)), 0) AS month
    ), stored AS MATERIALIZED (
        SELECT e.* FROM tally._stored_events(verify.tenant) e, edge WHERE e.problem IS NOT NULL OR e.month >= edge.month
    ), void AS (
        SELECT c.tenant_id, c.seq, c.import_id IS NOT NULL OR c.successor IS NOT NULL AS without_identity, c.successor, c.ts, c.identity
        FROM tally.correction c WHERE verify.tenant IS NULL OR c.tenant_id = verify.tenant
    ), known AS (
        SELECT r.identity, r.tenant_id, r.month FROM tally.recent_identity r WHERE verify.tenant IS NULL OR r.tenant_id = verify.tenant
        UNION ALL       -- whose a sealed one is cannot be told: for one tenant they are only looked up
        SELECT s.identity, NULL, s.month FROM tally._sealed_identities() s
        WHERE NOT EXISTS (SELECT FROM tally.released_identity r WHERE r.identity = s.identity)
    ), compared AS (
        SELECT p.identity, min(p.tenant_id) AS tenant_id, sum(p.events) AS events, sum(p.identities) AS identities, min(p.month) <> max(p.month) AS moved
        FROM (SELECT s.identity, s.tenant_id, s.month, 1 AS events, 0 AS identities FROM stored s
              WHERE s.problem IS NULL AND NOT EXISTS (SELECT FROM void v WHERE v.tenant_id = s.tenant_id AND v.seq = s.seq AND v.without_identity)
              UNION ALL
              SELECT k.identity, k.tenant_id, k.month, 0, 1 FROM known k, edge WHERE k.month >= edge.month) p
        GROUP BY p.identity
    )
    SELECT s.tenant_id, 'segment ' || s.segment_id, s.problem FROM stored s WHERE s.problem IS NOT NULL
    UNION ALL
    SELECT c.tenant_id, 'identity ' || c.identity, CASE WHEN c.moved THEN 'event and identity are of different months'
                                                        ELSE format('%s events that hold it and %s identities', c.events, c.identities) END
    FROM compared c WHERE (c.events <> 1 OR c.identities <> 1 OR c.moved) AND (c.tenant_id IS NOT NULL OR verify.tenant IS NULL)
    UNION ALL
    SELECT min(s.tenant_id), 'event with seq ' || s.seq, format('it is there %s times', count(*)) FROM stored s WHERE s.problem IS NULL GROUP BY s.seq HAVING count(*) > 1
    UNION ALL
    SELECT v.tenant_id, 'correction of seq ' || v.seq, 'there is no such event'
    FROM void v
    WHERE NOT EXISTS (SELECT FROM stored s WHERE s.problem IS NULL AND s.seq = v.seq)
      AND v.ts >= coalesce((SELECT t.retained_from FROM tally.store t), '-infinity')
    UNION ALL
    SELECT v.tenant_id, 'correction of seq ' || v.seq, format('seq %s, which counts in its place, is no event of the same identity', v.successor)
    FROM void v
    WHERE v.successor IS NOT NULL AND NOT EXISTS (SELECT FROM stored s WHERE s.problem IS NULL AND s.seq = v.successor AND s.identity = v.identity)
      AND EXISTS (SELECT FROM known k, edge WHERE k.identity = v.identity AND k.month >= edge.month)    -- else it may be forgotten
    UNION ALL
    SELECT l.tenant_id, 'lifted correction of seq ' || l.seq, 'there is no such event'
    FROM tally.lifted_correction l
    WHERE (verify.tenant IS NULL OR l.tenant_id = verify.tenant)
      AND NOT EXISTS (SELECT FROM stored s WHERE s.problem IS NULL AND s.seq = l.seq)
      AND l.ts >= coalesce((SELECT t.retained_from FROM tally.store t), '-infinity')
    UNION ALL
    SELECT l.tenant_id, 'loose segment ' || l.segment_id, 'there is no such segment'
    FROM tally.loose_segment l
    WHERE (verify.tenant IS NULL OR l.tenant_id = verify.tenant)
      AND NOT EXISTS (SELECT FROM tally.segment s WHERE s.tenant_id = l.tenant_id AND s.segment_id = l.segment_id AND s.month = l.month)
      AND l.month >= coalesce((SELECT t.retained_from FROM tally.store t), '-infinity')
    UNION ALL
    SELECT m.tenant_id, 'life total of metric ' || tally._encode_id('bm_', m.metric_id), format('%s is carried, the events come to %s', life, recount)
    FROM tally.life_total l JOIN tally.metric m ON m.tenant_id = l.tenant_id AND m.metric_id = l.metric_id,
         LATERAL tally._life(m) life, LATERAL tally._counted_life(m) recount
    WHERE (verify.tenant IS NULL OR m.tenant_id = verify.tenant) AND life IS DISTINCT FROM recount
$$;
COMMENT ON FUNCTION tally.verify(integer) IS
    'What is wrong with the store, of a tenant (its tenant_id) or of all: events that are there twice or not at all, damaged segments, carried totals that are not what the events come to. No row: nothing is. Reads everything';
