-- tally_rest: changing and archiving metrics

CREATE FUNCTION tally._change_metric(metric tally.metric, change jsonb) RETURNS tally.metric
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m       tally.metric := tally._locked_metric(metric);     -- versions are numbered in the order of changes
    key     text;
    problem text[];
BEGIN
    FOR key IN SELECT k FROM jsonb_object_keys(change) k ORDER BY k LOOP
        IF key IN ('code', 'aggregation_type', 'aggregation_key', 'kind', 'usage_group_key', 'product_family_id', 'product_id') THEN
            PERFORM tally._fail(key, format('%s cannot be changed: what was measured so far would mean something else', key),
                                'Create another metric over the same events; it sees all of them from the start.');
        ELSIF key IN ('id', 'created_at', 'archived_at') THEN
            PERFORM tally._fail(key, format('%s cannot be changed', key));
        ELSIF key NOT IN ('name', 'description', 'slug', 'filters', 'unit_conversion', 'segmentation_matrix') THEN
            PERFORM tally._fail(key, format('unknown field "%s"', key),
                                'name, description, slug, filters, unit_conversion and segmentation_matrix can be changed.');
        END IF;
    END LOOP;
    IF change ? 'name' THEN
        m.name := tally._text_field(change, 'name', 255, true);
    END IF;
    IF change ? 'description' THEN
        m.description := CASE WHEN change ->> 'description' <> '' THEN tally._text_field(change, 'description', 4096) END;
    END IF;
    IF change ? 'slug' THEN
        m.slug := tally._slug_field(change);
    END IF;
    IF change ? 'segmentation_matrix' THEN
        problem := tally._segmentation_problem(nullif(change -> 'segmentation_matrix', 'null'));
        IF problem IS NOT NULL THEN
            PERFORM tally._fail(problem[1], problem[2]);
        END IF;
        m.segmentation_matrix := '{"type": "SINGLE"}' || nullif(change -> 'segmentation_matrix', 'null');
    END IF;
    IF change ? 'filters' THEN
        m.filters := tally._filters_field(change);
    END IF;
    IF change ? 'unit_conversion' THEN
        problem := CASE WHEN change -> 'unit_conversion' <> 'null' THEN tally._conversion_problem(change -> 'unit_conversion') END;
        IF problem IS NOT NULL THEN
            PERFORM tally._fail(problem[1], problem[2]);
        END IF;
        m.conversion_factor := (change #>> '{unit_conversion,factor}')::numeric;
        m.conversion_rounding := change #>> '{unit_conversion,rounding}';
    END IF;
    IF change ?| ARRAY['segmentation_matrix', 'filters', 'unit_conversion'] THEN
        INSERT INTO tally.metric_version (tenant_id, metric_id, definition)
        SELECT x.tenant_id, x.metric_id, to_json(x) FROM tally.metric x WHERE x.tenant_id = m.tenant_id AND x.metric_id = m.metric_id;
    END IF;
    -- Only what is asked for.
    UPDATE tally.metric x
    SET name = CASE WHEN change ? 'name' THEN m.name ELSE x.name END,
        description = CASE WHEN change ? 'description' THEN m.description ELSE x.description END,
        slug = CASE WHEN change ? 'slug' THEN m.slug ELSE x.slug END,
        segmentation_matrix = CASE WHEN change ? 'segmentation_matrix' THEN m.segmentation_matrix ELSE x.segmentation_matrix END,
        filters = CASE WHEN change ? 'filters' THEN m.filters ELSE x.filters END,
        conversion_factor = CASE WHEN change ? 'unit_conversion' THEN m.conversion_factor ELSE x.conversion_factor END,
        conversion_rounding = CASE WHEN change ? 'unit_conversion' THEN m.conversion_rounding ELSE x.conversion_rounding END,
        updated_at = tally._now()
    WHERE x.tenant_id = m.tenant_id AND x.metric_id = m.metric_id
    RETURNING x.* INTO m;
    RETURN m;
EXCEPTION WHEN unique_violation THEN
    PERFORM tally._refuse_slug(m.tenant_id, m.slug);
END
$$;
COMMENT ON FUNCTION tally._change_metric(tally.metric, jsonb) IS
    'Changes the fields of a metric that are present (name, description, slug, filters, unit_conversion, segmentation_matrix); null clears one. Raises 22023 naming a field that cannot be changed, 23505 slug taken';

CREATE FUNCTION tally_gated.change_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._metric(tally._change_metric(tally_rest._metric_of_path(tenant_id, path), tally_rest._body(body)));
END
$$;
COMMENT ON FUNCTION tally_gated.change_metric(integer, jsonb, jsonb, text) IS 'What change_metric does once the gate has let the caller through';

CREATE FUNCTION tally_rest.change_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.change_metric(integer, jsonb, jsonb, text) IS
    'PATCH /api/v1/metrics/{id}: changes name, description, slug, filters, unit_conversion or segmentation_matrix; null clears; answers the metric';

CREATE FUNCTION tally_rest._set_archived(tenant_id integer, path jsonb, archived boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m tally.metric := tally_rest._metric_of_path(tenant_id, path);
BEGIN
    UPDATE tally.metric x SET archived_at = CASE WHEN archived THEN tally._now() END, updated_at = tally._now()
    WHERE x.tenant_id = m.tenant_id AND x.metric_id = m.metric_id AND (x.archived_at IS NOT NULL) <> archived;
END
$$;
COMMENT ON FUNCTION tally_rest._set_archived(integer, jsonb, boolean) IS 'Archives or unarchives the metric of the path; repeating it changes nothing';

CREATE FUNCTION tally_gated.archive_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._set_archived(tenant_id, path, true);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.archive_metric(integer, jsonb, jsonb, text) IS 'What archive_metric does once the gate has let the caller through';

CREATE FUNCTION tally_rest.archive_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.archive_metric(integer, jsonb, jsonb, text) IS
    'POST /api/v1/metrics/{id}/archive: lists leave it out from now on, its usage can still be read; answers nothing (204)';

CREATE FUNCTION tally_gated.unarchive_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._set_archived(tenant_id, path, false);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.unarchive_metric(integer, jsonb, jsonb, text) IS 'What unarchive_metric does once the gate has let the caller through';

CREATE FUNCTION tally_rest.unarchive_metric(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.unarchive_metric(integer, jsonb, jsonb, text) IS
    'POST /api/v1/metrics/{id}/unarchive: takes the archiving back; answers nothing (204)';

