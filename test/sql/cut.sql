-- a cut: usage as of it is what was seen then, whatever comes, is corrected, packed or closed later
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, slug => lower(t), aggregation_key => 'v', usage_group_key => 'region') ~ '^bm_' AS made
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'LATEST', 'COUNT_DISTINCT']) t;
CREATE FUNCTION pg_temp.send(first int, last int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE verdict = 'accepted') FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', 'call', 'customer_id', 'c' || n % 3,
        'timestamp', to_char(timestamp '2026-01-01' + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', jsonb_build_object('v', n % 7, 'region', 'r' || n % 2))) FROM generate_series(first, last) n), true) $$;
-- Every answer of every face, as of a cut or as of now.
CREATE FUNCTION pg_temp.answers(as_of text) RETURNS TABLE (answer text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', m.name, a.answer)
    FROM tally.metric m, LATERAL (
        SELECT 'total ' || u::text FROM tally.usage_total(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2027-01-01', as_of => as_of) u
        UNION ALL SELECT 'daily ' || u::text FROM tally.usage(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2027-01-01', "window" => 'day', group_by => '{customer_id}', as_of => as_of) u
        UNION ALL SELECT 'one ' || u::text FROM tally.usage(tally._encode_id('bm_', m.metric_id), '2026-01-02 03:00', '2026-02-01', customer => 'c1', filter => '{"region": "r1"}', as_of => as_of) u
        UNION ALL SELECT 'code ' || u::text FROM tally._usage_of_code(ARRAY[m], '2026-01-01', '2027-01-01', NULL, as_of) u
        UNION ALL SELECT 'life ' || u::text FROM tally._life(m, as_of) u
        UNION ALL SELECT 'summary ' || u::text FROM (SELECT m WHERE m.aggregation_type NOT LIKE 'COUNT%') x, tally._summaries(m, '2026-01-01', '2027-01-01', '1 day', as_of) u
        UNION ALL SELECT 'rest ' || json_build_object('u', r -> 'usage', 't', r -> 'total')::text FROM tally_rest._metric_usage(m, '2026-01-01', '2027-01-01', NULL, 'month', 'UTC', '{}', NULL, false, NULL, NULL, as_of) r
        UNION ALL SELECT 'explained ' || json_build_object('e', x -> 'events', 'o', (SELECT json_object_agg(k.key, k.value -> 'events') FROM json_each(x -> 'by_outcome') k), 's', x -> 'steps', 'v', x -> 'value', 'c', x -> 'converted_value')::text
            FROM tally.explain_usage(tally._encode_id('bm_', m.metric_id), '2026-01-01', '2027-01-01', as_of => as_of) x) a(answer)
    WHERE m.tenant_id = tally.current_tenant()
    UNION ALL SELECT 'event ' || e::text FROM tally.events('call', as_of => as_of) e
    UNION ALL SELECT 'shown ' || (tally._event_json(e, false, as_of)::jsonb - 'received_at')::text FROM tally._find_events(tally.current_tenant(), 'call', NULL, NULL, NULL, NULL, 'r1', NULL, NULL, 100, as_of) e
    UNION ALL SELECT 'one ' || x::text FROM (VALUES ('e5'), ('e10'), ('e101')) i(id), tally.explain_event(i.id, as_of => as_of) x $$;
CREATE TEMP TABLE kept (cut text, answer text);
CREATE FUNCTION pg_temp.keep(cut text) RETURNS bigint LANGUAGE sql AS $$
    WITH k AS (INSERT INTO kept SELECT cut, a.answer FROM pg_temp.answers(NULL) a RETURNING 1) SELECT count(*) FROM k $$;
CREATE FUNCTION pg_temp.differences() RETURNS TABLE (cut text, lost bigint, more bigint) LANGUAGE sql AS $$
    SELECT c.cut, (SELECT count(*) FROM (SELECT k.answer FROM kept k WHERE k.cut = c.cut EXCEPT ALL SELECT a.answer FROM pg_temp.answers(c.cut) a) x),
           (SELECT count(*) FROM (SELECT a.answer FROM pg_temp.answers(c.cut) a EXCEPT ALL SELECT k.answer FROM kept k WHERE k.cut = c.cut) x)
    FROM (SELECT DISTINCT k.cut FROM kept k) c ORDER BY c.cut $$;

SELECT tally.cut('empty') ~ '^cut_' AS made, pg_temp.keep('empty') > 0 AS kept;
SELECT pg_temp.send(1, 100);
SELECT tally.cut('first') ~ '^cut_' AS made, pg_temp.keep('first') > 0 AS kept;
CALL tally.pack(1, '0');
SELECT pg_temp.send(101, 1400);       -- straight into segments
SELECT tally.cut('second') ~ '^cut_' AS made, pg_temp.keep('second') > 0 AS kept;
SELECT (tally.void_event('e' || n, 'x')).seq > 0 AS voided FROM generate_series(5, 8) n;
SELECT (tally.amend_event('e10', 'y', properties => '{"v": 1000, "region": "r9"}')).seq > 0 AS amended;
SELECT tally.cut('corrected') ~ '^cut_' AS made, pg_temp.keep('corrected') > 0 AS kept;
SELECT (tally.restore_event('e5', 'z')).seq > 0 AS restored, (tally.restore_event('e6', 'z')).seq > 0 AS restored;
SELECT (tally.void_event('e6', 'again')).seq > 0 AS voided;
SELECT tally.void_events('many', 'call', '2026-01-03', '2026-01-05', dry_run => false) IS NOT NULL AS voided;
SELECT tally.cut('lifted') ~ '^cut_' AS made, pg_temp.keep('lifted') > 0 AS kept;
SELECT * FROM pg_temp.differences();
-- an import that is taken back, packing beside, everything merged; carried totals of a life cover what came later
SELECT tally_rest.import_chunk(1, '{}', '{"name":["file"]}', '{"event_id":"i1","code":"call","customer_id":"c1","timestamp":"2026-01-01T00:00:00Z","properties":{"v":1000000}}') ->> 'accepted' AS imported;
SELECT tally.cut('imported') ~ '^cut_' AS made, pg_temp.keep('imported') > 0 AS kept;
SELECT tally.void_import(id) FROM tally.imports;
SELECT verdict FROM tally.metric m, tally.record('call', 'c1', '{"v": 0.5}', 'value', '2026-06-01Z', 'value:' || tally._encode_id('bm_', m.metric_id), true) r WHERE m.name = 'SUM';
CALL tally.pack(1, '0', true);
SELECT count(*) > 0 AS carried FROM tally.life_total;
SELECT tally.close_period('2026-01-01', '2027-01-01') AS statement \gset
SELECT pg_temp.keep(:'statement') > 0 AS kept;
SELECT pg_temp.send(2001, 2003), (tally.void_event('e200', 'late')).seq > 0 AS voided;
SELECT * FROM (SELECT regexp_replace(d.cut, '^stm_.*', 'stm_...') AS cut, d.lost, d.more FROM pg_temp.differences() d) d ORDER BY d.cut;
-- what the statement says, and what has changed since
SELECT count(*) AS lines, count(*) FILTER (WHERE (u.value, u.events, u.skipped) IS DISTINCT FROM (l.value, l.events, l.skipped)) AS differ
FROM tally.statement_lines(:'statement') l, tally.usage_total(l.metric_id, '2026-01-01', '2027-01-01', customer => l.customer_id, as_of => :'statement') u;
SELECT event_id, change FROM tally.adjusting_events(:'statement') ORDER BY event_id;
-- of what was voided and restored since both are listed
BEGIN;
SELECT (tally.void_event('e300', 'x')).seq > 0 AS done, (tally.restore_event('e300', 'y')).seq > 0 AS done, (tally.restore_event('e200', 'z')).seq > 0 AS done, (tally.restore_event('e7', 'z')).seq > 0 AS done;
SELECT event_id, change FROM tally.adjusting_events(:'statement') WHERE event_id IN ('e7', 'e200', 'e300') ORDER BY event_id, change;
ROLLBACK;
-- the cut of the day, which every tenant has; a time takes the last cut before it
SELECT tally.cut_daily(), tally.cut_daily();
SELECT name ~ '^daily-' AS daily, kind, created_by = session_user AS by FROM tally.cuts ORDER BY taken_at DESC LIMIT 2;
SET tally.tenant = 'other';
SELECT count(*), min(kind) FROM tally.cuts;
SET tally.tenant = 'acme';
SELECT (tally_rest._metric_usage(m, '2026-01-01', '2027-01-01', NULL, NULL, 'UTC', '{}', NULL, false, NULL, NULL, '9999-01-01') -> 'as_of' ->> 'name') ~ '^daily-' AS named FROM tally.metric m LIMIT 1;
SELECT tally_rest._metric_usage(m, '2026-01-01', '2027-01-01', NULL, NULL, 'UTC', '{}', NULL, false, NULL, NULL, c.taken_at::text) -> 'as_of' ->> 'name' AS named
FROM (SELECT * FROM tally.metric LIMIT 1) m, tally.cuts c WHERE c.name = 'corrected';
SELECT u.value = (SELECT x.value FROM tally.cuts c, tally.usage_total('sum', '2026-01-01', '2027-01-01', as_of => c.id) x WHERE c.name = 'first') AS by_id FROM tally.usage_total('sum', '2026-01-01', '2027-01-01', as_of => 'first') u;
-- a moment is the statement's snapshot: of a transaction that repeats its reads too; its own events are known
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.send(3001, 3002);
SELECT tally.cut('repeated') ~ '^cut_' AS made, pg_temp.keep('repeated') > 0 AS kept;
SELECT pg_temp.send(3003, 3004);
COMMIT;
SELECT * FROM (SELECT d.* FROM pg_temp.differences() d WHERE d.cut = 'repeated') d;
-- refused
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE at text;
BEGIN EXECUTE statement; RETURN 'done'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS at = COLUMN_NAME; RETURN concat_ws(' ', sqlstate, at, sqlerrm); END $$;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    'SELECT tally.cut(''first'')', 'SELECT tally.cut('''')', 'SELECT tally.cut(''2026'')', 'SELECT tally.cut(''daily-x'')', 'SELECT tally.cut(repeat(''x'', 101))',
    'SELECT tally.usage_total(''sum'', ''2026-01-01'', ''2027-01-01'', as_of => ''none'')',
    'SELECT tally.usage_total(''sum'', ''2026-01-01'', ''2027-01-01'', as_of => '''')',
    'SELECT tally.usage_total(''sum'', ''2026-01-01'', ''2027-01-01'', as_of => ''2000-01-01'')',
    'SELECT tally.usage_total(''sum'', ''2026-01-01'', ''2027-01-01'', as_of => ''2000-99-01'')']) s;
SET tally.tenant = 'other';
SELECT tally.create_metric('call', 'SUM', aggregation_key => 'v') ~ '^bm_' AS made;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    'SELECT tally.usage_total(''call'', ''2026-01-01'', ''2027-01-01'', as_of => ''first'')', 'SELECT tally.explain_usage(''call'', ''2026-01-01'', ''2027-01-01'', as_of => ''first'')',
    'SELECT tally.explain_usage(''call'', ''2026-01-01'', ''2027-01-01'', as_of => ''2000-01-01'')', 'SELECT * FROM tally.events(as_of => ''first'')', 'SELECT tally.explain_event(''e1'', as_of => ''first'')',
    'SELECT tally_rest.list_events(tally.current_tenant(), ''{}'', ''{"as_of": ["first"]}'', NULL)', 'SELECT tally_rest.get_event(tally.current_tenant(), ''{"event_id": "e1"}'', ''{"as_of": ["first"]}'', NULL)']) s;
