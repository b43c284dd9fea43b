-- a period is closed: its statement never changes, what comes later are adjustments, closing again supersedes
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, aggregation_key => 'v', usage_group_key => 'region', conversion_factor => 2, conversion_rounding => 'UP') ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'SUM', 'MAX']) t;
CREATE FUNCTION pg_temp.send(id text, customer text, at text, v text, region text DEFAULT 'eu') RETURNS text LANGUAGE sql AS $$
    SELECT verdict FROM tally.ingest(jsonb_build_array(jsonb_build_object('event_id', id, 'code', 'call', 'customer_id', customer, 'timestamp', at, 'properties', jsonb_build_object('v', v, 'region', region))), true) $$;
SELECT pg_temp.send('1', 'ann', '2026-01-01T00:00:00Z', '1'), pg_temp.send('2', 'ann', '2026-01-31T23:59:59Z', '2.5', 'us'), pg_temp.send('3', 'bob', '2026-01-10T00:00:00Z', '4'), pg_temp.send('4', '', '2026-01-10T00:00:00Z', 'many'),
       pg_temp.send('5', 'ann', '2026-02-01T00:00:00Z', '100');
SELECT tally.close_period('2026-01-01', '2026-02-01') AS january \gset
SELECT metric, customer_id, value, converted_value, events, skipped FROM tally.statement_lines(:'january');
SELECT count(*) FROM tally.adjustments(:'january');
CREATE TEMP TABLE frozen AS SELECT * FROM tally.statement_lines(:'january');
-- later events and corrections change nothing but the adjustments; a changed metric not even these
SELECT pg_temp.send('6', 'ann', '2026-01-05T00:00:00Z', '10'), pg_temp.send('7', 'cem', '2026-01-05T00:00:00Z', '7'), pg_temp.send('8', 'ann', '2026-02-05T00:00:00Z', '10');
SELECT seq > 0 AS done FROM tally.void_event('3', 'x');
CALL tally.pack(1, '0', true);
UPDATE tally.metric SET conversion_factor = 10 WHERE name = 'SUM';
SELECT metric, customer_id, value, converted_value, events, skipped, value_then, value_now FROM tally.adjustments(:'january');
SELECT metric, sum(value) AS value, sum(events) AS events FROM tally.adjustments(:'january') GROUP BY metric ORDER BY metric;
SELECT count(*) FROM (SELECT * FROM tally.statement_lines(:'january') EXCEPT TABLE frozen) x;
SELECT count(*) AS whole FROM tally.statement s WHERE tally._statement_digest(s) = s.digest AND s.lines = (SELECT sum(metrics) FROM tally.statement_usage);
BEGIN;
UPDATE tally.statement_usage SET lines = replace(lines::text, '2.5', '2.6')::json WHERE customer_id = 'ann';
SELECT count(*) AS whole FROM tally.statement s WHERE tally._statement_digest(s) = s.digest;
SELECT left(object, 13) AS object, problem FROM tally.verify();
UPDATE tally.statement_usage SET metrics = metrics + 1 WHERE customer_id = 'ann';
SELECT problem FROM tally.verify() WHERE object LIKE 'statement %' ORDER BY problem;
ROLLBACK;
SELECT object, problem FROM tally.verify();
-- where a table is not as it was made, rows go through SQL, and are the same ones
BEGIN;
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'row of "%"', NEW.customer_id; RETURN NEW; END $$;
CREATE TRIGGER regress_note BEFORE INSERT ON tally.statement_usage FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
SELECT tally.close_period('2026-01-01', '2026-02-01', supersedes => :'january') AS noted \gset
DROP TRIGGER regress_note ON tally.statement_usage;
SELECT tally.close_period('2026-01-01', '2026-02-01', supersedes => :'noted') AS direct \gset
SELECT count(*), sum(u.metrics), count(DISTINCT u.lines::text) FROM tally.statement_usage u JOIN tally.statement s USING (statement_id) WHERE tally._encode_id('stm_', statement_id) IN (:'noted', :'direct') GROUP BY u.customer_id, u.part ORDER BY u.customer_id;
SELECT count(*), count(DISTINCT digest) AS digests, bool_and(tally._statement_digest(s) = s.digest) AS whole FROM tally.statement s WHERE tally._encode_id('stm_', statement_id) IN (:'noted', :'direct');
ROLLBACK;
-- twice is refused, also of a part; another period is not; superseding says so on both
CREATE FUNCTION pg_temp.try(range_from text, range_to text, customer text DEFAULT NULL, supersedes text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN tally.close_period(range_from::timestamptz, range_to::timestamptz, customer, supersedes) ~ '^stm_';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || regexp_replace(sqlerrm, 'stm_[0-9A-Za-z]+', 'stm_...');
END $$;
SELECT pg_temp.try('2026-01-01', '2026-02-01'), pg_temp.try('2026-01-31', '2026-03-01'), pg_temp.try('2026-01-31', '2026-03-01', 'ann'), pg_temp.try('2026-02-01', '2026-02-01'), pg_temp.try('2026-02-01', '2026-03-01', 'ann', 'stm_1');
SELECT pg_temp.try('2026-02-01', '2026-03-01', 'ann'), pg_temp.try('2026-02-01', '2026-03-01', 'bob'), pg_temp.try('2026-02-01', '2026-03-01');
SELECT pg_temp.try('2026-01-01', '2026-02-01', NULL, :'january'), pg_temp.try('2026-01-01', '2026-02-01', NULL, :'january');
SELECT s."from", s.customer_id, s.lines, s.supersedes = ARRAY[:'january'] AS supersedes, s.superseded_by IS NOT NULL AS superseded, s.created_by = session_user AS by FROM tally.statements() s ORDER BY s.created_at, s."from", s.customer_id;
SELECT metric, customer_id, value, converted_value FROM tally.statement_lines((SELECT s.statement FROM tally.statements() s WHERE s.supersedes IS NOT NULL)) WHERE metric = 'SUM';
SELECT count(*) FROM tally.adjustments((SELECT s.statement FROM tally.statements() s WHERE s.supersedes IS NOT NULL));
-- several are superseded together; one that is not of the period, or not wholly, is not
SELECT pg_temp.try('2026-02-01', '2026-03-01', NULL, (SELECT s.statement FROM tally.statements() s WHERE s.customer_id = 'ann')), pg_temp.try('2025-01-01', '2025-02-01', NULL, (SELECT s.statement FROM tally.statements() s WHERE s.customer_id = 'ann')),
       pg_temp.try('2026-02-01', '2026-03-01', 'cem', (SELECT s.statement FROM tally.statements() s WHERE s.customer_id = 'ann'));
CREATE FUNCTION pg_temp.standing() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM tally.statements() s WHERE s.superseded_by IS NULL $$;
SELECT pg_temp.standing() AS before;
SELECT pg_temp.try('2026-02-03', '2026-02-04', 'ann', s.statement) AS a_day, pg_temp.try('2026-02-01', '2026-02-15', NULL, s.statement) AS its_begin, pg_temp.try('2026-01-15', '2026-02-02 03:00', 'ann', s.statement) AS its_begin_and_more,
       pg_temp.try('2026-02-10', '2027-01-01', NULL, s.statement) AS its_end FROM tally.statements() s WHERE s.customer_id = 'ann';
SELECT pg_temp.try('2026-01-01', '2026-02-01', 'ann', s.statement) AS a_customer, pg_temp.try('2026-01-02', '2026-01-03', 'ann', s.statement) AS a_customers_day FROM tally.statements() s WHERE s.supersedes IS NOT NULL;
SELECT pg_temp.standing() AS after;
SELECT tally.close_period('2026-02-01', '2026-03-01', NULL, ARRAY(SELECT s.statement FROM tally.statements() s WHERE s.customer_id IS NOT NULL)) AS february \gset
SELECT s.customer_id, s.superseded_by = :'february' AS superseded, cardinality(s.supersedes) AS supersedes FROM tally.statements() s WHERE s."from" = '2026-02-01' ORDER BY 1;
SET tally.tenant = 'other';
SELECT count(*) FROM tally.statements();
DO $$ BEGIN PERFORM tally.statement_lines('stm_1'); EXCEPTION WHEN no_data_found THEN RAISE NOTICE '%', sqlerrm; END $$;
SET tally.tenant = 'acme';
SELECT event_id, customer_id, ts, change FROM tally.adjusting_events(:'january') ORDER BY event_id, change;
-- a statement that does not fit in memory is made in parts and says the same; a page of it begins anywhere
SELECT count(tally.create_metric('many', 'SUM', name => 'many ' || n, aggregation_key => 'v', conversion_factor => n) ~ '^bm_') FROM generate_series(1, 8) n;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'm' || n, 'code', 'many', 'customer_id', 'customer ' || n, 'timestamp', '2026-03-05T00:00:00Z', 'properties', jsonb_build_object('v', n))) FROM generate_series(1, 4000) n), true) WHERE verdict = 'accepted';
SET work_mem = '64kB';
SELECT tally.close_period('2026-03-01', '2026-04-01') AS many \gset
RESET work_mem;
SELECT s.lines, (SELECT max(u.part) > 1 FROM tally.statement_usage u WHERE u.statement_id = s.statement_id) AS parts, tally._statement_digest(s) = s.digest AS whole
FROM tally.statement s WHERE s.statement_id = tally._decode_id('stm_', :'many');
SELECT count(*), count(DISTINCT (customer_id, metric)), sum(value), sum(converted_value), sum(events) FROM tally.statement_lines(:'many');
BEGIN;
CREATE FUNCTION pg_temp.pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER regress_pass BEFORE INSERT ON tally.statement_usage FOR EACH ROW EXECUTE FUNCTION pg_temp.pass();
SET LOCAL work_mem = '64kB';
SELECT tally.close_period('2026-03-01', '2026-04-01', supersedes => :'many') AS passed \gset
SELECT count(*), count(DISTINCT s.digest) AS digests, bool_and(tally._statement_digest(s) = s.digest) AS whole FROM tally.statement s WHERE tally._encode_id('stm_', s.statement_id) IN (:'many', :'passed');
ROLLBACK;
SELECT count(*) FROM tally.adjustments(:'many');
WITH RECURSIVE page(number, p) AS (
    SELECT 1, tally_rest.get_statement(1, json_build_object('id', :'many')::jsonb, '{"limit": ["999"]}', NULL)::jsonb
    UNION ALL
    SELECT number + 1, tally_rest.get_statement(1, json_build_object('id', :'many')::jsonb, jsonb_build_object('limit', ARRAY['999'], 'cursor', ARRAY[p ->> 'next_cursor']), NULL)::jsonb FROM page WHERE p ->> 'next_cursor' IS NOT NULL)
