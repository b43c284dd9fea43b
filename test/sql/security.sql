-- row level security: what a role can reach, whatever it tries
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('one') ~ '^ten_' AS made, tally.create_tenant('two') ~ '^ten_' AS made;
SET tally.tenant = 'one';
SELECT tally.create_metric('c', 'COUNT') ~ '^bm_' AS made, (tally.record('c', 'k')).verdict, tally.create_api_key() AS key_one \gset
SET tally.tenant = 'two';
SELECT tally.create_metric('c', 'COUNT') AS metric_two, (tally.record('c', 'k')).verdict, tally.create_api_key() AS key_two \gset
RESET tally.tenant;
CREATE ROLE regress_tallyd LOGIN;
GRANT tally_api TO regress_tallyd;
CREATE ROLE regress_developer LOGIN;
GRANT tally_app TO regress_developer;
CREATE ROLE regress_stranger LOGIN;
-- tallyd without a key sees nothing, and no setting of its own helps
SET SESSION AUTHORIZATION regress_tallyd;
SELECT count(*) FROM tally.recent_event;
SELECT count(*) FROM tally.metric;
SET tally.tenant = 'two';
SELECT count(*) FROM tally.recent_event;
SET tally.authenticated_tenant = 2;
SELECT count(*) FROM tally.recent_event;
SET tally.authenticated_tenant = 2;
SELECT * FROM tally.api_key;
SELECT tally.create_api_key();
-- with a key it sees that tenant, in that transaction
BEGIN;
SELECT tally_rest.authenticate(sha256(:'key_one'), 'read') > 0 AS good;
SELECT count(*) AS events, count(DISTINCT tenant_id) FROM tally.recent_event;
SELECT count(*) AS metrics FROM tally.metric;
SELECT count(*) FROM tally.tenant;
-- naming another tenant to the functions behind the routes does not help
SELECT tally_rest.list_metrics(tally.authenticated_tenant() + 1, '{}', '{}', NULL) -> 'data';
SELECT tally_rest.get_profile(tally.authenticated_tenant() + 1, '{}', '{}', NULL) IS NULL AS nothing;
SAVEPOINT s;
SELECT tally_rest.get_metric(tally.authenticated_tenant() + 1, '{"id":"bm_0"}', '{}', NULL);
ROLLBACK TO s;
INSERT INTO tally.recent_identity SELECT gen_random_uuid(), 0, tally.authenticated_tenant() + 1, 0;
ROLLBACK;
SELECT count(*) FROM tally.recent_event;
-- a wrong key
SELECT tally_rest.authenticate(sha256('guess'), 'read');
-- several tenants in one batch: each event lands where its key belongs
SELECT ordinal, status, body FROM tally_rest.ingest_batch(ARRAY[sha256(:'key_two'), sha256(:'key_one')],
    ARRAY['{"events":[{"event_id":"x","code":"c","customer_id":"two"}]}', '{"events":[{"event_id":"x","code":"c","customer_id":"one"}]}']) ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT t.name, e.customer_id FROM tally.recent_event e JOIN tally.tenant t USING (tenant_id) WHERE event_id = 'x' ORDER BY 1;
-- a developer acts for the tenant that it chose, may meter and define, and may not change what was metered
SET SESSION AUTHORIZATION regress_developer;
SET tally.tenant = 'one';
SELECT count(DISTINCT tenant_id) AS tenants FROM tally.recent_event;
SELECT (tally.record('c', 'k', event_id => 'dev')).verdict;
SELECT verdict FROM tally.record('c', 'k', ts => '1971-01-01', allow_backfilling => true);
SELECT value FROM tally.usage('c', now() - interval '1 hour', now() + interval '1 hour');
SELECT set_config('regress.metric', :'metric_two', false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM tally.usage(current_setting('regress.metric'), now() - interval '1 hour', now() + interval '1 hour');
EXCEPTION WHEN no_data_found THEN RAISE NOTICE 'the other tenant''s metric does not exist'; END $$;
SELECT tally.create_metric('d', 'COUNT') ~ '^bm_' AS made, tally.archive_metric('d') ~ '^bm_' AS archived;
UPDATE tally.recent_event SET customer_id = 'x';
DELETE FROM tally.recent_identity;
UPDATE tally.metric SET code = 'x';
SELECT tally.create_tenant('three');
SELECT * FROM tally.api_key;
RESET SESSION AUTHORIZATION;
-- anybody may aggregate, nobody else may meter
SET SESSION AUTHORIZATION regress_stranger;
SELECT tally.total(tally.summarize(x)) FROM generate_series(1, 3) x;
SELECT count(*) FROM tally.recent_event;
SELECT tally.record('c', 'k');
SELECT tally_rest.ready();
CREATE TABLE tally.mine (x int);
RESET SESSION AUTHORIZATION;
-- no function that runs with its owner's rights runs with a superuser's; those behind the gate are nobody's but the owner's
SELECT DISTINCT CASE p.pronamespace::regnamespace::text WHEN 'tally_gated' THEN 'behind the gate' ELSE p.oid::regprocedure::text END AS function, r.rolname, r.rolsuper,
       has_function_privilege('regress_stranger', p.oid, 'EXECUTE') AS public, has_function_privilege('tally_admin', p.oid, 'EXECUTE') AS admin,
       has_function_privilege('tally_app', p.oid, 'EXECUTE') AS app, has_function_privilege('tally_api', p.oid, 'EXECUTE') AS api
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.prosecdef AND p.pronamespace::regnamespace::text IN ('tally', 'tally_rest', 'tally_gated') ORDER BY 1;
-- with the schema's own functions shadowed by somebody's, ours still call ours
CREATE SCHEMA trap;
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
SET search_path = trap, pg_catalog, public;
SET tally.tenant = 'one';
SELECT (tally.record('c', 'k', event_id => 'trap')).verdict;
SELECT received_at > '2020-01-01' AS right_clock FROM tally.recent_event WHERE event_id = 'trap';
RESET search_path;
RESET tally.tenant;
DROP SCHEMA trap CASCADE;
DROP OWNED BY regress_tallyd, regress_developer, regress_stranger;
DROP ROLE regress_tallyd, regress_developer, regress_stranger;
