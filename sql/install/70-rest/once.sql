-- tally_rest: Idempotency-Key: a request that is sent again is answered as the first time and does nothing
--
-- Only successes are remembered: a request that failed did nothing, so it may be tried again with the same key. The key is
-- claimed by its row before the work is done, in the same transaction; whoever comes at the same time waits for that row.

CREATE TABLE tally.idempotency (
    tenant_id    integer NOT NULL REFERENCES tally.tenant,
    key_hash     bytea NOT NULL CHECK (pg_catalog.octet_length(key_hash) = 32),
    request_hash bytea NOT NULL CHECK (pg_catalog.octet_length(request_hash) = 32),
    answer       text,
    created_at   timestamptz NOT NULL DEFAULT tally._now(),
    PRIMARY KEY (tenant_id, key_hash)
);
CREATE INDEX idempotency_age ON tally.idempotency (tenant_id, created_at);
COMMENT ON TABLE tally.idempotency IS 'What requests with an Idempotency-Key were answered, for 24 hours';
COMMENT ON COLUMN tally.idempotency.tenant_id IS 'Whose request it was';
COMMENT ON COLUMN tally.idempotency.key_hash IS 'SHA-256 of the Idempotency-Key';
COMMENT ON COLUMN tally.idempotency.request_hash IS 'SHA-256 of function, path, query and canonical body: another request with the same key is refused';
COMMENT ON COLUMN tally.idempotency.answer IS 'The JSON that it was answered with';
COMMENT ON COLUMN tally.idempotency.created_at IS 'When it was answered';
COMMENT ON INDEX tally.idempotency_age IS 'Oldest answers of a tenant';

CREATE FUNCTION tally_rest._canonical(body text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN body::jsonb::text;
EXCEPTION WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
    RETURN body;    -- whoever reads it will refuse it, and say why
END
$$;
COMMENT ON FUNCTION tally_rest._canonical(text) IS
    'A JSON text without what does not change it: white space, order of members. tallyd leaves blanks where it took a key out';

CREATE FUNCTION tally_rest._claim_key(tenant_id integer, key_hash bytea, request_hash bytea, OUT claimed boolean, OUT answer text) RETURNS record
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant  integer := _claim_key.tenant_id;
    wanted  bytea := _claim_key.key_hash;
    request bytea := _claim_key.request_hash;
    known   tally.idempotency;
BEGIN
    DELETE FROM tally.idempotency i WHERE i.tenant_id = tenant AND i.key_hash = wanted AND i.created_at <= now() - interval '24 hours';
    INSERT INTO tally.idempotency (tenant_id, key_hash, request_hash) VALUES (tenant, wanted, request) ON CONFLICT DO NOTHING;
    claimed := FOUND;
    IF claimed THEN
        -- A few old ones go with each new one, so there are never many.
        DELETE FROM tally.idempotency i USING
            (SELECT o.key_hash FROM tally.idempotency o WHERE o.tenant_id = tenant AND o.created_at <= now() - interval '24 hours'
             ORDER BY o.created_at LIMIT 10 FOR UPDATE SKIP LOCKED) old
        WHERE i.tenant_id = tenant AND i.key_hash = old.key_hash;
        RETURN;
    END IF;
    SELECT * INTO known FROM tally.idempotency i WHERE i.tenant_id = tenant AND i.key_hash = wanted;
    IF known.key_hash IS NULL THEN
        RAISE EXCEPTION 'the Idempotency-Key expired at this moment' USING ERRCODE = 'serialization_failure', HINT = 'Try again.';
    ELSIF known.request_hash <> request THEN
        RAISE EXCEPTION 'this Idempotency-Key was used for another request' USING ERRCODE = 'TL409', COLUMN = 'Idempotency-Key',
            HINT = 'Give each request a key of its own, and send the very same request again only.';
    END IF;
    answer := known.answer;
END
$$;
COMMENT ON FUNCTION tally_rest._claim_key(integer, bytea, bytea) IS
    'Claims an Idempotency-Key for a request, waiting for whoever is just doing the same; else answers what the request was answered. Errors: TL409 the key belongs to another request';

CREATE FUNCTION tally_gated.once(tenant_id integer, idempotency_key text, function_name text, path jsonb,
    query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    hash     bytea := sha256(convert_to(idempotency_key, 'UTF8'));
    claim    record;
    result   json;
BEGIN
    IF function_name IS NULL OR function_name NOT IN ('create_metric', 'create_product_family', 'create_product') THEN
        RAISE EXCEPTION 'function "%" takes no Idempotency-Key', function_name USING ERRCODE = 'feature_not_supported';
    ELSIF length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
        PERFORM tally._fail('Idempotency-Key', 'the Idempotency-Key must have 1 to 255 characters');
    END IF;
    IF idempotency_key IS NOT NULL THEN
        claim := tally_rest._claim_key(tenant_id, hash,
            sha256(convert_to(json_build_array(function_name, path, query, tally_rest._canonical(body))::text, 'UTF8')));
        IF NOT claim.claimed THEN
            RETURN claim.answer;
        END IF;
    END IF;
    EXECUTE format('SELECT tally_rest.%I($1, $2, $3, $4)', function_name) INTO result USING tenant_id, path, query, body;
    UPDATE tally.idempotency i SET answer = result::text WHERE i.tenant_id = once.tenant_id AND i.key_hash = hash;
    RETURN result;
END
$$;
COMMENT ON FUNCTION tally_gated.once(integer, text, text, jsonb, jsonb, text) IS 'What once does once the gate has let the caller through';

CREATE FUNCTION tally_rest.once(tenant_id integer, idempotency_key text, function_name text, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.once(integer, text, text, jsonb, jsonb, text) IS
    'Calls a function behind a POST route (create_metric, create_product_family, create_product) once for an Idempotency-Key: the same request again, also at the same time, is answered as the first time for 24 hours. NULL for the key: simply calls. Errors: TL409 the key belongs to another request, 22023 bad key';
