-- tally_rest: ingest of many requests in one transaction

CREATE FUNCTION tally_rest.ingest_batch(key_hashes bytea[], bodies text[], OUT ordinal integer, OUT status integer, OUT body text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_ingest_requests'
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION tally_rest.ingest_batch(bytea[], text[]) IS
    'POST /api/v1/events/ingest, many at once in one transaction: SHA-256 of each request''s key and its body; answers ordinal (from 1), HTTP status and JSON body of each. Every body keeps its own strict or partial meaning. A body with an event that another transaction, still open, is storing is left undecided (503): at once where it shares the call with others, after a moment where it came alone';
