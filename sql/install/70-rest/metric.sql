-- tally_rest: metrics, in the shape of the Meteroid API

CREATE FUNCTION tally_rest._metric(m tally.metric) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_strip_nulls(json_build_object(
        'aggregation_type', m.aggregation_type, 'code', m.code, 'created_at', tally_rest._timestamp(m.created_at),
        'id', tally._encode_id('bm_', m.metric_id), 'name', m.name,
        'product_family_id', tally._encode_id('pf_', m.product_family_id), 'aggregation_key', m.aggregation_key,
        'archived_at', tally_rest._timestamp(m.archived_at), 'description', m.description, 'filters', m.filters,
        'kind', m.kind, 'product_id', tally._encode_id('prd_', m.product_id), 'segmentation_matrix', m.segmentation_matrix,
        'slug', m.slug,
        'unit_conversion', CASE WHEN m.conversion_factor IS NOT NULL
                                THEN json_build_object('factor', m.conversion_factor, 'rounding', m.conversion_rounding) END,
        'usage_group_key', m.usage_group_key))
$$;
COMMENT ON FUNCTION tally_rest._metric(tally.metric) IS 'A metric as the API shows it; fields without a value are left out';

CREATE FUNCTION tally_rest._metric_of_path(tenant_id integer, path jsonb, field text DEFAULT 'id') RETURNS tally.metric
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN RETURN tally._find_metric(tenant_id, path ->> 'id', field); END $$;
COMMENT ON FUNCTION tally_rest._metric_of_path(integer, jsonb, text) IS
    'The metric that the path names, or the parameter that field names, by id, slug or code. Raises 22023 no id and no name, or several metrics; P0002 no such metric';

CREATE FUNCTION tally_gated.create_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._metric(tally._create_metric(tenant_id, tally_rest._body(body)));
END
$$;
COMMENT ON FUNCTION tally_gated.create_metric(integer, jsonb, jsonb, text) IS 'What create_metric does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_metric(integer, jsonb, jsonb, text) IS 'POST /api/v1/metrics: creates a metric and answers it';

CREATE FUNCTION tally_rest.try_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant    integer := try_metric.tenant_id;
    row_limit integer := tally_rest._parameter_number(query, 'limit', 1, 100, 100);
    reference text := tally_rest._parameter(query, 'metric');
    changed   uuid := CASE WHEN reference IS NOT NULL THEN (tally._find_metric(tenant, reference, 'metric')).metric_id END;
    m         tally.metric;
    answer    json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['limit', 'metric']);
    m := tally._defined_metric(tenant, tally_rest._body(body));
    IF EXISTS (SELECT FROM tally.metric o WHERE o.tenant_id = tenant AND o.slug = m.slug AND o.metric_id IS DISTINCT FROM changed) THEN
        PERFORM tally._refuse_slug(tenant, m.slug);
    END IF;
    SELECT json_build_object('events', count(*), 'counted', count(*) FILTER (WHERE (t.made ->> 'counted')::boolean),
                             'data', coalesce(json_agg(json_strip_nulls(json_build_object(
                                 'event_id', t.event -> 'event_id', 'customer_id', t.event -> 'customer_id', 'source', t.event -> 'source',
                                 'timestamp', t.event -> 'timestamp', 'counted', t.made -> 'counted', 'value', t.made -> 'value',
                                 'dimensions', t.made -> 'dimensions', 'reason', t.made -> 'reason')) ORDER BY t.ts DESC, t.seq DESC), '[]'))
    INTO answer
    FROM (SELECT e.ts, e.seq, x.event, x.event -> 'metrics' -> 0 AS made
          FROM tally._find_events(tenant, m.code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, row_limit) e
          CROSS JOIN LATERAL (SELECT tally._event_tried(e, m) AS event OFFSET 0) x) t;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION tally_rest.try_metric(integer, jsonb, jsonb, text) IS
    'POST /api/v1/metric_trials: what a metric of this definition, which is checked and not stored, would make of the newest events of its code (limit: 1 to 100; metric: the one that it is to change)';

CREATE FUNCTION tally_rest.get_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._metric(tally_rest._metric_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_rest.get_metric(integer, jsonb, jsonb, text) IS 'GET /api/v1/metrics/{id}: a metric, archived ones too (by id or slug)';

CREATE FUNCTION tally_rest.list_metrics(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := list_metrics.tenant_id;
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
    sorting  text := coalesce(tally_rest._parameter(query, 'order_by'), 'name.asc');
    needle   text := tally_rest._parameter(query, 'search');
    archived text := tally_rest._parameter_archived(query);
    family   uuid;
    total    bigint;
    rows     json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page', 'order_by', 'search', 'product_family_id', 'archived']);
    IF sorting !~ '^(name|code|created_at)[.](asc|desc)$' THEN
        PERFORM tally._fail('order_by', 'order_by must be name, code or created_at followed by .asc or .desc');
    END IF;
    IF tally_rest._parameter(query, 'product_family_id') IS NOT NULL THEN
        family := tally._find_family(tenant, tally_rest._parameter(query, 'product_family_id'));
    END IF;
    WITH found AS MATERIALIZED (
        SELECT m.* FROM tally.metric m
        WHERE m.tenant_id = tenant AND (archived = 'all' OR (m.archived_at IS NOT NULL) = (archived = 'true'))
          AND (family IS NULL OR m.product_family_id = family)
          AND (needle IS NULL OR position(lower(needle COLLATE "C") IN lower(m.name COLLATE "C")) > 0 OR position(lower(needle COLLATE "C") IN lower(m.code COLLATE "C")) > 0
               OR position(lower(needle COLLATE "C") IN (m.slug COLLATE "C")) > 0)
    ), shown AS (
        SELECT f.*, row_number() OVER (ORDER BY
                   CASE sorting WHEN 'name.asc' THEN f.name WHEN 'code.asc' THEN f.code END ASC,
                   CASE sorting WHEN 'name.desc' THEN f.name WHEN 'code.desc' THEN f.code END DESC,
                   CASE sorting WHEN 'created_at.asc' THEN f.created_at END ASC,
                   CASE sorting WHEN 'created_at.desc' THEN f.created_at END DESC, f.metric_id) AS place
        FROM found f
    )
    SELECT (SELECT count(*) FROM found),
           (SELECT json_agg(json_strip_nulls(json_build_object(
                       'id', tally._encode_id('bm_', s.metric_id), 'name', s.name, 'code', s.code, 'description', s.description,
                       'aggregation_type', s.aggregation_type, 'aggregation_key', s.aggregation_key, 'slug', s.slug,
                       'created_at', tally_rest._timestamp(s.created_at), 'archived_at', tally_rest._timestamp(s.archived_at)))
                   ORDER BY s.place)
            FROM shown s WHERE s.place > page::bigint * per_page AND s.place <= (page::bigint + 1) * per_page)
    INTO total, rows;
    RETURN tally_rest._page(rows, page, per_page, total);
END
$$;
COMMENT ON FUNCTION tally_rest.list_metrics(integer, jsonb, jsonb, text) IS
    'GET /api/v1/metrics: metrics in pages (page from 0, per_page 1 to 100, order_by name|code|created_at.asc|desc, search in name, code and slug, product_family_id, archived false|true|all)';

