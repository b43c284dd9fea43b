-- kinds of metrics: which values they take, whatever way the values come in
--
-- The rule holds from the creation of a metric on, for events that the metric counts: those of its code, within its
-- segments, with a number under its key. An event without such a number is stored and skipped, as for every metric.
-- An archived metric refuses nothing.

CREATE FUNCTION tally._kind_problem(metric tally.metric, value numeric) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_kind_problem'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._kind_problem(tally.metric, numeric) IS 'Why a metric''s kind refuses a value; NULL if it takes it';

CREATE FUNCTION tally._refuse_by_kind(tenant_id integer, documents text[], is_array boolean, allow_backfilling boolean, now timestamptz,
                                      derive_ids boolean)
    RETURNS tally._refusal[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    -- For tenants without such a metric this one look at an index is all.
    PERFORM FROM tally.metric m
    WHERE m.tenant_id = _refuse_by_kind.tenant_id AND m.kind IN ('base', 'dual') AND m.archived_at IS NULL LIMIT 1;
    IF NOT FOUND THEN
        RETURN '{}';
    END IF;
    RETURN (
        SELECT coalesce(array_agg(ROW(r.body, r.index, r.strict, 'rejected', r.problem, r.field, NULL)::tally._refusal), '{}')
        FROM (SELECT DISTINCT ON (p.body, p.index) p.body, p.index, NOT p.partial AS strict, k.problem,
                     'properties.' || m.aggregation_key AS field
              FROM tally._parse_events(documents, is_array, allow_backfilling, now, derive_ids, _refuse_by_kind.tenant_id) p
              JOIN tally.metric m ON m.tenant_id = _refuse_by_kind.tenant_id AND m.code = p.code
                                  AND m.kind IN ('base', 'dual') AND m.archived_at IS NULL
              CROSS JOIN LATERAL (SELECT tally._kind_problem(m, tally._property_number(p.properties, m.aggregation_key)) AS problem OFFSET 0) k
              WHERE p.reason IS NULL AND k.problem IS NOT NULL
                AND (m.segmentation_matrix IS NULL OR tally._matches(m, NULL, p.properties))
              ORDER BY p.body, p.index, m.metric_id) r);
END
$$;
COMMENT ON FUNCTION tally._refuse_by_kind(integer, text[], boolean, boolean, timestamptz, boolean) IS
    'Events of these documents that a metric''s kind refuses, with a reason that names the metric';
