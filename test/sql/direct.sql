-- events that are enough for a segment go straight into one: each lies there once, answers are those of rows, and packing adopts them
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant(t) ~ '^ten_' AS made FROM unnest(ARRAY['direct', 'rows']) t;
SELECT set_config('tally.tenant', x, false) AS tenant, tally.create_metric('call', t, aggregation_key => CASE WHEN t <> 'COUNT' THEN 'v' END, name => t) ~ '^bm_' AS made
FROM unnest(ARRAY['direct', 'rows']) x, unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'COUNT_DISTINCT', 'LATEST']) t;
SET tally.tenant = 'direct';
SELECT tally.create_api_key(name => 'api', scopes => '{write}') IS NOT NULL AS made;
-- numbers of many forms, blanks, escapes, keys in any order, several events of a customer at the same moment
CREATE TEMP TABLE sent AS
    SELECT n, CASE WHEN n % 2000 = 7 THEN 'few' ELSE 'call' END AS code, 'c' || (n::bigint * n) % 57 AS customer,
           timestamp '2024-01-01' + n / 500 * interval '7 minutes' + CASE WHEN n > 37000 THEN interval '18 months' ELSE '0' END AS ts,
           format((ARRAY['{"v":%s.50,"t":"\u00e4\n\"%s"}', '{ "t" : "x%2$s", "v" : %1$se1 }', '{"v":"%s","é":%s}', '{"t":"%s %s"}', '{}', '{"v":12345678901234567890%s.125,"t":"%s"}'])[1 + n % 6],
                  1 + n % 991, n % 300) AS properties
    FROM generate_series(1, 39000) n;
CREATE FUNCTION pg_temp.json(first integer, last integer) RETURNS text LANGUAGE sql AS $$
    SELECT '[' || string_agg(format('{"event_id":"e%s","code":"%s","customer_id":"%s","timestamp":"%s","properties":%s}', n, code, customer,
        to_char(ts, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), properties), ',' ORDER BY n) || ']' FROM sent WHERE n BETWEEN first AND last $$;
CREATE FUNCTION pg_temp.send(first integer, last integer) RETURNS TABLE (verdict text, events bigint) LANGUAGE sql AS $$
    SELECT i.verdict, count(*) FROM tally.ingest(pg_temp.json(first, last), true) i GROUP BY 1 ORDER BY 1 $$;
-- several bodies at once, as tallyd sends them
CREATE FUNCTION pg_temp.post(VARIADIC bodies text[]) RETURNS TABLE (status integer, body text) LANGUAGE sql AS $$
    SELECT b.status, left(b.body, 100) FROM tally_rest.ingest_batch(array_fill((SELECT k.secret_hash FROM tally.api_key k), ARRAY[cardinality(bodies)]),
        ARRAY(SELECT '{"allow_backfilling":true,"events":' || x || '}' FROM unnest(bodies) x)) b $$;
CREATE TEMP VIEW places AS
    SELECT (SELECT count(*) FROM tally.recent_event e WHERE e.tenant_id = 1) AS recent, (SELECT coalesce(sum(s.events), 0) FROM tally.segment s WHERE s.tenant_id = 1) AS packed,
           (SELECT count(*) FROM tally.segment s WHERE s.tenant_id = 1) AS segments, (SELECT count(*) FROM tally.loose_segment) AS loose;
