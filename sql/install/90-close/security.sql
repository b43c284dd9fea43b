-- owners, grants and row level security

DO $owners$
DECLARE
    object text;
BEGIN
    FOREACH object IN ARRAY ARRAY['tenant', 'api_key', 'product_family', 'product', 'metric', 'recent_event', 'recent_identity',
                                  'import_batch', 'correction', 'idempotency', 'key_use',
                                  'month_count'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE tally.%I OWNER TO tally_owner', object);
        EXECUTE pg_catalog.format('ALTER TABLE tally.%I ENABLE ROW LEVEL SECURITY', object);
        EXECUTE pg_catalog.format('GRANT ALL ON tally.%I TO tally_admin', object);
        EXECUTE pg_catalog.format('CREATE POLICY admin ON tally.%I TO tally_admin USING (true)', object);
        EXECUTE pg_catalog.format('COMMENT ON POLICY admin ON tally.%I IS ''tally_admin acts for every tenant''', object);
        CONTINUE WHEN object = 'api_key';   -- only the functions that check and make keys see it
        EXECUTE pg_catalog.format('GRANT SELECT ON tally.%I TO tally_app, tally_api', object);
        EXECUTE pg_catalog.format('CREATE POLICY app ON tally.%I TO tally_app USING (tenant_id = tally.current_tenant())', object);
        EXECUTE pg_catalog.format('COMMENT ON POLICY app ON tally.%I IS ''tally_app acts for the tenant that it chose''', object);
        EXECUTE pg_catalog.format('CREATE POLICY api ON tally.%I TO tally_api USING (tenant_id = tally.authenticated_tenant())', object);
        EXECUTE pg_catalog.format('COMMENT ON POLICY api ON tally.%I IS ''tally_api acts for the tenant whose key was checked in this transaction''', object);
    END LOOP;
END
$owners$;

ALTER SEQUENCE tally.event_seq OWNER TO tally_owner;
GRANT USAGE ON SEQUENCE tally.event_seq TO tally_admin, tally_app, tally_api;
GRANT USAGE ON SEQUENCE tally.tenant_tenant_id_seq TO tally_admin;
GRANT INSERT ON tally.metric, tally.recent_event, tally.recent_identity TO tally_app, tally_api;
GRANT INSERT, DELETE ON tally.idempotency TO tally_app, tally_api;
GRANT UPDATE (answer) ON tally.idempotency TO tally_app, tally_api;
GRANT INSERT ON tally.import_batch, tally.correction TO tally_app, tally_api;
GRANT UPDATE (accepted, duplicates, failures, lines, updated_at, voided_at, void_reason, voided) ON tally.import_batch TO tally_app, tally_api;
-- An identity may be released by whoever voids its event, and never otherwise.
GRANT DELETE ON tally.recent_identity TO tally_app, tally_api;
CREATE POLICY release ON tally.recent_identity AS RESTRICTIVE FOR DELETE TO tally_app, tally_api
    USING (EXISTS (SELECT FROM tally.correction c
                   WHERE c.tenant_id = recent_identity.tenant_id AND c.identity = recent_identity.identity));
COMMENT ON POLICY release ON tally.recent_identity IS 'Only of events that are voided';
GRANT INSERT ON tally.product_family, tally.product TO tally_app, tally_api;
GRANT UPDATE (name, alias, archived_at) ON tally.product_family TO tally_app, tally_api;
GRANT UPDATE (name, alias, description, archived_at) ON tally.product TO tally_app, tally_api;
GRANT UPDATE (name, description, segmentation_matrix, conversion_factor, conversion_rounding, updated_at, archived_at)
    ON tally.metric TO tally_app, tally_api;

-- Keys over REST: everything but the hash of the secret, and only for admin keys; who knows a key sees that one.
GRANT SELECT (key_id, tenant_id, name, hint, scopes, created_at, expires_at, revoked_at, requests_per_second, burst, events_per_month),
      INSERT (key_id, tenant_id, name, secret_hash, hint, scopes, expires_at), UPDATE (revoked_at) ON tally.api_key TO tally_api;
GRANT INSERT ON tally.key_use TO tally_api;
CREATE POLICY api_own ON tally.api_key FOR SELECT TO tally_api USING (key_id = tally.authenticated_key());
COMMENT ON POLICY api_own ON tally.api_key IS 'tally_api sees the key that was checked in this transaction';
CREATE POLICY api_admin ON tally.api_key TO tally_api USING (tenant_id = tally.authenticated_tenant() AND tally._is_admin_key());
COMMENT ON POLICY api_admin ON tally.api_key IS 'tally_api acts on the keys of the tenant whose admin key was checked in this transaction';

-- Functions that run with the owner's rights. The owner logs in nowhere and is no superuser.
GRANT USAGE ON SCHEMA tally_rest TO tally_owner;
ALTER FUNCTION tally.current_tenant() OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally.current_tenant() TO tally_admin, tally_app, tally_api;
GRANT EXECUTE ON FUNCTION tally._set_authenticated_tenant(integer), tally._set_authenticated_key(uuid) TO tally_owner;
ALTER FUNCTION tally._is_admin_key() OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally._is_admin_key() TO tally_admin, tally_api;
ALTER FUNCTION tally._take_share(integer, uuid, bigint, timestamptz) OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally._take_share(integer, uuid, bigint, timestamptz) TO tally_admin, tally_api;
ALTER FUNCTION tally._use_share(integer, uuid, integer, bigint, timestamptz) OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally._use_share(integer, uuid, integer, bigint, timestamptz) TO tally_admin, tally_api;
ALTER FUNCTION tally_rest.key_limits(bytea) OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally_rest.key_limits(bytea) TO tally_admin, tally_api;
ALTER FUNCTION tally_rest._check_key(bytea, text) OWNER TO tally_owner;
GRANT EXECUTE ON FUNCTION tally_rest._check_key(bytea, text) TO tally_admin, tally_api;

GRANT EXECUTE ON FUNCTION tally.create_tenant(text, text), tally.create_api_key(text, text[], timestamptz),
    tally.api_keys(), tally.revoke_api_key(text), tally.set_limits(numeric, integer, bigint, text) TO tally_admin;

