-- events in segments answer as they did in rows: usage, values, the list, lookups, tally.events, taking an import back
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, aggregation_key => 'v') ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) t;
SELECT tally.create_metric('call', 'SUM', name => 'dual', kind => 'dual', aggregation_key => 'd', segmentation_matrix => '{"key":"region","values":["eu","us"]}') ~ '^bm_' AS made;
SELECT tally.create_metric('disk', 'MAX', name => 'disk', aggregation_key => 'v', usage_group_key => 'region', conversion_factor => 7, conversion_rounding => 'NEAREST') ~ '^bm_' AS made;
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.send(tenant text, first int, last int) RETURNS TABLE (verdict text, events bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('tally.tenant', tenant, false);
    RETURN QUERY SELECT i.verdict, count(*) FROM tally.ingest((
        SELECT jsonb_agg(jsonb_build_object('event_id', CASE WHEN n % 7 = 0 THEN md5(n::text)::uuid::text ELSE 'E' || n END,
            'code', CASE WHEN random() < 0.7 THEN 'call' ELSE 'disk' END, 'customer_id', CASE WHEN n % 11 = 0 THEN '' ELSE 'c' || n % 9 END,
            'source', CASE WHEN n % 5 = 0 THEN 'web' ELSE '' END,
            'timestamp', to_char('2024-01-20'::timestamp + floor(random() * 40 * 86400) * interval '1 s', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'properties', jsonb_strip_nulls(jsonb_build_object('region', CASE WHEN n % 4 > 0 THEN (ARRAY['eu', 'us', 'Asia'])[1 + n % 3] END,
                'd', ((random() - 0.5) * 100)::numeric(8, 2) + 0.001, 'user', 'u' || n % 50)
                || jsonb_build_object('v', CASE n % 10 WHEN 0 THEN '"many"' WHEN 1 THEN '1.50' WHEN 2 THEN '"1e2"' WHEN 3 THEN '123456789012345678901234567890123456789012.5'
                                           ELSE (random() * 1000)::numeric(8, 1)::text END::jsonb))))
        FROM generate_series(first, last) n)::text, true) i GROUP BY 1;
    PERFORM set_config('tally.tenant', 'acme', false);
END $$;
SELECT * FROM pg_temp.send('acme', 1, 3000);
SELECT * FROM pg_temp.send('other', 1, 500);
-- everything that is asked, one row an answer
CREATE FUNCTION pg_temp.answers() RETURNS TABLE (question text, answer text) LANGUAGE plpgsql AS $$
DECLARE m tally.metric; id text; customer text; windows text; filter jsonb; q jsonb; r record;
BEGIN
    FOR m IN SELECT * FROM tally.metric ORDER BY name LOOP
        id := tally._encode_id('bm_', m.metric_id);
        FOREACH customer IN ARRAY ARRAY[NULL, 'c1', '', 'nobody'] LOOP
            FOREACH windows IN ARRAY ARRAY[NULL, 'day', '7 hours'] LOOP
                FOREACH filter IN ARRAY ARRAY[NULL, '{"region": ["eu", "Asia"]}', '{"v": 1.5}']::jsonb[] LOOP
                    question := concat_ws(' ', m.name, customer, windows, filter);
                    SELECT md5(string_agg(u::text, E'\n' ORDER BY n)) INTO answer FROM tally.usage(id, '2024-01-22 03:00', '2024-02-20 12:34', customer, windows, 'Europe/Berlin',
                        CASE WHEN windows = 'day' THEN '{region,customer_id}'::text[] ELSE '{}' END, filter, m.name = 'SUM') WITH ORDINALITY u(a, b, c, d, e, f, g, h, n);
                    RETURN NEXT;
                    question := question || ' total';
                    SELECT u::text INTO answer FROM tally.usage_total(id, '2024-01-01', '2024-04-01', customer, filter) u;
                    RETURN NEXT;
                END LOOP;
            END LOOP;
        END LOOP;
        question := m.name || ' life'; answer := (SELECT l::text FROM tally._life(m) l); RETURN NEXT;
        CONTINUE WHEN m.aggregation_type LIKE 'COUNT%';
        question := m.name || ' summaries';
        SELECT md5(string_agg(s::text, E'\n')) INTO answer FROM tally._summaries(m, '2024-02-01', '2024-02-10', '20 min') s; RETURN NEXT;
        question := m.name || ' months';
        SELECT string_agg(s::text, E'\n') INTO answer FROM tally._summaries(m, '2024-02-01', '2024-02-10', '1 month') s; RETURN NEXT;
    END LOOP;
    FOREACH q IN ARRAY ARRAY['{}', '{"customer_id":["c1"]}', '{"customer_id":[""],"source":["web"]}', '{"code":["disk"],"limit":["1000"]}', '{"search":["asia"]}', '{"search":["e29"]}', '{"search":["no such text"]}',
        '{"search":["123456789012345678901234567890123456789012.5"]}', '{"from":["2024-02-01"],"to":["2024-02-02"]}', '{"source":["nobody"]}', '{"search":["-4"],"code":["call"]}']::jsonb[] LOOP
        question := q::text; answer := md5(tally_rest.list_events(1, '{}', q, NULL)::text); RETURN NEXT;
    END LOOP;
    FOR r IN SELECT * FROM (VALUES ('E1', NULL), ('E10', 'c1'), (md5('14')::uuid::text, NULL), ('E2', 'c2')) x(id, customer) LOOP
        question := 'event ' || r.id; answer := md5(tally_rest.get_event(1, jsonb_build_object('event_id', r.id),
            CASE WHEN r.customer IS NULL THEN '{}' ELSE jsonb_build_object('customer_id', jsonb_build_array(r.customer)) END, NULL)::text); RETURN NEXT;
    END LOOP;
    question := 'tally.events'; SELECT md5(string_agg(e::text, E'\n' ORDER BY seq)) INTO answer FROM tally.events e; RETURN NEXT;
    question := 'tally.events()'; SELECT md5(string_agg(e::text, E'\n' ORDER BY seq)) INTO answer FROM tally.events('call', '2024-02-01', '2024-02-05', 'c3') e; RETURN NEXT;
END $$;
-- pages walk through all events, each once
CREATE FUNCTION pg_temp.pages(page_size int) RETURNS TABLE (events bigint, different bigint) LANGUAGE plpgsql AS $$
DECLARE answer json; next text; seen text[] := '{}';
BEGIN
    LOOP
        answer := tally_rest.list_events(1, '{}', jsonb_strip_nulls(jsonb_build_object('limit', jsonb_build_array(page_size::text), 'cursor', CASE WHEN next IS NOT NULL THEN jsonb_build_array(next) END)), NULL);
        seen := seen || ARRAY(SELECT e ->> 'event_id' || '/' || (e ->> 'customer_id') FROM json_array_elements(answer -> 'data') e);
        next := answer ->> 'next_cursor';
        EXIT WHEN next IS NULL;
    END LOOP;
    RETURN QUERY SELECT count(*), count(DISTINCT s) FROM unnest(seen) s;
END $$;
CREATE TABLE before AS SELECT * FROM pg_temp.answers();
SELECT count(*) > 600 AS many, count(answer) > 500 AS answered FROM before;
-- all in segments
CALL tally.pack(1, '0', true);
SELECT count(*) AS recent FROM tally.recent_event;
SELECT count(*) > 3 AS segments, sum(events) AS events FROM tally.segment;
SELECT b.question, b.answer, a.answer AS packed FROM before b FULL JOIN pg_temp.answers() a USING (question) WHERE b.answer IS DISTINCT FROM a.answer;
SELECT * FROM pg_temp.pages(700);
SELECT count(*) AS events, count(*) FILTER (WHERE voided) AS voided, count(DISTINCT code) AS codes FROM tally.events;
-- some in segments, some in rows, some voided: as in rows alone
SELECT * FROM pg_temp.send('acme', 3001, 5000);
INSERT INTO tally.correction (tenant_id, seq, identity, ts, code, customer_id, reason)
SELECT 1, e.seq, gen_random_uuid(), e.ts, e.code, e.customer_id, 'test' FROM tally.events e WHERE e.seq % 17 = 0;
TRUNCATE before;
INSERT INTO before SELECT * FROM pg_temp.answers();
CALL tally.pack(1, '0', true);
SELECT count(*) AS recent FROM tally.recent_event;
SELECT b.question, b.answer, a.answer AS packed FROM before b FULL JOIN pg_temp.answers() a USING (question) WHERE b.answer IS DISTINCT FROM a.answer;
SELECT count(*) AS events, count(*) FILTER (WHERE voided) = (SELECT count(*) FROM tally.correction) AS voided FROM tally.events;
SET tally.tenant = 'other';
SELECT count(*) AS of_another_tenant FROM tally.events;
SET tally.tenant = 'acme';
-- an import that has been packed is taken back as one that was not
SELECT tally.create_metric('bulk', 'SUM', aggregation_key => 'v') ~ '^bm_' AS made;
INSERT INTO tally.import_batch (tenant_id, name) VALUES (1, 'some') RETURNING import_id AS import \gset
INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties, import_id)
SELECT 0, 1, tally._hash32('bulk'), tally._hash32('c'), '2024-02-01'::timestamptz + n * interval '1 min', now(), 'bulk', 'c', '', 'b' || n, '{"v": 1}', CASE WHEN n % 2 = 0 THEN :'import'::uuid END FROM generate_series(1, 100) n;
CALL tally.pack(1, '0', true);
SELECT count(*) FROM tally.events('bulk') WHERE import_id ~ '^imp_';
SELECT (tally._void_import(1, :'import', 'wrong')).voided;
SELECT value, events FROM tally.usage('bulk', '2024-01-01', '2024-03-01');
SELECT voided, count(*) FROM tally.events('bulk') GROUP BY 1 ORDER BY 1;
-- reading writes nothing, and what needs more memory than it may is refused
BEGIN READ ONLY;
SELECT value FROM tally.usage_total('bulk', '2024-01-01', '2024-03-01');
SELECT count(*) FROM tally.events('bulk');
COMMIT;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT count(*) FROM tally.metric m, tally.usage(tally._encode_id('bm_', m.metric_id), '2024-01-20', '2024-03-01', "window" => 'minute', group_by => '{customer_id,v,user,d}') WHERE m.name = 'SUM';
RESET work_mem;
RESET hash_mem_multiplier;
-- a metric without numbers has no sums by buckets
SELECT tally._summaries(m, '2024-02-01', '2024-02-10', '1 day') FROM tally.metric m WHERE m.name = 'COUNT';
