-- tally_rest: personal data of a customer, erased

CREATE FUNCTION tally_gated.forget_customer(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
    names  jsonb := nullif(fields -> 'properties', 'null');
    flag   text;
BEGIN
    PERFORM tally_rest._check_query(query, '{}'), tally_rest._check_fields(fields, ARRAY['reason', 'properties', 'event_ids', 'dry_run']);
    IF jsonb_typeof(names) <> 'array' OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(names) WHEN 'array' THEN names ELSE '[]' END) n(name)
                                                 WHERE jsonb_typeof(n.name) <> 'string') THEN
        PERFORM tally._fail('properties', 'properties must be an array of names', 'Leave it out for all that no metric reads.');
    END IF;
    FOREACH flag IN ARRAY ARRAY['event_ids', 'dry_run'] LOOP
        IF coalesce(fields -> flag, 'null') NOT IN ('true', 'false', 'null') THEN
            PERFORM tally._fail(flag, flag || ' must be true or false');
        END IF;
    END LOOP;
    IF (fields ->> 'dry_run')::boolean IS NOT FALSE THEN
        PERFORM tally_rest._check_may_read();
    END IF;
    RETURN tally_gated.forget_customer(tenant_id, path ->> 'customer_id', tally._text_field(fields, 'reason', 1000, true),
        CASE WHEN names IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(names)) END, (fields ->> 'event_ids')::boolean, (fields ->> 'dry_run')::boolean);
END
$$;
COMMENT ON FUNCTION tally_gated.forget_customer(integer, jsonb, jsonb, text) IS 'What tally_rest.forget_customer does once the gate has let the caller through';

CREATE FUNCTION tally_rest.forget_customer(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.forget_customer(integer, jsonb, jsonb, text) IS
    'POST /api/v1/customers/{customer_id}/forget: {reason, properties?, event_ids?, dry_run?}: what would be erased of a customer''s events, and which metrics read it; with dry_run false it is erased then. Errors: 22023';
