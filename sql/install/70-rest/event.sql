-- tally_rest: the event list, with what each metric made of an event, and the lookup of one event

CREATE FUNCTION tally_rest._event_histories(tenant_id integer, identities uuid[], cut text, OUT identity uuid, OUT seq bigint, OUT act_done json)
    RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT h.identity, h.seq, json_strip_nulls(json_build_object('action', h.action, 'at', tally_rest._timestamp(h.at), 'by', h.actor, 'reason', h.reason,
                                                                 'batch_id', tally._encode_id('cor_', h.batch_id)))
    FROM (SELECT c.identity, c.seq, c.act, CASE WHEN c.successor IS NOT NULL THEN 'amended' ELSE 'voided' END AS action, c.created_at AS at, c.created_by AS actor, c.reason, c.batch_id
          FROM tally.correction c WHERE c.tenant_id = _event_histories.tenant_id AND c.identity = ANY (identities)
          UNION ALL
          SELECT l.identity, l.seq, x.act, x.action, x.at, x.actor, x.reason, l.batch_id
          FROM tally.lifted_correction l, LATERAL (VALUES (l.act, 'voided', l.created_at, l.created_by, l.reason),
                                                          (l.lift_act, 'restored', l.lifted_at, l.lifted_by, l.lifted_reason)) x(act, action, at, actor, reason)
          WHERE l.tenant_id = _event_histories.tenant_id AND l.identity = ANY (identities)) h
    WHERE cut IS NULL OR EXISTS (SELECT FROM tally.cut u WHERE u.cut_id = tally._decode_id('cut_', cut) AND tally._cut_sees(u.last_act, u.unseen_acts, h.act))
    ORDER BY h.act
$$;
COMMENT ON FUNCTION tally_rest._event_histories(integer, uuid[], text) IS
    'What was done to events of these identities after they came, in order, as the API shows it: voided, restored, amended; of which row. cut: the id of one that alone is looked at';

CREATE FUNCTION tally_rest._event_with_history(e tally.recent_event, as_of text DEFAULT NULL) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- Appended as text: an event's properties stand in it as jsonb shows them.
    SELECT (left(tally._event_json(e, true, as_of)::text, -1) || ',"history":' || coalesce(json_agg(h.act_done)::text, '[]') || '}')::json
    FROM tally_rest._event_histories(e.tenant_id, ARRAY[tally._event_identity(e.tenant_id, e.customer_id, e.source, e.event_id)], as_of) h
    WHERE h.seq <= e.seq
$$;
COMMENT ON FUNCTION tally_rest._event_with_history(tally.recent_event, text) IS
    'An event as the API shows it, with the value and the group that each metric takes of it, and what was done to it and to the rows of it that were amended before: who, when and why. as_of: the id of a cut';

