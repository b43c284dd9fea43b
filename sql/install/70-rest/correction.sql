-- tally_rest: events voided, restored and amended one by one

CREATE FUNCTION tally_rest._correction_fields(path jsonb, query jsonb, body text, more text[],
                                              OUT event_id text, OUT reason text, OUT customer text, OUT sender text, OUT fields jsonb) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    name text;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    fields := tally_rest._body(body);
    PERFORM tally_rest._check_fields(fields, ARRAY['reason', 'customer_id', 'source'] || more);
    FOREACH name IN ARRAY ARRAY['customer_id', 'source'] LOOP
        IF jsonb_typeof(fields -> name) NOT IN ('string', 'null') THEN
            PERFORM tally._fail(name, format('%s must be a string, not %s', name, jsonb_typeof(fields -> name)));
        ELSIF length(fields ->> name) > 255 THEN
            PERFORM tally._fail(name, format('%s must have at most 255 characters', name));
        END IF;
    END LOOP;
    event_id := path ->> 'event_id';
    reason := tally._text_field(fields, 'reason', 1000, true);
    customer := fields ->> 'customer_id';
    sender := fields ->> 'source';
END
$$;
COMMENT ON FUNCTION tally_rest._correction_fields(jsonb, jsonb, text, text[]) IS
    'Which event is meant and why, of a path and a body {reason, customer_id?, source?} with further fields. Raises 22023';

CREATE FUNCTION tally_rest._corrected_event(tenant_id integer, event_id text, customer text, sender text) RETURNS json
    LANGUAGE plpgsql VOLATILE       -- sees what its caller has just done
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN (SELECT json_agg(tally_rest._event_with_history(e)) -> 0
            FROM tally._events_by_id(tenant_id, event_id, customer, sender) e
            WHERE NOT EXISTS (SELECT FROM tally.correction c
                              WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq AND (c.import_id IS NOT NULL OR c.successor IS NOT NULL)));
END
$$;
COMMENT ON FUNCTION tally_rest._corrected_event(integer, text, text, text) IS 'The event as it is now, with its history';

CREATE FUNCTION tally_gated.void_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given record;
BEGIN
    given := tally_rest._correction_fields(path, query, body, '{}');
    PERFORM tally_gated.void_event(tenant_id, given.event_id, given.reason, given.customer, given.sender);
    RETURN tally_rest._corrected_event(tenant_id, given.event_id, given.customer, given.sender);
END
$$;
COMMENT ON FUNCTION tally_gated.void_event(integer, jsonb, jsonb, text) IS 'What tally_rest.void_event does once the gate has let the caller through';

CREATE FUNCTION tally_rest.void_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.void_event(integer, jsonb, jsonb, text) IS
    'POST /api/v1/events/{event_id}/void: {reason, customer_id?, source?}: the event counts no longer and keeps its identity; answers it with its history. Errors: P0002 no such event; TL409 void already, or several events have the id, which the detail lists';

CREATE FUNCTION tally_gated.restore_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given record;
BEGIN
    given := tally_rest._correction_fields(path, query, body, '{}');
    PERFORM tally_gated.restore_event(tenant_id, given.event_id, given.reason, given.customer, given.sender);
    RETURN tally_rest._corrected_event(tenant_id, given.event_id, given.customer, given.sender);
END
$$;
COMMENT ON FUNCTION tally_gated.restore_event(integer, jsonb, jsonb, text) IS 'What tally_rest.restore_event does once the gate has let the caller through';

CREATE FUNCTION tally_rest.restore_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.restore_event(integer, jsonb, jsonb, text) IS
    'POST /api/v1/events/{event_id}/restore: {reason, customer_id?, source?}: takes a void back; answers the event with its history. Errors: P0002 no such event; TL409 not void, or several events have the id';

CREATE FUNCTION tally_gated.amend_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given record;
BEGIN
    given := tally_rest._correction_fields(path, query, body, ARRAY['properties', 'timestamp', 'code']);
    IF jsonb_typeof(given.fields -> 'properties') NOT IN ('object', 'null') THEN
        PERFORM tally._fail('properties', format('properties must be an object, not %s', jsonb_typeof(given.fields -> 'properties')));
    END IF;
    -- Numbers as they were sent: of the body's text, not of jsonb.
    PERFORM tally_gated.amend_event(tenant_id, given.event_id, given.reason, given.customer, given.sender,
                                    CASE WHEN jsonb_typeof(given.fields -> 'properties') = 'object' THEN body::json -> 'properties' END,
                                    tally._text_field(given.fields, 'timestamp', 64), tally._text_field(given.fields, 'code', 512));
    RETURN tally_rest._corrected_event(tenant_id, given.event_id, given.customer, given.sender);
END
$$;
COMMENT ON FUNCTION tally_gated.amend_event(integer, jsonb, jsonb, text) IS 'What tally_rest.amend_event does once the gate has let the caller through';

CREATE FUNCTION tally_rest.amend_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.amend_event(integer, jsonb, jsonb, text) IS
    'POST /api/v1/events/{event_id}/amend: {reason, properties?, timestamp?, code?, customer_id?, source?}: says anew what the event should have been; answers it as it is now with its history. Errors: 22023 nothing amended, or no event that could be stored; P0002 no such event; TL409 void, the same already, or several events have the id; TL429 over the limit of the month';
