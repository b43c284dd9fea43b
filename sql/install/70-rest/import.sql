-- tally_rest: imports, listed and taken back

CREATE FUNCTION tally_rest._import(b tally.import_batch) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_strip_nulls(json_build_object(
        'id', tally._encode_id('imp_', b.import_id), 'name', b.name, 'accepted', b.accepted, 'duplicates', b.duplicates,
        'failures', b.failures, 'unmatched', nullif(b.unmatched, 0), 'created_at', tally_rest._timestamp(b.created_at), 'updated_at', tally_rest._timestamp(b.updated_at),
        'voided', CASE WHEN b.voided_at IS NOT NULL THEN json_build_object(
            'events', b.voided, 'reason', b.void_reason, 'at', tally_rest._timestamp(b.voided_at)) END))
$$;
COMMENT ON FUNCTION tally_rest._import(tally.import_batch) IS 'An import as the API shows it; voided is left out while it counts, unmatched where it is none';

CREATE FUNCTION tally_rest._import_of_path(tenant_id integer, path jsonb) RETURNS tally.import_batch
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id uuid := tally_rest._id_of_path(path, 'imp_', 'an import', '/api/v1/imports');
    b  tally.import_batch;
BEGIN
    SELECT * INTO b FROM tally.import_batch x WHERE x.tenant_id = _import_of_path.tenant_id AND x.import_id = id;
    IF b.import_id IS NULL THEN
        RAISE EXCEPTION 'import "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN b;
END
$$;
COMMENT ON FUNCTION tally_rest._import_of_path(integer, jsonb) IS 'The import that the path names. Raises 22023 no id, P0002 no such import';

CREATE FUNCTION tally_rest.list_imports(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
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
        (SELECT json_agg(tally_rest._import(b) ORDER BY b.created_at DESC, b.import_id DESC)
         FROM (SELECT * FROM tally.import_batch x WHERE x.tenant_id = tenant
               ORDER BY x.created_at DESC, x.import_id DESC LIMIT per_page OFFSET page::bigint * per_page) b),
        page, per_page, (SELECT count(*) FROM tally.import_batch x WHERE x.tenant_id = tenant));
END
$$;
COMMENT ON FUNCTION tally_rest.list_imports(integer, jsonb, jsonb, text) IS 'GET /api/v1/imports: newest first, in pages (page, per_page)';

CREATE FUNCTION tally_rest.get_import(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._import(tally_rest._import_of_path(tenant_id, path));
END
$$;
COMMENT ON FUNCTION tally_rest.get_import(integer, jsonb, jsonb, text) IS 'GET /api/v1/imports/{id}';

CREATE FUNCTION tally_rest.list_import_failures(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    b        tally.import_batch := tally_rest._import_of_path(tenant_id, path);
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page']);
    RETURN tally_rest._page(
        (SELECT json_agg(json_strip_nulls(json_build_object('line', f.line, 'event_id', f.event_id, 'reason', f.reason)) ORDER BY f.line)
         FROM (SELECT * FROM tally.import_failure x WHERE x.tenant_id = b.tenant_id AND x.import_id = b.import_id
               ORDER BY x.line LIMIT per_page OFFSET page::bigint * per_page) f),
        page, per_page, (SELECT count(*) FROM tally.import_failure x WHERE x.tenant_id = b.tenant_id AND x.import_id = b.import_id));
END
$$;
COMMENT ON FUNCTION tally_rest.list_import_failures(integer, jsonb, jsonb, text) IS
    'GET /api/v1/imports/{id}/failures: lines that were not stored, by line, in pages (page, per_page); the first 10,000 that came are kept. Errors: P0002 no such import';

CREATE FUNCTION tally_gated.void_import(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    batch tally.import_batch;
    cause text;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['reason']);
    batch := tally_rest._import_of_path(tenant_id, path);
    cause := coalesce(tally_rest._parameter(query, 'reason'), 'the import was taken back');
    IF length(cause) > 1000 THEN
        PERFORM tally._fail('reason', 'reason must have 1 to 1000 characters');
    END IF;
    RETURN tally_rest._import(tally._void_import(tenant_id, batch.import_id, cause));
END
$$;
COMMENT ON FUNCTION tally_gated.void_import(integer, jsonb, jsonb, text) IS 'What void_import does once the gate has let the caller through';

CREATE FUNCTION tally_rest.void_import(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.void_import(integer, jsonb, jsonb, text) IS
    'DELETE /api/v1/imports/{id}: takes the whole import back and answers it with the number of events that are void now. They stay in the event list with a reason (parameter reason), count no longer, and may be sent again. Twice is 409';

CREATE FUNCTION tally_gated.import_chunk(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind   text := coalesce(tally_rest._parameter(query, 'format'), 'ndjson');
    title  text := tally_rest._parameter(query, 'name');
    given  text := tally_rest._parameter(query, 'import_id');
    id     uuid := tally._decode_id('imp_', given);
    line   bigint := tally_rest._parameter_number(query, 'line', 1, 9007199254740991, CASE WHEN kind = 'csv' THEN 2 ELSE 1 END);
    unread bigint[] := tally_rest._parameter_list(query, 'unread')::bigint[];
    batch  tally.import_batch;
    result record;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['import_id', 'name', 'format', 'line', 'unread']);
    IF kind NOT IN ('ndjson', 'csv') THEN
        PERFORM tally._fail('format', 'format must be ndjson or csv');
    ELSIF given IS NOT NULL AND id IS NULL THEN
        PERFORM tally._fail('import_id', format('"%s" is not the id of an import', left(given, 64)));
    ELSIF length(title) > 255 THEN
        PERFORM tally._fail('name', 'name must have 1 to 255 characters');
    END IF;
    batch := tally._open_import(tenant_id, id, title);
    result := tally._import(batch, coalesce(body, ''), kind = 'csv', line, unread);
    RETURN (
        SELECT json_object_agg(f.name, f.value ORDER BY f.place)
        FROM (VALUES (1, 'import_id', to_json(tally._encode_id('imp_', batch.import_id))), (2, 'accepted', to_json(result.accepted)),
                     (3, 'duplicates', to_json(result.duplicates)), (4, 'failed', to_json(result.failed)), (5, 'resent', to_json(result.resent)),
                     (10, 'unmatched', to_json(nullif(result.unmatched, 0))),
                     (6, 'failures', result.failures), (7, 'next_line', to_json(result.next_line)),
                     (8, 'totals', json_build_object('accepted', batch.accepted + result.accepted, 'duplicates', batch.duplicates + result.duplicates,
                                                     'failed', batch.failures + result.failed)),
                     (9, 'limited', CASE WHEN result.limit_reason IS NOT NULL
                                         THEN json_build_object('reason', result.limit_reason, 'details', result.limit_details) END)) f(place, name, value)
        WHERE f.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION tally_gated.import_chunk(integer, jsonb, jsonb, text) IS 'What import_chunk does once the gate has let the caller through';

CREATE FUNCTION tally_rest.import_chunk(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.import_chunk(integer, jsonb, jsonb, text) IS
    'One piece (at most 10,000 events) of POST /api/v1/events/import: body is whole lines of NDJSON, or of CSV with the header before them; parameters: import_id (none begins a new import, named by name), format (ndjson or csv), line (number in the file of the first line after the header), unread (numbers of lines that the caller left blank because they cannot be read). Answers import_id, accepted, duplicates, failed, resent (lines that this import had taken before: not counted again), failures by line, next_line: the line to go on with, totals of the import so far, unmatched (accepted events whose code no metric reads yet, where there are any), and limited where a limit of the month let nothing pass from next_line on.';
