-- changing metrics in SQL, as PATCH, archive and unarchive do over REST (70-rest/metric-change.sql has the rules)

CREATE FUNCTION tally._changes(given jsonb, clear text[], clearable text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    field text;
BEGIN
    FOREACH field IN ARRAY coalesce(clear, '{}') LOOP
        IF field IS NULL OR field <> ALL (clearable) THEN
            PERFORM tally._fail('clear', format('%s cannot be cleared', coalesce(left(field, 64), 'NULL')), format('What can be: %s.', array_to_string(clearable, ', ')));
        ELSIF given ->> field IS NOT NULL THEN
            PERFORM tally._fail('clear', format('%s is to be cleared, and given too', field));
        END IF;
    END LOOP;
    RETURN coalesce((SELECT jsonb_object_agg(g.key, g.value) FROM jsonb_each(given) g WHERE g.value <> 'null'), '{}')
           || coalesce((SELECT jsonb_object_agg(c.field, NULL) FROM unnest(clear) c(field)), '{}');
END
$$;
COMMENT ON FUNCTION tally._changes(jsonb, text[], text[]) IS
    'What a PATCH says for these arguments: those that are not NULL as they are, those to be cleared null. Raises 22023 about clear';

CREATE FUNCTION tally._locked_metric(metric tally.metric) RETURNS tally.metric
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT x FROM tally.metric x WHERE x.tenant_id = metric.tenant_id AND x.metric_id = metric.metric_id FOR NO KEY UPDATE $$;
COMMENT ON FUNCTION tally._locked_metric(tally.metric) IS
    'A metric as whoever changed it last has left it, which nobody changes until the end of the transaction: what is read of it may be written back';

CREATE FUNCTION tally_gated.update_metric(tenant_id integer, metric text, name text, description text, slug text, segmentation_matrix jsonb,
    conversion_factor integer, conversion_rounding text, clear text[], filters jsonb) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    m      tally.metric := tally._locked_metric(tally._find_metric(tenant_id, metric));
    change jsonb := tally._changes(
        jsonb_build_object('name', name, 'description', description, 'slug', slug, 'segmentation_matrix', segmentation_matrix, 'filters', filters,
                           'conversion_factor', conversion_factor, 'conversion_rounding', conversion_rounding),
        clear, ARRAY['description', 'slug', 'segmentation_matrix', 'filters', 'conversion_factor']);
BEGIN
    IF change -> 'conversion_factor' = 'null' THEN
        IF conversion_rounding IS NOT NULL THEN
            PERFORM tally._fail('conversion_rounding', 'conversion_rounding has nothing to round: conversion_factor is to be cleared');
        END IF;
        change := change || '{"unit_conversion": null}';
    ELSIF conversion_factor IS NOT NULL OR conversion_rounding IS NOT NULL THEN
        IF conversion_factor IS NULL AND m.conversion_factor IS NULL THEN
            PERFORM tally._fail('conversion_factor', 'conversion_factor is missing: conversion_rounding rounds what was divided by it');
        END IF;
        change := change || jsonb_build_object('unit_conversion', jsonb_build_object(
            'factor', coalesce(conversion_factor, m.conversion_factor), 'rounding', coalesce(conversion_rounding, m.conversion_rounding, 'NONE')));
    END IF;
    m := tally._change_metric(m, change - ARRAY['conversion_factor', 'conversion_rounding']);
    RETURN tally._encode_id('bm_', m.metric_id);
END
$$;
COMMENT ON FUNCTION tally_gated.update_metric(integer, text, text, text, text, jsonb, integer, text, text[], jsonb) IS 'What update_metric does once the gate has let the caller through';

CREATE FUNCTION tally.update_metric(metric text, name text DEFAULT NULL, description text DEFAULT NULL, slug text DEFAULT NULL,
    segmentation_matrix jsonb DEFAULT NULL, conversion_factor integer DEFAULT NULL, conversion_rounding text DEFAULT NULL,
    clear text[] DEFAULT '{}', filters jsonb DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.update_metric(text, text, text, text, jsonb, integer, text, text[], jsonb) IS
    'Changes a metric of the current tenant, given its id, slug or code: what is NULL stays as it is, what clear names (description, slug, segmentation_matrix, filters, conversion_factor) is taken away. What it counts cannot change: create another metric over the same events. Answers the id. Errors: P0002 no such metric, 22023 naming the argument at fault, 23505 slug taken';

CREATE FUNCTION tally_gated.unarchive_metric(tenant_id integer, metric text) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m tally.metric := tally._find_metric(tenant_id, metric);
BEGIN
    UPDATE tally.metric x SET archived_at = NULL, updated_at = tally._now()
    WHERE x.tenant_id = m.tenant_id AND x.metric_id = m.metric_id AND x.archived_at IS NOT NULL;
    RETURN tally._encode_id('bm_', m.metric_id);
END
$$;
COMMENT ON FUNCTION tally_gated.unarchive_metric(integer, text) IS 'What unarchive_metric does once the gate has let the caller through';

CREATE FUNCTION tally.unarchive_metric(metric text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.unarchive_metric(text) IS
    'Takes the archiving of a metric of the current tenant back, given its id or its slug. Repeating it changes nothing. Answers the id';
