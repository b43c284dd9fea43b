-- tally_read: reads the tenants that it was granted, stores nothing and reaches no other, whatever it sets
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE ROLE regress_admin LOGIN IN ROLE tally_admin;
CREATE ROLE regress_app LOGIN IN ROLE tally_app;
CREATE ROLE regress_reader LOGIN IN ROLE tally_read;
CREATE ROLE regress_team NOLOGIN IN ROLE tally_read;
CREATE ROLE regress_member LOGIN IN ROLE regress_team;
CREATE ROLE regress_stranger LOGIN;
DO $$
BEGIN
    FOR n IN 1 .. 3 LOOP
        PERFORM tally.create_tenant((ARRAY['one', 'two', 'three'])[n]);
        PERFORM set_config('tally.tenant', (ARRAY['one', 'two', 'three'])[n], true);
        PERFORM tally.create_metric('c', 'COUNT', slug => 'slug-' || n), tally.create_product('product ' || n), tally.record('c', 'customer ' || n), tally.create_api_key();
        PERFORM tally.record('packed', 'customer ' || n, ts => '2026-01-01Z', allow_backfilling => true);
    END LOOP;
END $$;
CALL tally.pack(min_events => 1, max_age => '0');
SELECT tally._encode_id('bm_', metric_id) AS metric_two FROM tally.metric WHERE slug = 'slug-2' \gset
-- who can be granted what
SELECT tally.grant_read('regress_reader', 'one');
SELECT tally.grant_read('regress_reader', (SELECT id FROM tally.tenants WHERE name = 'one'));
SELECT tally.grant_read('nobody_there', 'one');
SELECT tally.grant_read('regress_reader', 'nothing');
SELECT tally.grant_read('regress_reader', NULL);
SELECT tally.grant_read(NULL, 'one');
SELECT tally.grant_read('regress_stranger', 'one');
SELECT tally.grant_read('regress_app', 'one');
SELECT tally.grant_read('tally_owner', 'one');
SELECT tally.revoke_read('regress_reader', 'two');
SELECT reader, tenant, granted_at IS NOT NULL AS at FROM tally.read_grants;
SET ROLE regress_app;
SET tally.tenant = 'one';
SELECT tally.grant_read('regress_reader', 'two');
SELECT reader, tenant FROM tally.read_grants;
SET tally.tenant = 'two';
SELECT reader, tenant FROM tally.read_grants;
RESET ROLE;
RESET tally.tenant;
CREATE FUNCTION public.regress_answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE call INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
-- what a reader reads: the only tenant that it was granted, chosen or not
CREATE FUNCTION public.regress_look(OUT what text, OUT seen text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR what IN SELECT w FROM unnest(ARRAY[
        'SELECT string_agg(slug, '','') FROM tally.metrics', 'SELECT string_agg(name, '','') FROM tally.tenants', 'SELECT string_agg(name, '','') FROM tally.products',
        'SELECT count(*)::text FROM tally.product_families', 'SELECT count(*)::text FROM tally.imports', 'SELECT string_agg(customer_id, '','') FROM tally.customers',
        'SELECT string_agg(DISTINCT customer_id, '','') FROM tally.events', 'SELECT string_agg(customer_id, '','') FROM tally.events(''packed'')',
        'SELECT string_agg(customer_id, '','') FROM tally.usage(''c'', ''2024-01-01Z'', ''2100-01-01Z'', group_by => ''{customer_id}'')',
        'SELECT events::text FROM tally.usage_total(''c'', ''2024-01-01Z'', ''2100-01-01Z'')', 'SELECT tally.current_tenant()::text',
        'SELECT string_agg(slug, '','' ORDER BY slug) FROM tally.metric', 'SELECT string_agg(name, '','') FROM tally.tenant', 'SELECT string_agg(name, '','') FROM tally.product']) WITH ORDINALITY x(w, n) ORDER BY n LOOP
        BEGIN
            EXECUTE what INTO seen;
        EXCEPTION WHEN OTHERS THEN seen := SQLSTATE || ' ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
SET SESSION AUTHORIZATION regress_reader;
SELECT seen, what FROM public.regress_look();
SET tally.tenant = 'one';
SELECT DISTINCT seen FROM public.regress_look() EXCEPT SELECT 'one' EXCEPT SELECT 'slug-1' EXCEPT SELECT 'customer 1' EXCEPT SELECT 'product 1' EXCEPT SELECT '1' EXCEPT SELECT '0';
-- no other, in the very words that a tenant is told that does not exist
SET tally.tenant = 'two';
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
SET tally.tenant = 'nothing';
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
SET tally.tenant = 'one';
SET tally.authenticated_tenant = 2;
SELECT public.regress_answer(format('SELECT tally.usage_total(%L, ''2024-01-01Z'', ''2100-01-01Z'')', :'metric_two')) AS by_id, public.regress_answer($$SELECT tally.usage_total('slug-2', '2024-01-01Z', '2100-01-01Z')$$) AS by_slug;
SELECT tally._find_metric(2, 'c');
SELECT * FROM tally._find_events(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10);
SELECT * FROM tally._events_by_id(2, 'x', NULL, NULL);
SELECT tally._life(ROW(2, gen_random_uuid(), 'n', 'c', NULL, 'COUNT', NULL, NULL, NULL, NULL, NULL, NULL, gen_random_uuid(), NULL, now(), now(), NULL, NULL, NULL)::tally.metric);
SELECT count(*) FROM tally.recent_event;
SELECT count(*) FROM tally.segment;
SELECT count(*) FROM tally.read_grant;
SELECT * FROM tally.api_keys();
SELECT tally.set_limits();
SELECT tally_rest.list_metrics(1, '{}', '{}', NULL);
-- a role that it may become reaches no more, nor does a schema in front of ours
SET ROLE tally_read;
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
RESET ROLE;
SET ROLE regress_app;
SET ROLE tally_app;
CREATE TEMP TABLE read_grant (tenant_id integer, role_name text);
INSERT INTO read_grant VALUES (2, 'regress_reader');
CREATE FUNCTION pg_temp.current_tenant() RETURNS integer LANGUAGE sql AS 'SELECT 2';
SET search_path = pg_temp, tally, public;
SET tally.tenant = 'two';
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
RESET search_path;
DROP TABLE pg_temp.read_grant;
SET tally.tenant = 'one';
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'sees %', $1; RETURN true; END $$;
SELECT count(*) FROM tally.metric WHERE pg_temp.leak(slug);
SELECT count(*) FROM tally.tenant WHERE pg_temp.leak(name);
RESET SESSION AUTHORIZATION;
RESET tally.tenant;
-- it stores nothing, with EXECUTE on everything: every function that stores refuses it, for every tenant and before anything else
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tally, tally_rest TO regress_reader;
GRANT USAGE ON SCHEMA tally_rest TO regress_reader;
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
    RAISE EXCEPTION USING ERRCODE = 'TLOOK', MESSAGE = 'it ran';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT count(*) > 40 AS many FROM public.regress_storing();
SET SESSION AUTHORIZATION regress_reader;
SET tally.tenant = 'one';
SELECT regexp_replace(public.regress_try(s.call, t), 'tally_[a-z]+$', 'tally_...') AS answer, count(*) > 10 AS many FROM public.regress_storing() s, (VALUES (1), (2)) v(t) GROUP BY 1 ORDER BY 1;
-- with them it reads of another tenant over the functions of REST no more than before
SELECT tenant, bool_or(answer ~ ('slug-' || tenant)) AS metrics, bool_or(answer ~ ('product ' || tenant)) AS products, bool_or(answer ~ ('customer ' || tenant)) AS events, bool_or(answer ~ '"value":"?[1-9]') AS usage, count(*) > 10 AS many
FROM (VALUES (1), (2)) v(tenant), LATERAL (
    SELECT public.regress_answer(format('SELECT tally_rest.%I(%s, %L, %L, NULL)', p.proname, tenant, format('{"id":"slug-%s","event_id":"x","customer_id":"customer %s","metric":"slug-%s"}', tenant, tenant, tenant),
        CASE WHEN p.proname ~ '^metric_(usage|summaries)' THEN '{"from":["2024-01-01"],"to":["2100-01-01"]}' ELSE '{}' END)) AS answer
    FROM pg_proc p WHERE p.pronamespace = 'tally_rest'::regnamespace AND p.provolatile <> 'v' AND p.proargtypes::text = '23 3802 3802 25') r
GROUP BY 1 ORDER BY 1;
RESET SESSION AUTHORIZATION;
-- the policies are the wall of definitions: without one it would see all, without the grant nothing
CREATE FUNCTION public.regress_seen_after(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE seen text;
BEGIN
    EXECUTE change;
    SET LOCAL ROLE regress_reader;
    SELECT concat_ws(' ', (SELECT count(*) FROM tally.tenant), (SELECT count(*) FROM tally.metric), (SELECT count(*) FROM tally.product), (SELECT count(*) FROM tally.product_family)) INTO seen;
    RAISE EXCEPTION USING ERRCODE = 'TSEEN', MESSAGE = seen;
EXCEPTION WHEN SQLSTATE 'TSEEN' THEN RETURN SQLERRM;
END $$;
SELECT c, public.regress_seen_after(c) FROM unnest(ARRAY['SELECT', 'DROP POLICY reader ON tally.metric', 'ALTER POLICY reader ON tally.metric USING (true)', 'ALTER TABLE tally.tenant DISABLE ROW LEVEL SECURITY',
    'DELETE FROM tally.read_grant', 'INSERT INTO tally.read_grant VALUES (2, ''regress_reader'')', 'UPDATE tally.read_grant SET role_name = ''regress_gone''']) c;
-- a grant to a group is its members'; two grants are a choice between the two
SELECT tally.grant_read('regress_team', 'two');
SELECT tally.grant_read('regress_member', 'three');
SET SESSION AUTHORIZATION regress_member;
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
SET tally.tenant = 'three';
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
SET tally.tenant = 'two';
SELECT seen FROM public.regress_look() WHERE what ~ 'tally.customers';
SET tally.tenant = 'one';
SELECT seen FROM public.regress_look() WHERE what ~ 'tally.customers';
SET SESSION AUTHORIZATION regress_reader;
SET tally.tenant = 'three';
SELECT seen FROM public.regress_look() WHERE what ~ 'tally.customers';
RESET SESSION AUTHORIZATION;
-- revoked, it reads nothing, at once
SELECT tally.revoke_read('regress_reader', 'one');
SET SESSION AUTHORIZATION regress_reader;
RESET tally.tenant;
SELECT seen, count(*) FROM public.regress_look() GROUP BY 1 ORDER BY 1;
RESET SESSION AUTHORIZATION;
-- a role that is gone is revoked all the same
SET client_min_messages = warning;
DROP OWNED BY regress_reader, regress_member CASCADE;
DROP ROLE regress_member;
RESET client_min_messages;
SELECT tally.revoke_read('regress_member', 'three');
SELECT reader, tenant FROM tally.read_grants;
SET client_min_messages = warning;
DROP FUNCTION public.regress_look(), public.regress_answer(text), public.regress_storing(), public.regress_try(text, integer), public.regress_seen_after(text);
DROP ROLE regress_admin, regress_app, regress_reader, regress_team, regress_stranger;
