-- tally_rest: API keys of the tenant, and their limits

CREATE FUNCTION tally._is_admin_key() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM tally.api_key k WHERE k.key_id = tally.authenticated_key() AND 'admin' = ANY (k.scopes))
$$;
COMMENT ON FUNCTION tally._is_admin_key() IS 'Whether the key that was checked in this transaction has the scope admin';

CREATE FUNCTION tally_rest._check_may_read() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM tally.api_key k WHERE k.key_id = tally.authenticated_key() AND NOT k.scopes && ARRAY['read', 'admin']) THEN
        RAISE EXCEPTION 'this API key lacks the scope "read"' USING ERRCODE = 'insufficient_privilege', HINT = 'A dry run changes nothing, and tells what is stored.';
    END IF;
END
$$;
COMMENT ON FUNCTION tally_rest._check_may_read() IS 'Raises 42501 where the key that was checked in this transaction has neither the scope read nor admin: for what a route of scope write answers without writing';

CREATE FUNCTION tally_rest._limits(requests_per_second numeric, burst integer, events_per_month bigint) RETURNS json
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object('requests_per_second', requests_per_second, 'burst', coalesce(burst, ceil(requests_per_second)),
                             'events_per_month', events_per_month)
$$;
COMMENT ON FUNCTION tally_rest._limits(numeric, integer, bigint) IS 'Limits as the API shows them; null means none';

CREATE FUNCTION tally_rest.key_limits(key_hash bytea) RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object('key_id', tally._encode_id('tkn_', k.key_id), 'tenant_id', tally._encode_id('ten_', t.uid),
                             'key', tally_rest._limits(k.requests_per_second, k.burst, k.events_per_month),
                             'tenant', tally_rest._limits(t.requests_per_second, t.burst, t.events_per_month))
    FROM tally.api_key k JOIN tally.tenant t USING (tenant_id)
    WHERE k.secret_hash = key_hash AND k.revoked_at IS NULL AND (k.expires_at > clock_timestamp()) IS NOT FALSE
$$;
COMMENT ON FUNCTION tally_rest.key_limits(bytea) IS
    'Limits of a key, given by its SHA-256, and of its tenant, for tallyd to keep to; null for a key that is not valid';

CREATE FUNCTION tally_rest._key(tenant_id integer, key_id uuid) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_strip_nulls(json_build_object('id', tally._encode_id('tkn_', k.key_id), 'name', k.name, 'hint', k.hint, 'scopes', k.scopes,
        'created_at', tally_rest._timestamp(k.created_at), 'expires_at', tally_rest._timestamp(k.expires_at),
        'last_used_at', (SELECT tally_rest._timestamp(u.last_used_at) FROM tally.key_use u WHERE u.key_id = k.key_id),
        'revoked_at', tally_rest._timestamp(k.revoked_at)))
    FROM tally.api_key k WHERE k.tenant_id = _key.tenant_id AND k.key_id = _key.key_id
$$;
COMMENT ON FUNCTION tally_rest._key(integer, uuid) IS 'A key as the API shows it';

CREATE FUNCTION tally_rest.list_keys(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := list_keys.tenant_id;
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
    total    bigint;
    rows     json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page']);
    SELECT count(*) INTO total FROM tally.api_key k WHERE k.tenant_id = tenant;
    SELECT json_agg(tally_rest._key(tenant, k.key_id) ORDER BY k.key_id) INTO rows
    FROM (SELECT key_id FROM tally.api_key WHERE tenant_id = tenant ORDER BY key_id LIMIT per_page OFFSET page::bigint * per_page) k;
    RETURN tally_rest._page(rows, page, per_page, total);
END
$$;
COMMENT ON FUNCTION tally_rest.list_keys(integer, jsonb, jsonb, text) IS
    'GET /api/v1/keys: page, per_page; the tenant''s keys in the order of their creation, revoked ones too, and no secret';

CREATE FUNCTION tally_gated.create_key(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
    scopes text[] := ARRAY['read', 'write'];
    expiry timestamptz;
    made   record;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(fields, ARRAY['name', 'scopes', 'expires_at']);
    IF fields -> 'scopes' <> 'null' THEN
        IF jsonb_typeof(fields -> 'scopes') <> 'array' THEN
            PERFORM tally._fail('scopes', 'scopes must be a list of read, write, admin');
        END IF;
        scopes := ARRAY(SELECT DISTINCT s FROM jsonb_array_elements_text(fields -> 'scopes') s ORDER BY s);
    END IF;
    IF fields -> 'expires_at' <> 'null' THEN
        expiry := tally._parse_timestamp(tally._text_field(fields, 'expires_at', 64));
        IF expiry IS NULL THEN
            PERFORM tally._fail('expires_at', 'expires_at must be an RFC 3339 time such as 2030-01-31T13:00:00Z');
        END IF;
    END IF;
    SELECT * INTO made FROM tally._create_api_key(tenant_id, tally._text_field(fields, 'name', 100, true), scopes, expiry);
    RETURN (tally_rest._key(tenant_id, made.key_id)::jsonb || jsonb_build_object('secret', made.secret))::json;
END
$$;
COMMENT ON FUNCTION tally_gated.create_key(integer, jsonb, jsonb, text) IS 'What create_key does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_key(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_key(integer, jsonb, jsonb, text) IS
    'POST /api/v1/keys: makes a key {name, scopes?, expires_at?} of the tenant and answers it with its secret, this once';

CREATE FUNCTION tally_gated.revoke_key(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    UPDATE tally.api_key k SET revoked_at = coalesce(k.revoked_at, tally._now())
    WHERE k.tenant_id = revoke_key.tenant_id AND k.key_id = tally._decode_id('tkn_', path ->> 'id');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tally_gated.revoke_key(integer, jsonb, jsonb, text) IS 'What revoke_key does once the gate has let the caller through';

CREATE FUNCTION tally_rest.revoke_key(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.revoke_key(integer, jsonb, jsonb, text) IS
    'DELETE /api/v1/keys/{id}: revokes a key, from the very next request on; repeating it changes nothing; answers nothing (204)';
