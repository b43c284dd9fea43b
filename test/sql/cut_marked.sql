-- statistics that segments keep of cuts: packing, merging and erasing write them, and answers as of the cut stay what they were
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, slug => lower(t), aggregation_key => 'v') ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
-- Events in no order of time, few at once, so that they wait as rows for packing.
CREATE FUNCTION pg_temp.send(first int, last int) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(i.accepted) FROM generate_series(first, last, 500) b, LATERAL (
        SELECT count(*) FILTER (WHERE verdict = 'accepted') AS accepted FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', 'call', 'customer_id', 'c' || n % 5,
            'timestamp', to_char(timestamp '2026-01-01' + n * 7919 % 2592000 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'properties', jsonb_build_object('v', n % 1000 / 8.0, 'name', 'n' || n))) FROM generate_series(b, b + 499) n), true)) i $$;
CREATE FUNCTION pg_temp.answers(as_of text) RETURNS TABLE (answer text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', m.name, a.answer)
    FROM tally.metric m, LATERAL (
        SELECT 'total ' || u::text FROM tally.usage_total(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2026-02-01', as_of => as_of) u
        UNION ALL SELECT 'some ' || u::text FROM tally.usage_total(tally._encode_id('bm_', m.metric_id), '2026-01-03', '2026-01-29 07:00', as_of => as_of) u
        UNION ALL SELECT 'one ' || u::text FROM tally.usage_total(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2026-02-01', customer => 'c3', as_of => as_of) u
        UNION ALL SELECT 'all ' || u::text FROM tally.usage(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2026-02-01', "window" => 'month', group_by => '{customer_id}', as_of => as_of) u) a(answer) $$;
CREATE TEMP TABLE kept (cut text, answer text);
CREATE FUNCTION pg_temp.differences() RETURNS TABLE (cut text, answers bigint, lost bigint) LANGUAGE sql AS $$
    SELECT c.cut, (SELECT count(*) FROM kept k WHERE k.cut = c.cut),
           (SELECT count(*) FROM (SELECT k.answer FROM kept k WHERE k.cut = c.cut EXCEPT ALL SELECT a.answer FROM pg_temp.answers(c.cut) a) x)
    FROM (SELECT DISTINCT k.cut FROM kept k) c ORDER BY c.cut $$;
-- The version that a segment begins with: 2 has statistics of cuts.
CREATE FUNCTION pg_temp.segments() RETURNS TABLE (version int, segments bigint, events bigint) LANGUAGE sql AS $$
    SELECT get_byte(tally.segment_data_send(data), 3), count(*), sum(events) FROM tally.segment GROUP BY 1 ORDER BY 1 $$;

SELECT pg_temp.send(1, 3000);
SELECT tally.cut('first') ~ '^cut_' AS made;
INSERT INTO kept SELECT 'first', answer FROM pg_temp.answers(NULL);
SELECT pg_temp.send(3001, 5000);
SELECT tally.cut('second') ~ '^cut_' AS made;
INSERT INTO kept SELECT 'second', answer FROM pg_temp.answers(NULL);
SELECT pg_temp.send(5001, 6000);
SELECT * FROM pg_temp.differences();
CALL tally.pack(1, '0');
SELECT * FROM pg_temp.segments();
SELECT * FROM pg_temp.differences();
-- what comes later is merged with it
SELECT pg_temp.send(6001, 7000);
CALL tally.pack(1, '0', true);
SELECT * FROM pg_temp.segments();
SELECT * FROM pg_temp.differences();
-- a void is seen at the cuts after it, and told by the rows
SELECT (tally.void_event('e100', 'x', 'c0')).seq > 0 AS voided;
SELECT tally.cut('third') ~ '^cut_' AS made;
INSERT INTO kept SELECT 'third', answer FROM pg_temp.answers(NULL);
SELECT * FROM pg_temp.differences();
-- erasing writes the segment anew
SELECT tally.forget_customer('c3', 'asked for', '{name}', dry_run => false) ->> 'events' AS events;
SELECT * FROM pg_temp.segments();
SELECT * FROM pg_temp.differences();
SELECT * FROM tally.verify();
-- verify() holds them against the cuts
BEGIN;
UPDATE tally.cut SET last_seq = last_seq - 1 WHERE name = 'first';
SELECT problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.cut SET unseen_seqs = ARRAY[last_seq - 10, last_seq - 9] WHERE name = 'second';
SELECT problem FROM tally.verify();
ROLLBACK;
DROP EXTENSION pgtally;
