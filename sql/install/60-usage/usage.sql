-- usage: the answer. Everything is computed from mergeable states, so that totals are exact for every aggregation

CREATE FUNCTION tally._property_number(properties jsonb, key text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_property_number'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._property_number(jsonb, text) IS
    'A property as a number; NULL where it is absent or no decimal number ([+-]digits[.digits][e[+-]digits], up to 1000 digits on each side). Never raises';

CREATE FUNCTION tally._property_text(properties jsonb, key text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_property_text'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._property_text(jsonb, text) IS
    'A property as text; NULL where it is absent or empty. Equal numbers have one text: 1.0 is 1';

CREATE FUNCTION tally._property_texts(properties jsonb, keys text[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'tally_property_texts'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._property_texts(jsonb, text[]) IS 'Several properties as texts; NULL where absent or empty';

CREATE FUNCTION tally._metric_dimensions(metric tally.metric) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT d.own || CASE WHEN metric.usage_group_key IS NULL OR metric.usage_group_key = ANY (d.own) THEN '{}'
                         ELSE ARRAY[metric.usage_group_key] END
    FROM (SELECT CASE metric.segmentation_matrix ->> 'type'
                     WHEN 'SINGLE' THEN ARRAY[metric.segmentation_matrix ->> 'key']
                     WHEN 'DOUBLE' THEN ARRAY[metric.segmentation_matrix #>> '{dimension1,key}', metric.segmentation_matrix #>> '{dimension2,key}']
                     WHEN 'LINKED' THEN ARRAY[metric.segmentation_matrix ->> 'dimension1_key', metric.segmentation_matrix ->> 'dimension2_key']
                     ELSE '{}' END AS own) d
$$;
COMMENT ON FUNCTION tally._metric_dimensions(tally.metric) IS
    'Properties that a metric''s usage is always grouped by: those of its matrix first, then its usage group key unless it is one of these';

CREATE FUNCTION tally._matches(metric tally.metric, filter jsonb, properties jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_matches'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._matches(tally.metric, jsonb, jsonb) IS
    'Whether a filter (NULL: none) and the metric''s segmentation matrix let an event with its code and these properties in';

CREATE FUNCTION tally._check_filter(filter jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    entry record;
    lists jsonb := '{}';
    list  jsonb;
BEGIN
    IF filter IS NULL OR filter = '{}' THEN
        RETURN NULL;
    ELSIF jsonb_typeof(filter) <> 'object' THEN
        PERFORM tally._fail('filter', 'filter must be an object: {"property": "value"} or {"property": ["value", ...]}');
    END IF;
    FOR entry IN SELECT key, value FROM jsonb_each(filter) LOOP
        list := CASE jsonb_typeof(entry.value) WHEN 'array' THEN entry.value ELSE jsonb_build_array(entry.value) END;
        IF EXISTS (SELECT FROM jsonb_array_elements(list) v WHERE jsonb_typeof(v.value) NOT IN ('string', 'number')) THEN
            PERFORM tally._fail('filter', format('filter on "%s" must be a string, a number or a list of these', entry.key));
        END IF;
        lists := lists || jsonb_build_object(entry.key, (SELECT coalesce(jsonb_agg(CASE jsonb_typeof(v.value) WHEN 'number' THEN trim_scale((v.value #>> '{}')::numeric)::text ELSE v.value #>> '{}' END), '[]')
                                                              FROM jsonb_array_elements(list) v));
    END LOOP;
    RETURN lists;
END
$$;
COMMENT ON FUNCTION tally._check_filter(jsonb) IS 'A filter in the form {key: [texts]}. Raises 22023';

-- States by window, customer and dimensions.
CREATE FUNCTION tally._usage_states(metric tally.metric, starts timestamptz[], "to" timestamptz, customers text[],
                                    by_customer boolean, dimensions text[], filter jsonb,
                                    OUT slot integer, OUT customer_id text, OUT dimension_values text[], OUT summary tally.summary,
                                    OUT members tally.distinct_set, OUT events bigint, OUT skipped bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    -- The plan depends on the range and on whether customers are named: never a generic one.
    SET plan_cache_mode = force_custom_plan
    AS $$
#variable_conflict use_column
DECLARE
    all_match boolean := metric.segmentation_matrix IS NULL AND filter IS NULL;
    counts  boolean := metric.aggregation_type = 'COUNT';
    unites  boolean := metric.aggregation_type = 'COUNT_DISTINCT';
    key     text := coalesce(metric.aggregation_key, '');
    hashes  integer[];
    "from"  timestamptz := starts[1];
    -- Hardly any tenant has voided events in a range: the plan looks for them only where there are some.
    has_void boolean := EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = metric.tenant_id AND c.code = metric.code
                                                               AND c.ts >= starts[1] AND c.ts < "to");
BEGIN
    RETURN QUERY
    SELECT s.slot, s.customer_id, s.dimension_values, s.summary, s.members, s.used, s.matched - s.used
    FROM (SELECT g.*, CASE WHEN counts THEN g.matched WHEN unites THEN g.texts ELSE coalesce(tally.n(g.summary), 0) END AS used
          FROM (SELECT width_bucket(e.ts, starts) AS slot, CASE WHEN by_customer THEN e.customer_id END AS customer_id,
                       CASE WHEN dimensions = '{}' THEN dimensions ELSE tally._property_texts(e.fields, dimensions) END AS dimension_values,
                       tally.summarize(tally._property_number(e.fields, key), e.ts, e.seq) FILTER (WHERE NOT counts AND NOT unites) AS summary,
                       tally.distinct_values(tally._property_text(e.fields, key)) FILTER (WHERE unites) AS members,
                       count(tally._property_text(e.fields, key)) FILTER (WHERE unites) AS texts,
                       count(*) AS matched
                FROM (SELECT r.*, r.properties::jsonb AS fields FROM tally.recent_event r WHERE r.tenant_id = metric.tenant_id AND r.code_hash = tally._hash32(metric.code)) e
                WHERE e.code = metric.code AND e.ts >= "from" AND e.ts < "to"
                  AND (customers IS NULL OR e.customer_id = ANY (customers))
                  AND (all_match OR tally._matches(metric, filter, e.fields))
                  AND (NOT has_void OR NOT EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq))
                GROUP BY 1, 2, 3) g) s;
END
$$;
COMMENT ON FUNCTION tally._usage_states(tally.metric, timestamptz[], timestamptz, text[], boolean, text[], jsonb) IS
    'States of a metric by window, customer and dimension values';

CREATE FUNCTION tally._convert(value numeric, factor numeric, rounding text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_convert'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._convert(numeric, numeric, text) IS
    'value / factor, rounded: UP = ceiling, DOWN = floor, NEAREST = half away from zero, NEAREST_HALF = to multiples of 0.5, NEAREST_DECILE = of 0.1, NONE = exact where the quotient ends, else 16 or more digits. NULL rounding: the value itself';

