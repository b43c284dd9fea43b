-- Life totals behind value updates: carried by packing, exact at every step, and where one is carried no segment is read.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('life') ~ '^ten_' AS made;
-- all aggregations over one code, with and without a matrix
SELECT count(tally.create_metric('call', t, aggregation_key => CASE WHEN t <> 'COUNT' THEN 'value' END, name => t || x, segmentation_matrix => CASE WHEN x <> '' THEN '{"type":"SINGLE","key":"region","values":["eu","1.0"]}'::jsonb END)) AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t, unnest(ARRAY['', ' eu']) x;
SELECT tally.create_metric('call', kind => 'dual', name => 'DUAL') ~ '^bm_' AS made;
CREATE FUNCTION pg_temp.back(months integer) RETURNS timestamp LANGUAGE sql AS $$ SELECT date_trunc('month', now() AT TIME ZONE 'UTC') - months * interval '1 month' $$;
CREATE FUNCTION pg_temp.lines(prefix text, at timestamp, first integer, last integer, source text DEFAULT '') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('{"event_id":"%s%s","code":"call","customer_id":"c%s","source":"%s","timestamp":"%s","properties":{"value":%s,"region":%s}}', prefix, n, n % 7, source,
        to_char(at + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), (ARRAY[format('%s.%s', n % 991 + 1, n % 7), format('-%s1e-3', n), format('"%s"', n), '1234567890123456789012345678901234567890.125', '-1.00'])[1 + n % 5],
        (ARRAY['"eu"', '"us"', '1', '"1.0"'])[1 + n % 4]) FROM generate_series(first, last) n $$;
CREATE FUNCTION pg_temp.send(prefix text, at timestamp, first integer, last integer, source text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT i.verdict || coalesce(i.reason, ''), ' ') FROM tally.ingest((SELECT '[' || string_agg(l, ',') || ']' FROM pg_temp.lines(prefix, at, first, last, source) l), true) i $$;
CREATE FUNCTION pg_temp.update(name text, value text) RETURNS json LANGUAGE sql AS $$ SELECT tally_rest.record_value(1, jsonb_build_object('metric', name), '{}', format('{"value":%s,"filters":{"region":"eu"}}', value)) $$;
CREATE FUNCTION pg_temp.life(m tally.metric, OUT value numeric, OUT total numeric, OUT positive numeric, OUT negative numeric, OUT events bigint, OUT skipped bigint) LANGUAGE sql VOLATILE AS $$ SELECT * FROM tally._life(m) $$;
-- The metrics that come to something else than the engine of usage says, which carries nothing.
CREATE FUNCTION pg_temp.wrong() RETURNS text[] LANGUAGE sql AS $$
    WITH asked AS (
        SELECT m.name, l.*, u.value AS v, u.events AS e, u.skipped AS s FROM tally.metric m, LATERAL pg_temp.life(m) l,
               LATERAL tally.usage_total(tally._encode_id('bm_', m.metric_id), greatest((SELECT retained_from FROM tally.store), '0001-01-01'), '9999-01-01') u)
    SELECT array_agg(DISTINCT a.name) FILTER (WHERE (a.value, a.events, a.skipped) IS DISTINCT FROM (a.v, a.e, a.s) OR a.positive - a.negative <> a.total
                                        OR a.name NOT LIKE 'COUNT%' AND a.total IS DISTINCT FROM (SELECT b.v FROM asked b WHERE b.name = 'SUM' || substr(a.name, strpos(a.name || ' ', ' '))))
    FROM asked a $$;
-- The metrics whose life is known although the segments are not there.
CREATE FUNCTION pg_temp.carried() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE names text[];
BEGIN
    CREATE TEMP TABLE before AS SELECT m.name, l.* FROM tally.metric m, LATERAL pg_temp.life(m) l;
    BEGIN
        DELETE FROM tally.segment;
        SELECT array_agg(b.name ORDER BY b.name) INTO names FROM (SELECT m.name, l.* FROM tally.metric m, LATERAL pg_temp.life(m) l) l JOIN before b ON l IS NOT DISTINCT FROM b;
        RAISE EXCEPTION USING ERRCODE = 'TL000';
    EXCEPTION WHEN SQLSTATE 'TL000' THEN NULL;
    END;
    DROP TABLE before;
    RETURN names;
