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

CREATE FUNCTION tally._convert(value numeric, factor numeric, rounding text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_convert'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._convert(numeric, numeric, text) IS
    'value / factor, rounded: UP = ceiling, DOWN = floor, NEAREST = half away from zero, NEAREST_HALF = to multiples of 0.5, NEAREST_DECILE = of 0.1, NONE = exact where the quotient ends, else 16 or more digits. NULL rounding: the value itself';

