-- correcting single events: found by id, customer and source, voided, taken back, amended

CREATE FUNCTION tally._event_of_identity(tenant_id integer, customer_id text, source text, event_id text) RETURNS tally.recent_event
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT e FROM tally._events_by_id(tenant_id, event_id, customer_id, source) e
    WHERE NOT EXISTS (SELECT FROM tally.correction c
                      WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq AND (c.import_id IS NOT NULL OR c.successor IS NOT NULL))
$$;
COMMENT ON FUNCTION tally._event_of_identity(integer, text, text, text) IS
    'The row that holds an identity: voided by itself or not at all. NULL where there is none';

CREATE FUNCTION tally._is_dropped(tenant_id integer, customer_id text, source text, event_id text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT FROM tally.store t, tally._events_by_id(tenant_id, event_id, customer_id, source) e JOIN tally.correction c ON c.tenant_id = e.tenant_id AND c.seq = e.seq
        WHERE c.successor_ts < t.retained_from AND NOT EXISTS (SELECT FROM tally.correction n WHERE n.tenant_id = c.tenant_id AND n.seq = c.successor)
          AND NOT EXISTS (SELECT FROM tally.import_batch b WHERE b.tenant_id = e.tenant_id AND b.import_id = e.import_id AND b.voided_at IS NOT NULL))
$$;
COMMENT ON FUNCTION tally._is_dropped(integer, text, text, text) IS
    'Of an identity of which no row is left that holds it: whether retention has dropped the month in which that row lay';

CREATE FUNCTION tally._lock_event(tenant_id integer, event_id text, customer_id text, source text) RETURNS tally.recent_event
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    named json;
    e     tally.recent_event;
BEGIN
    IF event_id IS NULL THEN
        PERFORM tally._fail('event_id', 'event_id is missing');
    END IF;
    IF customer_id IS NULL OR source IS NULL THEN
        SELECT json_agg(json_build_object('customer_id', f.customer_id, 'source', f.source) ORDER BY f.customer_id, f.source) INTO named
        FROM (SELECT DISTINCT x.customer_id, x.source FROM tally._events_by_id(tenant_id, event_id, customer_id, source) x) f;
        IF json_array_length(named) > 1 THEN
            RAISE EXCEPTION '% events have the id "%"', json_array_length(named), left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id',
                DETAIL = tally_rest._compact(json_build_object(
                    'field', 'event_id', 'hint', 'Name the event by customer_id and source too.', 'candidates', named));
        ELSIF named IS NULL THEN
            RAISE EXCEPTION 'event "%" does not exist', left(event_id, 255) USING ERRCODE = 'no_data_found', COLUMN = 'event_id';
        END IF;
        customer_id := named -> 0 ->> 'customer_id';
        source := named -> 0 ->> 'source';
    END IF;
    -- Whoever corrects many events at once (_lock_corrections) goes before or after.
    PERFORM pg_advisory_xact_lock_shared(82562, tenant_id);
    -- Own advisory lock class. One at a time corrects an event; what follows sees what the one before has done.
    PERFORM pg_advisory_xact_lock(82561, hashtext(tally._event_identity(tenant_id, customer_id, source, event_id)::text));
    e := tally._event_of_identity(tenant_id, customer_id, source, event_id);
    IF e.import_id IS NOT NULL THEN
        -- Whoever takes the import back waits, and then sees what is stored here.
        PERFORM FROM tally.import_batch b WHERE b.tenant_id = e.tenant_id AND b.import_id = e.import_id FOR SHARE;
        IF EXISTS (SELECT FROM tally.import_batch b WHERE b.tenant_id = e.tenant_id AND b.import_id = e.import_id AND b.voided_at IS NOT NULL) THEN
            RAISE EXCEPTION 'event "%" was taken back with its import', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id';
        END IF;
    ELSIF e.seq IS NULL AND tally._is_dropped(tenant_id, customer_id, source, event_id) THEN
        RAISE EXCEPTION 'event "%" was amended into a month that retention has dropped', left(event_id, 255)
            USING ERRCODE = 'no_data_found', COLUMN = 'event_id', HINT = 'What is left of it are its rows as they were before, which do not count.';
    ELSIF e.seq IS NULL AND EXISTS (SELECT FROM tally._events_by_id(tenant_id, event_id, customer_id, source)) THEN
        RAISE EXCEPTION 'event "%" was taken back with its import', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id';
    ELSIF e.seq IS NULL THEN
        RAISE EXCEPTION 'event "%" does not exist', left(event_id, 255) USING ERRCODE = 'no_data_found', COLUMN = 'event_id';
    END IF;
    RETURN e;
