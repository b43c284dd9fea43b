-- tally_rest: product families, by id or by the tenant's own alias; and what bodies of families and products have in common

CREATE FUNCTION tally_rest._check_fields(definition jsonb, allowed text[], fixed text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    extra text;
BEGIN
    SELECT k INTO extra FROM jsonb_object_keys(definition) k WHERE k <> ALL (allowed) ORDER BY k LIMIT 1;
    IF extra = ANY (fixed) THEN
        PERFORM tally._fail(extra, format('%s cannot be changed', extra), format('What can be changed: %s.', array_to_string(allowed, ', ')));
    ELSIF FOUND THEN
        PERFORM tally._fail(extra, format('unknown field "%s"', extra), format('Allowed are %s.', array_to_string(allowed, ', ')));
    END IF;
END
$$;
COMMENT ON FUNCTION tally_rest._check_fields(jsonb, text[], text[]) IS 'Raises 22023 naming a field of a body that the route does not take, or that is fixed';

CREATE FUNCTION tally_rest._alias_field(definition jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    alias text := tally._text_field(definition, 'alias', 255);
BEGIN
    IF alias LIKE '% %' THEN
        PERFORM tally._fail('alias', 'alias must not hold a blank: it stands in paths');
    END IF;
    RETURN alias;
END
$$;
COMMENT ON FUNCTION tally_rest._alias_field(jsonb) IS 'The alias in a body, checked; NULL where it is absent. Raises 22023';

CREATE FUNCTION tally_rest._description_field(definition jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN definition ->> 'description' <> '' THEN tally._text_field(definition, 'description', 4096) END $$;
COMMENT ON FUNCTION tally_rest._description_field(jsonb) IS 'The description in a body, checked; NULL where it is absent or empty. Raises 22023';

CREATE FUNCTION tally_rest._order_by(query jsonb, default_order text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := coalesce(tally_rest._parameter(query, 'order_by'), default_order);
BEGIN
    IF given NOT IN ('name.asc', 'name.desc', 'created_at.asc', 'created_at.desc') THEN
        PERFORM tally._fail('order_by', 'order_by must be name or created_at followed by .asc or .desc');
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION tally_rest._order_by(jsonb, text) IS 'The order of a list of families or products. Raises 22023';

CREATE FUNCTION tally_rest._family(f tally.product_family) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_strip_nulls(json_build_object('id', tally._encode_id('pf_', f.product_family_id), 'name', f.name, 'alias', f.alias,
        'created_at', tally_rest._timestamp(f.created_at), 'archived_at', tally_rest._timestamp(f.archived_at)))
$$;
COMMENT ON FUNCTION tally_rest._family(tally.product_family) IS 'A product family as the API shows it';

CREATE FUNCTION tally_rest._family_of_path(tenant_id integer, path jsonb) RETURNS tally.product_family
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    f tally.product_family;
BEGIN
    SELECT * INTO f FROM tally.product_family x
    WHERE x.tenant_id = _family_of_path.tenant_id
      AND (x.product_family_id = tally._decode_id('pf_', path ->> 'id') OR x.alias = path ->> 'id')
    ORDER BY x.product_family_id = tally._decode_id('pf_', path ->> 'id') DESC NULLS LAST LIMIT 1;
    IF f.product_family_id IS NULL THEN
        RAISE EXCEPTION 'product family "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN f;
END
$$;
COMMENT ON FUNCTION tally_rest._family_of_path(integer, jsonb) IS 'The product family that the path names by id or alias. Raises P0002';

CREATE FUNCTION tally_gated.create_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    definition jsonb := tally_rest._body(body);
    f tally.product_family;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(definition, ARRAY['name', 'alias']);
    INSERT INTO tally.product_family (tenant_id, name, alias)
    VALUES (tenant_id, tally._text_field(definition, 'name', 255, true), tally_rest._alias_field(definition)) RETURNING * INTO f;
    RETURN tally_rest._family(f);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another product family has the alias "%"', definition ->> 'alias' USING ERRCODE = 'unique_violation', COLUMN = 'alias';
END
$$;
COMMENT ON FUNCTION tally_gated.create_product_family(integer, jsonb, jsonb, text) IS 'What create_product_family does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_product_family(integer, jsonb, jsonb, text) IS 'POST /api/v1/product_families: name, alias?';

CREATE FUNCTION tally_rest.get_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._family(tally_rest._family_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_rest.get_product_family(integer, jsonb, jsonb, text) IS 'GET /api/v1/product_families/{id or alias}';

CREATE FUNCTION tally_gated.change_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    change jsonb := tally_rest._body(body);
    f tally.product_family := tally_rest._family_of_path(tenant_id, path);
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(change, ARRAY['name', 'alias'], ARRAY['id', 'created_at', 'archived_at']);
    UPDATE tally.product_family x
    SET name = CASE WHEN change ? 'name' THEN tally._text_field(change, 'name', 255, true) ELSE x.name END,
        alias = CASE WHEN change ? 'alias' THEN tally_rest._alias_field(change) ELSE x.alias END
    WHERE x.tenant_id = f.tenant_id AND x.product_family_id = f.product_family_id RETURNING * INTO f;
    RETURN tally_rest._family(f);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another product family has the alias "%"', change ->> 'alias' USING ERRCODE = 'unique_violation', COLUMN = 'alias';
END
$$;
COMMENT ON FUNCTION tally_gated.change_product_family(integer, jsonb, jsonb, text) IS 'What change_product_family does once the gate has let the caller through';

CREATE FUNCTION tally_rest.change_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.change_product_family(integer, jsonb, jsonb, text) IS 'PATCH /api/v1/product_families/{id or alias}: name, alias (null clears)';

CREATE FUNCTION tally_gated.archive_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    f tally.product_family := tally_rest._family_of_path(tenant_id, path);
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    IF f.is_default THEN
        RAISE EXCEPTION 'the default product family cannot be archived' USING ERRCODE = 'TL409', COLUMN = 'id';
    END IF;
    UPDATE tally.product_family x SET archived_at = coalesce(x.archived_at, tally._now())
    WHERE x.tenant_id = f.tenant_id AND x.product_family_id = f.product_family_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.archive_product_family(integer, jsonb, jsonb, text) IS 'What archive_product_family does once the gate has let the caller through';

CREATE FUNCTION tally_rest.archive_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.archive_product_family(integer, jsonb, jsonb, text) IS
    'POST /api/v1/product_families/{id or alias}/archive: lists leave it out from now on (204)';

CREATE FUNCTION tally_gated.unarchive_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    f tally.product_family := tally_rest._family_of_path(tenant_id, path);
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    UPDATE tally.product_family x SET archived_at = NULL
    WHERE x.tenant_id = f.tenant_id AND x.product_family_id = f.product_family_id AND x.archived_at IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.unarchive_product_family(integer, jsonb, jsonb, text) IS 'What unarchive_product_family does once the gate has let the caller through';

CREATE FUNCTION tally_rest.unarchive_product_family(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.unarchive_product_family(integer, jsonb, jsonb, text) IS
    'POST /api/v1/product_families/{id or alias}/unarchive: takes the archiving back (204)';

CREATE FUNCTION tally_rest.list_product_families(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
    archived text := tally_rest._parameter_archived(query);
    sorting  text := tally_rest._order_by(query, 'created_at.desc');
    needle   text := tally_rest._parameter(query, 'search');
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page', 'order_by', 'search', 'archived']);
    RETURN (WITH found AS MATERIALIZED (
        SELECT f.* FROM tally.product_family f
        WHERE f.tenant_id = list_product_families.tenant_id
          AND (archived = 'all' OR (f.archived_at IS NOT NULL) = (archived = 'true'))
          AND (needle IS NULL OR position(lower(needle COLLATE "C") IN lower(f.name COLLATE "C")) > 0))
    SELECT tally_rest._page((SELECT json_agg(tally_rest._family(s::tally.product_family)) FROM
                             (SELECT * FROM found ORDER BY
                                  CASE sorting WHEN 'name.asc' THEN name END ASC, CASE sorting WHEN 'name.desc' THEN name END DESC,
                                  CASE sorting WHEN 'created_at.asc' THEN created_at END ASC,
                                  CASE sorting WHEN 'created_at.desc' THEN created_at END DESC, product_family_id LIMIT per_page OFFSET page::bigint * per_page) s),
                            page, per_page, (SELECT count(*) FROM found)));
END
$$;
COMMENT ON FUNCTION tally_rest.list_product_families(integer, jsonb, jsonb, text) IS
    'GET /api/v1/product_families: in pages, newest first (page, per_page, order_by name|created_at.asc|desc, search, archived)';