-- What was sent up to a number and is not stored as it was sent, or twice.
CREATE FUNCTION pg_temp.lost(last integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM (SELECT 'e' || n AS event_id, code, customer, ts AT TIME ZONE 'UTC' AS ts, properties::jsonb AS properties, properties::jsonb ->> 'v' AS v FROM sent WHERE n <= last) s
    FULL JOIN (SELECT * FROM tally.events e WHERE NOT e.voided) e ON e.event_id = s.event_id
    WHERE (s.code, s.customer, s.ts, s.properties, s.v) IS DISTINCT FROM (e.code, e.customer_id, e.ts, e.properties::jsonb, e.properties ->> 'v') $$;
CREATE FUNCTION pg_temp.answers() RETURNS TABLE (name text, answer text) LANGUAGE sql AS $$
    SELECT m.name, u::text FROM tally.metric m, tally.usage(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2026-01-01', "window" => 'hour', group_by => '{customer_id}') u
    WHERE m.tenant_id = (SELECT t.tenant_id FROM tally.tenant t WHERE t.name = current_setting('tally.tenant')) $$;
-- a month without a partition: ingest makes none
SELECT * FROM pg_temp.send(1, 10000);
TABLE places;
CALL tally.pack(1, '0');
TABLE places;
-- 20,000 events at once, few of another code, some twice and one as a conflict
SELECT * FROM pg_temp.post(pg_temp.json(10001, 19000), pg_temp.json(19001, 28000), pg_temp.json(9999, 10002), '[{"event_id":"e10003","code":"call","customer_id":"c43","timestamp":"2024-01-01T00:00:00Z"}]',
                           pg_temp.json(28001, 30000));
TABLE places;
SELECT code, count(*) FROM tally.recent_event GROUP BY 1;
SELECT pg_temp.lost(30000);
-- again: nothing is new, and what is new between is a row
SELECT * FROM pg_temp.send(25001, 30010);
TABLE places;
-- the same events of another tenant, sent so that all are rows: the same answers, the latest among equal timestamps too
SET tally.tenant = 'rows';
SELECT verdict, sum(events) FROM generate_series(0, 29999, 500) f, pg_temp.send(f + 1, f + 500) GROUP BY 1;
SELECT verdict, sum(events) FROM pg_temp.send(30001, 30010) GROUP BY 1;
SELECT count(*) FROM tally.recent_event e WHERE e.tenant_id = 2;
CREATE TEMP TABLE wanted AS SELECT * FROM pg_temp.answers();
SET tally.tenant = 'direct';
SELECT name, count(*) > 50 AS many FROM wanted GROUP BY 1 ORDER BY 1;
CREATE FUNCTION pg_temp.differ() RETURNS bigint LANGUAGE sql AS $$
    WITH got AS MATERIALIZED (SELECT * FROM pg_temp.answers())
    SELECT count(*) FROM ((TABLE wanted EXCEPT ALL TABLE got) UNION ALL (TABLE got EXCEPT ALL TABLE wanted)) d $$;
SELECT pg_temp.differ();
SELECT u.value = (SELECT count(*) FROM sent WHERE code = 'call' AND n <= 30010) AS all_of_them FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2025-01-01') u
WHERE m.name = 'COUNT' AND m.tenant_id = 1;
-- packing adopts them, and merges them then
SELECT * FROM tally.verify();
CALL tally.pack(1000000, '1 day', true);
TABLE places;
SELECT pg_temp.differ(), pg_temp.lost(30010);
SELECT * FROM tally.verify();
-- what is rolled back leaves nothing, a savepoint neither
BEGIN;
SELECT * FROM pg_temp.send(30011, 34000);
SELECT recent, packed, segments, loose FROM places;
SELECT pg_temp.lost(34000);
ROLLBACK;
TABLE places;
BEGIN;
SELECT * FROM pg_temp.send(30011, 30020);
SAVEPOINT s;
SELECT * FROM pg_temp.send(30021, 32000);
ROLLBACK TO s;
SELECT * FROM pg_temp.send(30021, 32000);
COMMIT;
TABLE places;
SELECT pg_temp.lost(32000);
-- an old snapshot, and a partition younger than it
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM tally.recent_event;
SELECT * FROM pg_temp.send(32001, 35000);
SELECT pg_temp.lost(35000);
COMMIT;
TABLE places;
-- an import keeps its id, and is taken back
SELECT tally_rest.import_chunk(1, '{}', '{"name":["file"]}', (SELECT string_agg(x::text, E'\n') FROM json_array_elements(pg_temp.json(35001, 37000)::json) x)) ->> 'accepted' AS accepted;
SELECT e.import_id IS NOT NULL AS of_import, count(*) FROM tally.events e GROUP BY 1 ORDER BY 1;
SELECT imports IS NOT NULL AS has_imports, sum(events) FROM tally.segment WHERE tenant_id = 1 GROUP BY 1 ORDER BY 1;
SELECT pg_temp.lost(37000);
SELECT tally_rest.void_import(1, jsonb_build_object('id', import_id), '{}', NULL) -> 'voided' ->> 'events' AS voided FROM tally.import_batch;
SELECT pg_temp.lost(35000);
TABLE places;
SELECT * FROM pg_temp.send(35001, 37000);
SELECT pg_temp.lost(37000);
TABLE places;
-- a month whose partition is not there yet; and one that somebody changes just now, which holds nobody up (test/specs/direct_beside.spec)
SELECT * FROM pg_temp.send(37001, 39000);
SELECT recent > 1900 AS rows_again, loose FROM places;
CALL tally.pack(1, '0', true);
TABLE places;
SELECT pg_temp.lost(39000);
SELECT * FROM tally.verify();
-- value updates among them: life totals cover such segments from their adoption on, and before it they are counted beside
CREATE FUNCTION pg_temp.updates(first integer, last integer) RETURNS TABLE (verdict text, events bigint) LANGUAGE sql AS $$
    SELECT i.verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'u' || n, 'code', 'call', 'customer_id', '', 'source', 'value:' || tally._encode_id('bm_', m.metric_id),
                                                                                      'timestamp', '2025-07-05T00:00:00Z', 'properties', jsonb_build_object('v', n)))
                                                  FROM generate_series(first, last) n, tally.metric m WHERE m.name = 'SUM' AND m.tenant_id = 1)::text, true) i GROUP BY 1 $$;
