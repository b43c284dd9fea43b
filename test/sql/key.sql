-- API keys over REST
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
SELECT tally.create_api_key('boss of two', '{admin}') AS other \gset
SELECT tally._encode_id('tkn_', key_id) AS other_id FROM tally.api_key WHERE name = 'boss of two' \gset
RESET tally.tenant;
CREATE ROLE regress_tallyd LOGIN;
GRANT tally_api TO regress_tallyd;
GRANT CREATE ON SCHEMA public TO regress_tallyd;
SET SESSION AUTHORIZATION regress_tallyd;
-- what tallyd does with a request: the key's tenant, then the function behind the route
CREATE FUNCTION public.regress_call(secret text, scope text, function text, path text DEFAULT '{}', body text DEFAULT NULL, query text DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; state text; message text; field text;
BEGIN
    EXECUTE format('SELECT tally_rest.%I(tally_rest.authenticate(sha256(convert_to($1, ''UTF8'')), $2), $3::jsonb, $4::jsonb, $5)::text', function)
    INTO answer USING secret, scope, path, query, body;
    RETURN coalesce(regexp_replace(regexp_replace(regexp_replace(answer, 'tkn_[0-9A-Za-z]+', 'tkn_ID', 'g'), '"20[^"]+Z"', '"TIME"', 'g'), 'tally_live_[-_0-9A-Za-z]+(\.\.\.[-_0-9A-Za-z]{4})?', 'tally_live_X', 'g'), 'nothing');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN concat_ws(' ', state, field || ':', regexp_replace(message, 'tkn_[0-9A-Za-z]+', 'tkn_ID'));
END $$;
SELECT public.regress_call(:'boss', 'admin', 'create_key', body => '{"name":"till"}');
SELECT public.regress_call(:'boss', 'admin', 'create_key', body => '{"name":"short","scopes":["write"],"expires_at":"2999-01-31T00:00:00+02:00"}');
SELECT b, public.regress_call(:'boss', 'admin', 'create_key', body => b) FROM unnest(ARRAY['', '[]', '{}', '{"name":""}', '{"name":5}', '{"name":"x","scopes":[]}', '{"name":"x","scopes":"read"}',
    '{"name":"x","scopes":["root"]}', '{"name":"x","scopes":[1]}', '{"name":"x","scopes":[null]}', '{"name":"x","expires_at":"2001-01-01T00:00:00Z"}', '{"name":"x","expires_at":"soon"}',
    '{"name":"x","expires_at":5}', '{"name":"x","tenant_id":"ten_0"}', '{"name":"x","secret":"mine"}']) b;
SELECT public.regress_call(:'boss', 'admin', 'list_keys');
SELECT public.regress_call(:'boss', 'admin', 'list_keys', query => '{"per_page":["1"],"page":["1"]}');
SELECT public.regress_call(:'boss', 'admin', 'list_keys', query => '{"pages":["1"]}');
SELECT public.regress_call(:'app', 'admin', 'list_keys'), public.regress_call(:'app', 'admin', 'create_key', body => '{"name":"x"}');
-- a new key works at once, and after its revocation no more
BEGIN;
SELECT tally_rest.create_key(tally_rest.authenticate(sha256(:'boss'), 'admin'), '{}', '{}', '{"name":"made","scopes":["read","read"]}') AS made \gset
COMMIT;
SELECT :'made'::json ->> 'secret' AS secret, json_build_object('id', :'made'::json ->> 'id') AS path \gset
SELECT :'made'::json -> 'scopes' AS scopes, public.regress_call(:'secret', 'read', 'list_metrics') AS reads, public.regress_call(:'secret', 'write', 'list_metrics') AS writes;
SELECT public.regress_call(:'boss', 'admin', 'revoke_key', :'path') AS revoked, public.regress_call(:'boss', 'admin', 'revoke_key', :'path') AS again;
SELECT public.regress_call(:'secret', 'read', 'list_metrics');
SELECT p, public.regress_call(:'boss', 'admin', 'revoke_key', p) FROM unnest(ARRAY['{"id":"tkn_0"}', '{"id":"x"}', '{"id":"bm_0"}']) p;
-- another tenant's keys are not there
SELECT public.regress_call(:'boss', 'admin', 'revoke_key', json_build_object('id', :'other_id')::text);
SELECT public.regress_call(:'other', 'admin', 'list_keys');
BEGIN;
SELECT tally_rest.authenticate(sha256(:'boss'), 'admin') AS tenant \gset
SELECT tally_rest.list_keys(:tenant + 1, '{}', '{}', NULL) -> 'data' AS other;
SAVEPOINT s;
SELECT tally_rest.create_key(:tenant + 1, '{}', '{}', '{"name":"stolen"}');
ROLLBACK TO s;
SELECT tally_rest.revoke_key(:tenant + 1, '{}', '{}', NULL);
ROLLBACK TO s;
INSERT INTO tally.api_key (tenant_id, name, secret_hash, hint, scopes) VALUES (:tenant + 1, 'stolen', sha256('x'), '', '{read}');
ROLLBACK TO s;
-- nor is any hash of a secret
SELECT secret_hash FROM tally.api_key;
ROLLBACK TO s;
SELECT count(*) FROM tally.api_key WHERE secret_hash IS NOT NULL;
ROLLBACK TO s;
UPDATE tally.api_key SET scopes = '{admin}';
ROLLBACK TO s;
UPDATE tally.api_key SET events_per_month = NULL;
ROLLBACK TO s;
SET tally.authenticated_key = '00000000-0000-0000-0000-000000000000';
ROLLBACK;
SELECT count(*) FROM tally.api_key;
-- a key without admin has no power over keys, whatever is tried with it
BEGIN;
SELECT tally_rest.authenticate(sha256(:'app'), 'write') AS tenant \gset
SELECT name FROM tally.api_key;
SAVEPOINT s;
SELECT tally_rest.create_key(:tenant, '{}', '{}', '{"name":"risen","scopes":["admin"]}');
ROLLBACK TO s;
WITH revoked AS (UPDATE tally.api_key SET revoked_at = now() RETURNING 1) SELECT count(*) FROM revoked;
ROLLBACK TO s;
SELECT set_config('tally.authenticated_key', '00000000-0000-0000-0000-000000000001', true);
ROLLBACK;
-- last use: to the minute
SELECT tally_rest.key_limits(sha256('x')) IS NULL AS unknown, tally_rest.key_limits(sha256(:'secret')) IS NULL AS revoked;
RESET SESSION AUTHORIZATION;
SELECT k.name, u.last_used_at IS NOT NULL AS used FROM tally.api_key k JOIN tally.key_use u USING (key_id) ORDER BY k.key_id;
UPDATE tally.key_use SET last_used_at = now() - interval '50 seconds' WHERE last_used_at IS NOT NULL;
SELECT tally_rest.authenticate(sha256(:'app'), 'read') > 0 AS good;
SELECT count(*) FROM tally.key_use WHERE last_used_at > now() - interval '40 seconds';
UPDATE tally.key_use SET last_used_at = now() - interval '70 seconds' WHERE last_used_at IS NOT NULL;
BEGIN READ ONLY;
SELECT tally_rest.authenticate(sha256(:'app'), 'read') > 0 AS good;
COMMIT;
SELECT count(*) FROM tally.key_use WHERE last_used_at > now() - interval '40 seconds';
SELECT tally_rest.authenticate(sha256(:'app'), 'read') > 0 AS good;
SELECT count(*) FROM tally.key_use WHERE last_used_at > now() - interval '40 seconds';
DROP FUNCTION public.regress_call;
DROP OWNED BY regress_tallyd;
DROP ROLE regress_tallyd;
