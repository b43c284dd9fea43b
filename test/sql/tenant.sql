-- tenants and keys: who a session acts for
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.current_tenant();
SELECT tally.create_tenant('');
SELECT tally.create_tenant(E'two\nlines'), tally.create_tenant('x');
SELECT tally.create_tenant('x', 'production');
SELECT tally.create_tenant('one') ~ '^ten_[0-9A-Za-z]+$' AS made;
SELECT tally.create_tenant('one');
SELECT t.name FROM tally.tenant t WHERE t.tenant_id = tally.current_tenant();
SELECT tally.create_tenant('two', mode => 'test') ~ '^ten_' AS made;
SELECT tally.current_tenant();
SET tally.tenant = 'two';
SELECT t.name, t.mode FROM tally.tenant t WHERE t.tenant_id = tally.current_tenant();
SELECT set_config('tally.tenant', tally._encode_id('ten_', uid), false) ~ '^ten_' AS by_id FROM tally.tenant WHERE name = 'one';
SELECT t.name FROM tally.tenant t WHERE t.tenant_id = tally.current_tenant();
SET tally.tenant = 'three';
SELECT tally.current_tenant();
SET tally.tenant = 'one';
SELECT name, is_default FROM tally.product_family WHERE tenant_id = tally.current_tenant();
-- keys
SELECT tally.create_api_key(scopes => ARRAY['read', 'fly']);
SELECT tally.create_api_key(scopes => '{}');
SELECT tally.create_api_key(name => E'a key\u001b[2J');
SELECT tally.create_api_key(expires_at => now() - interval '1 second');
SELECT tally.create_api_key(name => 'first') AS first, tally.create_api_key(name => 'reader', scopes => ARRAY['read']) AS reader,
       tally.create_api_key(name => 'boss', scopes => ARRAY['admin'], expires_at => now() + interval '1 hour') AS boss \gset
SELECT :'first' ~ '^tally_live_[0-9A-Za-z_-]{43}$' AS shape;
-- only the hash is stored
SELECT count(*) FROM tally.api_key k WHERE k::text LIKE '%' || right(:'first', 20) || '%';
SELECT name, scopes, hint = left(:'first', 15) || '...' || right(:'first', 4) AS hinted FROM tally.api_key WHERE name = 'first';
CREATE FUNCTION pg_temp.try(secret text, scope text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tally_rest.authenticate(sha256(convert_to(secret, 'UTF8')), scope);
    RETURN 'tenant ' || (SELECT name FROM tally.tenant WHERE tenant_id = tally.authenticated_tenant());
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT pg_temp.try(:'first', 'read') AS read, pg_temp.try(:'first', 'write') AS write, pg_temp.try(:'first', 'admin') AS admin;
SELECT pg_temp.try(:'reader', 'write') AS reader_writes, pg_temp.try(:'boss', 'write') AS boss_writes, pg_temp.try('tally_live_x', 'read') AS unknown;
-- authentication ends with the transaction
SELECT tally.authenticated_tenant() IS NULL AS nobody;
BEGIN;
SELECT tally_rest.authenticate(sha256(convert_to(:'first', 'UTF8')), 'read') IS NOT NULL AS yes;
SELECT tally.authenticated_tenant() IS NOT NULL AS inside;
COMMIT;
SELECT tally.authenticated_tenant() IS NULL AS nobody;
-- revocation
SELECT tally.revoke_api_key(:'first') ~ '^tkn_' AS revoked;
SELECT pg_temp.try(:'first', 'read');
SELECT tally.revoke_api_key((SELECT tally._encode_id('tkn_', key_id) FROM tally.api_key WHERE name = 'reader')) ~ '^tkn_' AS by_id;
SELECT pg_temp.try(:'reader', 'read');
SET tally.tenant = 'two';
SELECT tally.revoke_api_key(:'boss');
SELECT pg_temp.try(:'boss', 'read') AS still_good;
-- the keys of the tenant that is chosen, for those who may make keys
SELECT name FROM tally.api_keys();
SET tally.tenant = 'one';
SELECT tally.set_limits(key => (SELECT id FROM tally.api_keys() WHERE name = 'boss'), events_per_month => 9) ~ '^tkn_' AS set;
SELECT id ~ '^tkn_' AS id, name, hint ~ '^tally_.*\.\.\.' AS hint, scopes, created_at <= now() AS created, expires_at > now() AS expires, last_used_at IS NOT NULL AS used,
       revoked_at IS NOT NULL AS revoked, events_per_month FROM tally.api_keys();
CREATE ROLE regress_admin LOGIN;
GRANT tally_admin TO regress_admin;
CREATE ROLE regress_app LOGIN;
GRANT tally_app TO regress_app;
SET SESSION AUTHORIZATION regress_admin;
SELECT count(*) FROM tally.api_keys();
SET tally.tenant = 'two';
SELECT count(*) FROM tally.api_keys();
SET SESSION AUTHORIZATION regress_app;
SELECT count(*) FROM tally.api_keys();
RESET SESSION AUTHORIZATION;
-- who gives no key of the tenant is told how to find them
\set VERBOSITY default
SELECT tally.revoke_api_key('tkn_0');
\set VERBOSITY terse
DROP OWNED BY regress_admin, regress_app;
DROP ROLE regress_admin, regress_app;
-- a tenant with events is not deleted, wherever they lie and whatever the transaction sees; one without is
\set VERBOSITY default
RESET tally.tenant;
INSERT INTO tally.tenant (name) VALUES ('with events'), ('without');
SET tally.tenant = 'with events';
SELECT r.verdict FROM tally.record('call', 'c', event_id => 'e1') r;
DELETE FROM tally.tenant WHERE name = 'with events';
CALL tally.pack(1, '0');
SELECT count(*) AS recent FROM tally.recent_event;
DELETE FROM tally.tenant WHERE name = 'with events';
DELETE FROM tally.tenant WHERE name = 'without' RETURNING name;
