-- row level security, policy by policy: each one must change what the role that it serves can see
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE ROLE regress_admin IN ROLE tally_admin;
CREATE ROLE regress_app IN ROLE tally_app;
CREATE ROLE regress_api IN ROLE tally_api;
CREATE ROLE regress_read IN ROLE tally_read;
-- Rows of two tenants in every table.
SELECT tally.create_tenant('one') ~ '^ten_' AS made, tally.create_tenant('two') ~ '^ten_' AS made;
CREATE TABLE public.regress_key (name text PRIMARY KEY, hash bytea);
GRANT SELECT ON public.regress_key TO PUBLIC;
DO $$
DECLARE
    tenant text;
    secret text;
BEGIN
    FOREACH tenant IN ARRAY ARRAY['one', 'two'] LOOP
        PERFORM set_config('tally.tenant', tenant, true), tally.create_metric('c', 'COUNT'), tally.record('c', 'k'), tally.cut();
        FOREACH secret IN ARRAY ARRAY['admin', 'write'] LOOP
            INSERT INTO public.regress_key SELECT tenant || ' ' || secret, sha256(tally.create_api_key(secret, ARRAY[secret])::bytea);
        END LOOP;
    END LOOP;
END $$;
DO $$
DECLARE
    tenant integer;
    family text;
    import text;
BEGIN
    FOR n IN 1 .. 2 LOOP
        tenant := tally_rest.authenticate((SELECT hash FROM public.regress_key WHERE name = (ARRAY['one', 'two'])[n] || ' admin'), 'write');
        family := tally_rest.get_profile(tenant, '{}', '{}', NULL) ->> 'default_product_family_id';
        PERFORM tally_rest.once(tenant, 'once', 'create_product', '{}', '{}', json_build_object('name', 'p', 'product_family_id', family)::text),
                tally_rest.ingest_batch(ARRAY[(SELECT hash FROM public.regress_key WHERE name = (ARRAY['one', 'two'])[n] || ' write')],
                                        ARRAY['{"events":[{"event_id":"x","code":"c","customer_id":"k"}]}']);
        import := tally_rest.import_chunk(tenant, '{}', '{}', '{"event_id":"y","code":"c","customer_id":"k","timestamp":"2024-01-01T00:00:00Z"}') ->> 'import_id';
        PERFORM tally_rest.void_import(tenant, json_build_object('id', import)::jsonb, '{}', NULL);
    END LOOP;
    PERFORM tally.cut_daily();
END $$;
SELECT tally.grant_read('regress_read', 'one');
-- Tables that this did not fill get rows all the same: any will do, for only the tenant matters here.
DO $$
DECLARE
    missing record;
    loose   name;
    columns text;
    made    text;
    known   bigint;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR missing IN SELECT c.oid::regclass AS relation, c.relkind, t.tenant FROM pg_class c CROSS JOIN (VALUES (1), (2)) t(tenant)
                   WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                     AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') LOOP
        EXECUTE format('SELECT count(*) FROM %s WHERE tenant_id = %s', missing.relation, missing.tenant) INTO known;
        CONTINUE WHEN known > 0;
        IF missing.relkind = 'p' AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = missing.relation) THEN
            EXECUTE format('CREATE TABLE %s_rest PARTITION OF %1$s DEFAULT', missing.relation);
        END IF;
        FOR loose IN SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                     WHERE a.attrelid = missing.relation AND a.attnum > 0 AND a.attnotnull AND t.typnamespace = 'tally'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', missing.relation, loose);
        END LOOP;
        SELECT string_agg(quote_ident(a.attname), ', '), string_agg(CASE WHEN a.attname = 'tenant_id' THEN missing.tenant::text ELSE v.value END, ', ')
        INTO columns, made
        FROM pg_attribute a
        JOIN (VALUES ('text', '''x'''), ('integer', '7'), ('bigint', '7'), ('date', '''2024-01-01'''), ('boolean', 'true'), ('uuid', 'gen_random_uuid()'),
                     ('bytea', 'sha256(''x'')'), ('json', '''{}'''), ('text[]', '''{}'''), ('timestamp with time zone', 'now()')) v(type, value) ON v.type = format_type(a.atttypid, NULL)
        WHERE a.attrelid = missing.relation AND a.attnum > 0 AND (a.attnotnull OR a.attname = 'tenant_id') AND NOT a.atthasdef AND a.attidentity = '';
        EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', missing.relation, columns, made);
    END LOOP;
