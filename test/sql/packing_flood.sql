-- packing after a flood: the file of recent_event stays large, few rows lie in it, and each of them is still packed
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
SELECT tally.create_tenant('flood') ~ '^ten_' AS made;
-- less than a segment's worth a call, so that all are rows at first
CREATE FUNCTION pg_temp.send(code text, first integer, last integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', format('%s-%s', code, n), 'code', code, 'customer_id', 'c' || n % 50,
        'timestamp', timestamptz '2024-03-01Z' + n * interval '1 second', 'properties', jsonb_build_object('pad', repeat('x', 150))))
        FROM generate_series(first, last) n)::text, true) i WHERE i.verdict = 'accepted' $$;
SELECT sum(pg_temp.send('flood', 900 * n + 1, 900 * n + 900)) FROM generate_series(0, 33) n;
SELECT pg_relation_size('tally.recent_event') > 8192 * 1000 AS large, (SELECT count(*) FROM tally.recent_event) AS recent;
CALL tally.pack(1, '0 seconds');
SELECT count(*) AS recent, (SELECT sum(events) FROM tally.segment) AS packed FROM tally.recent_event;
-- a few of several codes, beside dead rows, and where vacuum took those away
SELECT pg_temp.send('one', 1, 1), pg_temp.send('few', 1, 5);
CALL tally.pack(1, '0 seconds');
SELECT count(*) AS recent, (SELECT string_agg(format('%s %s', s.code, s.events), ', ' ORDER BY s.code) FROM tally.segment s WHERE s.code <> 'flood') AS packed FROM tally.recent_event;
VACUUM tally.recent_event;
SELECT pg_relation_size('tally.recent_event') > 8192 * 1000 AS still_large, pg_temp.send('one', 2, 2), pg_temp.send('few', 6, 9);
-- too few, and too young
CALL tally.pack(5, '1 hour');
SELECT code, count(*) FROM tally.recent_event GROUP BY 1 ORDER BY 1;
CALL tally.pack(4, '1 hour');
SELECT code, count(*) FROM tally.recent_event GROUP BY 1 ORDER BY 1;
CALL tally.pack(4, '0 seconds');
SELECT count(*) AS recent FROM tally.recent_event;
-- as many as fill the pages again are read with them
SELECT sum(pg_temp.send('again', 900 * n + 1, 900 * n + 900)) FROM generate_series(0, 9) n;
CALL tally.pack(1, '0 seconds');
SELECT count(*) AS recent, (SELECT sum(events) FROM tally.segment WHERE code = 'again') AS packed FROM tally.recent_event;
SELECT count(*) AS wrong FROM tally.verify();
DROP EXTENSION pgtally CASCADE;
