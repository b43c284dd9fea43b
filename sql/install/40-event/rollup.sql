-- rollups: stored states of whole buckets, so that usage need not read every event again
--
-- A rollup holds an event if and only if the event's transaction is visible in the metric's stored snapshot. Nothing
-- advances rollups yet: usage is answered from events, and _usage_states is where stored states enter.

CREATE TABLE tally.rollup_progress (
    tenant_id         integer NOT NULL,
    metric_id         uuid NOT NULL,
    bucket            interval NOT NULL DEFAULT '1 hour' CHECK (bucket > '0'),
    contained         pg_snapshot NOT NULL,
    system_identifier bigint NOT NULL,
    advanced_at       timestamptz NOT NULL DEFAULT tally._now(),
    PRIMARY KEY (tenant_id, metric_id),
    FOREIGN KEY (tenant_id, metric_id) REFERENCES tally.metric
);
COMMENT ON TABLE tally.rollup_progress IS 'Which events the rollup of a metric holds';
COMMENT ON COLUMN tally.rollup_progress.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.rollup_progress.metric_id IS 'Whose rollup it is';
COMMENT ON COLUMN tally.rollup_progress.bucket IS 'Width of its buckets';
COMMENT ON COLUMN tally.rollup_progress.contained IS 'It holds the events of the transactions visible in this snapshot';
COMMENT ON COLUMN tally.rollup_progress.system_identifier IS 'Cluster whose transaction ids the snapshot speaks of';
COMMENT ON COLUMN tally.rollup_progress.advanced_at IS 'When it was last advanced';

CREATE TABLE tally.rollup (
    tenant_id       integer NOT NULL,
    customer_hash   integer NOT NULL,
    metric_id       uuid NOT NULL,
    customer_id     text NOT NULL,
    dimensions      text[] NOT NULL,
    bucket_start    timestamptz NOT NULL,
    summary         tally.summary,
    distinct_values tally.distinct_set,
    events          bigint NOT NULL CHECK (events >= 0),
    skipped         bigint NOT NULL CHECK (skipped >= 0),
    is_dirty        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, customer_hash, metric_id, customer_id, dimensions, bucket_start),
    FOREIGN KEY (tenant_id, metric_id) REFERENCES tally.metric
);
COMMENT ON TABLE tally.rollup IS 'Stored states: one for each metric, customer, dimension values and bucket of time';
COMMENT ON COLUMN tally.rollup.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.rollup.customer_hash IS 'First 32 bits of SipHash-2-4-128 of customer_id: the distribution column';
COMMENT ON COLUMN tally.rollup.metric_id IS 'The metric';
COMMENT ON COLUMN tally.rollup.customer_id IS 'The customer';
COMMENT ON COLUMN tally.rollup.dimensions IS 'Values of the metric''s own dimensions, in the order of its definition';
COMMENT ON COLUMN tally.rollup.bucket_start IS 'Start of the bucket';
COMMENT ON COLUMN tally.rollup.summary IS 'State of SUM, MIN, MAX, MEAN and LATEST';
COMMENT ON COLUMN tally.rollup.distinct_values IS 'State of COUNT_DISTINCT';
COMMENT ON COLUMN tally.rollup.events IS 'Events in the state: the state of COUNT';
COMMENT ON COLUMN tally.rollup.skipped IS 'Events whose value the metric could not use';
COMMENT ON COLUMN tally.rollup.is_dirty IS 'Whether a correction touched the bucket: it is answered from events until it is rebuilt';

