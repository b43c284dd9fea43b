-- imports, and corrections: what is taken back stays in the log and is not counted
--
-- A correction is one more row, never a change of an event. It names the event by its seq, and comes from one of three:
--   an import that was taken back (import_id): the identity is released in the same transaction, so that the same event can be
--     sent and counted again; the correction keeps the identity, so that the voided event can still be looked up
--   an amendment (successor): the event counts as the row of seq `successor` says, which holds the identity from then on
--   an event that was voided by itself, or with others as a batch: it keeps its identity, and this correction can be lifted
-- So of each identity at most one row is neither taken back with an import nor amended: the one that holds the identity.
-- Whoever corrects an event by itself locks the tenant's corrections, shared, then its identity, then the import that brought it
-- (_lock_event); whoever corrects many locks the tenant's corrections alone (_lock_corrections).
-- How many corrections there are, and were lifted, stands for their set (extension/pg/usage/life_state.hpp): a correction
-- that is lifted leaves a row in lifted_correction in the same transaction.
-- Each act, of voiding, of lifting and of changing a metric, has a number by which cuts know what they saw (60-usage/cut.sql). It is taken after the
-- transaction has got its xid: whoever finds that all transactions before an xid have ended, knows what became of the numbers
-- that were given before it.

CREATE SEQUENCE tally.act_number;
COMMENT ON SEQUENCE tally.act_number IS 'Order in which events were voided, corrections lifted and metrics changed';

CREATE TABLE tally.metric_version (
    tenant_id   integer NOT NULL,
    metric_id   uuid NOT NULL,
    act         bigint NOT NULL DEFAULT CASE WHEN pg_catalog.pg_current_xact_id() IS NOT NULL THEN pg_catalog.nextval('tally.act_number') END,
    definition  json NOT NULL,
    replaced_at timestamptz NOT NULL DEFAULT tally._now(),
    PRIMARY KEY (tenant_id, metric_id, act)
);
CREATE INDEX metric_version_act ON tally.metric_version USING brin (act);
COMMENT ON TABLE tally.metric_version IS 'Definitions that metrics had before they were changed, by which they are asked as of a cut. Only ever added to';
COMMENT ON COLUMN tally.metric_version.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.metric_version.metric_id IS 'The metric';
COMMENT ON COLUMN tally.metric_version.act IS 'Number of the act of changing it';
COMMENT ON COLUMN tally.metric_version.definition IS 'The row of tally.metric as it was';
COMMENT ON COLUMN tally.metric_version.replaced_at IS 'When it was changed';
COMMENT ON INDEX tally.metric_version_act IS 'The newest acts, which lie together';

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
    unmatched   bigint NOT NULL DEFAULT 0 CHECK (unmatched BETWEEN 0 AND accepted),
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
COMMENT ON COLUMN tally.import_batch.unmatched IS 'Of the accepted events: those whose code no metric read when they came';

CREATE FUNCTION tally._actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(tally._encode_id('tkn_', tally.authenticated_key()), session_user::text) $$;
COMMENT ON FUNCTION tally._actor() IS 'Who does this: the id of the API key that was checked in this transaction, or else the role that logged in';

