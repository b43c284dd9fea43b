-- events that were sent again: how many duplicates and conflicts each day of events has seen, for explanations
--
-- A call of ingest that had some adds a row for each code, day and customer, in its transaction, and updates none: so writers do
-- not wait for each other. Packing folds these parts into one row a key, so that a client that sends everything twice costs
-- no more than a row for each customer, code and day.

CREATE TABLE tally.resend_count (
    tenant_id   integer NOT NULL,
    code        text COLLATE "C" NOT NULL,
    day         date NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    part        uuid NOT NULL,
    duplicates  bigint NOT NULL CHECK (duplicates >= 0),
    conflicts   bigint NOT NULL CHECK (conflicts >= 0),
    PRIMARY KEY (tenant_id, code, day, customer_id, part)
) WITH (fillfactor = 90, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX resend_count_parts ON tally.resend_count (part) WHERE part <> '00000000-0000-0000-0000-000000000000';
COMMENT ON TABLE tally.resend_count IS 'How many events were answered as duplicate or conflict: written by the call that answered so, where its transaction commits';
COMMENT ON COLUMN tally.resend_count.tenant_id IS 'Whose events they were';
COMMENT ON COLUMN tally.resend_count.code IS 'What happened, as sent again';
COMMENT ON COLUMN tally.resend_count.day IS 'Day (UTC) of the timestamp as sent again; without one, of when it was sent again';
COMMENT ON COLUMN tally.resend_count.customer_id IS 'Whose usage it is; empty for no customer';
COMMENT ON COLUMN tally.resend_count.part IS 'The call that counted them; zeros: the sum of all calls that packing has folded';
COMMENT ON COLUMN tally.resend_count.duplicates IS 'Events that were known already, with the same content';
COMMENT ON COLUMN tally.resend_count.conflicts IS 'Events that were known already, with other content; the first one stands';
