-- events: an append-only log partitioned by time, and beside it the narrow table that makes each event unique

CREATE SEQUENCE tally.event_seq;
COMMENT ON SEQUENCE tally.event_seq IS 'Order in which events were taken; breaks ties between equal timestamps';

-- Indexes and constraints live on the partitions and not here: at restore the extension exists before its partitions are
-- attached, and an index of the parent would be made a second time on each of them.
CREATE TABLE tally.event (
    tenant_id     integer NOT NULL,
    customer_hash integer NOT NULL,
    seq           bigint NOT NULL DEFAULT pg_catalog.nextval('tally.event_seq'),
    ts            timestamptz NOT NULL,
    received_at   timestamptz NOT NULL,
    xact          xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    code          text NOT NULL,
    customer_id   text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    properties    jsonb NOT NULL,
    import_id     uuid
) PARTITION BY RANGE (ts);
COMMENT ON TABLE tally.event IS 'Every accepted event, never changed; partitioned by ts, months by default';
COMMENT ON COLUMN tally.event.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.event.customer_hash IS 'First 32 bits of SipHash-2-4-128 of customer_id: the distribution column';
COMMENT ON COLUMN tally.event.seq IS 'Order of arrival, over all tenants; has gaps';
COMMENT ON COLUMN tally.event.ts IS 'When it happened';
COMMENT ON COLUMN tally.event.received_at IS 'When it was taken';
COMMENT ON COLUMN tally.event.xact IS 'Transaction that stored it: a rollup holds the event if that transaction is visible in the rollup''s snapshot';
COMMENT ON COLUMN tally.event.code IS 'What happened';
COMMENT ON COLUMN tally.event.customer_id IS 'Whose usage it is; empty for no customer';
COMMENT ON COLUMN tally.event.source IS 'Which system sent it; empty if none was named';
COMMENT ON COLUMN tally.event.event_id IS 'Id given by the sender, unique for the tenant, customer and source';
COMMENT ON COLUMN tally.event.properties IS 'Flat object of strings and numbers, exactly as sent';
COMMENT ON COLUMN tally.event.import_id IS 'Import that brought it; NULL for an event that was sent by itself';

CREATE TABLE tally.event_identity (
    tenant_id     integer NOT NULL,
    customer_hash integer NOT NULL,
    identity      uuid NOT NULL,
    payload       uuid NOT NULL,
    ts            timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, customer_hash, identity)
);
COMMENT ON TABLE tally.event_identity IS 'Makes an event count once, for as long as it is kept, whatever its timestamp';
COMMENT ON COLUMN tally.event_identity.tenant_id IS 'Whose event it is';
COMMENT ON COLUMN tally.event_identity.customer_hash IS 'First 32 bits of SipHash-2-4-128 of customer_id: the distribution column';
COMMENT ON COLUMN tally.event_identity.identity IS 'SipHash-2-4-128 of the length-prefixed customer_id, source, event_id';
COMMENT ON COLUMN tally.event_identity.payload IS 'SipHash-2-4-128 of code, timestamp as sent and properties: tells a duplicate from a conflict';
COMMENT ON COLUMN tally.event_identity.ts IS 'Timestamp of the event: in which partition it lies';


CREATE FUNCTION tally._customer_hash(customer_id text) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_customer_hash'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._customer_hash(text) IS 'The distribution column of a customer''s events';

CREATE FUNCTION tally._event_identity(customer_id text, source text, event_id text) RETURNS uuid
    AS 'MODULE_PATHNAME', 'tally_event_identity'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._event_identity(text, text, text) IS 'What event_identity.identity holds for such an event';
