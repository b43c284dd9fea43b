-- Retention: what lies before the edge is gone with its identities and corrections, no such event is taken, and questions say so.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
DO $$ BEGIN PERFORM tally.create_tenant('retain'); PERFORM tally.create_metric(code => 'call', aggregation_type => 'COUNT'); END $$;
CREATE FUNCTION pg_temp.send(prefix text, at timestamp, events integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"%s%s","code":"call","customer_id":"c%s","timestamp":"%s","properties":{}}', prefix, n, n % 7,
        to_char(at + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), ',') || ']' FROM generate_series(1, events) n), true) i $$;
CREATE FUNCTION pg_temp.back(months integer) RETURNS timestamp LANGUAGE sql AS $$ SELECT date_trunc('month', now() AT TIME ZONE 'UTC') - months * interval '1 month' $$;
-- a decade that goes as a whole, one that is shared by what stays, months
SELECT pg_temp.send('old', '1983-01-01', 20), pg_temp.send('shared', pg_temp.back(130), 20), pg_temp.send('later', pg_temp.back(60), 20), pg_temp.send('month', pg_temp.back(3), 20), pg_temp.send('now', pg_temp.back(1), 20);
CALL tally.pack(1, '0');
SELECT pg_temp.send('rest', '1983-01-01', 5), pg_temp.send('rest_now', pg_temp.back(1), 5);
SELECT place = 'recent_event' AS recent, sum(events), sum(bytes) > 0 AS bytes, count(*) FROM tally.storage GROUP BY 1 ORDER BY 1;
SELECT tenant_id, code, recent_events, oldest <= now() AS oldest, packed_events, small_segments, full_segments, bytes > 0 AS bytes, packed_at <= clock_timestamp() AS packed_at FROM tally.packing;
INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, import_id, reason)
SELECT 1, first_seq, tally._event_identity(1, 'c1', '', 'old1'), first_ts, code, 'c1', gen_random_uuid(), 'test' FROM tally.segment WHERE month = '1983-01-01';
DELETE FROM tally.recent_identity WHERE identity = tally._event_identity(1, 'c1', '', 'old1');
SELECT * FROM tally.verify() WHERE problem !~ 'import';
SELECT tally.seal_identities(1, 60);
SELECT count(*) FROM tally.usage('call', '1980-01-01Z', '2200-01-01Z');
CALL tally.retain(interval '125 months');
SELECT retained_from = (pg_temp.back(125)) AT TIME ZONE 'UTC' AS edge FROM tally.store;
SELECT count(*) FROM tally.recent_event;
SELECT count(*) AS segments, sum(events) AS events, min(month) > pg_temp.back(125) AS later FROM tally.segment;
SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'tally.segment'::regclass AND c.relname LIKE '%198%';
SELECT count(*) FROM tally.correction;
SELECT count(*) FROM tally.recent_identity WHERE month < 12 * 20;
SELECT * FROM tally.verify();
-- questions about that time say so; those about what is left are answered
SELECT value FROM tally.usage('call', pg_temp.back(124) AT TIME ZONE 'UTC', '2200-01-01Z');
DO $$ BEGIN PERFORM value FROM tally.usage('call', '1980-01-01Z', '2200-01-01Z'); EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '20..-..', 'YYYY-MM'); END $$;
DO $$ DECLARE r text; BEGIN SELECT verdict || ' ' || field || ' ' || regexp_replace(reason, '20..-..', 'YYYY-MM') INTO r FROM tally.record('call', 'c', '{}', 'x', '1983-01-01Z', allow_backfilling => true); RAISE NOTICE '%', r; END $$;
-- an id that was sealed with what is kept is free again at once, and summaries and statements of that time are refused as usage is
SELECT verdict, field FROM tally.record('call', 'c1', '{}', 'old1', now());
SELECT verdict FROM tally.record('call', 'c1', '{}', 'old1', now());
DO $$ DECLARE m text := tally.create_metric(code => 'call', aggregation_type => 'SUM', aggregation_key => 'v', slug => 'sums'); q text; BEGIN
    FOREACH q IN ARRAY ARRAY['SELECT tally_rest.metric_summaries(1, ''{"id": "sums"}'', ''{"from": ["1983-01-01"], "to": ["2200-01-01"], "bucket": ["1 year"]}'', NULL)', 'SELECT tally.close_period(''1983-01-01Z'', ''1984-01-01Z'')',
        'SELECT tally.void_events(''x'', ''call'', ''1983-01-01Z'', ''1984-01-01Z'')', 'SELECT tally.explain_usage(''sums'', ''1983-01-01Z'', ''2200-01-01Z'')', 'SELECT tally.void_event(''old2'', ''x'')',
        'SELECT tally.amend_event(''old1'', ''x'', ts => ''1983-01-01T00:00:00Z'')', 'SELECT tally.restore_event(''old2'', ''x'')'] LOOP
        BEGIN EXECUTE q; RAISE NOTICE 'taken: %', q; EXCEPTION WHEN invalid_parameter_value OR no_data_found THEN RAISE NOTICE '%: %', left(q, 40), regexp_replace(SQLERRM, '20..-..', 'YYYY-MM'); END;
    END LOOP;
    PERFORM tally.archive_metric('sums');
END $$;
SELECT * FROM tally.verify();
SELECT verdict FROM tally.record('call', 'c', '{}', 'x', pg_temp.back(124) AT TIME ZONE 'UTC', allow_backfilling => true);
-- the edge never goes back; the same again changes nothing
CALL tally.retain(interval '200 months');
SELECT retained_from = (pg_temp.back(125)) AT TIME ZONE 'UTC' AS edge FROM tally.store;
-- months
CALL tally.retain(interval '2 months');
CALL tally.pack(1, '0', true);
SELECT sum(events) FROM tally.segment;
SELECT * FROM tally.verify();
CALL tally.retain(interval '3 days');
CALL tally.retain(NULL);
BEGIN;
CALL tally.retain(interval '1 year');
ROLLBACK;
SET ROLE tally_app;
CALL tally.retain(interval '1 year');
SELECT count(*) FROM tally.packing;
SELECT count(*) > 0 AS own FROM tally.storage;
RESET ROLE;