CREATE FUNCTION pg_temp.life() RETURNS TABLE (exact boolean, loose bigint, current boolean) LANGUAGE sql AS $$
    SELECT l.value = u.value AND l.events = u.events, (SELECT count(*) FROM tally.loose_segment),
           (SELECT t.pile_version = p.version FROM tally.life_total t JOIN tally.pile p USING (tenant_id, code_hash) WHERE t.metric_id = m.metric_id)
    FROM tally.metric m, LATERAL tally._life(m) l, LATERAL tally.usage_total(tally._encode_id('bm_', m.metric_id), '0001-01-01', '9999-01-01') u WHERE m.name = 'SUM' AND m.tenant_id = 1 $$;
SELECT * FROM pg_temp.updates(1, 1500);
SELECT * FROM pg_temp.life();
CALL tally.pack(1000000, '1 day');
SELECT * FROM pg_temp.life();
SELECT * FROM pg_temp.updates(1501, 3000);
SELECT * FROM pg_temp.life();
CALL tally.pack(1000000, '1 day');
SELECT * FROM pg_temp.life();
-- a note without its segment is told, and goes with what is forgotten
INSERT INTO tally.loose_segment VALUES (1, 1, 1000000, '2024-01-01');
SELECT * FROM tally.verify();
CALL tally.retain(interval '1 month');
TABLE tally.loose_segment;
SELECT * FROM tally.verify();
-- a dump takes the notes along; nobody but the owner writes them
SELECT c.oid = ANY (e.extconfig) AS dumped FROM pg_extension e, pg_class c WHERE e.extname = 'pgtally' AND c.oid = 'tally.loose_segment'::regclass;
SET ROLE tally_admin;
INSERT INTO tally.loose_segment VALUES (1, 1, 1, '2024-01-01');
SET ROLE tally_app;
SET tally.tenant = 'direct';
SELECT count(*) FROM tally.loose_segment;
SELECT * FROM pg_temp.send(1, 1);
RESET ROLE;
-- where another engine has taken segments over, and a partition here is an empty shell, all go the way of rows
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
CREATE FUNCTION pg_temp.direct_ones(first integer) RETURNS TABLE (verdict text, segments bigint, loose bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT i.verdict INTO verdict FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'd' || n, 'code', 'shell', 'customer_id', 'c',
        'timestamp', date_trunc('month', now()))) FROM generate_series(first, first + 1499) n)::text, true) i LIMIT 1;
    SELECT count(*) INTO segments FROM tally.segment s WHERE s.code = 'shell';
    SELECT count(*) INTO loose FROM tally.loose_segment l WHERE l.code_hash = tally._hash32('shell');
    RETURN NEXT;
END $$;
SET LOCAL tally.tenant = 'direct';
-- A partition for this month, which retention has not taken.
SELECT verdict FROM tally.record('other', 'c');
DO $$ BEGIN WHILE tally.pack_step(1, '0') LOOP END LOOP; END $$;
SELECT * FROM pg_temp.direct_ones(1);
INSERT INTO pg_catalog.pg_dist_partition VALUES ('tally.segment');
SELECT * FROM pg_temp.direct_ones(10001);
UPDATE pg_catalog.pg_dist_partition SET logicalrelid = 'tally.loose_segment';
SELECT * FROM pg_temp.direct_ones(20001);
ROLLBACK;
