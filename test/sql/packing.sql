-- packing: usage is the same to the last digit wherever the events lie, and each lies in one place
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('pack') ~ '^ten_' AS made;
SELECT tally.create_metric('call', t, aggregation_key => CASE WHEN t <> 'COUNT' THEN k END, name => t, segmentation_matrix => x::jsonb) ~ '^bm_' AS made
FROM (VALUES ('COUNT', '', NULL), ('SUM', 'v', NULL), ('MIN', 'v', NULL), ('MAX', 'v', NULL), ('MEAN', 'v', NULL), ('COUNT_DISTINCT', 'u', NULL),
             ('LATEST', 'v', '{"type":"SINGLE","key":"region","values":["eu","1.0"]}')) m(t, k, x);
-- numbers of many forms, texts that are numbers, what is neither, absent properties, three months
CREATE FUNCTION pg_temp.send(first integer, last integer) RETURNS TABLE (verdict text, events bigint) LANGUAGE sql AS $$
    SELECT i.verdict, count(*) FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"e%s","code":"call","customer_id":"c%s","timestamp":"%s","properties":{%s"u":"user_%s","region":%s}}', n, (n * n) % 57,
        to_char(timestamp '2024-01-01' + n * interval '13 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        (ARRAY[format('"v":%s.%s,', n % 991, n % 7), format('"v":%se-3,', n), format('"v":"%s",', n), '"v":"lots",', '', '"v":12345678901234567890123456789.125,', '"v":1.00,', '"v":-0.5,'])[1 + n % 8],
        (n * 7919) % 300, (ARRAY['"eu"', '"us"', '1', '1.0', '"1.0"', '2'])[1 + n % 6]), ',') || ']' FROM generate_series(first, last) n), true) i GROUP BY 1 ORDER BY 1 $$;
CREATE FUNCTION pg_temp.answers() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT m.name || ' ' || q.n || ' ' || u::text
    FROM tally.metric m, (VALUES (1, NULL, NULL, '{}'::text[], NULL), (2, NULL, 'week', '{customer_id,region}', NULL), (3, 'c7', 'day', '{}', '{"region": ["1.0", "eu"]}'), (4, 'c0', NULL, '{u}', NULL),
                                 (5, NULL, 'month', '{v}', '{"u": ["user_7", "user_150"]}')) q(n, c, w, g, f),
         LATERAL tally.usage(tally._encode_id('bm_', m.metric_id), '2024-01-03 05:07', '2024-03-20 21:00', customer => q.c, "window" => q.w, time_zone => 'America/New_York', group_by => q.g, filter => q.f::jsonb) u $$;
SELECT * FROM pg_temp.send(1, 5000);
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.answers() a;
SELECT count(*) > 1000 AS many FROM before;
CALL tally.pack(1, '0 seconds');
SELECT count(*) AS recent FROM tally.recent_event;
SELECT month, sum(events), count(*) AS segments FROM tally.segment GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differ FROM ((TABLE before EXCEPT ALL SELECT * FROM pg_temp.answers()) UNION ALL (SELECT * FROM pg_temp.answers() EXCEPT ALL TABLE before)) d;
-- both places together, small segments merged into larger ones
SELECT * FROM pg_temp.send(4001, 7000);
CREATE TEMP TABLE between_packs AS SELECT * FROM pg_temp.answers() a;
CALL tally.pack(1, '0 seconds', true);
SELECT * FROM pg_temp.send(7001, 7003);
CREATE TEMP TABLE mixed AS SELECT * FROM pg_temp.answers() a;
CALL tally.pack(1, '0 seconds', true);
SELECT (SELECT count(*) FROM tally.recent_event) AS recent, sum(events) AS packed, count(DISTINCT month) = count(*) AS one_a_month FROM tally.segment;
SELECT count(*) AS differ FROM ((TABLE mixed EXCEPT ALL SELECT * FROM pg_temp.answers()) UNION ALL (SELECT * FROM pg_temp.answers() EXCEPT ALL TABLE mixed)) d;
-- too few wait, and a transaction that rolls back moves nothing
SELECT * FROM pg_temp.send(7004, 7010);
CALL tally.pack(1000, '1 hour');
SELECT count(*) AS recent FROM tally.recent_event;
BEGIN;
SELECT tally.pack_step(1, '0 seconds') FROM generate_series(1, 10);
ROLLBACK;
SELECT count(*) AS recent, (SELECT sum(events) FROM tally.segment) AS packed FROM tally.recent_event;
-- what is void counts no longer, wherever it lies
INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason)
SELECT 1, g, gen_random_uuid(), timestamp '2024-01-01' + interval '1 hour', 'call', 'c1', 'test' FROM (SELECT min(first_seq) AS g FROM tally.segment) s;
SELECT value FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'COUNT'), '2024-01-01', '2025-01-01');
-- tally_admin packs, and nobody reads a partition
SET ROLE tally_admin;
CALL tally.pack();
SELECT count(*) FILTER (WHERE has_table_privilege(i.inhrelid, 'SELECT')) AS readable, count(*) > 0 AS there FROM pg_inherits i WHERE i.inhparent = 'tally.segment'::regclass;
RESET ROLE;
-- each step goes on where the one before ended, also within one customer: entries of the index are read once by the two steps
-- that 150,000 rows take, and once to see that the generation is empty
INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties)
SELECT coalesce((SELECT max(generation) FROM tally.generation), 0), 1, tally._hash32('busy'), tally._hash32('one'), '2024-02-01'::timestamptz + n / 10 * interval '1 s', now(), 'busy', 'one', '', 'b' || n, '{}'
FROM generate_series(1, 150000) n;
SELECT pg_stat_force_next_flush();
SELECT idx_tup_read AS before FROM pg_stat_user_indexes WHERE indexrelname = 'recent_event_pkey' \gset
CALL tally.pack(1, '0 seconds');
SELECT pg_stat_force_next_flush();
SELECT round((idx_tup_read - :before) / 150000.0, 1) AS entries_read_a_row FROM pg_stat_user_indexes WHERE indexrelname = 'recent_event_pkey';
SELECT (SELECT count(*) FROM tally.recent_event) AS recent, sum(events) AS packed FROM tally.segment WHERE code = 'busy';
-- a trigger that a user has put on segments fires as they are written
CREATE TABLE public.regress_noted (events integer);
GRANT INSERT ON public.regress_noted TO PUBLIC;
CREATE FUNCTION public.regress_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.regress_noted VALUES (NEW.events); RETURN NULL; END $$;
CREATE TRIGGER regress_note AFTER INSERT ON tally.segment FOR EACH ROW WHEN (NEW.code = 'noted') EXECUTE FUNCTION public.regress_note();
SELECT count(*) FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"n%s","code":"noted","customer_id":"one","timestamp":"2024-01-01T00:00:00Z"}', n), ',') || ']' FROM generate_series(1, 20) n), true) WHERE verdict = 'accepted';
CALL tally.pack(1, '0 seconds');
TABLE public.regress_noted;
DROP TRIGGER regress_note ON tally.segment;
DROP FUNCTION public.regress_note();
DROP TABLE public.regress_noted;
