-- metrics: definitions, checked when they are made so that reading usage cannot fail on them

CREATE TABLE tally.metric (
    tenant_id           integer NOT NULL,
    metric_id           uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    name                text NOT NULL CHECK (pg_catalog.length(name) BETWEEN 1 AND 255),
    code                text NOT NULL CHECK (pg_catalog.octet_length(code) BETWEEN 1 AND 512),
    description         text CHECK (pg_catalog.length(description) <= 4096),
    aggregation_type    text NOT NULL
        CHECK (aggregation_type IN ('COUNT', 'LATEST', 'MAX', 'MIN', 'MEAN', 'SUM', 'COUNT_DISTINCT')),
    aggregation_key     text CHECK (pg_catalog.length(aggregation_key) BETWEEN 1 AND 255),
    kind                text CHECK (kind IN ('base', 'dual', 'average')),
    segmentation_matrix jsonb CHECK (tally._is_segmentation(segmentation_matrix)),
    usage_group_key     text CHECK (pg_catalog.length(usage_group_key) BETWEEN 1 AND 255),
    conversion_factor   integer CHECK (conversion_factor > 0),
    conversion_rounding text
        CHECK (conversion_rounding IN ('UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE', 'NONE')),
    product_family_id   uuid NOT NULL,
    product_id          uuid,
    created_at          timestamptz NOT NULL DEFAULT tally._now(),
    updated_at          timestamptz NOT NULL DEFAULT tally._now(),
    archived_at         timestamptz,
    slug                text CHECK (slug OPERATOR(pg_catalog.~) '^[a-z0-9][a-z0-9_-]{0,63}$'),
    filters             jsonb CHECK (tally._filters_problem(filters) IS NULL),
    PRIMARY KEY (tenant_id, metric_id),
    FOREIGN KEY (tenant_id, product_family_id) REFERENCES tally.product_family,
    FOREIGN KEY (tenant_id, product_id) REFERENCES tally.product,
    CONSTRAINT metric_needs_key CHECK (aggregation_type = 'COUNT' OR aggregation_key IS NOT NULL),
    CONSTRAINT metric_kind_aggregates CHECK (aggregation_type = CASE kind WHEN 'average' THEN 'MEAN' ELSE 'SUM' END OR kind IS NULL),
    CONSTRAINT metric_conversion_whole CHECK ((conversion_factor IS NULL) = (conversion_rounding IS NULL))
);
CREATE INDEX metric_code ON tally.metric (tenant_id, code);
CREATE INDEX metric_name ON tally.metric (tenant_id, name);
CREATE UNIQUE INDEX metric_slug ON tally.metric (tenant_id, slug);
COMMENT ON TABLE tally.metric IS 'Definition of what is measured: which events, aggregated how';
COMMENT ON COLUMN tally.metric.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.metric.metric_id IS 'Shown as bm_...';
COMMENT ON COLUMN tally.metric.name IS 'Name as people see it';
COMMENT ON COLUMN tally.metric.code IS 'Code of the events that it reads; several metrics may read one code';
COMMENT ON COLUMN tally.metric.description IS 'Free text';
COMMENT ON COLUMN tally.metric.aggregation_type IS 'COUNT, LATEST, MAX, MIN, MEAN, SUM or COUNT_DISTINCT';
COMMENT ON COLUMN tally.metric.aggregation_key IS 'Property that is aggregated, or a path; COUNT needs and reads none';
COMMENT ON COLUMN tally.metric.kind IS 'Which values it takes: base only those above 0, dual all but 0, average any; NULL: whatever its aggregation can use';
COMMENT ON COLUMN tally.metric.filters IS 'Conditions that an event fulfils all of to be counted: [{property, op, values}]';
COMMENT ON COLUMN tally.metric.segmentation_matrix IS 'Which property values are counted, and grouped by: SINGLE, DOUBLE or LINKED';
COMMENT ON COLUMN tally.metric.usage_group_key IS 'Property that usage is always grouped by, or a path';
COMMENT ON COLUMN tally.metric.conversion_factor IS 'What the value is divided by for the converted value';
COMMENT ON COLUMN tally.metric.conversion_rounding IS 'How the converted value is rounded';
COMMENT ON COLUMN tally.metric.product_family_id IS 'The family that it belongs to, of the same tenant';
COMMENT ON COLUMN tally.metric.product_id IS 'The product that it measures, of the same tenant';
COMMENT ON COLUMN tally.metric.created_at IS 'When it was created';
COMMENT ON COLUMN tally.metric.updated_at IS 'When its definition was last changed';
COMMENT ON COLUMN tally.metric.archived_at IS 'When it was archived; NULL: it is in use. Usage of an archived metric can still be read';
COMMENT ON COLUMN tally.metric.slug IS 'The tenant''s own name for it, taken wherever its id is; of archived metrics too';
COMMENT ON INDEX tally.metric_code IS 'Metrics that read a code';
COMMENT ON INDEX tally.metric_name IS 'Metrics of a name: value updates may name theirs so';
COMMENT ON INDEX tally.metric_slug IS 'A slug is one metric''s';

