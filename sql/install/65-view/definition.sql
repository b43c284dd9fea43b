-- what the current tenant has defined, with the ids that people see. Views whose functions read with the rights of the caller

CREATE FUNCTION tally._tenants(OUT id text, OUT name text, OUT mode text, OUT requests_per_second numeric, OUT burst integer,
                               OUT events_per_month bigint, OUT created_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('ten_', t.uid), t.name, t.mode, t.requests_per_second, t.burst, t.events_per_month, t.created_at
    FROM tally.tenant t ORDER BY t.tenant_id
$$;
COMMENT ON FUNCTION tally._tenants() IS 'What view tenants shows; reads with the rights of the caller';

CREATE VIEW tally.tenants AS SELECT * FROM tally._tenants();
COMMENT ON VIEW tally.tenants IS 'Tenants with their ids and limits: all of them for tally_admin, for others those that they may read';

CREATE FUNCTION tally._metrics(OUT id text, OUT slug text, OUT name text, OUT code text, OUT aggregation_type text, OUT aggregation_key text,
                               OUT kind text, OUT description text, OUT segmentation_matrix jsonb, OUT filters jsonb, OUT usage_group_key text,
                               OUT conversion_factor integer, OUT conversion_rounding text, OUT product_family_id text, OUT product_id text,
                               OUT created_at timestamptz, OUT updated_at timestamptz, OUT archived_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('bm_', m.metric_id), m.slug, m.name, m.code, m.aggregation_type, m.aggregation_key, m.kind, m.description,
           m.segmentation_matrix, m.filters, m.usage_group_key, m.conversion_factor, m.conversion_rounding, tally._encode_id('pf_', m.product_family_id),
           tally._encode_id('prd_', m.product_id), m.created_at, m.updated_at, m.archived_at
    FROM tally.metric m WHERE m.tenant_id = (SELECT tally.current_tenant()) ORDER BY m.created_at, m.metric_id
$$;
COMMENT ON FUNCTION tally._metrics() IS 'What view metrics shows; reads with the rights of the caller';

CREATE VIEW tally.metrics AS SELECT * FROM tally._metrics();
COMMENT ON VIEW tally.metrics IS 'Metrics of the current tenant, archived ones too, with the names that functions take: id (bm_...), slug, code';

CREATE FUNCTION tally._product_families(OUT id text, OUT name text, OUT alias text, OUT is_default boolean, OUT created_at timestamptz,
                                        OUT archived_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('pf_', f.product_family_id), f.name, f.alias, f.is_default, f.created_at, f.archived_at
    FROM tally.product_family f WHERE f.tenant_id = (SELECT tally.current_tenant()) ORDER BY f.created_at, f.product_family_id
$$;
COMMENT ON FUNCTION tally._product_families() IS 'What view product_families shows; reads with the rights of the caller';

CREATE VIEW tally.product_families AS SELECT * FROM tally._product_families();
COMMENT ON VIEW tally.product_families IS 'Product families of the current tenant, archived ones too';

CREATE FUNCTION tally._products(OUT id text, OUT name text, OUT alias text, OUT product_family_id text, OUT description text,
                                OUT created_at timestamptz, OUT archived_at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('prd_', p.product_id), p.name, p.alias, tally._encode_id('pf_', p.product_family_id), p.description, p.created_at, p.archived_at
    FROM tally.product p WHERE p.tenant_id = (SELECT tally.current_tenant()) ORDER BY p.created_at, p.product_id
$$;
COMMENT ON FUNCTION tally._products() IS 'What view products shows; reads with the rights of the caller';

CREATE VIEW tally.products AS SELECT * FROM tally._products();
COMMENT ON VIEW tally.products IS 'Products of the current tenant, archived ones too';

CREATE FUNCTION tally._limits(OUT requests_per_second numeric, OUT burst integer, OUT events_per_month bigint, OUT events_this_month bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 1
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT t.requests_per_second, t.burst, t.events_per_month, tally._month_used(t.tenant_id, '00000000-0000-0000-0000-000000000000', clock_timestamp())
    FROM tally.tenant t WHERE t.tenant_id = (SELECT tally.current_tenant())
$$;
COMMENT ON FUNCTION tally._limits() IS 'What view limits shows; reads with the rights of the caller';

CREATE VIEW tally.limits AS SELECT * FROM tally._limits();
COMMENT ON VIEW tally.limits IS
    'Limits of the current tenant for what comes through the API (tally.set_limits; NULL: none), and how many events came so this month (UTC). Those of keys: tally.api_keys()';
