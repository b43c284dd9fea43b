-- correcting many events: those that a question matches are voided as one batch, which can be taken back as one

CREATE FUNCTION tally._matches(filter jsonb, properties json) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_matches'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._matches(jsonb, json) IS
    'Whether an event with these properties is one that a filter of usage lets in; NULL lets all in. Raises 22023 for what is no filter';

CREATE FUNCTION tally._events_that_count(tenant_id integer, code text, "from" timestamptz, "to" timestamptz, customer text, filter jsonb)
    RETURNS SETOF tally.recent_event
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT e.* FROM tally._find_events(tenant_id, code, customer, NULL, "from", "to", NULL, NULL, NULL, NULL) e
    WHERE tally._matches(filter, e.properties) AND NOT EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq)
$$;
COMMENT ON FUNCTION tally._events_that_count(integer, text, timestamptz, timestamptz, text, jsonb) IS 'Events that are not void, of a question as usage has it';

CREATE FUNCTION tally._usage_of_events(tenant_id integer, code text, "from" timestamptz, "to" timestamptz, customer text, filter jsonb) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(json_build_object('metric_id', tally._encode_id('bm_', m.metric_id), 'value', u.value::text,
                                'converted_value', u.converted_value::text, 'events', u.events, 'skipped', u.skipped)
                            ORDER BY m.created_at, m.metric_id), '[]')
            FROM tally.metric m, LATERAL tally._metric_total(m, "from", "to", CASE WHEN customer IS NOT NULL THEN ARRAY[customer] END, filter) u
            WHERE m.tenant_id = _usage_of_events.tenant_id AND m.code = _usage_of_events.code AND m.archived_at IS NULL);
END
$$;
COMMENT ON FUNCTION tally._usage_of_events(integer, text, timestamptz, timestamptz, text, jsonb) IS 'What each metric in use makes of the events of a question';

CREATE FUNCTION tally_gated.void_events(tenant_id integer, reason text, code text, "from" timestamptz, "to" timestamptz, customer text, filter jsonb,
                                        dry_run boolean) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    batch uuid;
    found record;
BEGIN
    PERFORM tally._check_reason(reason), tally._check_range("from", "to");
    IF code IS NULL OR code = '' THEN
        PERFORM tally._fail('code', 'code is missing', 'Which events: those of this code in [from, to).');
    END IF;
    IF dry_run IS NOT FALSE THEN
        SELECT (SELECT count(*) FROM tally._events_that_count(tenant_id, code, "from", "to", customer, filter)) AS events,
               tally._usage_of_events(tenant_id, code, "from", "to", customer, filter) AS usage INTO found;
        RETURN json_build_object('dry_run', true, 'events', found.events, 'metrics', found.usage);
    END IF;
    PERFORM tally._lock_corrections(tenant_id);
    INSERT INTO tally.correction_batch (tenant_id, reason, question)
    VALUES (tenant_id, reason, json_strip_nulls(json_build_object('code', code, 'from', tally_rest._timestamp("from"), 'to', tally_rest._timestamp("to"),
                                                                  'customer_id', customer, 'filter', filter)))
    RETURNING batch_id INTO batch;
    -- One statement: what it voids is what it tells the usage of.
    WITH made AS (
        INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason, batch_id)
        SELECT e.tenant_id, e.seq, tally._event_identity(e.tenant_id, e.customer_id, e.source, e.event_id), e.ts, e.code, e.customer_id, void_events.reason, batch
        FROM tally._events_that_count(void_events.tenant_id, void_events.code, "from", "to", customer, filter) e
        ON CONFLICT DO NOTHING RETURNING 1     -- nobody corrects meanwhile; who reads an old snapshot gets 40001 here
    )
    SELECT (SELECT count(*) FROM made) AS events, tally._usage_of_events(void_events.tenant_id, void_events.code, "from", "to", customer, filter) AS usage INTO found;
    IF found.events = 0 THEN
        RAISE EXCEPTION 'no event that counts is meant' USING ERRCODE = 'no_data_found', HINT = 'GET /api/v1/events lists events, and which are void.';
    END IF;
    UPDATE tally.correction_batch b SET events = found.events WHERE b.batch_id = batch;
    RETURN json_build_object('dry_run', false, 'id', tally._encode_id('cor_', batch), 'events', found.events, 'metrics', found.usage);
END
$$;
COMMENT ON FUNCTION tally_gated.void_events(integer, text, text, timestamptz, timestamptz, text, jsonb, boolean) IS 'What void_events does once the gate has let the caller through';

CREATE FUNCTION tally.void_events(reason text, code text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL, filter jsonb DEFAULT NULL,
                                  dry_run boolean DEFAULT true) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.void_events(text, text, timestamptz, timestamptz, text, jsonb, boolean) IS
    'With dry_run, as it is where nothing is said, tells how many events of a code, a range, a customer and a filter (as of tally.usage) count, and what each metric makes of them. With dry_run => false voids them as one batch (id), which tally.restore_events takes back. Errors: 22023; P0002 there are none';

CREATE FUNCTION tally_gated.restore_events(tenant_id integer, batch text, reason text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id    uuid := tally._decode_id('cor_', batch);
    known tally.correction_batch;
    total bigint;
BEGIN
    PERFORM tally._check_reason(reason), tally._lock_corrections(tenant_id);
    SELECT * INTO known FROM tally.correction_batch b WHERE b.tenant_id = restore_events.tenant_id AND b.batch_id = id FOR UPDATE;
    IF known.batch_id IS NULL THEN
        RAISE EXCEPTION 'correction "%" does not exist', left(batch, 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    ELSIF known.lifted_at IS NOT NULL THEN
        RAISE EXCEPTION 'correction "%" has been taken back already', left(batch, 64) USING ERRCODE = 'TL409', COLUMN = 'id';
    END IF;
    WITH gone AS (DELETE FROM tally.correction c WHERE c.tenant_id = restore_events.tenant_id AND c.batch_id = id RETURNING c.*)
    INSERT INTO tally.lifted_correction SELECT g.*, restore_events.reason FROM gone g;
    GET DIAGNOSTICS total = ROW_COUNT;
    UPDATE tally.correction_batch b SET lifted_at = tally._now(), lifted_by = tally._actor(), lifted_reason = restore_events.reason WHERE b.batch_id = id;
    RETURN json_build_object('id', tally._encode_id('cor_', id), 'events', total);
END
$$;
COMMENT ON FUNCTION tally_gated.restore_events(integer, text, text) IS 'What restore_events does once the gate has let the caller through';

CREATE FUNCTION tally.restore_events(batch text, reason text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.restore_events(text, text) IS
    'Takes back what tally.void_events voided as one batch (its id), but for events that were restored by themselves or have gone with their import; answers how many count again. Errors: 22023 no reason; P0002 no such batch; TL409 taken back already';