END
$$;
COMMENT ON FUNCTION tally._lock_event(integer, text, text, text) IS
    'The event with this id (of this customer and source where they are not NULL), locked against other corrections until the end of the transaction. Errors: P0002 no such event, or its month was dropped; TL409 several, which the detail lists, or taken back with its import';

CREATE FUNCTION tally._check_reason(reason text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF reason IS NULL THEN
        PERFORM tally._fail('reason', 'reason is missing', 'Say why: it stands in the history of the event for good.');
    ELSIF length(reason) NOT BETWEEN 1 AND 1000 OR reason !~ '[^[:space:]]' THEN
        PERFORM tally._fail('reason', 'reason must have 1 to 1000 characters, and not only blanks');
    END IF;
END
$$;
COMMENT ON FUNCTION tally._check_reason(text) IS 'Raises 22023 unless a reason says something';

CREATE FUNCTION tally._is_void(e tally.recent_event) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq) $$;
COMMENT ON FUNCTION tally._is_void(tally.recent_event) IS 'Whether a row does not count';

CREATE FUNCTION tally_gated.void_event(tenant_id integer, event_id text, reason text, customer text, source text) RETURNS tally.correction
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    e    tally.recent_event;
    made tally.correction;
BEGIN
    PERFORM tally._check_reason(reason);
    e := tally._lock_event(tenant_id, event_id, customer, source);
    IF tally._is_void(e) THEN
        RAISE EXCEPTION 'event "%" is void already', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id';
    END IF;
    INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason)
    VALUES (e.tenant_id, e.seq, tally._event_identity(e.tenant_id, e.customer_id, e.source, e.event_id), e.ts, e.code, e.customer_id, reason)
    ON CONFLICT DO NOTHING RETURNING * INTO made;       -- nobody corrects it meanwhile; who reads an old snapshot gets 40001 here
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally_gated.void_event(integer, text, text, text, text) IS 'What void_event does once the gate has let the caller through';

CREATE FUNCTION tally.void_event(event_id text, reason text, customer text DEFAULT NULL, source text DEFAULT NULL) RETURNS tally.correction
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.void_event(text, text, text, text) IS
    'Voids the event with this id of the current tenant, and of a customer and source where they are named: it stays in the list with the reason, keeps its identity, and counts no longer. Errors: 22023 no reason; P0002 no such event; TL409 void already, or several events have the id';

CREATE FUNCTION tally_gated.restore_event(tenant_id integer, event_id text, reason text, customer text, source text) RETURNS tally.lifted_correction
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    e    tally.recent_event;
    made tally.lifted_correction;
BEGIN
    PERFORM tally._check_reason(reason);
    e := tally._lock_event(tenant_id, event_id, customer, source);
    WITH gone AS (DELETE FROM tally.correction c WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq RETURNING c.*)
    INSERT INTO tally.lifted_correction SELECT g.*, restore_event.reason FROM gone g RETURNING * INTO made;
    IF made.seq IS NULL THEN
        RAISE EXCEPTION 'event "%" is not void', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id';
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally_gated.restore_event(integer, text, text, text, text) IS 'What restore_event does once the gate has let the caller through';

CREATE FUNCTION tally.restore_event(event_id text, reason text, customer text DEFAULT NULL, source text DEFAULT NULL) RETURNS tally.lifted_correction
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.restore_event(text, text, text, text) IS
    'Takes back that an event was voided: it counts as before. Errors: 22023 no reason; P0002 no such event; TL409 not void, taken back with its import, or several events have the id';

CREATE FUNCTION tally._store_amended(e tally.recent_event, document json) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id      uuid := tally._event_identity(e.tenant_id, e.customer_id, e.source, e.event_id);
    sent    record;
    verdict record;
    made    bigint;
