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
    PRIMARY KEY (tenant_id, code_hash)
) WITH (fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.pile IS 'A row for each code that was ever packed: whoever packs locks it, so that one session at a time packs or merges the code';
COMMENT ON COLUMN tally.pile.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.pile.code_hash IS '_hash32 of the code';
COMMENT ON COLUMN tally.pile.packed_at IS 'When events of it were last packed';