SELECT max(number) AS pages, count(*) AS lines, count(DISTINCT (l -> 'customer_id', l -> 'metric_id')) AS different, sum((l ->> 'value')::numeric) AS value FROM page, jsonb_array_elements(p -> 'data') l;
SELECT l -> 'customer_id' AS customer, l -> 'value' AS value, l -> 'converted_value' AS converted FROM jsonb_array_elements(tally_rest.get_statement(1, json_build_object('id', :'many')::jsonb, '{"page": ["8"], "per_page": ["3"]}', NULL)::jsonb -> 'data') l;
CREATE FUNCTION pg_temp.lines(given text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(l::text, ' ') FROM tally._lines(given::json) l); EXCEPTION WHEN data_corrupted THEN RETURN sqlerrm; END $$;
SELECT given, pg_temp.lines(given) FROM unnest(ARRAY['[]', '[[1,"2.50",null,3,0],[7,"-1","NaN",0,9]]', '[[1,"2"]]', '[[1,"2","2",1,0], [2,"2","2",1,0]]', '[[1,"2","2",1,-1]]',
    '[[2147483648,"2","2",1,0]]', '[[1,"2","2",1234567890123456789,0]]', '[[1,"2","2",1,0]] ', '{"a": 1}']) given;
SELECT pg_temp.try('2026-03-01', '2026-04-01', NULL, 'stm_1'), pg_temp.try('2026-03-01', '2026-04-01', NULL, :'january');
DO $$ BEGIN PERFORM tally.close_period('2026-03-01', '2026-04-01', NULL, ARRAY['stm_1', NULL]); EXCEPTION WHEN no_data_found THEN RAISE NOTICE '%', sqlerrm; END $$;
