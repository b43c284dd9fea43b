-- identifiers: UUIDv7 inside, prefix + base62 (as Meteroid shows them) outside

CREATE FUNCTION tally._uuid7() RETURNS uuid
    AS 'MODULE_PATHNAME', 'tally_uuid7'
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._uuid7() IS 'New version 7 UUID (RFC 9562): sorts by time of creation';

CREATE FUNCTION tally._random_bytes(count integer) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_random_bytes'
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._random_bytes(integer) IS 'Cryptographically strong random bytes, 1 to 1024 of them';

CREATE FUNCTION tally._encode_id(prefix text, id uuid) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_encode_id'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._encode_id(text, uuid) IS
    'Public id: prefix + base62 (0-9A-Za-z) of the UUID rotated left by 67 bits, without padding';

CREATE FUNCTION tally._decode_id(prefix text, id text) RETURNS uuid
    AS 'MODULE_PATHNAME', 'tally_decode_id'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._decode_id(text, text) IS
    'UUID of a public id with this prefix, or of a bare UUID as text; NULL for any other text';

CREATE FUNCTION tally._now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT pg_catalog.date_trunc('milliseconds', pg_catalog.now()) $$;
COMMENT ON FUNCTION tally._now() IS 'Start of the transaction in whole milliseconds, as the APIs show times of definitions';

