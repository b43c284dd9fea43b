-- segments: events that packing has moved from rows into columns, many a row
--
-- A partition for each month, or for a year or decade of old ones, made by packing (extension/core/segment/partition.hpp):
-- LIKE this table, with the key (tenant_id, code, segment_id). No DEFAULT partition and no foreign key: either would make
-- attaching a partition wait for readers or writers. The table itself holds no rows and no index.

CREATE SEQUENCE tally.segment_id_seq;
COMMENT ON SEQUENCE tally.segment_id_seq IS 'Numbers of segments; one that replaces others has a greater one than they';

CREATE TABLE tally.segment (
    segment_id     bigint NOT NULL DEFAULT pg_catalog.nextval('tally.segment_id_seq'),
    tenant_id      integer NOT NULL,
    code           text COLLATE "C" NOT NULL,
    month          date NOT NULL,
    first_ts       timestamptz NOT NULL,
    last_ts        timestamptz NOT NULL,
    first_customer text COLLATE "C" NOT NULL,
    last_customer  text COLLATE "C" NOT NULL,
    first_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    events         integer NOT NULL,
    imports        uuid[],
    data           tally.segment_data NOT NULL,
    weight         bigint NOT NULL
) PARTITION BY RANGE (month);
COMMENT ON TABLE tally.segment IS 'Events by columns: each lies in one segment or in recent_event, never in both; segments are only replaced as a whole';
COMMENT ON COLUMN tally.segment.segment_id IS 'Number of the segment';
COMMENT ON COLUMN tally.segment.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.segment.code IS 'What happened';
COMMENT ON COLUMN tally.segment.month IS 'First day of the month (UTC) in which all of them happened';
COMMENT ON COLUMN tally.segment.first_ts IS 'When the first of them happened';
COMMENT ON COLUMN tally.segment.last_ts IS 'When the last of them happened';
COMMENT ON COLUMN tally.segment.first_customer IS 'Least customer_id, by bytes';
COMMENT ON COLUMN tally.segment.last_customer IS 'Greatest customer_id, by bytes';
COMMENT ON COLUMN tally.segment.first_seq IS 'Least seq';
COMMENT ON COLUMN tally.segment.last_seq IS 'Greatest seq';
COMMENT ON COLUMN tally.segment.events IS 'How many events it holds';
COMMENT ON COLUMN tally.segment.imports IS 'Imports that brought some of them; NULL: none did';
COMMENT ON COLUMN tally.segment.data IS 'The events';
COMMENT ON COLUMN tally.segment.weight IS 'Bytes that the events take in memory: how many segments one merge may read';

CREATE TABLE tally.loose_segment (
    tenant_id  integer NOT NULL,
    code_hash  integer NOT NULL,
    segment_id bigint NOT NULL,
    month      date NOT NULL,
    PRIMARY KEY (tenant_id, code_hash, segment_id)
) WITH (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.loose_segment IS 'Segments that ingest made and packing has not adopted yet: until then they are not merged';
COMMENT ON COLUMN tally.loose_segment.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.loose_segment.code_hash IS '_hash32 of the code';
COMMENT ON COLUMN tally.loose_segment.segment_id IS 'Number of the segment';
COMMENT ON COLUMN tally.loose_segment.month IS 'First day of the month (UTC) in which its events happened';

CREATE TABLE tally.store (
    whole         boolean PRIMARY KEY DEFAULT true CHECK (whole),
    retained_from timestamptz NOT NULL
);
COMMENT ON TABLE tally.store IS 'What holds for the whole store: one row, or none before anything was set';
COMMENT ON COLUMN tally.store.whole IS 'There is one row';
COMMENT ON COLUMN tally.store.retained_from IS 'Events before are gone or going (tally.retain): none is taken, and no question is answered about them';

CREATE TABLE tally.pile (
    tenant_id integer NOT NULL,
    code_hash integer NOT NULL,
    packed_at timestamptz,
    version   bigint NOT NULL DEFAULT 0,
    packed_events bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, code_hash)
) WITH (fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.pile IS 'A row for each code that was ever packed: whoever packs locks it, so that one session at a time packs or merges the code';
COMMENT ON COLUMN tally.pile.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.pile.code_hash IS '_hash32 of the code';
COMMENT ON COLUMN tally.pile.packed_at IS 'When events of it were last packed';
COMMENT ON COLUMN tally.pile.packed_events IS 'How many of its events were ever packed';
COMMENT ON COLUMN tally.pile.version IS 'Raised under the lock by every transaction that changes which of its events are packed (merging does not): what tally.life_total is good for';

CREATE TABLE tally.life_total (
    tenant_id     integer NOT NULL,
    code_hash     integer NOT NULL,
    metric_id     uuid NOT NULL,
    definition    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    pile_version  bigint NOT NULL DEFAULT -1,
    corrections   bigint NOT NULL DEFAULT 0,
    retained_from timestamptz NOT NULL DEFAULT '-infinity',
    matched       bigint NOT NULL DEFAULT 0,
    counted       bigint NOT NULL DEFAULT 0,
    total         numeric,
    positive      numeric,
    negative      numeric,
    picked        numeric,
    picked_ts     timestamptz,
    picked_seq    bigint,
    PRIMARY KEY (tenant_id, code_hash, metric_id)
) WITH (fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.life_total IS 'What metrics that get value updates come to over their packed events, so that an update need not count them; COUNT_DISTINCT is not carried. Written by packing alone, under the lock of the pile; dumped with tally.pile, whose version it names';
COMMENT ON COLUMN tally.life_total.tenant_id IS 'Whose metric it is';
COMMENT ON COLUMN tally.life_total.code_hash IS '_hash32 of the metric''s code: its pile';
COMMENT ON COLUMN tally.life_total.metric_id IS 'The metric';
COMMENT ON COLUMN tally.life_total.definition IS 'Hash of what the metric counted when this was made: another one makes it useless';
COMMENT ON COLUMN tally.life_total.pile_version IS 'The version of the pile whose packed events it covers, but for those of tally.loose_segment; -1: none yet';
COMMENT ON COLUMN tally.life_total.corrections IS 'How many acts (voids, and lifted ones) made events of the code void since retained_from: it covers none of these events';
COMMENT ON COLUMN tally.life_total.retained_from IS 'The edge of retention from which on it covers the events';
COMMENT ON COLUMN tally.life_total.matched IS 'Events that the metric''s matrix lets in';
COMMENT ON COLUMN tally.life_total.counted IS 'Those with a usable value';
COMMENT ON COLUMN tally.life_total.total IS 'Sum of the values; NULL: no values, or none is asked for';
COMMENT ON COLUMN tally.life_total.positive IS 'Sum of the values above 0, of kind dual';
COMMENT ON COLUMN tally.life_total.negative IS 'Sum of the values below 0, of kind dual';
COMMENT ON COLUMN tally.life_total.picked IS 'Least, greatest or latest value of MIN, MAX, LATEST';
COMMENT ON COLUMN tally.life_total.picked_ts IS 'Timestamp of the latest value';
COMMENT ON COLUMN tally.life_total.picked_seq IS 'seq of the latest value';
