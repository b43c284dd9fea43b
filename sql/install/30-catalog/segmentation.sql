-- segmentation matrices: SINGLE, DOUBLE and LINKED lists of property values, as Meteroid defines them

CREATE FUNCTION tally._key_problem(key text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_key_problem'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._key_problem(text) IS
    'Why a text is no key of a metric, dimension or filter, and at which character; NULL for the name of a property, a path such as usage.bytes, or a singular query of RFC 9535 such as $.usage.bytes';

CREATE FUNCTION tally._is_key(key jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(jsonb_typeof(key) = 'string' AND length(key #>> '{}') BETWEEN 1 AND 255, false) $$;
COMMENT ON FUNCTION tally._is_key(jsonb) IS 'Whether this is the name of a property: a string of 1 to 255 characters';

CREATE FUNCTION tally._is_value_list(list jsonb, may_be_empty boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN jsonb_typeof(list) IS DISTINCT FROM 'array' THEN false
                WHEN jsonb_array_length(list) = 0 THEN may_be_empty
                ELSE NOT EXISTS (SELECT FROM jsonb_array_elements(list) v
                                 WHERE jsonb_typeof(v.value) <> 'string' OR v.value = '""') END
$$;
COMMENT ON FUNCTION tally._is_value_list(jsonb, boolean) IS 'Whether this is an array of non-empty strings';

CREATE FUNCTION tally._segmentation_problem(matrix jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind    text;
    allowed text[];
    extra   text;
    side    text;
    problem text;
    pair    record;
BEGIN
    IF matrix IS NULL THEN
        RETURN NULL;
    ELSIF jsonb_typeof(matrix) <> 'object' THEN
        RETURN ARRAY['segmentation_matrix', 'segmentation_matrix must be an object'];
    END IF;
    -- The page of the API shows a matrix without a type: it is a single dimension.
    kind := CASE WHEN matrix ? 'type' THEN matrix ->> 'type' ELSE 'SINGLE' END;
    allowed := CASE kind WHEN 'SINGLE' THEN ARRAY['type', 'key', 'values']
                         WHEN 'DOUBLE' THEN ARRAY['type', 'dimension1', 'dimension2']
                         WHEN 'LINKED' THEN ARRAY['type', 'dimension1_key', 'dimension2_key', 'values'] END;
    IF allowed IS NULL THEN
        RETURN ARRAY['segmentation_matrix.type', 'segmentation_matrix.type must be SINGLE, DOUBLE or LINKED'];
    END IF;
    SELECT k INTO extra FROM jsonb_object_keys(matrix) k WHERE k <> ALL (allowed) LIMIT 1;
    IF FOUND THEN
        RETURN ARRAY['segmentation_matrix.' || extra, format('unknown field "%s" in a segmentation_matrix of type %s', extra, kind)];
    END IF;
    IF kind = 'SINGLE' THEN
        IF NOT tally._is_key(matrix -> 'key') THEN
            RETURN ARRAY['segmentation_matrix.key', 'segmentation_matrix.key must be the name of a property'];
        ELSIF NOT tally._is_value_list(matrix -> 'values', false) THEN
            RETURN ARRAY['segmentation_matrix.values', 'segmentation_matrix.values must be a list of one or more non-empty strings'];
        END IF;
    ELSIF kind = 'DOUBLE' THEN
        FOREACH side IN ARRAY ARRAY['dimension1', 'dimension2'] LOOP
            IF jsonb_typeof(matrix -> side) IS DISTINCT FROM 'object' OR (matrix -> side) - 'key' - 'values' <> '{}' THEN
                RETURN ARRAY['segmentation_matrix.' || side, format('segmentation_matrix.%s must be an object with key and values', side)];
            ELSIF NOT tally._is_key(matrix -> side -> 'key') THEN
                RETURN ARRAY[format('segmentation_matrix.%s.key', side), format('segmentation_matrix.%s.key must be the name of a property', side)];
            ELSIF NOT tally._is_value_list(matrix -> side -> 'values', false) THEN
                RETURN ARRAY[format('segmentation_matrix.%s.values', side),
                             format('segmentation_matrix.%s.values must be a list of one or more non-empty strings', side)];
            END IF;
        END LOOP;
        IF matrix #>> '{dimension1,key}' = matrix #>> '{dimension2,key}' THEN
            RETURN ARRAY['segmentation_matrix.dimension2.key', 'the two dimensions must have different keys'];
        END IF;
    ELSE
        FOREACH side IN ARRAY ARRAY['dimension1_key', 'dimension2_key'] LOOP
            IF NOT tally._is_key(matrix -> side) THEN
                RETURN ARRAY['segmentation_matrix.' || side, format('segmentation_matrix.%s must be the name of a property', side)];
            END IF;
        END LOOP;
        IF matrix -> 'dimension1_key' = matrix -> 'dimension2_key' THEN
            RETURN ARRAY['segmentation_matrix.dimension2_key', 'the two dimensions must have different keys'];
        ELSIF jsonb_typeof(matrix -> 'values') IS DISTINCT FROM 'object' OR matrix -> 'values' = '{}' THEN
            RETURN ARRAY['segmentation_matrix.values', 'segmentation_matrix.values must be an object: value of dimension 1 -> list of values of dimension 2'];
        END IF;
        FOR pair IN SELECT key, value FROM jsonb_each(matrix -> 'values') LOOP
            IF pair.key = '' OR NOT tally._is_value_list(pair.value, true) THEN
                RETURN ARRAY['segmentation_matrix.values.' || pair.key, 'each entry of segmentation_matrix.values must be a list of non-empty strings (an empty list means any value)'];
            END IF;
        END LOOP;
    END IF;
    FOR side, problem IN
        SELECT k.field, tally._key_problem(k.key)
        FROM (VALUES ('key', matrix ->> 'key'), ('dimension1.key', matrix #>> '{dimension1,key}'), ('dimension2.key', matrix #>> '{dimension2,key}'),
                     ('dimension1_key', matrix ->> 'dimension1_key'), ('dimension2_key', matrix ->> 'dimension2_key')) k(field, key)
    LOOP
        IF problem IS NOT NULL THEN
            RETURN ARRAY['segmentation_matrix.' || side, problem];
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally._segmentation_problem(jsonb) IS
    'NULL for a good segmentation matrix (or none), else {field at fault, what is wrong}';

CREATE FUNCTION tally._is_segmentation(matrix jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally._segmentation_problem(matrix) IS NULL $$;
COMMENT ON FUNCTION tally._is_segmentation(jsonb) IS 'Whether this is a good segmentation matrix';

CREATE FUNCTION tally._filters_problem(filters jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    condition record;
    place     text;
    problem   text;
BEGIN
    IF filters IS NULL THEN
        RETURN NULL;
    ELSIF jsonb_typeof(filters) <> 'array' OR jsonb_array_length(filters) > 100 THEN
        RETURN ARRAY['filters', 'filters must be a list of at most 100 conditions {property, op, values}'];
    END IF;
    FOR condition IN SELECT f.value, f.ordinality - 1 AS index FROM jsonb_array_elements(filters) WITH ORDINALITY f LOOP
        place := format('filters.%s', condition.index);
        IF jsonb_typeof(condition.value) <> 'object' OR condition.value - 'property' - 'op' - 'values' <> '{}' THEN
            RETURN ARRAY[place, format('%s must be an object with property, op and values', place)];
        ELSIF NOT tally._is_key(condition.value -> 'property') THEN
            RETURN ARRAY[place || '.property', format('%s.property must be the name of a property', place)];
        ELSIF (condition.value ->> 'op' IN ('EQUAL', 'NOT_EQUAL', 'IN', 'NOT_IN')) IS NOT TRUE THEN
            RETURN ARRAY[place || '.op', format('%s.op must be EQUAL, NOT_EQUAL, IN or NOT_IN', place)];
        ELSIF NOT tally._is_value_list(condition.value -> 'values', false) THEN
            RETURN ARRAY[place || '.values', format('%s.values must be a list of one or more non-empty strings', place)];
        ELSIF condition.value ->> 'op' IN ('EQUAL', 'NOT_EQUAL') AND jsonb_array_length(condition.value -> 'values') > 1 THEN
            RETURN ARRAY[place || '.values', format('%s.values must hold one value for %s', place, condition.value ->> 'op')];
        END IF;
        problem := tally._key_problem(condition.value ->> 'property');
        IF problem IS NOT NULL THEN
            RETURN ARRAY[place || '.property', format('%s.property: %s', place, problem)];
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally._filters_problem(jsonb) IS
    'The field at fault and why, or NULL, of a metric''s filters: EQUAL and IN want the property to have one of the values, NOT_EQUAL and NOT_IN want it there with none of them';

CREATE FUNCTION tally._filters_field(definition jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given   jsonb := nullif(definition -> 'filters', 'null');
    problem text[] := tally._filters_problem(given);
BEGIN
    IF problem IS NOT NULL THEN
        PERFORM tally._fail(problem[1], problem[2]);
    END IF;
    RETURN nullif(given, '[]');
END
$$;
COMMENT ON FUNCTION tally._filters_field(jsonb) IS 'The filters in a body, checked; NULL where there are none. Raises 22023';
