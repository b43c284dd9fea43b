-- imports, and corrections: what is taken back stays in the log and is not counted
--
-- A correction is one more row, never a change of an event. It names the event by its seq. Whoever voids an event also
-- releases its identity in the same transaction, so that the same event can be sent and counted again; the correction keeps
-- the identity, so that the voided event can still be looked up.

CREATE TABLE tally.import_batch (
    tenant_id   integer NOT NULL REFERENCES tally.tenant,
    import_id   uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    name        text CHECK (pg_catalog.length(name) BETWEEN 1 AND 255),
    accepted    bigint NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    duplicates  bigint NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
    failures    bigint NOT NULL DEFAULT 0 CHECK (failures >= 0),
    created_at  timestamptz NOT NULL DEFAULT tally._now(),
    updated_at  timestamptz NOT NULL DEFAULT tally._now(),
    voided_at   timestamptz,
    void_reason text CHECK (pg_catalog.length(void_reason) BETWEEN 1 AND 1000),
    voided      bigint NOT NULL DEFAULT 0 CHECK (voided >= 0),
    lines       int8range[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, import_id),
    CONSTRAINT import_batch_void_whole CHECK ((voided_at IS NULL) = (void_reason IS NULL))
);
COMMENT ON TABLE tally.import_batch IS 'Imports of many events, each of which can be taken back as a whole';
COMMENT ON COLUMN tally.import_batch.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.import_batch.import_id IS 'Shown as imp_...; events carry it';
COMMENT ON COLUMN tally.import_batch.name IS 'What it was called, such as the name of the file';
COMMENT ON COLUMN tally.import_batch.accepted IS 'Events that it brought';
COMMENT ON COLUMN tally.import_batch.duplicates IS 'Events that were there already';
COMMENT ON COLUMN tally.import_batch.failures IS 'Events that could not be stored';
COMMENT ON COLUMN tally.import_batch.created_at IS 'When it began';
COMMENT ON COLUMN tally.import_batch.updated_at IS 'When events last came, or when it was taken back';
COMMENT ON COLUMN tally.import_batch.voided_at IS 'When it was taken back; NULL: it counts';
COMMENT ON COLUMN tally.import_batch.void_reason IS 'Why it was taken back';
COMMENT ON COLUMN tally.import_batch.voided IS 'Events that were voided when it was taken back';
COMMENT ON COLUMN tally.import_batch.lines IS 'Lines of the file that were taken, as few ranges as there can be: those that come again are not counted again';

CREATE TABLE tally.correction (
    tenant_id     integer NOT NULL REFERENCES tally.tenant,
    seq           bigint NOT NULL,
    identity      uuid NOT NULL,
    ts            timestamptz NOT NULL,
    code          text NOT NULL,
    customer_id   text NOT NULL,
    import_id     uuid,
    reason        text NOT NULL CHECK (pg_catalog.length(reason) BETWEEN 1 AND 1000),
    created_at    timestamptz NOT NULL DEFAULT tally._now(),
    created_by    text NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX correction_code ON tally.correction (tenant_id, code, ts) INCLUDE (seq);
CREATE INDEX correction_identity ON tally.correction (tenant_id, identity);
COMMENT ON TABLE tally.correction IS 'Events that are void: they stay in the log and count no longer. Only ever added to';
COMMENT ON COLUMN tally.correction.tenant_id IS 'Whose event it is';
COMMENT ON COLUMN tally.correction.seq IS 'The event''s seq; an event can be voided once';
COMMENT ON COLUMN tally.correction.identity IS 'What recent_identity held for the event: it has been released there';
COMMENT ON COLUMN tally.correction.ts IS 'The event''s timestamp: in which month it lies';
COMMENT ON COLUMN tally.correction.code IS 'The event''s code: which metrics it had an influence on';
COMMENT ON COLUMN tally.correction.customer_id IS 'The event''s customer';
COMMENT ON COLUMN tally.correction.import_id IS 'Import that was taken back; NULL if the event was voided by itself';
COMMENT ON COLUMN tally.correction.reason IS 'Why it is void';
COMMENT ON COLUMN tally.correction.created_at IS 'When it was voided';
COMMENT ON COLUMN tally.correction.created_by IS 'Role that had logged in to do it';
COMMENT ON INDEX tally.correction_code IS 'The voided events of a code in a range, without the rows';
COMMENT ON INDEX tally.correction_identity IS 'Voided events of an identity';

CREATE FUNCTION tally._void_import(tenant_id integer, import_id uuid, reason text) RETURNS tally.import_batch
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant integer := _void_import.tenant_id;
    import uuid := _void_import.import_id;
    cause  text := _void_import.reason;
    batch  tally.import_batch;
    total  bigint;
BEGIN
    -- Parts of the import that are just coming in lock this row too: they are finished, or will find it voided.
    SELECT * INTO batch FROM tally.import_batch b WHERE b.tenant_id = tenant AND b.import_id = import FOR UPDATE;
    IF batch.import_id IS NULL THEN
        RAISE EXCEPTION 'import "%" does not exist', tally._encode_id('imp_', import) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    ELSIF batch.voided_at IS NOT NULL THEN
        RAISE EXCEPTION 'import "%" has been taken back already', tally._encode_id('imp_', import) USING ERRCODE = 'TL409', COLUMN = 'id';
    END IF;
    INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, import_id, reason)
    SELECT tenant, e.seq, tally._event_identity(tenant, e.customer_id, e.source, e.event_id), e.ts, e.code, e.customer_id, import, cause
    FROM tally._events_of_import(tenant, import) e
    ON CONFLICT DO NOTHING;     -- voided by itself before
    GET DIAGNOSTICS total = ROW_COUNT;
    PERFORM tally._release_identities(ARRAY(SELECT c.identity FROM tally.correction c WHERE c.tenant_id = tenant AND c.import_id = import));
    UPDATE tally.import_batch b SET voided_at = tally._now(), updated_at = tally._now(), void_reason = cause, voided = total
    WHERE b.tenant_id = tenant AND b.import_id = import RETURNING b.* INTO batch;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION tally._void_import(integer, uuid, text) IS
    'Takes an import back: voids its events with a reason and releases their identities, so that they can be sent again. Errors: P0002 no such import, TL409 taken back already';
