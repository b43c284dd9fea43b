-- tally_rest: imports in the shape of the Meteroid API's batch jobs

CREATE FUNCTION tally_rest._batch_job_status(b tally.import_batch) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN b.voided_at IS NOT NULL THEN 'CANCELLED' WHEN b.failures > 0 THEN 'COMPLETED_WITH_ERRORS' ELSE 'COMPLETED' END $$;
COMMENT ON FUNCTION tally_rest._batch_job_status(tally.import_batch) IS
    'The status of an import as a batch job. What arrived is stored with the answer, so none is ever pending or processing';

CREATE FUNCTION tally_rest._batch_job(b tally.import_batch) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object('id', tally._encode_id('bjob_', b.import_id), 'job_type', 'EVENT_CSV_IMPORT',
        'status', tally_rest._batch_job_status(b), 'total_items', b.accepted + b.duplicates + b.failures,
        'processed_items', b.accepted + b.duplicates, 'failed_items', b.failures,
        'created_by', (SELECT t.uid FROM tally.tenant t WHERE t.tenant_id = b.tenant_id), 'created_at', tally_rest._timestamp(b.created_at),
        'completed_at', tally_rest._timestamp(b.updated_at), 'input_file_name', b.name)
$$;
COMMENT ON FUNCTION tally_rest._batch_job(tally.import_batch) IS
    'An import as a batch job; created_by is the tenant, for imports do not keep who sent them';

CREATE FUNCTION tally_rest._batch_job_of_path(tenant_id integer, path jsonb) RETURNS tally.import_batch
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id uuid := tally_rest._id_of_path(path, 'bjob_', 'a batch job', '/api/v1/batch-jobs');
    b  tally.import_batch;
BEGIN
    SELECT * INTO b FROM tally.import_batch x WHERE x.tenant_id = _batch_job_of_path.tenant_id AND x.import_id = id;
    IF b.import_id IS NULL THEN
        RAISE EXCEPTION 'batch job "%" does not exist', left(path ->> 'id', 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN b;
END
$$;
COMMENT ON FUNCTION tally_rest._batch_job_of_path(integer, jsonb) IS 'The import that the path names as a batch job. Raises 22023 no id, P0002 no such job';

CREATE FUNCTION tally_rest.list_batch_jobs(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant    integer := tenant_id;
    page      integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page  integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
    job_type  text := coalesce(tally_rest._parameter(query, 'job_type'), 'EVENT_CSV_IMPORT');
    wanted    text[] := tally_rest._parameter_list(query, 'status');
    job_types text[] := ARRAY['EVENT_CSV_IMPORT', 'CUSTOMER_CSV_IMPORT', 'SUBSCRIPTION_CSV_IMPORT', 'SUBSCRIPTION_PLAN_MIGRATION'];
    statuses  text[] := ARRAY['PENDING', 'CHUNKING', 'PROCESSING', 'COMPLETED', 'COMPLETED_WITH_ERRORS', 'FAILED', 'CANCELLED'];
    total     bigint;
    rows      json;
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page', 'job_type', 'status']);
    IF job_type <> ALL (job_types) THEN
        PERFORM tally._fail('job_type', format('job_type must be one of %s', array_to_string(job_types, ', ')));
    ELSIF NOT wanted <@ statuses THEN
        PERFORM tally._fail('status', format('status must be one of %s', array_to_string(statuses, ', ')));
    END IF;
    WITH found AS MATERIALIZED (
        SELECT x.* FROM tally.import_batch x
        WHERE x.tenant_id = tenant AND job_type = 'EVENT_CSV_IMPORT' AND (wanted IS NULL OR tally_rest._batch_job_status(x) = ANY (wanted)))
    SELECT (SELECT count(*) FROM found),
           (SELECT json_agg(tally_rest._batch_job(f::tally.import_batch) ORDER BY f.created_at DESC, f.import_id DESC)
            FROM (SELECT * FROM found ORDER BY created_at DESC, import_id DESC LIMIT per_page OFFSET page::bigint * per_page) f)
    INTO total, rows;
    RETURN tally_rest._page(rows, page, per_page, total);
END
$$;
COMMENT ON FUNCTION tally_rest.list_batch_jobs(integer, jsonb, jsonb, text) IS
    'GET /api/v1/batch-jobs: imports as batch jobs, newest first, in pages (page, per_page, job_type, status, which may repeat)';

CREATE FUNCTION tally_rest.get_batch_job(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    b tally.import_batch := tally_rest._batch_job_of_path(tenant_id, path);
BEGIN
    PERFORM tally_rest._check_query(query, '{}');
    RETURN tally_rest._batch_job(b) || jsonb_build_object('failure_count', b.failures, 'has_error_csv', false,
                                                          'error_csv_url', NULL, 'input_file_url', NULL);
END
$$;
COMMENT ON FUNCTION tally_rest.get_batch_job(integer, jsonb, jsonb, text) IS 'GET /api/v1/batch-jobs/{id}. Files are not kept, so there are no addresses of them';

CREATE FUNCTION tally_rest.list_batch_job_failures(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    b         tally.import_batch := tally_rest._batch_job_of_path(tenant_id, path);
    row_limit integer := tally_rest._parameter_number(query, 'limit', 1, 100, 25);
    skipped   bigint := tally_rest._parameter_number(query, 'offset', 0, 100000000, 0);
    chunk     text := tally._encode_id('bjc_', b.import_id);      -- an import is one chunk
    given     text := tally_rest._parameter(query, 'chunk_id');
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['chunk_id', 'limit', 'offset']);
    RETURN (WITH found AS MATERIALIZED (
        SELECT f.line, f.event_id, f.reason FROM tally.import_failure f
        WHERE f.tenant_id = b.tenant_id AND f.import_id = b.import_id AND (given IS NULL OR given = chunk))
    SELECT json_build_object('data', coalesce((
            SELECT json_agg(json_build_object('id', md5(b.import_id::text || s.line)::uuid, 'chunk_id', chunk, 'item_index', s.line,
                                              'item_identifier', s.event_id, 'reason', s.reason) ORDER BY s.line)
            FROM (SELECT * FROM found ORDER BY line LIMIT row_limit OFFSET skipped) s), '[]'),
        'total_count', (SELECT count(*) FROM found)));
END
$$;
COMMENT ON FUNCTION tally_rest.list_batch_job_failures(integer, jsonb, jsonb, text) IS
    'GET /api/v1/batch-jobs/{id}/failures: lines that were not stored, by number (chunk_id, limit 1 to 100, offset); at most the first 10,000 of an import are kept';
