-- the event log: every year has a place at once, in partitions that are made ahead and on demand
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT count(*) AS before_any_tenant FROM pg_inherits WHERE inhparent = 'tally.event'::regclass;
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT count(*) AS this_month_and_two_ahead FROM pg_inherits WHERE inhparent = 'tally.event'::regclass;
SELECT tally.make_partitions() AS none_missing, tally.make_partitions(4) AS two_more;
SELECT tally.make_partitions(-1);
SELECT verdict, count(*) FROM tally.ingest((
    SELECT jsonb_agg(jsonb_build_object('event_id', y::text, 'code', 'c', 'customer_id', 'k', 'timestamp', y || '-07-01T00:00:00Z'))
    FROM generate_series(1970, 2020) y), allow_backfilling => true) GROUP BY 1;
SELECT count(DISTINCT tableoid) AS partitions, count(*) AS events FROM tally.event WHERE code = 'c';
SELECT tableoid::regclass, count(*) FROM tally.event WHERE ts < '1972-01-01' GROUP BY 1 ORDER BY 1;
-- a month's last microsecond and the next month's first instant
SELECT verdict FROM tally.ingest('[{"event_id":"l","code":"edge","customer_id":"k","timestamp":"1999-12-31T23:59:59.999999Z"},{"event_id":"f","code":"edge","customer_id":"k","timestamp":"2000-01-01T00:00:00Z"}]', true);
SELECT tableoid::regclass, ts FROM tally.event WHERE code = 'edge' ORDER BY ts;
-- a partition of another width that somebody attached is used as it is
CREATE TABLE tally.event_1980s (LIKE tally.event INCLUDING DEFAULTS);
-- (July 1986 has its own already, so the wide one takes what lies before)
ALTER TABLE tally.event ATTACH PARTITION tally.event_1980s FOR VALUES FROM ('1986-01-01') TO ('1986-07-01');
DELETE FROM tally.event_identity;
SELECT verdict FROM tally.ingest('[{"event_id":"8","code":"wide","customer_id":"k","timestamp":"1986-02-01T00:00:00Z"}]', true);
SELECT tableoid::regclass FROM tally.event WHERE code = 'wide';
-- a partition that was detached makes room for another one
ALTER TABLE tally.event DETACH PARTITION tally.event_1975_07;
SELECT verdict FROM tally.ingest('[{"event_id":"75","code":"again","customer_id":"k","timestamp":"1975-07-05T00:00:00Z"}]', true);
SELECT tableoid::regclass FROM tally.event WHERE code = 'again';
SELECT tally._make_partitions(ARRAY['infinity'::timestamptz]);
SELECT tally._make_partitions(ARRAY[NULL::timestamptz]);
SELECT tally._make_partitions('{}'), tally._make_partitions(ARRAY['1990-03-15'::timestamptz, '1990-03-01', '1990-07-02']);
DROP TABLE tally.event_1975_07;
-- nothing may change an event; a role of the API cannot even try
SET ROLE tally_api;
UPDATE tally.event SET code = 'x';
DELETE FROM tally.event;
RESET ROLE;
DROP EXTENSION pgtally;
SELECT count(*) AS left_behind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('tally', 'tally_rest');
CREATE EXTENSION pgtally;