END $$;
SELECT pg_temp.send('a', pg_temp.back(3), 1, 1500), pg_temp.send('b', pg_temp.back(2), 1501, 3000);
CALL tally.pack(1, '0');
-- nothing is carried of metrics that get no value updates
SELECT pg_temp.wrong(), pg_temp.carried(), count(*) FROM tally.life_total;
SELECT pg_temp.update(n, v) ->> 'total' AS total FROM (VALUES ('SUM', '0.5'), ('MAX', '3'), ('MIN eu', '2'), ('DUAL', '-7')) x(n, v);
SELECT pg_temp.wrong(), pg_temp.carried();
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), pg_temp.carried();
-- every source that names a metric of the code makes it one that is carried, but for distinct values; others change nothing
SELECT tally.create_metric('other', 'COUNT', 'COUNT other') ~ '^bm_' AS made;
SELECT count(pg_temp.send('s' || name, pg_temp.back(1), 1, 7, 'value:' || tally._encode_id('bm_', metric_id))) FROM tally.metric;
SELECT pg_temp.send('x', pg_temp.back(1), 1, 5, s) FROM unnest(ARRAY['value:', 'value:bm_', 'value:bm_0', 'value:x', 'value', 'value:bm_7n42DGM5Tflk9n8mt7Fhc7']) s;
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), pg_temp.carried();
DELETE FROM tally.metric WHERE name = 'COUNT other';
-- carried on: more events, old ones and new ones, packed in pieces and merged
SELECT pg_temp.send('c', pg_temp.back(2), 3001, 3300), pg_temp.update('LATEST', '5.00') ->> 'value';
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
CALL tally.pack(1, '0', true);
SELECT pg_temp.wrong(), cardinality(pg_temp.carried()), count(DISTINCT (l.pile_version, p.version)) AS versions FROM tally.life_total l, tally.pile p;
-- a packing that is rolled back has changed nothing, as a whole or in part
SELECT pg_temp.send('d', pg_temp.back(2), 3301, 3400);
BEGIN;
SELECT count(tally.pack_step(1, '0')) FROM generate_series(1, 10);
SELECT pg_temp.wrong(), cardinality(pg_temp.carried()), count(*) AS recent FROM tally.recent_event;
ROLLBACK;
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
BEGIN;
SAVEPOINT s;
SELECT count(tally.pack_step(1, '0')) FROM generate_series(1, 10);
ROLLBACK TO s;
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
COMMIT;
-- a new packed version without totals of its own is not covered by the old one
UPDATE tally.pile SET version = version + 1;
SELECT pg_temp.wrong(), pg_temp.carried();
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- the greatest, least and latest events are voided: first in their row, then in their segment
CREATE FUNCTION pg_temp.void(name text) RETURNS bigint LANGUAGE sql AS $$
    WITH v AS (INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason)
               SELECT 1, e.seq, gen_random_uuid(), e.ts, e.code, e.customer_id, 'test' FROM tally.events e WHERE e.event_id = name RETURNING seq) SELECT count(*) FROM v $$;
CREATE FUNCTION pg_temp.extremes(prefix text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(verdict, ' ') FROM tally.ingest(format('[{"event_id":"%1$smax","code":"call","customer_id":"c","properties":{"value":1e50,"region":"eu"}},{"event_id":"%1$smin","code":"call","customer_id":"c","properties":{"value":-1e50,"region":"eu"}},
        {"event_id":"%1$slast","code":"call","customer_id":"c","properties":{"value":"77.7","region":"eu"}}]', prefix)) $$;
SELECT pg_temp.extremes('row');
SELECT pg_temp.void('rowmax'), pg_temp.void('rowmin'), pg_temp.void('rowlast');
SELECT pg_temp.wrong(), pg_temp.carried();
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
SELECT pg_temp.extremes('segment');
CALL tally.pack(1, '0');
SELECT name, (pg_temp.life(m)).value, cardinality(pg_temp.carried()) FROM tally.metric m WHERE name IN ('MIN', 'MAX', 'LATEST') ORDER BY 1;
SELECT pg_temp.void('segmentmax'), pg_temp.void('segmentmin'), pg_temp.void('segmentlast');
SELECT pg_temp.wrong(), pg_temp.carried();
SELECT pg_temp.update('SUM eu', '0.25') ->> 'total' AS total \gset
SELECT :'total' = (SELECT value::text FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'SUM eu'), '0001-01-01', '9999-01-01')) AS exact;
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- an import is taken back and sent again
SELECT tally_rest.import_chunk(1, NULL, '{}', (SELECT string_agg(l, E'\n') FROM pg_temp.lines('i', pg_temp.back(1), 1, 200) l)) ->> 'accepted' AS accepted;
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
SELECT tally_rest.void_import(1, jsonb_build_object('id', tally._encode_id('imp_', import_id)), '{}', NULL) -> 'voided' ->> 'events' AS voided FROM tally.import_batch;
SELECT pg_temp.wrong(), pg_temp.carried();
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried()), pg_temp.send('i', pg_temp.back(1), 1, 200);
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- definitions are changed, and changed back
UPDATE tally.metric SET aggregation_key = 'region' WHERE name = 'MIN';
SELECT tally_rest.change_metric(1, jsonb_build_object('id', tally._encode_id('bm_', metric_id)), '{}', '{"segmentation_matrix":{"key":"region","values":["us"]}}') -> 'name' AS changed FROM tally.metric WHERE name LIKE '% eu' ORDER BY name;
SELECT (pg_temp.life(m)).events, pg_temp.carried() FROM tally.metric m WHERE name = 'SUM eu';
CREATE FUNCTION pg_temp.differing() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM tally.metric m, LATERAL pg_temp.life(m) l, LATERAL tally.usage_total(tally._encode_id('bm_', m.metric_id), '0001-01-01', '9999-01-01') u
    WHERE (l.value, l.events, l.skipped) IS DISTINCT FROM (u.value, u.events, u.skipped) $$;
