-- events: accepted ones lie as rows here until packing moves them into segments, and beside them what makes each event unique

CREATE SEQUENCE tally.event_seq;
COMMENT ON SEQUENCE tally.event_seq IS 'Order in which events were taken; breaks ties between equal timestamps';

-- Not partitioned, with the one index that usage needs: an event needs no partition to be accepted. Hashes stand in the key
-- for the texts, which are several times as dear there; a reader compares the texts themselves.
CREATE TABLE tally.recent_event (
    generation    integer NOT NULL,
    tenant_id     integer NOT NULL,
    code_hash     integer NOT NULL,
    customer_hash integer NOT NULL,
    ts            timestamptz NOT NULL,
    seq           bigint NOT NULL DEFAULT pg_catalog.nextval('tally.event_seq'),
    received_at   timestamptz NOT NULL,
    import_id     uuid,
    code          text NOT NULL,
    customer_id   text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    properties    json NOT NULL,
    PRIMARY KEY (generation, tenant_id, code_hash, customer_hash, ts, seq)
) WITH (fillfactor = 100, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.recent_event IS 'Accepted events that came a moment ago: each lies here or in one segment, never in both; rows are only changed to erase personal data';
COMMENT ON COLUMN tally.recent_event.generation IS 'Which was the newest one (table generation) when it was stored';
COMMENT ON COLUMN tally.recent_event.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.recent_event.code_hash IS '_hash32 of code';
COMMENT ON COLUMN tally.recent_event.customer_hash IS '_hash32 of customer_id';
COMMENT ON COLUMN tally.recent_event.ts IS 'When it happened';
COMMENT ON COLUMN tally.recent_event.seq IS 'Order of arrival, over all tenants; has gaps';
COMMENT ON COLUMN tally.recent_event.received_at IS 'When it was taken';
COMMENT ON COLUMN tally.recent_event.import_id IS 'Import that brought it; NULL for an event that was sent by itself';
COMMENT ON COLUMN tally.recent_event.code IS 'What happened';
COMMENT ON COLUMN tally.recent_event.customer_id IS 'Whose usage it is; empty for no customer';
COMMENT ON COLUMN tally.recent_event.source IS 'Which system sent it; empty if none was named';
COMMENT ON COLUMN tally.recent_event.event_id IS 'Id given by the sender, unique for the tenant, customer and source';
COMMENT ON COLUMN tally.recent_event.properties IS 'Object of values of any kind, exactly as sent';

-- See extension/pg/segment/generation.hpp. Where there is no row, generation 0 is live.
CREATE TABLE tally.generation (
    generation   integer PRIMARY KEY,
    moved_before bigint NOT NULL
) WITH (fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.generation IS 'Live generations of recent events: rows go into the newest, and readers visit only these';
COMMENT ON COLUMN tally.generation.generation IS 'Number of the generation';
COMMENT ON COLUMN tally.generation.moved_before IS 'Events that had been packed in all when it began: many have left it where many more have been packed';

CREATE TABLE tally.recent_identity (
    identity  uuid PRIMARY KEY,
    payload   bigint NOT NULL,
    tenant_id integer NOT NULL,
    month     integer NOT NULL
) WITH (fillfactor = 100, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.recent_identity IS 'Makes an event count once, for as long as it is kept, whatever its timestamp';
COMMENT ON COLUMN tally.recent_identity.identity IS 'SipHash-2-4-128 of the length-prefixed tenant_id (in decimal digits), customer_id, source and event_id';
COMMENT ON COLUMN tally.recent_identity.payload IS 'First 64 bits of SipHash-2-4-128 of code, timestamp as sent and properties: tells a duplicate from a conflict';
COMMENT ON COLUMN tally.recent_identity.tenant_id IS 'Whose event it is';
COMMENT ON COLUMN tally.recent_identity.month IS 'Months since January 1970 (UTC) of the event''s timestamp';

CREATE FUNCTION tally._hash32(value text) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_hash32'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._hash32(text) IS 'First 32 bits of SipHash-2-4-128 of a text: stands for a code or a customer in the key of recent_event';

CREATE FUNCTION tally._event_identity(tenant_id integer, customer_id text, source text, event_id text) RETURNS uuid
    AS 'MODULE_PATHNAME', 'tally_event_identity'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._event_identity(integer, text, text, text) IS 'What recent_identity.identity holds for such an event, also where its id was erased';

CREATE FUNCTION tally._erased_id(tenant_id integer, customer_id text, source text, event_id text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_erased_id'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._erased_id(integer, text, text, text) IS 'What stands in the place of an event''s id when it is erased, and of one that was erased: itself';