CREATE FUNCTION tally._fail(field text, message text, hint text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF hint IS NULL THEN
        RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value', COLUMN = coalesce(field, '');
    END IF;
    RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value', COLUMN = coalesce(field, ''), HINT = hint;
END
$$;
COMMENT ON FUNCTION tally._fail(text, text, text) IS 'Raises 22023 about one field, which the REST API answers as 400 naming the field';

CREATE FUNCTION tally._require_one_line(field text, value text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF value COLLATE "C" ~ '[[:cntrl:]]' THEN
        PERFORM tally._fail(field, format('%s must be one line, without control characters', field));
    END IF;
END
$$;
COMMENT ON FUNCTION tally._require_one_line(text, text) IS 'Refuses what would break a list, a log or a terminal: a newline, a tab, an escape. Raises 22023 naming the field';

CREATE FUNCTION tally._text_field(definition jsonb, field text, max_length integer, required boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    value jsonb := definition -> field;
BEGIN
    IF value IS NULL OR value = 'null' THEN
        IF required THEN
            PERFORM tally._fail(field, format('%s is missing', field),
                                CASE field WHEN 'product_family_id' THEN 'GET /api/v1/profile shows the default one.' END);
        END IF;
        RETURN NULL;
    ELSIF jsonb_typeof(value) <> 'string' THEN
        PERFORM tally._fail(field, format('%s must be a string, not %s', field, jsonb_typeof(value)));
    ELSIF length(value #>> '{}') NOT BETWEEN 1 AND max_length THEN
        PERFORM tally._fail(field, format('%s must have 1 to %s characters', field, max_length));
    ELSIF field = 'name' THEN
        PERFORM tally._require_one_line(field, value #>> '{}');
    END IF;
    RETURN value #>> '{}';
END
$$;
COMMENT ON FUNCTION tally._text_field(jsonb, text, integer, boolean) IS
    'A text field of a definition, checked; NULL where it is absent. Raises 22023 naming the field';

CREATE FUNCTION tally._key_field(definition jsonb, field text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    key     text := tally._text_field(definition, field, 255);
    problem text := tally._key_problem(key);
BEGIN
    IF problem IS NOT NULL THEN
        PERFORM tally._fail(field, problem, 'A path is written like usage.bytes, $.usage.bytes, $[''usage''][''bytes''] or $.items[0].');
    END IF;
    RETURN key;
END
$$;
COMMENT ON FUNCTION tally._key_field(jsonb, text) IS
    'A field of a definition that names a property or a path, checked; NULL where it is absent. Raises 22023 naming the field';

CREATE FUNCTION tally._slug_field(definition jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    slug text := tally._text_field(definition, 'slug', 64);
BEGIN
    IF slug !~ '^[a-z0-9][a-z0-9_-]*$' THEN
        PERFORM tally._fail('slug', 'slug must consist of a to z, 0 to 9, _ and -, and begin with a letter or a digit');
    ELSIF tally._decode_id('bm_', slug) IS NOT NULL THEN
        PERFORM tally._fail('slug', format('slug must not look like the id of a metric, as "%s" does', slug));
    END IF;
    RETURN slug;
END
$$;
COMMENT ON FUNCTION tally._slug_field(jsonb) IS 'The slug in a definition, checked; NULL where it is absent. Raises 22023';

CREATE FUNCTION tally._refuse_slug(tenant_id integer, slug text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'another metric has the slug "%"', slug USING ERRCODE = 'unique_violation', COLUMN = 'slug',
        HINT = (SELECT format('It is %s, "%s"; archived metrics keep theirs.', tally._encode_id('bm_', m.metric_id), m.name)
                FROM tally.metric m WHERE m.tenant_id = _refuse_slug.tenant_id AND m.slug = _refuse_slug.slug);
END
$$;
COMMENT ON FUNCTION tally._refuse_slug(integer, text) IS 'Raises 23505 naming the field slug, and whose it is in a hint';

CREATE FUNCTION tally._conversion_problem(conversion jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    extra text;
BEGIN
    IF jsonb_typeof(conversion) <> 'object' THEN
        RETURN ARRAY['unit_conversion', 'unit_conversion must be an object with factor and rounding'];
    END IF;
    SELECT k INTO extra FROM jsonb_object_keys(conversion) k WHERE k NOT IN ('factor', 'rounding') LIMIT 1;
    IF FOUND THEN
        RETURN ARRAY['unit_conversion.' || extra, format('unknown field "%s" in unit_conversion', extra)];
    ELSIF jsonb_typeof(conversion -> 'factor') IS DISTINCT FROM 'number' THEN
        RETURN ARRAY['unit_conversion.factor', 'unit_conversion.factor must be a whole number greater than 0'];
    ELSIF (conversion ->> 'factor')::numeric NOT BETWEEN 1 AND 2147483647
          OR (conversion ->> 'factor')::numeric <> trunc((conversion ->> 'factor')::numeric) THEN
        RETURN ARRAY['unit_conversion.factor', 'unit_conversion.factor must be a whole number from 1 to 2147483647'];
    ELSIF jsonb_typeof(conversion -> 'rounding') IS DISTINCT FROM 'string'
          OR conversion ->> 'rounding' NOT IN ('UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE', 'NONE') THEN
        RETURN ARRAY['unit_conversion.rounding', 'unit_conversion.rounding must be UP, DOWN, NEAREST, NEAREST_HALF, NEAREST_DECILE or NONE'];
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally._conversion_problem(jsonb) IS 'NULL for a good unit conversion, else {field at fault, what is wrong}';

CREATE FUNCTION tally._find_family(tenant_id integer, reference text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found_id uuid;
    meant    uuid;
BEGIN
    SELECT f.product_family_id INTO found_id FROM tally.product_family f
    WHERE f.tenant_id = _find_family.tenant_id AND f.product_family_id = tally._decode_id('pf_', reference);
    IF found_id IS NULL THEN
        SELECT f.product_family_id INTO meant FROM tally.product_family f WHERE f.tenant_id = _find_family.tenant_id AND f.alias = reference;
        IF meant IS NOT NULL THEN
            PERFORM tally._fail('product_family_id', format('"%s" is an alias; product_family_id takes the id of the product family', left(reference, 64)),
                                format('It is %s.', tally._encode_id('pf_', meant)));
        END IF;
        PERFORM tally._fail('product_family_id', format('product family "%s" does not exist', left(reference, 64)),
                            'Product family ids look like pf_7n42DGM5Tflk9n8mt7Fhc7; GET /api/v1/profile shows the default one.');
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION tally._find_family(integer, text) IS 'UUID of a tenant''s product family, given its id. Raises 22023';

CREATE FUNCTION tally._find_product(tenant_id integer, reference text, family uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    product tally.product;
    meant   uuid;
BEGIN
    SELECT * INTO product FROM tally.product p
    WHERE p.tenant_id = _find_product.tenant_id AND p.product_id = tally._decode_id('prd_', reference);
    IF product.product_id IS NULL THEN
        SELECT p.product_id INTO meant FROM tally.product p WHERE p.tenant_id = _find_product.tenant_id AND p.alias = reference;
        IF meant IS NOT NULL THEN
            PERFORM tally._fail('product_id', format('"%s" is an alias; product_id takes the id of the product', left(reference, 64)),
                                format('It is %s.', tally._encode_id('prd_', meant)));
        END IF;
        PERFORM tally._fail('product_id', format('product "%s" does not exist', left(reference, 64)),
                            'Product ids look like prd_7n42DGM5Tflk9n8mt7Fhc7; GET /api/v1/products lists them.');
    ELSIF product.product_family_id <> family THEN
        PERFORM tally._fail('product_id', format('product "%s" belongs to another product family', reference));
    END IF;
    RETURN product.product_id;
END
$$;
COMMENT ON FUNCTION tally._find_product(integer, text, uuid) IS
    'UUID of a tenant''s product of this family, given its id. Raises 22023';

CREATE FUNCTION tally._defined_metric(tenant_id integer, definition jsonb) RETURNS tally.metric
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m       tally.metric;
    problem text[];
    extra   text;
BEGIN
    IF jsonb_typeof(definition) IS DISTINCT FROM 'object' THEN
        PERFORM tally._fail(NULL, 'the definition of a metric must be a JSON object');
    END IF;
    SELECT k INTO extra FROM jsonb_object_keys(definition) k
    WHERE k NOT IN ('aggregation_type', 'code', 'name', 'product_family_id', 'aggregation_key', 'description',
                    'filters', 'kind', 'product_id', 'segmentation_matrix', 'slug', 'unit_conversion', 'usage_group_key') LIMIT 1;
    IF FOUND THEN
        PERFORM tally._fail(extra, format('unknown field "%s"', extra),
            'A metric has name, code, aggregation_type, aggregation_key, kind, description, filters, product_family_id, product_id, segmentation_matrix, slug, unit_conversion and usage_group_key.');
    END IF;
    m.tenant_id := _defined_metric.tenant_id;
    m.name := tally._text_field(definition, 'name', 255, true);
    m.code := tally._text_field(definition, 'code', 512, true);
    IF octet_length(m.code) > 512 THEN
        PERFORM tally._fail('code', format('code has %s bytes; at most 512 are allowed', octet_length(m.code)));
    END IF;
    IF definition ->> 'description' <> '' THEN
        m.description := tally._text_field(definition, 'description', 4096);
    END IF;
    m.kind := tally._text_field(definition, 'kind', 255);
    IF m.kind NOT IN ('base', 'dual', 'average') THEN
        PERFORM tally._fail('kind', format('kind must be base, dual or average, not "%s"', m.kind));
    END IF;
    m.aggregation_type := coalesce(tally._text_field(definition, 'aggregation_type', 255, m.kind IS NULL),
                                   CASE m.kind WHEN 'average' THEN 'MEAN' ELSE 'SUM' END);
    IF m.aggregation_type NOT IN ('COUNT', 'LATEST', 'MAX', 'MIN', 'MEAN', 'SUM', 'COUNT_DISTINCT') THEN
        PERFORM tally._fail('aggregation_type', format(
            'aggregation_type must be COUNT, LATEST, MAX, MIN, MEAN, SUM or COUNT_DISTINCT, not "%s"', m.aggregation_type));
    END IF;
    IF m.kind IS NOT NULL AND (m.kind = 'average', m.aggregation_type) NOT IN ((true, 'MEAN'), (false, 'SUM')) THEN
        PERFORM tally._fail('aggregation_type', format('a metric of kind %s is a %s, not a %s', m.kind,
                            CASE m.kind WHEN 'average' THEN 'MEAN' ELSE 'SUM' END, m.aggregation_type));
    END IF;
    m.aggregation_key := coalesce(tally._key_field(definition, 'aggregation_key'), CASE WHEN m.kind IS NOT NULL THEN 'value' END);
    IF m.aggregation_key IS NULL AND m.aggregation_type <> 'COUNT' THEN
        PERFORM tally._fail('aggregation_key', format('aggregation_key is missing: %s needs the property to aggregate',
                                                      m.aggregation_type));
    END IF;
    m.usage_group_key := tally._key_field(definition, 'usage_group_key');
    m.product_family_id := tally._find_family(m.tenant_id, tally._text_field(definition, 'product_family_id', 255, true));
    IF definition ->> 'product_id' IS NOT NULL THEN
        m.product_id := tally._find_product(m.tenant_id, tally._text_field(definition, 'product_id', 255), m.product_family_id);
    END IF;
    IF definition -> 'segmentation_matrix' <> 'null' THEN
        problem := tally._segmentation_problem(definition -> 'segmentation_matrix');
        IF problem IS NOT NULL THEN
            PERFORM tally._fail(problem[1], problem[2]);
        END IF;
        m.segmentation_matrix := CASE WHEN definition -> 'segmentation_matrix' ? 'type' THEN definition -> 'segmentation_matrix'
                                      ELSE definition -> 'segmentation_matrix' || '{"type": "SINGLE"}' END;
    END IF;
    m.filters := tally._filters_field(definition);
    IF definition -> 'unit_conversion' <> 'null' THEN
        problem := tally._conversion_problem(definition -> 'unit_conversion');
        IF problem IS NOT NULL THEN
            PERFORM tally._fail(problem[1], problem[2]);
        END IF;
        m.conversion_factor := (definition #>> '{unit_conversion,factor}')::numeric;
        m.conversion_rounding := definition #>> '{unit_conversion,rounding}';
    END IF;
    m.slug := tally._slug_field(definition);
    RETURN m;
END
$$;
COMMENT ON FUNCTION tally._defined_metric(integer, jsonb) IS
    'What a definition with the fields of POST /api/v1/metrics says, checked; without an id, for it is not stored. Raises 22023 naming the field at fault';

CREATE FUNCTION tally._create_metric(tenant_id integer, definition jsonb) RETURNS tally.metric
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m tally.metric := tally._defined_metric(tenant_id, definition);
BEGIN
    m.metric_id := tally._uuid7();
    m.created_at := tally._now();
    m.updated_at := m.created_at;
    INSERT INTO tally.metric SELECT m.*;
    RETURN m;
EXCEPTION WHEN unique_violation THEN
    PERFORM tally._refuse_slug(m.tenant_id, m.slug);
END
$$;
COMMENT ON FUNCTION tally._create_metric(integer, jsonb) IS
    'Checks a definition with the fields of POST /api/v1/metrics and stores it. Raises 22023 naming the field at fault, 23505 slug taken';

CREATE FUNCTION tally_gated.create_metric(tenant_id integer, code text, aggregation_type text, name text, aggregation_key text,
    description text, segmentation_matrix jsonb, usage_group_key text, conversion_factor integer,
    conversion_rounding text, product_family_id text, product_id text, kind text, slug text, filters jsonb) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant integer := tenant_id;
    family text := create_metric.product_family_id;
    conversion jsonb;
    created tally.metric;
BEGIN
    IF family IS NULL THEN
        SELECT tally._encode_id('pf_', f.product_family_id) INTO family FROM tally.product_family f
        WHERE f.tenant_id = tenant AND f.is_default;
    END IF;
    IF conversion_factor <= 0 THEN
        PERFORM tally._fail('conversion_factor', 'conversion_factor must be greater than 0');
    ELSIF conversion_factor IS NULL AND conversion_rounding IS NOT NULL THEN
        PERFORM tally._fail('conversion_factor', 'conversion_factor is missing: conversion_rounding rounds what was divided by it');
    ELSIF conversion_factor IS NOT NULL THEN
        conversion := jsonb_build_object('factor', conversion_factor, 'rounding', coalesce(conversion_rounding, 'NONE'));
    END IF;
    created := tally._create_metric(tenant, jsonb_build_object(
        'code', create_metric.code, 'aggregation_type', create_metric.aggregation_type,
        'name', coalesce(create_metric.name, left(create_metric.code, 255)),
        'aggregation_key', create_metric.aggregation_key, 'description', create_metric.description,
        'segmentation_matrix', create_metric.segmentation_matrix, 'usage_group_key', create_metric.usage_group_key,
        'unit_conversion', conversion, 'product_family_id', family, 'product_id', create_metric.product_id,
        'kind', create_metric.kind, 'slug', create_metric.slug, 'filters', create_metric.filters));
    RETURN tally._encode_id('bm_', created.metric_id);
END
$$;
COMMENT ON FUNCTION tally_gated.create_metric(integer, text, text, text, text, text, jsonb, text, integer, text, text, text, text, text, jsonb) IS 'What create_metric does once the gate has let the caller through';

CREATE FUNCTION tally.create_metric(
    code text, aggregation_type text DEFAULT NULL, name text DEFAULT NULL, aggregation_key text DEFAULT NULL,
    description text DEFAULT NULL, segmentation_matrix jsonb DEFAULT NULL, usage_group_key text DEFAULT NULL,
    conversion_factor integer DEFAULT NULL, conversion_rounding text DEFAULT NULL,
    product_family_id text DEFAULT NULL, product_id text DEFAULT NULL, kind text DEFAULT NULL, slug text DEFAULT NULL, filters jsonb DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.create_metric(text, text, text, text, text, jsonb, text, integer, text, text, text, text, text, jsonb) IS
    'Creates a metric of the current tenant over the events of a code and answers its id (bm_...). aggregation_type: COUNT, SUM, MIN, MAX, MEAN, LATEST, COUNT_DISTINCT; all but COUNT need aggregation_key, a property or a path such as usage.bytes or $.usage.bytes. kind: base (a SUM that takes only values above 0), dual (a SUM of values other than 0) or average (a MEAN), with the key "value" if none is given. slug: a name of its own ([a-z0-9][a-z0-9_-]*, 1 to 64 characters), taken wherever the id is. filters: [{property, op: EQUAL, NOT_EQUAL, IN or NOT_IN, values}], of which an event fulfils all to be counted. Raises 22023 naming the argument at fault, 23505 slug taken';

CREATE FUNCTION tally._find_metric(tenant_id integer, reference text, field text DEFAULT NULL) RETURNS tally.metric
    AS 'MODULE_PATHNAME', 'tally_find_metric'
    LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tally._find_metric(integer, text, text) IS
    'A tenant''s metric, given its id, its slug or (in this order) a code that exactly one unarchived metric reads. Errors: P0002 no such metric, 22023 several; both about field, if one is named: then 22023 too for a text that is no id and no metric''s name';

CREATE FUNCTION tally_gated.archive_metric(tenant_id integer, metric text) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    m tally.metric := tally._find_metric(tenant_id, metric);
BEGIN
    UPDATE tally.metric x SET archived_at = coalesce(x.archived_at, tally._now())
    WHERE x.tenant_id = m.tenant_id AND x.metric_id = m.metric_id;
    RETURN tally._encode_id('bm_', m.metric_id);
END
$$;
COMMENT ON FUNCTION tally_gated.archive_metric(integer, text) IS 'What archive_metric does once the gate has let the caller through';

CREATE FUNCTION tally.archive_metric(metric text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.archive_metric(text) IS
    'Archives a metric of the current tenant, given its id, slug or code: lists leave it out, its usage can still be read. Repeating it changes nothing. Answers the id';

