-- import: pieces of files of events, as parts of one batch that can be taken back

CREATE FUNCTION tally._import_lines(piece text, is_csv boolean, OUT line integer, OUT document text, OUT reason text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_import_lines'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION tally._import_lines(text, boolean) IS
    'Splits a piece of an NDJSON file, or of a CSV file with its header, into a JSON array of one event for each line, or a reason; the last row, without either, holds the number of lines. Raises 22023 where the header is no good';

CREATE FUNCTION tally._open_import(tenant_id integer, import_id uuid, name text) RETURNS tally.import_batch
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant integer := _open_import.tenant_id;
    import uuid := _open_import.import_id;
    title  text := _open_import.name;
    batch  tally.import_batch;
BEGIN
    IF import IS NULL THEN
        INSERT INTO tally.import_batch (tenant_id, name) VALUES (tenant, title) RETURNING * INTO batch;
        RETURN batch;
    END IF;
    -- Until the end of the transaction: whoever takes the import back waits, and then sees these events too.
    SELECT * INTO batch FROM tally.import_batch b WHERE b.tenant_id = tenant AND b.import_id = import FOR UPDATE;
    IF batch.import_id IS NULL THEN
        RAISE EXCEPTION 'import "%" does not exist', tally._encode_id('imp_', import) USING ERRCODE = 'no_data_found', COLUMN = 'import_id';
    ELSIF batch.voided_at IS NOT NULL THEN
        RAISE EXCEPTION 'import "%" has been taken back', tally._encode_id('imp_', import) USING ERRCODE = 'TL409', COLUMN = 'import_id',
            HINT = 'Begin another import.';
    END IF;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION tally._open_import(integer, uuid, text) IS
    'A new import with this name, or the one with this id, locked against being taken back. Errors: P0002 no such import, TL409 taken back';

CREATE FUNCTION tally._import(tenant_id integer, import_id uuid, piece text, is_csv boolean, first_line bigint,
                              OUT accepted bigint, OUT duplicates bigint, OUT failed bigint, OUT next_line bigint, OUT failures json) RETURNS record
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant    integer := _import.tenant_id;
    import    uuid := _import.import_id;
    numbers   integer[];
    documents text[];
    bad       json;
    bad_count bigint;
    lines     integer;
    judged    bigint;
BEGIN
    SELECT array_agg(l.line ORDER BY l.line) FILTER (WHERE l.document IS NOT NULL),
           coalesce(array_agg(l.document ORDER BY l.line) FILTER (WHERE l.document IS NOT NULL), '{}'),
           coalesce(json_agg(json_build_object('line', first_line + l.line, 'reason', l.reason)) FILTER (WHERE l.reason IS NOT NULL), '[]'),
           count(l.reason), max(l.line) FILTER (WHERE l.document IS NULL AND l.reason IS NULL)
    INTO numbers, documents, bad, bad_count, lines FROM tally._import_lines(piece, is_csv) l;
    IF cardinality(documents) > 10000 THEN
        RAISE EXCEPTION 'there are % events in one piece of an import; at most 10000 are allowed', cardinality(documents)
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    WITH verdicts AS MATERIALIZED (
        SELECT v.* FROM tally._ingest(tenant, documents, true, true, import, true) v WHERE cardinality(documents) > 0
    )
    SELECT count(*) FILTER (WHERE v.verdict = 'accepted'), count(*) FILTER (WHERE v.verdict = 'duplicate'),
           count(*) FILTER (WHERE v.reason IS NOT NULL) + bad_count,
           (SELECT coalesce(json_agg(f.failure ORDER BY f.line), '[]')
            FROM (SELECT (b.value ->> 'line')::bigint AS line, b.value AS failure FROM json_array_elements(bad) b
                  UNION ALL
                  SELECT first_line + numbers[r.body], json_strip_nulls(json_build_object('line', first_line + numbers[r.body],
                         'event_id', nullif(r.event_id, ''), 'reason', r.reason, 'field', r.field))
                  FROM verdicts r WHERE r.reason IS NOT NULL) f), count(*)
    INTO accepted, duplicates, failed, failures, judged FROM verdicts v;
    IF judged = 0 AND cardinality(documents) > 0 THEN
        RETURN;     -- must wait for partitions
    END IF;
    next_line := first_line + lines;
    UPDATE tally.import_batch b SET accepted = b.accepted + _import.accepted, duplicates = b.duplicates + _import.duplicates,
                                    failures = b.failures + _import.failed, updated_at = tally._now()
    WHERE b.tenant_id = tenant AND b.import_id = import;
END
$$;
COMMENT ON FUNCTION tally._import(integer, uuid, text, boolean, bigint) IS
    'Stores the events of a piece of an import, old ones too, and tells what became of them; failures names lines, counted from first_line. An event without an id gets one made from its content. next_line is NULL where nothing was done because partitions of new months are being made: some of them are there now, so call it again in another transaction';