CREATE FUNCTION tally_rest._cursor(ts timestamptz, seq bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT encode(convert_to(format('%s.%s', round(extract(epoch FROM ts)::numeric * 1000000), seq), 'UTF8'), 'hex') $$;
COMMENT ON FUNCTION tally_rest._cursor(timestamptz, bigint) IS 'Where a page of events ends: its last event''s place in the order. Opaque to clients';

CREATE FUNCTION tally_rest._read_cursor(query jsonb, OUT ts timestamptz, OUT seq bigint) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := tally_rest._parameter(query, 'cursor');
    parts text[];
BEGIN
    IF given ~ '^(3[0-9]|2e){3,38}$' THEN      -- digits and a dot
        parts := regexp_match(convert_from(decode(given, 'hex'), 'UTF8'), '^([0-9]{1,18})[.]([0-9]{1,18})$');
    END IF;
    IF given IS NOT NULL AND parts IS NULL THEN
        PERFORM tally._fail('cursor', 'cursor must be the next_cursor of an earlier answer');
    END IF;
    ts := timestamptz 'epoch' + (parts[1]::bigint / 1000000) * interval '1 second' + (parts[1]::bigint % 1000000) * interval '1 microsecond';
    seq := parts[2]::bigint;
END
$$;
COMMENT ON FUNCTION tally_rest._read_cursor(jsonb) IS 'What _cursor wrote; NULLs where the query has no cursor. Raises 22023';

CREATE FUNCTION tally_rest.list_events(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    from_name  text;
    to_name    text;
    range_from timestamptz;
    range_to   timestamptz;
    row_limit  integer := tally_rest._parameter_number(query, 'limit', 1, 1000, 100);
    place      record;
    as_of      json;
    found      record;
    answer     json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['customer_id', 'code', 'from', 'to', 'start_date', 'end_date', 'source', 'search', 'limit', 'cursor', 'as_of']);
    from_name := tally_rest._either(query, 'from', 'start_date');
    to_name := tally_rest._either(query, 'to', 'end_date');
    IF tally_rest._parameter(query, from_name) IS NOT NULL THEN
        range_from := tally_rest._instant(query, from_name, 'UTC');
    END IF;
    IF tally_rest._parameter(query, to_name) IS NOT NULL THEN
        range_to := tally_rest._instant(query, to_name, 'UTC');
    END IF;
    IF range_to <= range_from THEN
        PERFORM tally._fail(to_name, format('%s must lie after %s', to_name, from_name), 'A range holds its start and not its end.');
    END IF;
    place := tally_rest._read_cursor(query);
    as_of := tally_rest._as_of(tenant_id, query);
    SELECT e.data, e.last_ts, e.last_seq INTO found
    FROM tally._list_events(tenant_id, tally_rest._parameter(query, 'code'), tally_rest._parameter_text(query, 'customer_id'),
                            tally_rest._parameter_text(query, 'source'), range_from, range_to, tally_rest._parameter(query, 'search'),
                            place.ts, place.seq, row_limit, as_of ->> 'id') e;
    answer := json_build_object('data', found.data,
                                'next_cursor', CASE WHEN found.last_ts IS NOT NULL THEN tally_rest._cursor(found.last_ts, found.last_seq) END);
    RETURN CASE WHEN as_of IS NULL THEN answer ELSE (left(answer::text, -1) || ', "as_of": ' || as_of::text || '}')::json END;
END
$$;
COMMENT ON FUNCTION tally_rest.list_events(integer, jsonb, jsonb, text) IS
    'GET /api/v1/events: newest first; customer_id, source (either may be empty: events of no customer, or that name no source), code, from, to (RFC 3339 or dates in UTC), search (part of the id, the code or any property value, in any case), limit (1 to 1000), cursor (next_cursor of the page before), as_of (a cut, or a time after it: the events that were known then, void where they were then). Each event says which metrics counted it, and why others did not';

CREATE FUNCTION tally_rest.get_event(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    customer text := tally_rest._parameter_text(query, 'customer_id');
    sender   text := tally_rest._parameter_text(query, 'source');
    as_of    json;
    found    json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['customer_id', 'source', 'as_of']);
    as_of := tally_rest._as_of(tenant_id, query);
    SELECT json_agg(tally_rest._event_with_history(e, as_of ->> 'id') ORDER BY e.ts DESC, e.seq DESC) INTO found
    FROM tally._events_by_id(tenant_id, path ->> 'event_id', customer, sender, as_of ->> 'id') e;
    IF found IS NULL THEN
        RAISE EXCEPTION 'event "%" does not exist', left(path ->> 'event_id', 255) USING ERRCODE = 'no_data_found', COLUMN = 'event_id';
    END IF;
    RETURN CASE WHEN as_of IS NULL THEN json_build_object('data', found) ELSE json_build_object('data', found, 'as_of', as_of) END;
END
$$;
COMMENT ON FUNCTION tally_rest.get_event(integer, jsonb, jsonb, text) IS
    'GET /api/v1/events/{event_id}: all events with this id, newest first, at most 1000, each with what was done to it after it came (history); customer_id and source narrow it, and make it fast where both are given (either may be empty); as_of (a cut, or a time after it): as they were known then';
