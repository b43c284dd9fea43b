-- import: pieces of files of events, as parts of one batch that can be taken back

CREATE TABLE tally.import_failure (
    tenant_id integer NOT NULL,
    import_id uuid NOT NULL,
    line      bigint NOT NULL CHECK (line > 0),
    event_id  text,
    reason    text NOT NULL,
    PRIMARY KEY (tenant_id, import_id, line),
    FOREIGN KEY (tenant_id, import_id) REFERENCES tally.import_batch
);
COMMENT ON TABLE tally.import_failure IS 'Lines that an import could not store, up to 10,000 of each import: those that came first';
COMMENT ON COLUMN tally.import_failure.tenant_id IS 'Whose import it is';
COMMENT ON COLUMN tally.import_failure.import_id IS 'The import';
COMMENT ON COLUMN tally.import_failure.line IS 'The line''s number in the file';
COMMENT ON COLUMN tally.import_failure.event_id IS 'The event''s id, where the line has one that can be read';
COMMENT ON COLUMN tally.import_failure.reason IS 'Why it was not stored';

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

CREATE FUNCTION tally._add_lines(known int8range[], added int8range) RETURNS int8range[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- An array, not a multirange: PostgreSQL 13 has none.
    SELECT coalesce(array_agg(n.lines ORDER BY n.lines), '{}')
    FROM (SELECT k.lines FROM unnest(known) k(lines) WHERE NOT (k.lines && added OR k.lines -|- added)
          UNION ALL
          SELECT int8range(least(lower(added), min(lower(k.lines))), greatest(upper(added), max(upper(k.lines))))
          FROM unnest(known) k(lines) WHERE k.lines && added OR k.lines -|- added HAVING NOT isempty(added)) n
$$;
COMMENT ON FUNCTION tally._add_lines(int8range[], int8range) IS 'Ranges of lines that do not touch, with one more';

CREATE FUNCTION tally._import_piece(tenant_id integer, import_id uuid, piece text, is_csv boolean, first_line bigint, unread bigint[],
                                    counted_from bigint[], counted_to bigint[],
                                    OUT accepted bigint, OUT duplicates bigint, OUT failed bigint, OUT resent bigint, OUT next_line bigint,
                                    OUT failures json, OUT limit_reason text, OUT limit_details jsonb, OUT unmatched bigint) RETURNS record
    AS 'MODULE_PATHNAME', 'tally_import_piece'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally._import_piece(integer, uuid, text, boolean, bigint, bigint[], bigint[], bigint[]) IS
    'Stores the events of a piece of an import and counts its lines; those in the ranges from counted_from to before counted_to were counted before. Raises 22023 where the header is no good, 54000 too many events';

-- An import's counts add up to the lines of its file, however often a piece must be sent until its sender knows of its
-- answer: what the ranges of import_batch.lines hold was counted when it came first. The row is locked, so pieces of one
-- import come one after the other, from several senders too.
CREATE FUNCTION tally._import(batch tally.import_batch, piece text, is_csv boolean, first_line bigint, unread bigint[],
                              OUT accepted bigint, OUT duplicates bigint, OUT failed bigint, OUT resent bigint, OUT next_line bigint,
                              OUT failures json, OUT limit_reason text, OUT limit_details jsonb, OUT unmatched bigint) RETURNS record
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    SELECT p.* INTO accepted, duplicates, failed, resent, next_line, failures, limit_reason, limit_details, unmatched
    FROM tally._import_piece(batch.tenant_id, batch.import_id, piece, is_csv, first_line, unread,
                             ARRAY(SELECT lower(k.lines) FROM unnest(batch.lines) k(lines)),
                             ARRAY(SELECT upper(k.lines) FROM unnest(batch.lines) k(lines))) p;
    -- Of blank lines alone nothing was taken: so a sender asks whether the import still stands.
    UPDATE tally.import_batch b SET accepted = b.accepted + _import.accepted, duplicates = b.duplicates + _import.duplicates,
                                    failures = b.failures + _import.failed, unmatched = b.unmatched + _import.unmatched,
                                    lines = tally._add_lines(b.lines, CASE WHEN _import.accepted + _import.duplicates + failed > 0 THEN int8range(first_line, next_line) ELSE 'empty' END),
                                    updated_at = tally._now()
    WHERE b.tenant_id = _import.batch.tenant_id AND b.import_id = _import.batch.import_id;
    IF failed > 0 AND batch.failures < 10000 THEN
        INSERT INTO tally.import_failure (tenant_id, import_id, line, event_id, reason)
        SELECT batch.tenant_id, batch.import_id, (f ->> 'line')::bigint, f ->> 'event_id', f ->> 'reason'
        FROM json_array_elements(failures) f ORDER BY 3 LIMIT 10000 - batch.failures
        ON CONFLICT ON CONSTRAINT import_failure_pkey DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION tally._import(tally.import_batch, text, boolean, bigint, bigint[]) IS
    'Stores the events of a piece of an import that this transaction has locked, old ones too, and tells what became of them; failures names lines, counted from first_line. unread: lines of the piece that its sender left blank, and counts as failures. resent: lines that came before, and are not counted again. limit_reason and limit_details: which limit of the month refuses an event; next_line is then the line of the first such event, and nothing from there on counts as sent. unmatched: accepted events whose code no metric reads yet. An event without an id gets one made from its content.';
