-- the gate: who may store, for which tenant, decided by the role of the caller before anything else
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('one') ~ '^ten_' AS made, tally.create_tenant('two') ~ '^ten_' AS made;
SET tally.tenant = 'one';
SELECT tally.create_api_key('boss', '{admin}') AS boss, tally.create_api_key('app') AS app \gset
SET tally.tenant = 'two';
SELECT tally.create_api_key('boss of two', '{admin}') AS boss_two \gset
RESET tally.tenant;
CREATE ROLE regress_admin LOGIN IN ROLE tally_admin;
CREATE ROLE regress_app LOGIN IN ROLE tally_app;
CREATE ROLE regress_api LOGIN IN ROLE tally_api;
CREATE ROLE regress_stranger LOGIN;
-- The stranger holds EXECUTE on everything, and still may do nothing.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tally, tally_rest TO regress_app, regress_stranger;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tally TO regress_api;
GRANT USAGE ON SCHEMA tally_rest TO regress_app, regress_stranger;
-- Every function that stores, whatever it is called: what a role is answered that calls it with NULL in all places, for the
-- tenant given where it takes one. Authentication itself, and batches whose keys are checked one by one, are for the role tallyd.
-- A step of packing does the same whoever calls it, and tells nothing: EXECUTE is its guard, which the catalog's lint looks at.
CREATE FUNCTION public.regress_storing() RETURNS TABLE (function regprocedure, given boolean, call text) LANGUAGE sql AS $$
    SELECT p.oid, n.nspname = 'tally_rest', format('SELECT count(*) FROM %I.%I(%s)', n.nspname, p.proname,
        (SELECT string_agg(CASE WHEN a.place = 1 AND n.nspname = 'tally_rest' THEN '%s' ELSE 'NULL::' || format_type(a.type, NULL) END, ', ' ORDER BY a.place)
         FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place)))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('tally', 'tally_rest') AND p.provolatile = 'v' AND left(p.proname, 1) <> '_' AND p.prokind = 'f'
      AND p.proname NOT IN ('authenticate', 'ingest_batch', 'pack_step', 'cut_daily', 'verify')