SELECT pg_temp.differing();
BEGIN;
UPDATE tally.metric SET aggregation_key = 'value' WHERE name = 'MIN';
SELECT 'MIN' = ANY (pg_temp.carried()) AS carried, pg_temp.differing();
ROLLBACK;
CALL tally.pack(1, '0');
SELECT pg_temp.differing(), cardinality(pg_temp.carried());
UPDATE tally.metric SET aggregation_key = 'value' WHERE name = 'MIN';
SELECT pg_temp.differing(), cardinality(pg_temp.carried());
SELECT count(tally_rest.change_metric(1, jsonb_build_object('id', tally._encode_id('bm_', metric_id)), '{}', '{"segmentation_matrix":{"key":"region","values":["eu", "1.0"]},"name":"' || name || '"}')) FROM tally.metric WHERE name LIKE '% eu';
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- a name is no part of what is counted
UPDATE tally.metric SET description = 'other words', conversion_factor = 2, conversion_rounding = 'UP' WHERE name = 'SUM';
SELECT cardinality(pg_temp.carried());
-- a row that somebody made up is answered for what it says
SELECT l.events, l.total IS NULL AS no_total FROM tally.metric m, LATERAL tally._life(jsonb_populate_record(m, '{"aggregation_type":"COUNT","aggregation_key":null,"segmentation_matrix":{"type":"SINGLE","key":"region","values":["nowhere"]}}')) l WHERE name = 'SUM';
SELECT l.events FROM tally.metric m, LATERAL tally._life(jsonb_populate_record(m, '{"code":"nothing"}')) l WHERE name = 'SUM';
-- segments that ingest wrote itself lie beside what is carried until packing takes them in
SELECT pg_temp.send('loose', pg_temp.back(2), 1, 6000, 'value:' || tally._encode_id('bm_', metric_id)) FROM tally.metric WHERE name = 'SUM eu';
SELECT pg_temp.wrong(), pg_temp.carried(), count(*) > 0 AS loose FROM tally.loose_segment;
SELECT pg_temp.update('SUM', '1') ->> 'total' = (SELECT (value + 1)::text FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'SUM'), '0001-01-01', '9999-01-01')) AS exact;
-- Without the others, which are carried.
BEGIN;
CREATE TEMP TABLE before ON COMMIT DROP AS SELECT m.name, l.* FROM tally.metric m, LATERAL pg_temp.life(m) l WHERE m.aggregation_type <> 'COUNT_DISTINCT';
DELETE FROM tally.segment s WHERE NOT EXISTS (SELECT FROM tally.loose_segment l WHERE l.segment_id = s.segment_id);
SELECT count(*) AS same FROM before b JOIN (SELECT m.name, l.* FROM tally.metric m, LATERAL pg_temp.life(m) l) l ON l IS NOT DISTINCT FROM b;
ROLLBACK;
SELECT pg_temp.void('loose77');
SELECT pg_temp.wrong();
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried()), count(*) AS loose FROM tally.loose_segment;
SELECT pg_temp.send('more', pg_temp.back(2), 1, 6000);
CALL tally.pack(1000000, '1 day');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried()), count(*) AS loose FROM tally.loose_segment;
-- what retention forgets is no part of a life
CALL tally.retain(interval '2 months');
SELECT pg_temp.wrong(), pg_temp.carried();
SELECT count(*) FROM tally.segment WHERE month < pg_temp.back(2);
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- no value of any size is too large to be carried
SELECT string_agg(i.verdict, ' ') FROM tally.ingest(format('[{"event_id":"w1","code":"call","customer_id":"c","properties":{"value":%1$s.%1$s,"region":"eu"}},{"event_id":"w2","code":"call","customer_id":"c","properties":{"value":"-%1$s.%1$s","region":"eu"}},
    {"event_id":"w3","code":"call","customer_id":"c","properties":{"value":%1$s.%1$s,"region":"eu"}}]', repeat('9', 1000))) i;
CALL tally.pack(1, '0');
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
CALL tally.pack(1, '0', true);
SELECT pg_temp.wrong(), cardinality(pg_temp.carried());
-- what is carried is compared with the events
SELECT count(*) FROM tally.verify() WHERE object LIKE 'life total%';
BEGIN;
UPDATE tally.life_total l SET counted = l.counted + 1 FROM tally.metric m WHERE m.metric_id = l.metric_id AND m.name = 'SUM';
SELECT regexp_replace(object, 'bm_\w+', 'bm_ID') AS object, regexp_replace(problem, '\d{4,}[.]?\d*', 'MANY', 'g') AS problem FROM tally.verify() WHERE object LIKE 'life total%';
ROLLBACK;