END $$;
-- What a role sees of a table: rows of tenant one and of tenant two. The role of tallyd comes with a key of tenant one.
CREATE FUNCTION public.regress_seen(relation regclass, role text, key text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    seen bigint[];
BEGIN
    PERFORM set_config('tally.tenant', 'one', true);
    IF key IS NOT NULL THEN
        PERFORM tally_rest.authenticate(k.hash, 'write') FROM public.regress_key k WHERE k.name = key;
    END IF;
    PERFORM set_config('role', role, true);
    EXECUTE format('SELECT ARRAY[count(*) FILTER (WHERE tenant_id = 1), count(*) FILTER (WHERE tenant_id = 2)] FROM %s', relation) INTO seen;
    RAISE EXCEPTION USING ERRCODE = 'TSEEN', MESSAGE = seen::text;     -- takes settings back
EXCEPTION
    WHEN SQLSTATE 'TSEEN' THEN RETURN SQLERRM::bigint[];
    WHEN insufficient_privilege THEN RETURN NULL;
END $$;
CREATE FUNCTION public.regress_seen_after(change text, relation regclass, role text, key text) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE change;
    RAISE EXCEPTION USING ERRCODE = 'TDONE', MESSAGE = coalesce(public.regress_seen(relation, role, key)::text, '{}');
EXCEPTION WHEN SQLSTATE 'TDONE' THEN RETURN SQLERRM::bigint[];
END $$;
CREATE TABLE public.regress_view AS
    SELECT c.oid::regclass AS relation, v.role, v.key
    FROM pg_class c, (VALUES ('regress_admin', NULL), ('regress_app', NULL), ('regress_read', NULL), ('regress_api', 'one admin'), ('regress_api', 'one write')) v(role, key)
    WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id');
-- every table is filled for both, and an administrator sees all of it
SELECT v.relation, public.regress_seen(v.relation, v.role, v.key) AS one_two FROM public.regress_view v
WHERE v.role = 'regress_admin' AND NOT 0 < ALL (public.regress_seen(v.relation, v.role, v.key));
-- others see their tenant, or nothing of a table at all, and never the other tenant
SELECT v.*, public.regress_seen(v.relation, v.role, v.key) AS one_two FROM public.regress_view v
WHERE v.role <> 'regress_admin' AND (v.role <> 'regress_read' OR public.regress_seen(v.relation, v.role, v.key) IS NOT NULL) AND ((public.regress_seen(v.relation, v.role, v.key))[1] > 0 AND (public.regress_seen(v.relation, v.role, v.key))[2] = 0) IS NOT TRUE
ORDER BY v.relation::text, v.role, v.key;
-- what a reader may look into at all
SELECT string_agg(v.relation::text, ', ' ORDER BY v.relation::text) FROM public.regress_view v WHERE v.role = 'regress_read' AND public.regress_seen(v.relation, v.role, v.key) IS NOT NULL;
-- without row level security they would see it: the policies are the wall, and not an accident
SELECT v.* FROM public.regress_view v
WHERE public.regress_seen(v.relation, v.role, v.key) IS NOT NULL
  AND NOT 0 < ALL (public.regress_seen_after(format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', v.relation), v.relation, v.role, v.key));
-- each policy, dropped, changes what its role sees; and opened to all, what every role but the administrator's sees
CREATE TABLE public.regress_policy AS
    SELECT p.polname, p.polrelid::regclass AS relation, v.role, v.key
    FROM pg_policy p JOIN public.regress_view v ON v.relation = p.polrelid
    WHERE p.polroles = ARRAY[replace(v.role, 'regress_', 'tally_')::regrole::oid];
SELECT count(*) > 30 AS many, count(DISTINCT relation) = (SELECT count(DISTINCT relation) FROM public.regress_view) AS all_tables FROM public.regress_policy;
SELECT p.polrelid::regclass, p.polname, p.polcmd FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'tally'::regnamespace AND (p.polcmd <> 'r' OR (p.polrelid::regclass, p.polname) NOT IN (SELECT relation, polname FROM public.regress_policy));
SELECT p.relation, p.polname FROM public.regress_policy p GROUP BY 1, 2
HAVING NOT bool_or(public.regress_seen_after(format('DROP POLICY %I ON %s', p.polname, p.relation), p.relation, p.role, p.key)
                   IS DISTINCT FROM public.regress_seen(p.relation, p.role, p.key));
SELECT p.relation, p.polname FROM public.regress_policy p WHERE p.role <> 'regress_admin'
  AND public.regress_seen_after(format('ALTER POLICY %I ON %s USING (true)', p.polname, p.relation), p.relation, p.role, p.key)
      IS NOT DISTINCT FROM public.regress_seen(p.relation, p.role, p.key);
-- the tenant that was chosen is looked up once a query, not once a row
DO $$
DECLARE plan text;
BEGIN
    SET LOCAL ROLE regress_app;
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT name FROM tally.metric' INTO plan;
    RAISE NOTICE 'looked up once: %', plan LIKE '%InitPlan%';
END $$;
-- without a key, or without a tenant chosen where there are several, there is nothing to see
SELECT v.*, public.regress_seen(v.relation, v.role, NULL) FROM public.regress_view v
WHERE v.key = 'one write' AND public.regress_seen(v.relation, v.role, NULL) <> '{0,0}';
SET client_min_messages = warning;
-- The store that this leaves has rows that mean nothing, and a partition of segments that packing would never make.
DROP EXTENSION pgtally CASCADE;
CREATE EXTENSION pgtally;
DROP TABLE public.regress_policy, public.regress_view, public.regress_key;
DROP FUNCTION public.regress_seen(regclass, text, text), public.regress_seen_after(text, regclass, text, text);
DROP ROLE regress_admin, regress_app, regress_api, regress_read;
