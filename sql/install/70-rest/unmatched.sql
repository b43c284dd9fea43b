-- tally_rest: codes that no metric reads

CREATE FUNCTION tally_rest.list_unmatched_codes(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    row_limit integer := tally_rest._parameter_number(query, 'limit', 1, 1000, 100);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['limit']);
    RETURN json_build_object('data', (
        SELECT coalesce(json_agg(json_build_object('code', u.code, 'events', u.events, 'first', tally_rest._timestamp(u.first), 'last', tally_rest._timestamp(u.last))
                                 ORDER BY u.events DESC, u.code COLLATE "C"), '[]')
        FROM (SELECT * FROM tally._unmatched_codes(tenant_id) LIMIT row_limit) u));
END
$$;
COMMENT ON FUNCTION tally_rest.list_unmatched_codes(integer, jsonb, jsonb, text) IS
    'GET /api/v1/unmatched_codes: codes of stored events that no metric in use reads, most events first, at most limit (1 to 1000, 100)';