CREATE TABLE tally.correction_batch (
    tenant_id     integer NOT NULL REFERENCES tally.tenant,
    batch_id      uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    reason        text NOT NULL CHECK (pg_catalog.length(reason) BETWEEN 1 AND 1000),
    question      json NOT NULL,
    events        bigint NOT NULL DEFAULT 0 CHECK (events >= 0),
    created_at    timestamptz NOT NULL DEFAULT tally._now(),
    created_by    text NOT NULL DEFAULT tally._actor(),
    lifted_reason text CHECK (pg_catalog.length(lifted_reason) BETWEEN 1 AND 1000),
    lifted_at     timestamptz,
    lifted_by     text,
    PRIMARY KEY (tenant_id, batch_id),
    CONSTRAINT correction_batch_lift_whole CHECK ((lifted_at IS NULL) = (lifted_reason IS NULL) AND (lifted_at IS NULL) = (lifted_by IS NULL))
);
COMMENT ON TABLE tally.correction_batch IS 'Events that were voided together by a filter, and can be taken back together';
COMMENT ON COLUMN tally.correction_batch.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.correction_batch.batch_id IS 'Shown as cor_...';
COMMENT ON COLUMN tally.correction_batch.reason IS 'Why they are void';
COMMENT ON COLUMN tally.correction_batch.question IS 'Which events were meant: code, from, to, customer, filter';
COMMENT ON COLUMN tally.correction_batch.events IS 'How many events were voided';
COMMENT ON COLUMN tally.correction_batch.created_at IS 'When they were voided';
COMMENT ON COLUMN tally.correction_batch.created_by IS 'Key or role that did it';
COMMENT ON COLUMN tally.correction_batch.lifted_reason IS 'Why they count again; NULL: they are void';
COMMENT ON COLUMN tally.correction_batch.lifted_at IS 'When they were taken back';
COMMENT ON COLUMN tally.correction_batch.lifted_by IS 'Key or role that took them back';

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
    created_by    text NOT NULL DEFAULT tally._actor(),
    successor     bigint,
    batch_id      uuid,
    act           bigint NOT NULL DEFAULT CASE WHEN pg_catalog.pg_current_xact_id() IS NOT NULL THEN pg_catalog.nextval('tally.act_number') END,
    successor_ts  timestamptz,
    PRIMARY KEY (tenant_id, seq),
    CONSTRAINT correction_of_one_kind CHECK (pg_catalog.num_nonnulls(import_id, successor, batch_id) <= 1),
    CONSTRAINT correction_successor_whole CHECK ((successor IS NULL) = (successor_ts IS NULL))
);
CREATE INDEX correction_code ON tally.correction (tenant_id, code, ts) INCLUDE (seq, act);
CREATE INDEX correction_identity ON tally.correction (tenant_id, identity);
CREATE INDEX correction_of_batch ON tally.correction (tenant_id, batch_id) WHERE batch_id IS NOT NULL;
COMMENT ON TABLE tally.correction IS 'Events that are void: they stay in the log and count no longer. Added to, and taken from only into lifted_correction';
COMMENT ON COLUMN tally.correction.tenant_id IS 'Whose event it is';
COMMENT ON COLUMN tally.correction.seq IS 'The event''s seq; an event can be voided once';
COMMENT ON COLUMN tally.correction.identity IS 'The event''s identity (recent_identity)';
COMMENT ON COLUMN tally.correction.ts IS 'The event''s timestamp: in which month it lies';
COMMENT ON COLUMN tally.correction.code IS 'The event''s code: which metrics it had an influence on';
COMMENT ON COLUMN tally.correction.customer_id IS 'The event''s customer';
COMMENT ON COLUMN tally.correction.import_id IS 'Import that was taken back: the identity has been released; NULL: it stays taken';
COMMENT ON COLUMN tally.correction.reason IS 'Why it is void';
COMMENT ON COLUMN tally.correction.created_at IS 'When it was voided';
COMMENT ON COLUMN tally.correction.created_by IS 'Key or role that did it';
COMMENT ON COLUMN tally.correction.successor IS 'Of an amended event: the seq of the row that counts in its place';
COMMENT ON COLUMN tally.correction.successor_ts IS 'The timestamp of that row; retention keeps the correction until both lie before its edge';
COMMENT ON COLUMN tally.correction.batch_id IS 'Batch with which it was voided; NULL: by itself, or otherwise';
CREATE INDEX correction_act ON tally.correction USING brin (act);
COMMENT ON COLUMN tally.correction.act IS 'Number of the act of voiding';
COMMENT ON INDEX tally.correction_act IS 'The newest acts, which lie together';
COMMENT ON INDEX tally.correction_code IS 'The voided events of a code in a range, without the rows';
COMMENT ON INDEX tally.correction_identity IS 'Voided events of an identity';
COMMENT ON INDEX tally.correction_of_batch IS 'The events of a batch';