BEGIN
    SELECT k.payload, k.month INTO sent
    FROM (SELECT r.payload, r.month FROM tally.recent_identity r WHERE r.identity = id
          UNION ALL SELECT s.payload, s.month FROM tally._find_sealed(ARRAY[id]) s) k LIMIT 1;
    PERFORM tally._release_identities(ARRAY[id]);
    SELECT * INTO verdict FROM tally._ingest(e.tenant_id, json_build_array(document)::text, true, e.import_id);
    IF verdict.verdict = 'limited' THEN
        RAISE EXCEPTION '%', verdict.reason USING ERRCODE = 'TL429', DETAIL = verdict.details;
    ELSIF verdict.verdict = 'rejected' THEN
        PERFORM tally._fail(verdict.field, verdict.reason);
    ELSIF verdict.verdict <> 'accepted' THEN
        RAISE EXCEPTION 'the identity of event "%" was released and is taken', e.event_id USING ERRCODE = 'data_corrupted';
    END IF;
    -- It is still the original that is a duplicate when it comes again, until retention has forgotten every month that the event lay in.
    UPDATE tally.recent_identity r SET payload = sent.payload, month = greatest(r.month, sent.month), identity = id
    WHERE r.identity = tally._event_identity(e.tenant_id, e.customer_id, e.source, document ->> 'event_id');
    SELECT max(r.seq) INTO made FROM tally.recent_event r
    WHERE r.generation = ANY (ARRAY(SELECT g.generation FROM tally.generation g) || 0) AND r.tenant_id = e.tenant_id
      AND r.code_hash = tally._hash32(document ->> 'code') AND r.customer_hash = e.customer_hash
      AND r.ts = tally._parse_timestamp(document ->> 'timestamp') AND r.event_id = document ->> 'event_id' AND r.source = e.source AND r.customer_id = e.customer_id;
    IF e.event_id <> document ->> 'event_id' THEN
        UPDATE tally.recent_event r SET event_id = e.event_id
        WHERE r.generation = ANY (ARRAY(SELECT g.generation FROM tally.generation g) || 0) AND r.tenant_id = e.tenant_id
          AND r.code_hash = tally._hash32(document ->> 'code') AND r.customer_hash = e.customer_hash
          AND r.ts = tally._parse_timestamp(document ->> 'timestamp') AND r.seq = made;
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally._store_amended(tally.recent_event, json) IS
    'Stores an event anew with what the document says, under the identity and in the import of the old row, and answers its seq. Raises 22023, TL429';

CREATE FUNCTION tally_gated.amend_event(tenant_id integer, event_id text, reason text, customer text, source text,
                                        properties json, ts text, code text) RETURNS tally.correction
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    e        tally.recent_event;
    document json;
    made     tally.correction;
BEGIN
    PERFORM tally._check_reason(reason);
    IF properties IS NULL AND ts IS NULL AND code IS NULL THEN
        PERFORM tally._fail(NULL, 'nothing is amended', 'Give properties, timestamp or code as they should have been.');
    ELSIF ts IS NOT NULL AND tally._parse_timestamp(ts) IS NULL THEN
        PERFORM tally._fail('timestamp', 'timestamp must be an RFC 3339 time such as 2024-01-31T13:00:00Z');
    END IF;
    e := tally._lock_event(tenant_id, event_id, customer, source);
    IF tally._is_void(e) THEN
        RAISE EXCEPTION 'event "%" is void', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id', HINT = 'Restore it first.';
    ELSIF coalesce(code, e.code) = e.code AND coalesce(tally._parse_timestamp(ts), e.ts) = e.ts
          AND (properties IS NULL OR properties::jsonb = e.properties::jsonb) THEN
        RAISE EXCEPTION 'event "%" says just this already', left(event_id, 255) USING ERRCODE = 'TL409', COLUMN = 'event_id';
    END IF;
    -- An id that was erased is accepted from nobody: the event is stored under another, and then gets it.
    document := json_build_object(
        'event_id', CASE WHEN e.event_id = tally._erased_id(e.tenant_id, e.customer_id, e.source, e.event_id) THEN tally._uuid7()::text ELSE e.event_id END, 'code', coalesce(code, e.code), 'customer_id', e.customer_id, 'source', e.source,
        'timestamp', coalesce(ts, to_char(e.ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'properties', coalesce(properties, e.properties));
    INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason, successor_ts, successor)
    VALUES (e.tenant_id, e.seq, tally._event_identity(e.tenant_id, e.customer_id, e.source, e.event_id), e.ts, e.code, e.customer_id, reason,
            coalesce(tally._parse_timestamp(ts), e.ts), tally._store_amended(e, document))
    ON CONFLICT DO NOTHING RETURNING * INTO made;       -- as in void_event
    IF made.seq IS NULL THEN
        RAISE EXCEPTION 'event "%" was corrected although it is locked', left(event_id, 255) USING ERRCODE = 'data_corrupted';     -- both rows would count
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally_gated.amend_event(integer, text, text, text, text, json, text, text) IS 'What amend_event does once the gate has let the caller through';

CREATE FUNCTION tally.amend_event(event_id text, reason text, customer text DEFAULT NULL, source text DEFAULT NULL,
                                  properties json DEFAULT NULL, ts text DEFAULT NULL, code text DEFAULT NULL) RETURNS tally.correction
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.amend_event(text, text, text, text, json, text, text) IS
    'Says anew what an event of the current tenant should have been: properties (all of them), ts (RFC 3339), code; what is NULL stays. The row as it was is void and stays in the list, a new one of the same id, customer and source counts in its place; the original sent again is a duplicate still. It counts for limits of the month as an event does. Errors: 22023 nothing amended, or no event that could be stored; P0002 no such event; TL409 void, the same already, or several events have the id';