$$;
CREATE FUNCTION public.regress_try(call text, tenant integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(call, coalesce(tenant::text, 'NULL'));
    RAISE EXCEPTION USING ERRCODE = 'TLOOK', MESSAGE = 'it ran';    -- nothing of it stays
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT count(*) > 20 AS many, count(*) FILTER (WHERE given) > 10 AS given FROM public.regress_storing();
-- a stranger: never
SET SESSION AUTHORIZATION regress_stranger;
SET tally.tenant = 'one';
SELECT regexp_replace(public.regress_try(s.call, 1), 'tally_[a-z]+$', 'tally_...') AS answer, bool_and(s.given) AS rest, bool_or(s.given) AS any_rest
FROM public.regress_storing() s GROUP BY 1 ORDER BY 1;
-- the role of tallyd, before a key was checked: never, whatever it sets
SET SESSION AUTHORIZATION regress_api;
SET tally.tenant = 'one';
SELECT public.regress_try(s.call, 1) AS answer FROM public.regress_storing() s GROUP BY 1 ORDER BY 1;
-- with a key: not for another tenant, named in the call or in the setting
BEGIN;
SELECT tally_rest.authenticate(sha256(:'boss'), 'admin') AS tenant \gset
SET LOCAL tally.tenant = 'two';
SELECT public.regress_try(s.call, :tenant + 1) AS answer FROM public.regress_storing() s WHERE s.given GROUP BY 1;
SELECT public.regress_try(s.call, NULL) AS answer FROM public.regress_storing() s WHERE s.given GROUP BY 1;
SELECT s.function, public.regress_try(s.call, :tenant) AS answer FROM public.regress_storing() s
WHERE s.given AND public.regress_try(s.call, :tenant) LIKE '42501%';
SELECT (tally.record('c', 'mine', event_id => 'by key')).verdict;
COMMIT;
-- with a key without admin: no power over keys
BEGIN;
SELECT tally_rest.authenticate(sha256(:'app'), 'write') = :tenant AS good;
SELECT s.function, public.regress_try(s.call, :tenant) AS answer FROM public.regress_storing() s
WHERE s.given AND public.regress_try(s.call, :tenant) LIKE '42501%' ORDER BY s.function::text;
COMMIT;
-- a developer chooses a tenant and acts for no other; what makes tenants, keys and limits is not for it, even with EXECUTE
SET SESSION AUTHORIZATION regress_app;
SET tally.tenant = 'two';
SELECT s.function, public.regress_try(s.call, 1) AS answer FROM public.regress_storing() s
WHERE NOT s.given AND public.regress_try(s.call, 1) LIKE '42501%' ORDER BY s.function::text;
SELECT public.regress_try(s.call, 1) AS answer FROM public.regress_storing() s WHERE s.given GROUP BY 1;
SELECT s.function, public.regress_try(s.call, 2) AS answer FROM public.regress_storing() s
WHERE s.given AND public.regress_try(s.call, 2) LIKE '42501%' ORDER BY s.function::text;
SELECT (tally.record('c', 'mine', event_id => 'by choice')).verdict;
SET tally.tenant = 'nobody';
SELECT tally.record('c', 'mine');
-- an administrator names any tenant
SET SESSION AUTHORIZATION regress_admin;
SET tally.tenant = 'one';
SELECT s.function, public.regress_try(s.call, 2) AS answer FROM public.regress_storing() s WHERE public.regress_try(s.call, 2) LIKE '42501%';
SELECT tally_rest.create_metric(2, '{}', '{}', '{"name":"x"}');
SELECT tally_rest.create_metric(NULL, '{}', '{}', '{"name":"x"}');
-- nothing is stored in a READ ONLY transaction, and the refusal names the function
BEGIN READ ONLY;
SELECT DISTINCT regexp_replace(public.regress_try(s.call, 1), '(tally|tally_rest)\.[a-z_]+\(\)', 'FUNCTION') AS answer FROM public.regress_storing() s ORDER BY 1;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT t.name, e.event_id FROM tally.recent_event e JOIN tally.tenant t USING (tenant_id) ORDER BY 1;
-- SET ROLE: the role that was set counts, not who logged in
SET tally.tenant = 'one';
SET ROLE regress_app;
SELECT (tally.record('c', 'mine', event_id => 'set role')).verdict;
SET ROLE regress_stranger;
SELECT tally.record('c', 'mine');
SET ROLE regress_api;
SELECT tally.record('c', 'mine');
SELECT tally_rest.create_metric(1, '{}', '{}', '{}');
RESET ROLE;
-- inside a user's own SECURITY DEFINER function the caller is its owner
CREATE FUNCTION public.regress_meter() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT verdict FROM tally.record('c', 'definer') $$;
ALTER FUNCTION public.regress_meter() OWNER TO regress_stranger;
SELECT public.regress_meter();
SET ROLE regress_app;
SELECT public.regress_meter();
RESET ROLE;
ALTER FUNCTION public.regress_meter() OWNER TO regress_app;
SET ROLE regress_stranger;
SELECT public.regress_meter();
RESET ROLE;
ALTER FUNCTION public.regress_meter() OWNER TO regress_api;
SELECT public.regress_meter();
DROP FUNCTION public.regress_meter();
-- membership without the rights of the role (NOINHERIT) is no membership until SET ROLE
CREATE ROLE regress_later LOGIN NOINHERIT IN ROLE tally_app;
GRANT EXECUTE ON FUNCTION tally.record(text, text, jsonb, text, timestamptz, text, boolean) TO regress_later;
SET SESSION AUTHORIZATION regress_later;
SELECT tally.record('c', 'mine');
SET ROLE tally_app;
SELECT (tally.record('c', 'mine', event_id => 'later')).verdict;
RESET SESSION AUTHORIZATION;
-- whatever happens behind the gate, the caller is itself again afterwards
SET SESSION AUTHORIZATION regress_app;
SET tally.tenant = 'one';
DO $$
BEGIN
    PERFORM tally.create_metric('c', 'NO SUCH');
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% as %', SQLERRM, current_user;
END $$;
SET SESSION AUTHORIZATION DEFAULT;
ALTER TABLE tally.recent_event RENAME TO regress_gone;
SET SESSION AUTHORIZATION regress_app;
DO $$
BEGIN
    PERFORM tally.record('c', 'mine');
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% as %', SQLSTATE, current_user;
END $$;
SELECT current_user;
SET SESSION AUTHORIZATION DEFAULT;
ALTER TABLE tally.regress_gone RENAME TO recent_event;
SET SESSION AUTHORIZATION regress_app;
BEGIN;
SAVEPOINT s;
SELECT tally.create_metric(NULL);
ROLLBACK TO s;
SELECT current_user;
COMMIT;
SELECT current_user;
-- named arguments and defaults are those of the function in front
SELECT tally.create_metric(code => 'd', aggregation_type => 'SUM', aggregation_key => 'v', conversion_factor => 7) ~ '^bm_' AS made;
SELECT code, aggregation_type, aggregation_key, conversion_factor, conversion_rounding FROM tally.metric;
-- nothing behind it can be called, and nothing can be forged or hung onto a table
SELECT tally_gated.create_metric(1, 'c', 'COUNT', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
RESET SESSION AUTHORIZATION;
CREATE SCHEMA regress_trap AUTHORIZATION regress_admin;
SET SESSION AUTHORIZATION regress_admin;
CREATE FUNCTION regress_trap.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE regress_admin SUPERUSER'; RETURN new; END $$;
CREATE FUNCTION regress_trap.forge() RETURNS TABLE (deed text, answers text) LANGUAGE plpgsql AS $$
DECLARE
    deeds text[] := ARRAY['INSERT INTO %s DEFAULT VALUES', 'UPDATE %s SET %I = NULL', 'DELETE FROM %s', 'TRUNCATE %s', 'LOCK TABLE %s IN ROW EXCLUSIVE MODE',
                          'CREATE TRIGGER trap BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION regress_trap.spring()',
                          'CREATE RULE trap AS ON INSERT TO %s DO ALSO SELECT 1', 'CREATE POLICY trap ON %s USING (true)',
                          'ALTER TABLE %s DISABLE ROW LEVEL SECURITY', 'CREATE INDEX ON %s (%I)', 'COMMENT ON TABLE %s IS NULL',
                          'CREATE TABLE regress_trap.referring (x integer REFERENCES %s)'];
    statement text;
BEGIN
    FOREACH statement IN ARRAY deeds LOOP
        deed := split_part(statement, '%', 1);
        answers := (SELECT string_agg(DISTINCT left(public.regress_try(format(statement, c.oid::regclass, a.attname), NULL), 5), ', ')
                    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
                    WHERE c.relnamespace = 'tally'::regnamespace AND (c.relkind = 'r' OR c.relkind = 'p' AND statement NOT LIKE '%REFERENCES%'));
        RETURN NEXT;
    END LOOP;
END $$;
GRANT USAGE, CREATE ON SCHEMA regress_trap TO PUBLIC;
SELECT * FROM regress_trap.forge();
SET SESSION AUTHORIZATION regress_app;
SELECT DISTINCT answers FROM regress_trap.forge();
SET SESSION AUTHORIZATION regress_api;
SELECT DISTINCT answers FROM regress_trap.forge();
SELECT nextval('tally.event_seq');
RESET SESSION AUTHORIZATION;
-- a tenant made earlier in the statement is there, one that was rolled back is not
SELECT tally.create_tenant('three') ~ '^ten_' AS made, set_config('tally.tenant', 'three', false) AS chosen, tally.create_metric('c', 'COUNT') ~ '^bm_' AS metric;
BEGIN;
SAVEPOINT s;
SELECT tally.create_tenant('four') ~ '^ten_' AS made, set_config('tally.tenant', 'four', true) AS chosen;
SELECT tally.current_tenant() IS NOT NULL AS found;
ROLLBACK TO s;
SET LOCAL tally.tenant = 'four';
SELECT tally.current_tenant();
ROLLBACK;
RESET tally.tenant;
SET client_min_messages = warning;
DROP OWNED BY regress_admin, regress_app, regress_api, regress_stranger, regress_later CASCADE;
DROP FUNCTION public.regress_storing(), public.regress_try(text, integer);
DROP ROLE regress_admin, regress_app, regress_api, regress_stranger, regress_later;