-- what was rolled back is unseen for good; watermarks keep what is looked through short
SET tally.tenant = 'acme';
BEGIN; SELECT pg_temp.send(4001, 4005); ROLLBACK;
SELECT pg_temp.send(4001, 4001), tally.cut('after') ~ '^cut_' AS made;
SELECT c.unseen_seqs[1] = c.last_seq - 5 AND c.unseen_seqs[cardinality(c.unseen_seqs)] = c.last_seq - 1 AS seen FROM tally.cut c WHERE c.name = 'after';
CALL tally.pack(1, '0');
DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM tally.watermark w, tally.event_seq s WHERE w.seq = s.last_value AND w.next_xid <= pg_snapshot_xmin(pg_current_snapshot())) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
SELECT tally.cut('marked') ~ '^cut_' AS made;
SELECT c.unseen_seqs, c.unseen_acts FROM tally.cut c WHERE c.name = 'marked';
SELECT * FROM (SELECT regexp_replace(d.cut, '^stm_.*', 'stm_...') AS cut, d.lost, d.more FROM pg_temp.differences() d) d WHERE d.lost > 0 OR d.more > 0;
-- metrics too are what they were then: changed twice after a cut, and by a transaction that was open when another was made (rolled back: never)
SELECT tally.create_metric('call', 'SUM', name => 'changing', slug => 'changing', aggregation_key => 'v', conversion_factor => 60, conversion_rounding => 'UP') ~ '^bm_' AS made;
CREATE FUNCTION pg_temp.then(at text) RETURNS TABLE (cut text, value numeric, converted numeric, by_rows numeric, explained text, json text, of_code text) LANGUAGE sql AS $$
    SELECT coalesce(at, 'now'), u.value, u.converted_value, (SELECT sum(r.value) FROM tally.usage('changing', '2026-01-01', '2027-01-01', group_by => '{customer_id}', as_of => at) r),
           concat_ws(' ', e -> 'definition' ->> 'conversion_factor', e -> 'definition' -> 'filters'), j -> 'total' ->> 'converted_value', s.converted_value::text
    FROM tally.usage_total('changing', '2026-01-01', '2027-01-01', as_of => at) u, tally.explain_usage('changing', '2026-01-01', '2027-01-01', as_of => at) e, tally.metric m,
         LATERAL (SELECT tally_rest.metric_usage(m.tenant_id, '{"id": "changing"}', jsonb_strip_nulls(jsonb_build_object('from', ARRAY['2026-01-01'], 'to', ARRAY['2027-01-01'], 'as_of', CASE WHEN at IS NOT NULL THEN ARRAY[at] END)), NULL) j) j,
         LATERAL (SELECT x.converted_value FROM tally._usage_of_code(ARRAY[m], '2026-01-01', '2027-01-01', NULL, at) x WHERE x.is_total) s
    WHERE m.slug = 'changing' $$;
