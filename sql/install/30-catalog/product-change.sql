-- product families and products in SQL: what the routes do (70-rest/product.sql), with named arguments

CREATE FUNCTION tally_gated.create_product_family(tenant_id integer, name text, alias text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.create_product_family(tenant_id, '{}', '{}', tally._changes(jsonb_build_object('name', name, 'alias', alias), '{}', '{}')::text) ->> 'id'
$$;
COMMENT ON FUNCTION tally_gated.create_product_family(integer, text, text) IS 'What create_product_family does once the gate has let the caller through';

CREATE FUNCTION tally.create_product_family(name text, alias text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.create_product_family(text, text) IS
    'Creates a product family of the current tenant and answers its id (pf_...). alias: its name in paths, without blanks. Errors: 22023 naming the argument, 23505 alias taken';

CREATE FUNCTION tally_gated.update_product_family(tenant_id integer, family text, name text, alias text, clear text[]) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.change_product_family(tenant_id, jsonb_build_object('id', family), '{}',
                                             tally._changes(jsonb_build_object('name', name, 'alias', alias), clear, ARRAY['alias'])::text) ->> 'id'
$$;
COMMENT ON FUNCTION tally_gated.update_product_family(integer, text, text, text, text[]) IS 'What update_product_family does once the gate has let the caller through';

CREATE FUNCTION tally.update_product_family(family text, name text DEFAULT NULL, alias text DEFAULT NULL, clear text[] DEFAULT '{}') RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.update_product_family(text, text, text, text[]) IS
    'Changes a product family of the current tenant, given its id or alias: what is NULL stays, and clear may name alias. Answers the id. Errors: P0002 no such family, 22023, 23505 alias taken';

CREATE FUNCTION tally_gated.archive_product_family(tenant_id integer, family text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.archive_product_family(tenant_id, jsonb_build_object('id', family), '{}', NULL);
    SELECT tally._encode_id('pf_', (tally_rest._family_of_path(tenant_id, jsonb_build_object('id', family))).product_family_id)
$$;
COMMENT ON FUNCTION tally_gated.archive_product_family(integer, text) IS 'What archive_product_family does once the gate has let the caller through';

CREATE FUNCTION tally.archive_product_family(family text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.archive_product_family(text) IS
    'Archives a product family of the current tenant, given its id or alias: lists leave it out. The default one cannot be archived (TL409). Answers the id';

CREATE FUNCTION tally_gated.unarchive_product_family(tenant_id integer, family text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.unarchive_product_family(tenant_id, jsonb_build_object('id', family), '{}', NULL);
    SELECT tally._encode_id('pf_', (tally_rest._family_of_path(tenant_id, jsonb_build_object('id', family))).product_family_id)
$$;
COMMENT ON FUNCTION tally_gated.unarchive_product_family(integer, text) IS 'What unarchive_product_family does once the gate has let the caller through';

CREATE FUNCTION tally.unarchive_product_family(family text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.unarchive_product_family(text) IS
    'Takes the archiving of a product family back, given its id or alias. Answers the id';

CREATE FUNCTION tally_gated.create_product(tenant_id integer, name text, family text, alias text, description text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.create_product(tenant_id, '{}', '{}', tally._changes(jsonb_build_object(
        'name', name, 'alias', alias, 'description', description, 'product_family_id', tally._encode_id('pf_', CASE
            WHEN family IS NULL THEN (SELECT f.product_family_id FROM tally.product_family f WHERE f.tenant_id = create_product.tenant_id AND f.is_default)
            ELSE (tally_rest._family_of_path(tenant_id, jsonb_build_object('id', family))).product_family_id END)), '{}', '{}')::text) ->> 'id'
$$;
COMMENT ON FUNCTION tally_gated.create_product(integer, text, text, text, text) IS 'What create_product does once the gate has let the caller through';

CREATE FUNCTION tally.create_product(name text, family text DEFAULT NULL, alias text DEFAULT NULL, description text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.create_product(text, text, text, text) IS
    'Creates a product of the current tenant, in a family given by id or alias or in the default one, and answers its id (prd_...). Errors: 22023 naming the argument, P0002 no such family, 23505 alias taken';

CREATE FUNCTION tally_gated.update_product(tenant_id integer, product text, name text, alias text, description text, clear text[]) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.change_product(tenant_id, jsonb_build_object('id', product), '{}', tally._changes(
        jsonb_build_object('name', name, 'alias', alias, 'description', description), clear, ARRAY['alias', 'description'])::text) ->> 'id'
$$;
COMMENT ON FUNCTION tally_gated.update_product(integer, text, text, text, text, text[]) IS 'What update_product does once the gate has let the caller through';

CREATE FUNCTION tally.update_product(product text, name text DEFAULT NULL, alias text DEFAULT NULL, description text DEFAULT NULL, clear text[] DEFAULT '{}') RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.update_product(text, text, text, text, text[]) IS
    'Changes a product of the current tenant, given its id or alias: what is NULL stays, and clear may name alias and description. Answers the id. Errors: P0002 no such product, 22023, 23505 alias taken';

CREATE FUNCTION tally_gated.archive_product(tenant_id integer, product text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.archive_product(tenant_id, jsonb_build_object('id', product), '{}', NULL);
    SELECT tally._encode_id('prd_', (tally_rest._product_of_path(tenant_id, jsonb_build_object('id', product))).product_id)
$$;
COMMENT ON FUNCTION tally_gated.archive_product(integer, text) IS 'What archive_product does once the gate has let the caller through';

CREATE FUNCTION tally.archive_product(product text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.archive_product(text) IS
    'Archives a product of the current tenant, given its id or alias: lists leave it out. Answers the id';

CREATE FUNCTION tally_gated.unarchive_product(tenant_id integer, product text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_gated.unarchive_product(tenant_id, jsonb_build_object('id', product), '{}', NULL);
    SELECT tally._encode_id('prd_', (tally_rest._product_of_path(tenant_id, jsonb_build_object('id', product))).product_id)
$$;
COMMENT ON FUNCTION tally_gated.unarchive_product(integer, text) IS 'What unarchive_product does once the gate has let the caller through';

CREATE FUNCTION tally.unarchive_product(product text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.unarchive_product(text) IS
    'Takes the archiving of a product back, given its id or alias. Answers the id';
