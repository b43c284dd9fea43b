-- tally_rest: cuts, as of which usage can be asked

CREATE FUNCTION tally_rest._as_of(tenant_id integer, query jsonb, time_zone text DEFAULT 'UTC') RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := tally_rest._parameter(query, 'as_of');
BEGIN
    IF given IS NULL AND query ? 'as_of' THEN
        PERFORM tally._fail('as_of', 'as_of is empty', 'Leave it out for what is known now; GET /api/v1/cuts lists the cuts.');
    ELSIF given ~ '^[0-9]' THEN
        given := to_char(tally_rest._instant(query, 'as_of', time_zone) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    END IF;
    RETURN tally._as_of(tenant_id, given);
END
$$;
COMMENT ON FUNCTION tally_rest._as_of(integer, jsonb, text) IS
    'The cut that the parameter as_of means: a name, an id, or a time, as from takes it, of which it is the last cut before. Raises 22023';

CREATE FUNCTION tally_rest._cut(c tally.cut) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object('id', tally._encode_id('cut_', c.cut_id), 'name', c.name, 'kind', c.kind, 'taken_at', tally_rest._timestamp(c.taken_at))
$$;
COMMENT ON FUNCTION tally_rest._cut(tally.cut) IS 'A cut as the API shows it';

CREATE FUNCTION tally_gated.create_cut(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
    made   uuid;
BEGIN
    PERFORM tally_rest._check_query(query, '{}'), tally_rest._check_fields(fields, ARRAY['name']);
    made := tally._decode_id('cut_', tally_gated.cut(tenant_id, tally._text_field(fields, 'name', 100)));
    RETURN (SELECT tally_rest._cut(c) FROM tally.cut c WHERE c.cut_id = made);
END
$$;
COMMENT ON FUNCTION tally_gated.create_cut(integer, jsonb, jsonb, text) IS 'What create_cut does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_cut(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_cut(integer, jsonb, jsonb, text) IS
    'POST /api/v1/cuts: {name?}: notes what is known now. Errors: TL409 there is a cut of this name';

CREATE FUNCTION tally_rest.list_cuts(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
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
        (SELECT json_agg(tally_rest._cut(c) ORDER BY c.taken_at DESC, c.cut_id DESC)
         FROM (SELECT * FROM tally.cut x WHERE x.tenant_id = tenant OR x.tenant_id IS NULL ORDER BY x.taken_at DESC, x.cut_id DESC LIMIT per_page OFFSET page::bigint * per_page) c),
        page, per_page, (SELECT count(*) FROM tally.cut x WHERE x.tenant_id = tenant OR x.tenant_id IS NULL));
END
$$;
COMMENT ON FUNCTION tally_rest.list_cuts(integer, jsonb, jsonb, text) IS 'GET /api/v1/cuts: newest first, in pages (page, per_page)';

CREATE FUNCTION tally_rest.get_cut(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant integer := tenant_id;
    wanted text := path ->> 'id';
    c      tally.cut;
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    SELECT * INTO c FROM tally.cut x WHERE (x.tenant_id = tenant OR x.tenant_id IS NULL) AND (x.name = wanted OR x.cut_id = tally._decode_id('cut_', wanted));
    IF c.cut_id IS NULL THEN
        RAISE EXCEPTION 'cut "%" does not exist', left(wanted, 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN tally_rest._cut(c);
END
$$;
COMMENT ON FUNCTION tally_rest.get_cut(integer, jsonb, jsonb, text) IS 'GET /api/v1/cuts/{id}: a cut by its id or name';