SELECT tally.cut('sixty') ~ '^cut_' AS made;
SELECT tally.update_metric('changing', conversion_factor => 1) ~ '^bm_' AS changed;
SELECT tally.cut('one') ~ '^cut_' AS made;
BEGIN; SELECT tally.update_metric('changing', conversion_factor => 7) ~ '^bm_' AS changed; ROLLBACK;
SELECT tally.update_metric('changing', filters => '[{"property": "region", "op": "EQUAL", "values": ["eu"]}]', clear => '{conversion_factor}') ~ '^bm_' AS changed;
SELECT tally.update_metric('changing', name => 'renamed') ~ '^bm_' AS changed;
SELECT t.* FROM unnest(ARRAY['sixty', 'one', NULL]) a, LATERAL pg_temp.then(a) t;
SELECT count(*) FROM tally.metric_version;
CALL tally.pack(1, '0');
SELECT t.* FROM unnest(ARRAY['sixty', 'one', NULL]) a, LATERAL pg_temp.then(a) t;
-- and so is what they made of an event, told by itself and in the list
SELECT e.properties::jsonb ->> 'region' AS region, coalesce(a, 'now') AS cut, x.counted, x.reason, one -> 'counted' AS in_event, listed -> 'counted' AS in_list
FROM (SELECT DISTINCT ON (e.properties::jsonb ->> 'region') e.* FROM tally._find_events(tally.current_tenant(), 'call', NULL, NULL, '2026-01-01', '2027-01-01', NULL, NULL, NULL, 10000) e
      WHERE NOT EXISTS (SELECT FROM tally.correction c WHERE c.seq = e.seq) ORDER BY e.properties::jsonb ->> 'region', e.seq) e,
     unnest(ARRAY['sixty', 'one', NULL]) WITH ORDINALITY c(a, place), tally.explain_event(e.event_id, as_of => a) x,
     json_array_elements(tally._event_json(e, false, a) -> 'metrics') one,
     json_array_elements(tally_rest.list_events(e.tenant_id, '{}', jsonb_strip_nulls(jsonb_build_object('code', '["call"]'::jsonb, 'customer_id', ARRAY[e.customer_id], 'search', ARRAY[e.event_id],
         'as_of', CASE WHEN a IS NOT NULL THEN ARRAY[a] END)), NULL) -> 'data') l, json_array_elements(l -> 'metrics') listed
WHERE e.properties::jsonb ->> 'region' <> 'r9' AND x.metric = 'renamed' AND one ->> 'metric_id' = x.metric_id AND listed ->> 'metric_id' = x.metric_id AND l ->> 'event_id' = e.event_id
ORDER BY region, place;
-- which cut a name, an id or a time means
SELECT f.name, f.kind, f = c AS same FROM tally.cuts c, LATERAL tally.find_cut(c.id) f WHERE c.name IN ('first', 'one') ORDER BY f.name;
SELECT f.name FROM tally.cuts c, LATERAL (VALUES (c.taken_at), (c.taken_at + interval '1 microsecond')) t(at), tally.find_cut(to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) f WHERE c.name = 'second';
SELECT name FROM tally.find_cut('nothing');
SELECT name FROM tally.find_cut('1999-01-01');
SELECT f.* FROM tally.find_cut(NULL) f;
