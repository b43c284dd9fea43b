-- tally_rest: products, by id or by the tenant's own alias

CREATE FUNCTION tally_rest._fee_type(fee_structure json) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(fee_structure ->> 'fee_type', fee_structure ->> 'type') $$;
COMMENT ON FUNCTION tally_rest._fee_type(json) IS 'What kind of fee it is: clients of different age name the member fee_type or type';

CREATE FUNCTION tally_rest._fee_structure_field(body text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given json := body::json -> 'fee_structure';
    kinds text[] := ARRAY['RATE', 'SLOT', 'CAPACITY', 'USAGE', 'EXTRA_RECURRING', 'ONE_TIME'];
BEGIN
    IF given IS NULL OR json_typeof(given) = 'null' THEN
        RETURN NULL;
    ELSIF json_typeof(given) <> 'object' THEN
        PERFORM tally._fail('fee_structure', 'fee_structure must be an object');
    ELSIF (tally_rest._fee_type(given) = ANY (kinds)) IS NOT TRUE THEN
        PERFORM tally._fail('fee_structure.fee_type', format('fee_structure.fee_type must be one of %s', array_to_string(kinds, ', ')));
    ELSIF length(given::text) > 16384 THEN
        PERFORM tally._fail('fee_structure', 'fee_structure must have at most 16384 characters');
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION tally_rest._fee_structure_field(text) IS 'The fee structure in a body, as it was sent; NULL where it is absent. Raises 22023';

CREATE FUNCTION tally_rest._catalog_field(definition jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF jsonb_typeof(definition -> 'catalog') <> 'boolean' THEN
        PERFORM tally._fail('catalog', 'catalog must be true or false');
    END IF;
    RETURN coalesce((definition ->> 'catalog')::boolean, true);
END
$$;
COMMENT ON FUNCTION tally_rest._catalog_field(jsonb) IS 'Whether the product of a body is in the catalog: true where it does not say. Raises 22023';

CREATE FUNCTION tally_rest._product(p tally.product) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- The fee structure is put in as text: it may hold nulls, which json_strip_nulls would take away.
    SELECT (left(json_strip_nulls(json_build_object('id', tally._encode_id('prd_', p.product_id), 'name', p.name, 'alias', p.alias,
        'product_family_id', tally._encode_id('pf_', p.product_family_id), 'description', p.description,
        'fee_type', tally_rest._fee_type(p.fee_structure), 'catalog', p.in_catalog,
        'created_at', tally_rest._timestamp(p.created_at), 'archived_at', tally_rest._timestamp(p.archived_at)))::text, -1)
        || coalesce(',"fee_structure":' || p.fee_structure::text, '') || '}')::json
$$;
COMMENT ON FUNCTION tally_rest._product(tally.product) IS 'A product as the API shows it';

CREATE FUNCTION tally_rest._product_of_path(tenant_id integer, path jsonb) RETURNS tally.product
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    p tally.product;
BEGIN
    SELECT * INTO p FROM tally.product x
    WHERE x.tenant_id = _product_of_path.tenant_id
      AND (x.product_id = tally._decode_id('prd_', path ->> 'id') OR x.alias = path ->> 'id')
    ORDER BY x.product_id = tally._decode_id('prd_', path ->> 'id') DESC NULLS LAST LIMIT 1;
    IF p.product_id IS NULL THEN
        RAISE EXCEPTION 'product "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN p;
END
$$;
COMMENT ON FUNCTION tally_rest._product_of_path(integer, jsonb) IS 'The product that the path names by id or alias. Raises P0002';

CREATE FUNCTION tally_gated.create_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    definition jsonb := tally_rest._body(body);
    p tally.product;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(definition, ARRAY['name', 'product_family_id', 'alias', 'description', 'fee_structure', 'catalog']);
    INSERT INTO tally.product (tenant_id, name, product_family_id, alias, description, fee_structure, in_catalog)
    VALUES (tenant_id, tally._text_field(definition, 'name', 255, true),
            tally._find_family(tenant_id, tally._text_field(definition, 'product_family_id', 255, true)),
            tally_rest._alias_field(definition), tally_rest._description_field(definition),
            tally_rest._fee_structure_field(body), tally_rest._catalog_field(definition)) RETURNING * INTO p;
    RETURN tally_rest._product(p);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another product has the alias "%"', definition ->> 'alias' USING ERRCODE = 'unique_violation', COLUMN = 'alias';
END
$$;
COMMENT ON FUNCTION tally_gated.create_product(integer, jsonb, jsonb, text) IS 'What create_product does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_product(integer, jsonb, jsonb, text) IS
    'POST /api/v1/products: name, product_family_id, alias?, description?, fee_structure?, catalog?';

CREATE FUNCTION tally_rest.get_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._product(tally_rest._product_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_rest.get_product(integer, jsonb, jsonb, text) IS 'GET /api/v1/products/{id or alias}';

CREATE FUNCTION tally_gated.change_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    change jsonb := tally_rest._body(body);
    p tally.product := tally_rest._product_of_path(tenant_id, path);
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(change, ARRAY['name', 'alias', 'description', 'fee_structure', 'catalog'],
                                     ARRAY['id', 'product_family_id', 'created_at', 'archived_at']);
    UPDATE tally.product x
    SET name = CASE WHEN change ? 'name' THEN tally._text_field(change, 'name', 255, true) ELSE x.name END,
        alias = CASE WHEN change ? 'alias' THEN tally_rest._alias_field(change) ELSE x.alias END,
        description = CASE WHEN change ? 'description' THEN tally_rest._description_field(change) ELSE x.description END,
        fee_structure = CASE WHEN change ? 'fee_structure' THEN tally_rest._fee_structure_field(body) ELSE x.fee_structure END,
        in_catalog = CASE WHEN change ? 'catalog' THEN tally_rest._catalog_field(change) ELSE x.in_catalog END
    WHERE x.tenant_id = p.tenant_id AND x.product_id = p.product_id RETURNING * INTO p;
    RETURN tally_rest._product(p);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another product has the alias "%"', change ->> 'alias' USING ERRCODE = 'unique_violation', COLUMN = 'alias';
END
$$;
COMMENT ON FUNCTION tally_gated.change_product(integer, jsonb, jsonb, text) IS 'What change_product does once the gate has let the caller through';

CREATE FUNCTION tally_rest.change_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.change_product(integer, jsonb, jsonb, text) IS
    'PATCH /api/v1/products/{id or alias}: name, alias, description, fee_structure (null clears), catalog';

CREATE FUNCTION tally_rest._set_product_archived(tenant_id integer, path jsonb, archived boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    p tally.product := tally_rest._product_of_path(tenant_id, path);
BEGIN
    UPDATE tally.product x SET archived_at = CASE WHEN archived THEN tally._now() END
    WHERE x.tenant_id = p.tenant_id AND x.product_id = p.product_id AND (x.archived_at IS NOT NULL) <> archived;
END
$$;
COMMENT ON FUNCTION tally_rest._set_product_archived(integer, jsonb, boolean) IS 'Archives or unarchives the product of the path';

CREATE FUNCTION tally_gated.archive_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._set_product_archived(tenant_id, path, true);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.archive_product(integer, jsonb, jsonb, text) IS 'What archive_product does once the gate has let the caller through';

CREATE FUNCTION tally_rest.archive_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.archive_product(integer, jsonb, jsonb, text) IS 'POST /api/v1/products/{id or alias}/archive (204)';

CREATE FUNCTION tally_gated.unarchive_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._set_product_archived(tenant_id, path, false);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.unarchive_product(integer, jsonb, jsonb, text) IS 'What unarchive_product does once the gate has let the caller through';

CREATE FUNCTION tally_rest.unarchive_product(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.unarchive_product(integer, jsonb, jsonb, text) IS 'POST /api/v1/products/{id or alias}/unarchive (204)';

CREATE FUNCTION tally_rest.list_products(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
    archived text := tally_rest._parameter_archived(query);
    sorting  text := tally_rest._order_by(query, 'name.asc');
    needle   text := tally_rest._parameter(query, 'search');
    family   uuid;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page', 'order_by', 'search', 'product_family_id', 'archived']);
    IF tally_rest._parameter(query, 'product_family_id') IS NOT NULL THEN
        family := tally._find_family(tenant_id, tally_rest._parameter(query, 'product_family_id'));
    END IF;
    RETURN (WITH found AS MATERIALIZED (
        SELECT p.* FROM tally.product p
        WHERE p.tenant_id = list_products.tenant_id AND (family IS NULL OR p.product_family_id = family)
          AND (archived = 'all' OR (p.archived_at IS NOT NULL) = (archived = 'true'))
          AND (needle IS NULL OR position(lower(needle COLLATE "C") IN lower(p.name COLLATE "C")) > 0))
    SELECT tally_rest._page((SELECT json_agg(tally_rest._product(s::tally.product)) FROM
                             (SELECT * FROM found ORDER BY
                                  CASE sorting WHEN 'name.asc' THEN name END ASC, CASE sorting WHEN 'name.desc' THEN name END DESC,
                                  CASE sorting WHEN 'created_at.asc' THEN created_at END ASC,
                                  CASE sorting WHEN 'created_at.desc' THEN created_at END DESC, product_id LIMIT per_page OFFSET page::bigint * per_page) s),
                            page, per_page, (SELECT count(*) FROM found)));
END
$$;
COMMENT ON FUNCTION tally_rest.list_products(integer, jsonb, jsonb, text) IS
    'GET /api/v1/products: in pages, by name (page, per_page, order_by name|created_at.asc|desc, search, product_family_id, archived)';
