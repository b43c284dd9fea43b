-- tally_rest: the profile, which is the tenant as Metricsco calls it

CREATE FUNCTION tally_rest.get_profile(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN (
        SELECT json_build_object(
            'id', tally._encode_id('ten_', t.uid), 'name', t.name, 'mode', t.mode, 'created_at', tally_rest._timestamp(t.created_at),
            'default_product_family_id', (SELECT tally._encode_id('pf_', f.product_family_id) FROM tally.product_family f
                                          WHERE f.tenant_id = t.tenant_id AND f.is_default),
            'product_families', (SELECT coalesce(json_agg(json_build_object('id', tally._encode_id('pf_', f.product_family_id), 'name', f.name)
                                                 ORDER BY f.created_at, f.product_family_id), '[]')
                                 FROM tally.product_family f WHERE f.tenant_id = t.tenant_id AND f.archived_at IS NULL),
            'limits', tally_rest._limits(t.requests_per_second, t.burst, t.events_per_month),
            'usage', json_build_object('month', to_char(tally._month(clock_timestamp()), 'YYYY-MM'),
                                       'events', tally._month_used(t.tenant_id, '00000000-0000-0000-0000-000000000000', clock_timestamp())),
            'key', (SELECT json_build_object('id', tally._encode_id('tkn_', k.key_id), 'name', k.name, 'scopes', k.scopes,
                               'limits', tally_rest._limits(k.requests_per_second, k.burst, k.events_per_month),
                               'usage', json_build_object('month', to_char(tally._month(clock_timestamp()), 'YYYY-MM'),
                                                          'events', tally._month_used(t.tenant_id, k.key_id, clock_timestamp())))
                    FROM tally.api_key k WHERE k.key_id = tally.authenticated_key()))
        FROM tally.tenant t WHERE t.tenant_id = get_profile.tenant_id);
END
$$;
COMMENT ON FUNCTION tally_rest.get_profile(integer, jsonb, jsonb, text) IS
    'GET /api/v1/profile: the tenant of the key, with its product families, and the limits and the month''s events of the tenant and of the key';

