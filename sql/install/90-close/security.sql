-- owners, rights and row level security: nothing else in these scripts grants anything
--
-- tally_owner owns tables, functions and types, and it alone may write: INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES and TRIGGER
-- are nobody else's. (A trigger of a lesser role would run with the rights of whoever calls next; a row made by hand would count
-- an event twice.) Others store through functions whose gate decides for whom they act (pg/border/gate.hpp), and read tables
-- under row level security. Every right is given by name: it holds too where PUBLIC was deprived of its defaults. And what
-- ALTER DEFAULT PRIVILEGES has given to others beforehand is taken back.

GRANT USAGE ON SCHEMA tally TO tally_owner, tally_admin, tally_app, tally_read, tally_api;
GRANT USAGE ON SCHEMA tally_rest TO tally_owner, tally_admin, tally_api;
GRANT USAGE ON SCHEMA tally_gated TO tally_owner;

DO $tables$
DECLARE
    relation record;
    grantee  text;
BEGIN
    FOR relation IN SELECT c.oid, c.oid::pg_catalog.regclass AS name, c.relname, c.relkind, c.relacl, c.relowner,
                           EXISTS (SELECT FROM pg_catalog.pg_attribute a
                                   WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS of_tenants
                    FROM pg_catalog.pg_class c
                    WHERE c.relnamespace = 'tally'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
                    ORDER BY c.relkind = 'S', c.oid LOOP    -- the sequence of an identity column goes with its table
        FOR grantee IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
                       FROM pg_catalog.aclexplode(relation.relacl) a WHERE a.grantee <> relation.relowner LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', relation.name, grantee);
        END LOOP;
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = relation.oid AND d.deptype = 'i' AND relation.relkind = 'S');
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO tally_owner',
                                  CASE relation.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relation.name);
        CONTINUE WHEN relation.relkind NOT IN ('r', 'p');
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation.name);
        CONTINUE WHEN NOT relation.of_tenants;  -- nobody's but the owner's
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO tally_admin', relation.name);
        EXECUTE pg_catalog.format('CREATE POLICY admin ON %s FOR SELECT TO tally_admin USING (true)', relation.name);
        EXECUTE pg_catalog.format('COMMENT ON POLICY admin ON %s IS ''tally_admin sees every tenant''', relation.name);
        CONTINUE WHEN relation.relname = 'api_key';     -- see below
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO tally_app, tally_api', relation.name);
        -- The cut of a day is nobody's alone. A subquery: looked up once a query, and not once a row where no index is used.
        EXECUTE pg_catalog.format('CREATE POLICY app ON %s FOR SELECT TO tally_app USING (%s = (SELECT tally.current_tenant()))', relation.name,
            CASE relation.relname WHEN 'cut' THEN 'coalesce(tenant_id, (SELECT tally.current_tenant()))' ELSE 'tenant_id' END);
        EXECUTE pg_catalog.format('COMMENT ON POLICY app ON %s IS ''tally_app sees the tenant that it chose''', relation.name);
        EXECUTE pg_catalog.format('CREATE POLICY api ON %s FOR SELECT TO tally_api USING (%s = tally.authenticated_tenant())', relation.name,
            CASE relation.relname WHEN 'cut' THEN 'coalesce(tenant_id, tally.authenticated_tenant())' ELSE 'tenant_id' END);
        EXECUTE pg_catalog.format('COMMENT ON POLICY api ON %s IS ''tally_api sees the tenant whose key was checked in this transaction''', relation.name);
        CONTINUE WHEN relation.relname NOT IN ('tenant', 'metric', 'product_family', 'product', 'import_batch', 'cut', 'statement', 'statement_usage', 'superseded_statement', 'correction', 'lifted_correction', 'metric_version');
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO tally_read', relation.name);
        EXECUTE pg_catalog.format('CREATE POLICY reader ON %s FOR SELECT TO tally_read USING (%s = ANY ((SELECT tally._readable_tenants())::integer[]))', relation.name,
            CASE relation.relname WHEN 'cut' THEN 'coalesce(tenant_id, ((SELECT tally._readable_tenants())::integer[])[1])' ELSE 'tenant_id' END);
        EXECUTE pg_catalog.format('COMMENT ON POLICY reader ON %s IS ''tally_read sees the tenants that it was granted''', relation.name);
    END LOOP;
END
$tables$;

-- Faces of functions that check the caller, or read with its rights.
GRANT SELECT ON tally.events, tally.customers, tally.tenants, tally.metrics, tally.product_families, tally.products, tally.limits, tally.imports,
    tally.packing, tally.storage, tally.read_grants, tally.health, tally.erasures, tally.cuts TO tally_admin, tally_app;
GRANT SELECT ON tally.events, tally.customers, tally.tenants, tally.metrics, tally.product_families, tally.products, tally.imports, tally.health, tally.cuts TO tally_read;

