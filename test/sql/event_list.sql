-- the event list: filters, pages, and which metrics counted an event
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT code, t, tally.create_metric(code, t, name => code || ' ' || t, aggregation_key => 'v') ~ '^bm_' AS made
FROM (VALUES (1, 'call', 'COUNT'), (2, 'call', 'SUM'), (3, 'call', 'COUNT_DISTINCT'), (4, 'disk', 'MAX')) x(n, code, t) ORDER BY n;
SELECT tally.create_metric('call', 'COUNT', name => 'call eu', segmentation_matrix => '{"key":"region","values":["eu"]}') ~ '^bm_' AS made;
SELECT tally.archive_metric(tally.create_metric('call', 'COUNT', name => 'old')) ~ '^bm_' AS archived;
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', r[1], 'code', r[2], 'customer_id', r[3], 'source', r[4], 'timestamp', r[5], 'properties', r[6]::jsonb))
    FROM (SELECT n, string_to_array(line, '|') AS r FROM regexp_split_to_table('e1|call|ann||2024-01-01T00:00:00Z|{"v":1,"region":"eu"}
e2|call|ann|web|2024-01-02T00:00:00Z|{"v":"lots","region":"us"}
e3|call|bob|web|2024-02-01T00:00:00Z|{"region":"eu"}
e4|call|bob||2024-02-01T00:00:00Z|{"v":"","region":"eu"}
e5|disk|ann||2024-02-01T00:00:00.000001Z|{"v":"1e2","path":"/A_b%c"}
e6|idle|||2024-03-01T00:00:00Z|{}
e1|call|bob||2024-03-02T00:00:00Z|{"v":7}
e1|disk|ann|web|2024-03-03T00:00:00Z|{"v":8}', '\n') WITH ORDINALITY l(line, n)) x)::text, true) GROUP BY 1;
CREATE FUNCTION pg_temp.list(query text, tenant integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text; answer json;
BEGIN
    answer := tally_rest.list_events(tenant, '{}', query::jsonb, NULL);
    RETURN coalesce((SELECT string_agg(format('%s/%s/%s', e ->> 'event_id', e ->> 'customer_id', e ->> 'source'), ' ' ORDER BY n)
                     FROM json_array_elements(answer -> 'data') WITH ORDINALITY d(e, n)), 'none')
           || CASE WHEN answer ->> 'next_cursor' IS NOT NULL THEN ' ...' ELSE '' END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
-- newest first; of one instant the one that came last
SELECT q, pg_temp.list(q) FROM unnest(ARRAY['{}', '{"customer_id":["ann"]}', '{"customer_id":["nobody"]}', '{"customer_id":[""]}', '{"code":["call"]}', '{"code":["call"],"customer_id":["bob"]}', '{"code":["none"]}', '{"source":["web"]}', '{"source":[""]}', '{"customer_id":[""],"source":["web"]}',
    '{"from":["2024-02-01"]}', '{"to":["2024-02-01T00:00:00Z"]}', '{"from":["2024-02-01"],"to":["2024-02-01T00:00:00.000001Z"]}', '{"limit":["3"]}', '{"limit":["8"]}']) q;
-- a part of the id, the code or any property, in any case; % and _ are themselves
SELECT q, pg_temp.list(q) FROM unnest(ARRAY['{"search":["E1"]}', '{"search":["DIS"]}', '{"search":["lot"]}', '{"search":["_"]}', '{"search":["%"]}', '{"search":["a_B%"]}', '{"search":["1e2"]}', '{"search":["region"]}', '{"search":["eu"],"customer_id":["ann"]}']) q;
SELECT q, pg_temp.list(q) FROM unnest(ARRAY['{"limit":["0"]}', '{"limit":["1001"]}', '{"limit":["x"]}', '{"from":["yesterday"]}', '{"from":["2024-02-01"],"to":["2024-02-01"]}', '{"cursor":["x"]}', '{"cursor":["30"]}', '{"cursor":["2e2e2e"]}',
    '{"code":["a","b"]}', '{"offset":["1"]}']) q;
SELECT pg_temp.list('{}', 2) AS another_tenant;
-- one event, whole
SELECT regexp_replace(regexp_replace(e::text, 'bm_\w+', 'bm_ID', 'g'), '"received_at":"[^"]*"', '"received_at":"TIME"')
FROM json_array_elements(tally_rest.list_events(1, '{}', '{"code":["call"],"customer_id":["ann"]}', NULL) -> 'data') e;
-- which metrics counted an event, and why the others did not
CREATE FUNCTION pg_temp.metrics(OUT event text, OUT metric text, OUT counted text, OUT reason text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT e ->> 'event_id' || '/' || (e ->> 'customer_id'), d.name, m ->> 'counted', m ->> 'reason'
    FROM json_array_elements(tally_rest.list_events(1, '{}', '{}', NULL) -> 'data') WITH ORDINALITY l(e, n), json_array_elements(e -> 'metrics') WITH ORDINALITY k(m, i),
         tally.metric d WHERE d.metric_id = tally._decode_id('bm_', m ->> 'metric_id') ORDER BY n, i $$;
SELECT * FROM pg_temp.metrics();
-- that is what usage says
SELECT m.name, u.events, u.skipped, count(x.metric) FILTER (WHERE x.counted = 'true') = u.events AS same_counted,
       count(x.metric) FILTER (WHERE x.counted = 'false' AND x.reason <> 'outside the segmentation matrix') = u.skipped AS same_skipped
FROM tally.metric m CROSS JOIN LATERAL tally.usage_total(tally._encode_id('bm_', m.metric_id), '2024-01-01', '2025-01-01') u LEFT JOIN pg_temp.metrics() x ON x.metric = m.name
WHERE m.archived_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1;
-- pages: every event once, also while newer and older ones come in
CREATE TEMP TABLE page (n int, event text);
CREATE PROCEDURE pg_temp.walk(page_size int, disturb boolean) LANGUAGE plpgsql AS $$
DECLARE answer json; next text; n int := 0;
BEGIN
    LOOP
        answer := tally_rest.list_events(1, '{}', jsonb_strip_nulls(jsonb_build_object('limit', jsonb_build_array(page_size::text), 'code', '["many"]'::jsonb,
            'cursor', CASE WHEN next IS NOT NULL THEN jsonb_build_array(next) END)), NULL);
        INSERT INTO page SELECT n, e ->> 'event_id' FROM json_array_elements(answer -> 'data') e;
        IF disturb THEN
            PERFORM tally.ingest(jsonb_build_array(jsonb_build_object('event_id', 'late' || n, 'code', 'many', 'customer_id', 'x', 'timestamp', '2024-06-01T00:00:00Z')), true);
        END IF;
        next := answer ->> 'next_cursor';
        n := n + 1;
        EXIT WHEN next IS NULL;
    END LOOP;
END $$;
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'm' || i, 'code', 'many', 'customer_id', 'c' || i % 3, 'timestamp',
    to_char('2024-04-01'::timestamp + i / 4 * interval '17.000001 hours', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) FROM generate_series(0, 99) i)::text, true) GROUP BY 1;
CALL pg_temp.walk(7, true);
SELECT count(*), count(DISTINCT event), max(n) FROM page WHERE event ~ '^m';
SELECT count(*) AS unexpected FROM page WHERE event ~ '^late';
SELECT string_agg(event, ' ' ORDER BY n) FROM (SELECT n, min(event) AS event FROM page GROUP BY n) x;
TRUNCATE page;
CALL pg_temp.walk(50, false);
SELECT n, count(*) FROM page GROUP BY n ORDER BY n;
SELECT count(*) AS round_trips_wrong FROM tally.recent_event e, tally_rest._read_cursor(jsonb_build_object('cursor', jsonb_build_array(tally_rest._cursor(e.ts, e.seq)))) c WHERE (c.ts, c.seq) IS DISTINCT FROM (e.ts, e.seq);
-- one event by its id: all customers and sources that have it, or the one that is asked for
CREATE FUNCTION pg_temp.get(id text, query text DEFAULT '{}', tenant integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN (SELECT string_agg(format('%s/%s/%s/%s', e ->> 'event_id', e ->> 'code', e ->> 'customer_id', e ->> 'source'), ' ' ORDER BY n)
            FROM json_array_elements(tally_rest.get_event(tenant, jsonb_build_object('event_id', id), query::jsonb, NULL) -> 'data') WITH ORDINALITY d(e, n));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT q, pg_temp.get('e1', q) FROM unnest(ARRAY['{}', '{"customer_id":["ann"]}', '{"customer_id":["ann"],"source":["web"]}', '{"customer_id":["ann"],"source":[""]}', '{"source":["web"]}', '{"source":[""]}', '{"customer_id":["eve"]}', '{"customer_id":["eve"],"source":[""]}', '{"code":["call"]}']) q;
SELECT pg_temp.get('e6', '{"customer_id":[""],"source":[""]}'), pg_temp.get('e9'), pg_temp.get('E1'), pg_temp.get('e1', '{}', 2) AS another_tenant;
