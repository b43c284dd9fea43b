-- tally_rest: events voided by a filter, as batches that are taken back as one

CREATE FUNCTION tally_rest._correction_batch(b tally.correction_batch) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_strip_nulls(json_build_object(
        'id', tally._encode_id('cor_', b.batch_id), 'reason', b.reason, 'question', b.question, 'events', b.events,
        'created_at', tally_rest._timestamp(b.created_at), 'created_by', b.created_by,
        'restored', CASE WHEN b.lifted_at IS NOT NULL THEN json_build_object('reason', b.lifted_reason, 'at', tally_rest._timestamp(b.lifted_at), 'by', b.lifted_by) END))
$$;
COMMENT ON FUNCTION tally_rest._correction_batch(tally.correction_batch) IS 'A batch of voided events as the API shows it; restored is left out while they are void';

CREATE FUNCTION tally_rest._correction_batch_of_path(tenant_id integer, path jsonb) RETURNS tally.correction_batch
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id uuid := tally_rest._id_of_path(path, 'cor_', 'a correction', '/api/v1/corrections');
    b  tally.correction_batch;
BEGIN
    SELECT * INTO b FROM tally.correction_batch x WHERE x.tenant_id = _correction_batch_of_path.tenant_id AND x.batch_id = id;
    IF b.batch_id IS NULL THEN
        RAISE EXCEPTION 'correction "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN b;
END
$$;
COMMENT ON FUNCTION tally_rest._correction_batch_of_path(integer, jsonb) IS 'The batch that the path names. Raises 22023 no id, P0002 no such batch';

CREATE FUNCTION tally_gated.create_correction(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
    filter jsonb := nullif(fields -> 'filter', 'null');
    dry    jsonb := coalesce(nullif(fields -> 'dry_run', 'null'), 'true');
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    PERFORM tally_rest._check_fields(fields, ARRAY['reason', 'code', 'from', 'to', 'customer_id', 'filter', 'dry_run']);
    IF dry NOT IN ('true', 'false') THEN
        PERFORM tally._fail('dry_run', 'dry_run must be true or false');
    ELSIF dry = 'true' THEN
        PERFORM tally_rest._check_may_read();
    END IF;
    RETURN tally_gated.void_events(tenant_id, tally._text_field(fields, 'reason', 1000, true), tally._text_field(fields, 'code', 512, true),
        tally_rest._instant_field(fields, 'from'), tally_rest._instant_field(fields, 'to'), tally_rest._customer_field(fields), filter, dry = 'true');
END
$$;
COMMENT ON FUNCTION tally_gated.create_correction(integer, jsonb, jsonb, text) IS 'What create_correction does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_correction(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_correction(integer, jsonb, jsonb, text) IS
    'POST /api/v1/corrections: {reason, code, from, to, customer_id?, filter?, dry_run?}: how many events are meant and what each metric makes of them; with dry_run false they are void then, as a batch with an id. Errors: P0002 there are none';

CREATE FUNCTION tally_rest.list_corrections(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant   integer := tenant_id;
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page']);
    RETURN tally_rest._page(
        (SELECT json_agg(tally_rest._correction_batch(b) ORDER BY b.created_at DESC, b.batch_id DESC)
         FROM (SELECT * FROM tally.correction_batch x WHERE x.tenant_id = tenant
               ORDER BY x.created_at DESC, x.batch_id DESC LIMIT per_page OFFSET page::bigint * per_page) b),
        page, per_page, (SELECT count(*) FROM tally.correction_batch x WHERE x.tenant_id = tenant));
END
$$;
COMMENT ON FUNCTION tally_rest.list_corrections(integer, jsonb, jsonb, text) IS 'GET /api/v1/corrections: newest first, in pages (page, per_page)';

CREATE FUNCTION tally_rest.get_correction(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._correction_batch(tally_rest._correction_batch_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_rest.get_correction(integer, jsonb, jsonb, text) IS 'GET /api/v1/corrections/{id}';

CREATE FUNCTION tally_gated.restore_correction(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
BEGIN
    PERFORM tally_rest._check_query(query, '{}'), tally_rest._check_fields(fields, ARRAY['reason']);
    PERFORM tally_rest._correction_batch_of_path(tenant_id, path);
    PERFORM tally_gated.restore_events(tenant_id, path ->> 'id', tally._text_field(fields, 'reason', 1000, true));
    RETURN tally_rest._correction_batch(tally_rest._correction_batch_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_gated.restore_correction(integer, jsonb, jsonb, text) IS 'What restore_correction does once the gate has let the caller through';

CREATE FUNCTION tally_rest.restore_correction(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.restore_correction(integer, jsonb, jsonb, text) IS
    'POST /api/v1/corrections/{id}/restore: {reason}: the events of the batch count again, but for those that were restored by themselves or have gone with their import; answers the batch. Errors: P0002 no such batch; TL409 taken back already';