-- Keys over REST: everything but the hash of the secret, and only for admin keys; who knows a key sees that one.
GRANT SELECT (key_id, tenant_id, name, hint, scopes, created_at, expires_at, revoked_at, requests_per_second, burst, events_per_month)
    ON tally.api_key TO tally_api;
CREATE POLICY api_own ON tally.api_key FOR SELECT TO tally_api USING (key_id = tally.authenticated_key());
COMMENT ON POLICY api_own ON tally.api_key IS 'tally_api sees the key that was checked in this transaction';
CREATE POLICY api_admin ON tally.api_key FOR SELECT TO tally_api USING (tenant_id = tally.authenticated_tenant() AND tally._is_admin_key());
COMMENT ON POLICY api_admin ON tally.api_key IS 'tally_api sees the keys of the tenant whose admin key was checked in this transaction';

DO $types$
DECLARE
    type record;
BEGIN
    FOR type IN SELECT t.oid::pg_catalog.regtype AS name
                FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
                WHERE t.typnamespace = 'tally'::pg_catalog.regnamespace AND t.typcategory <> 'A' AND (c.oid IS NULL OR c.relkind = 'c') LOOP
        EXECUTE pg_catalog.format('ALTER TYPE %s OWNER TO tally_owner', type.name);
        EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO tally_admin, tally_app, tally_read, tally_api', type.name);
    END LOOP;
END
$types$;

-- Who may execute what, by kind:
--   what computes and reads no table (IMMUTABLE, aggregates, and the few named here)   whoever may by default; our roles by name
--   what makes tenants, keys and limits                                                tally_admin
--   schema tally_gated, and what has a private name and stores or asks over tenants    tally_owner
--   everything else of schema tally                                                    tally_admin, tally_app, tally_api;
--                                                                                      what stores nothing: tally_read too
--   everything else of schema tally_rest                                               tally_admin, tally_api
DO $functions$
DECLARE
    pure    CONSTANT text[] := ARRAY['windows', '_check_time_zone', '_local_instant', '_uuid7', '_random_bytes', '_now'];
    admin   CONSTANT text[] := ARRAY['create_tenant', 'grant_read', 'revoke_read', 'create_api_key', 'api_keys', 'revoke_api_key', 'set_limits', 'seal_identities', 'pack', 'retain', 'verify'];
    tending CONSTANT text[] := ARRAY['pack_step', 'cut_daily'];    -- the same whoever calls it: tallyd does
    reading CONSTANT text[] := ARRAY['_statement_deadline', '_set_statement_deadline'];    -- VOLATILE, and store nothing
    all_of  CONSTANT text[] := ARRAY['_find_sealed', '_sealed_identities', '_checked_identities', '_stored_events', '_problems', '_correction_problems', '_cut_problems', '_place_problems', '_life_problem', '_recent_health', '_segment_health', '_limit_health',
                                  '_verified', '_tenant_health', '_store_health', '_unseen_seqs', '_moment'];    -- read over all tenants
    routine record;
    grantee text;
BEGIN
    FOR routine IN SELECT p.oid::pg_catalog.regprocedure AS name, p.proacl, p.proowner,
                          n.nspname = 'tally' AND (p.prokind = 'a' OR p.provolatile = 'i' OR p.proname = ANY (pure)) AS is_pure,
                          CASE WHEN n.nspname = 'tally_gated' OR p.proname = ANY (all_of) THEN NULL
                               WHEN p.proname = ANY (pure) THEN 'tally_admin, tally_app, tally_read, tally_api'
                               WHEN pg_catalog.left(p.proname, 1) = '_' AND p.provolatile = 'v' AND p.proname <> ALL (reading) THEN NULL
                               WHEN n.nspname = 'tally_rest' THEN 'tally_admin, tally_api'
                               WHEN p.proname = ANY (admin) THEN 'tally_admin'
                               WHEN p.proname = ANY (tending) THEN 'tally_admin, tally_api'
                               WHEN p.provolatile = 'v' AND p.prokind <> 'a' THEN 'tally_admin, tally_app, tally_api'
                               ELSE 'tally_admin, tally_app, tally_read, tally_api' END AS users
                   FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                   WHERE n.nspname IN ('tally', 'tally_rest', 'tally_gated') ORDER BY p.oid LOOP
        FOR grantee IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
                       FROM pg_catalog.aclexplode(coalesce(routine.proacl, pg_catalog.acldefault('f', routine.proowner))) a
                       WHERE a.grantee <> routine.proowner AND NOT (routine.is_pure AND a.grantee = 0) LOOP
            EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', routine.name, grantee);
        END LOOP;
        EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO tally_owner', routine.name);
        IF routine.users IS NOT NULL THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %s', routine.name, routine.users);
        END IF;
    END LOOP;
END
$functions$;