CREATE TABLE tally.lifted_correction (
    LIKE tally.correction,
    lifted_reason text NOT NULL CHECK (pg_catalog.length(lifted_reason) BETWEEN 1 AND 1000),
    lifted_at     timestamptz NOT NULL DEFAULT tally._now(),
    lifted_by     text NOT NULL DEFAULT tally._actor(),
    lift_act      bigint NOT NULL DEFAULT CASE WHEN pg_catalog.pg_current_xact_id() IS NOT NULL THEN pg_catalog.nextval('tally.act_number') END,
    PRIMARY KEY (tenant_id, seq, lift_act)
);
CREATE INDEX lifted_correction_code ON tally.lifted_correction (tenant_id, code, ts);
CREATE INDEX lifted_correction_act ON tally.lifted_correction USING brin (act, lift_act);
CREATE INDEX lifted_correction_identity ON tally.lifted_correction (tenant_id, identity);
COMMENT ON TABLE tally.lifted_correction IS 'Corrections that were taken back: the events count again. Only ever added to';
COMMENT ON COLUMN tally.lifted_correction.tenant_id IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.seq IS 'As in correction; an event can be voided and taken back any number of times';
COMMENT ON COLUMN tally.lifted_correction.identity IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.ts IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.code IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.customer_id IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.import_id IS 'As in correction; always NULL: an import stays taken back';
COMMENT ON COLUMN tally.lifted_correction.reason IS 'Why it was void';
COMMENT ON COLUMN tally.lifted_correction.created_at IS 'When it was voided';
COMMENT ON COLUMN tally.lifted_correction.created_by IS 'Key or role that voided it';
COMMENT ON COLUMN tally.lifted_correction.successor IS 'As in correction; always NULL: an amended event is amended again';
COMMENT ON COLUMN tally.lifted_correction.successor_ts IS 'As in correction; always NULL';
COMMENT ON COLUMN tally.lifted_correction.batch_id IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.lifted_reason IS 'Why it counts again';
COMMENT ON COLUMN tally.lifted_correction.lifted_at IS 'When it was taken back';
COMMENT ON COLUMN tally.lifted_correction.lifted_by IS 'Key or role that took it back';
COMMENT ON COLUMN tally.lifted_correction.act IS 'As in correction';
COMMENT ON COLUMN tally.lifted_correction.lift_act IS 'Number of the act of lifting';
COMMENT ON INDEX tally.lifted_correction_act IS 'The newest acts';
COMMENT ON INDEX tally.lifted_correction_code IS 'How many corrections of a code were lifted';
COMMENT ON INDEX tally.lifted_correction_identity IS 'Lifted corrections of an identity';

CREATE FUNCTION tally._lock_corrections(tenant_id integer) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT pg_advisory_xact_lock(82562, tenant_id) $$;
COMMENT ON FUNCTION tally._lock_corrections(integer) IS
    'One at a time corrects many events of a tenant at once, until the end of its transaction, and nobody a single one meanwhile (_lock_event). Own advisory lock class';

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
    PERFORM tally._lock_corrections(tenant);
    -- Parts of the import that are just coming in lock this row too: they are finished, or will find it voided.
    SELECT * INTO batch FROM tally.import_batch b WHERE b.tenant_id = tenant AND b.import_id = import FOR UPDATE;
    IF batch.import_id IS NULL THEN
        RAISE EXCEPTION 'import "%" does not exist', tally._encode_id('imp_', import) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    ELSIF batch.voided_at IS NOT NULL THEN
        RAISE EXCEPTION 'import "%" has been taken back already', tally._encode_id('imp_', import) USING ERRCODE = 'TL409', COLUMN = 'id';
    END IF;
    -- What was voided by itself before goes back with the import too; what was amended is there as the row that counts in its place.
    WITH gone AS (
        DELETE FROM tally.correction c USING tally._events_of_import(tenant, import) e
        WHERE c.tenant_id = tenant AND c.seq = e.seq AND c.successor IS NULL RETURNING c.*
    )
    INSERT INTO tally.lifted_correction SELECT g.*, cause FROM gone g;
    INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, import_id, reason)
    SELECT tenant, e.seq, tally._event_identity(tenant, e.customer_id, e.source, e.event_id), e.ts, e.code, e.customer_id, import, cause
    FROM tally._events_of_import(tenant, import) e
    ON CONFLICT DO NOTHING;     -- amended before
    GET DIAGNOSTICS total = ROW_COUNT;
    PERFORM tally._release_identities(ARRAY(SELECT c.identity FROM tally.correction c WHERE c.tenant_id = tenant AND c.import_id = import));
    UPDATE tally.import_batch b SET voided_at = tally._now(), updated_at = tally._now(), void_reason = cause, voided = total
    WHERE b.tenant_id = tenant AND b.import_id = import RETURNING b.* INTO batch;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION tally._void_import(integer, uuid, text) IS
    'Takes an import back: voids its events with a reason and releases their identities, so that they can be sent again. Errors: P0002 no such import, TL409 taken back already';
