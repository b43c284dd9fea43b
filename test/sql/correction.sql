-- single events are voided, restored and amended: in rows and segments, with sealed identities and carried life totals
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT t, tally.create_metric('call', t, name => t, aggregation_key => 'v') ~ '^bm_' AS made FROM unnest(ARRAY['COUNT', 'SUM', 'MAX', 'LATEST', 'COUNT_DISTINCT']) t;
CREATE FUNCTION pg_temp.event(id text, customer text, at text, v text, source text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('{"event_id": "%s", "code": "call", "customer_id": "%s", "source": "%s", "timestamp": "%s", "properties": {"v": %s}}', id, customer, source, at, v) $$;
CREATE FUNCTION pg_temp.usage() RETURNS TABLE (metric text, usage text, life text) LANGUAGE sql AS $$
    SELECT m.name, concat_ws('/', u.value, u.events, u.skipped), concat_ws('/', l.value, l.events, l.skipped)
    FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2020-01-01', '2100-01-01') u, tally._life(m) l ORDER BY m.name $$;
CREATE FUNCTION pg_temp.shown(id text, customer text DEFAULT NULL) RETURNS TABLE (ts text, properties text, voided text, counted text, history text) LANGUAGE sql AS $$
    SELECT e ->> 'timestamp', e ->> 'properties', concat_ws(' ', e -> 'voided' ->> 'reason', e -> 'voided' ->> 'amended'), e -> 'metrics' -> 0 ->> 'counted',
           (SELECT string_agg(concat_ws(' ', h ->> 'action', h ->> 'reason'), ', ' ORDER BY n) FROM json_array_elements(e -> 'history') WITH ORDINALITY x(h, n))
    FROM json_array_elements(tally_rest.get_event(1, json_build_object('event_id', id)::jsonb,
        CASE WHEN customer IS NULL THEN '{}' ELSE jsonb_build_object('customer_id', jsonb_build_array(customer)) END, NULL) -> 'data') e $$;
SELECT verdict FROM tally.ingest(format('[%s, %s, %s, %s]', pg_temp.event('a', 'ann', '2026-01-01T00:00:00Z', '1.0'), pg_temp.event('b', 'ann', '2026-01-02T00:00:00Z', '2.0'),
    pg_temp.event('b', 'bob', '2026-01-03T00:00:00Z', '4.0'), pg_temp.event('b', 'bob', '2026-01-04T00:00:00Z', '8', 'web')), true);
SELECT * FROM pg_temp.usage();

-- a void: at once; twice is refused; the identity stays taken; restored it is as it was
SELECT seq, customer_id, reason, created_by = session_user AS by, successor, import_id FROM tally.void_event('a', 'wrong');
SELECT * FROM pg_temp.usage();
SELECT * FROM tally.void_event('a', 'again');
SELECT verdict FROM tally.ingest(format('[%s, %s]', pg_temp.event('a', 'ann', '2026-01-01T00:00:00Z', '1.0'), pg_temp.event('a', 'ann', '2026-01-01T00:00:00Z', '3')), true);
SELECT * FROM tally.amend_event('a', 'not while it is void', properties => '{"v": 3}');
SELECT seq, reason, lifted_reason FROM tally.restore_event('a', 'it was right');
SELECT * FROM tally.restore_event('a', 'again');
SELECT * FROM pg_temp.usage();
SELECT * FROM pg_temp.shown('a');

-- which event is meant
SELECT tally.void_event('b', 'which?');
\set VERBOSITY default
SELECT tally.void_event('b', 'which?', 'bob');
\set VERBOSITY terse
SELECT seq FROM tally.void_event('b', 'this', 'bob', 'web');
SELECT seq FROM tally.restore_event('b', 'this', source => 'web');
SELECT tally.void_event('nothing', 'x');
SELECT tally.void_event('b', 'x', 'nobody');
SELECT tally.void_event('b', 'x', source => 'nobody');
SELECT tally.void_event('b', 'x', 'ann', 'nobody');
SELECT tally.void_event(NULL, 'x');
SELECT tally.void_event('a', NULL);
SELECT tally.void_event('a', '');
SELECT tally.void_event('a', E' \n');
SELECT tally.void_event('a', repeat('x', 1001));
SELECT tally.amend_event('a', 'x');
SELECT tally.amend_event('a', 'x', ts => 'yesterday');
DO $$ BEGIN PERFORM tally.amend_event('a', 'x', ts => '2999-01-01T00:00:00Z'); EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE '%', regexp_replace(SQLERRM, ' is .* days.*Z', ' ...'); END $$;
SELECT tally.amend_event('a', 'x', code => '');
SELECT tally.amend_event('a', 'x', properties => '[]');
SELECT tally.amend_event('a', 'same', properties => '{"v": 1.00}', ts => '2026-01-01T01:00:00+01:00', code => 'call');
SELECT * FROM pg_temp.usage();

-- an amendment: properties as they are written, time, code; the original is a duplicate still
SELECT seq, successor, reason FROM tally.amend_event('b', 'typo', 'ann', properties => '{"v": 2.50, "w": 1e2}');
SELECT * FROM pg_temp.usage();
SELECT verdict FROM tally.ingest(format('[%s, %s]', pg_temp.event('b', 'ann', '2026-01-02T00:00:00Z', '2.0'), pg_temp.event('b', 'ann', '2026-01-02T00:00:00Z', '2.50')), true);
SELECT seq, successor FROM tally.amend_event('b', 'another month', 'ann', ts => '2026-03-02T00:00:00Z');
SELECT seq, successor FROM tally.amend_event('b', 'another code', 'ann', code => 'other');
SELECT * FROM pg_temp.usage();
SELECT seq FROM tally.void_event('b', 'not at all', 'ann');
SELECT seq FROM tally.restore_event('b', 'it was', 'ann');
SELECT * FROM pg_temp.shown('b', 'ann') ORDER BY ts, history;
SELECT seq, voided FROM tally.events WHERE event_id = 'b' AND customer_id = 'ann' ORDER BY seq;
SELECT * FROM tally.verify();

-- the same of what is packed and sealed
CALL tally.pack(1, '0', true);
SELECT tally.seal_identities(1, 1000);
SELECT count(*) FROM tally.recent_event;
SELECT seq, successor FROM tally.amend_event('b', 'back', 'ann', code => 'call', ts => '2026-01-02T00:00:00Z', properties => '{"v": 2.0}');
SELECT verdict FROM tally.ingest(format('[%s, %s]', pg_temp.event('b', 'ann', '2026-01-02T00:00:00Z', '2.0'), pg_temp.event('b', 'ann', '2026-01-02T00:00:00Z', '2.50')), true);
SELECT seq FROM tally.void_event('a', 'packed');
SELECT * FROM pg_temp.usage();
SELECT seq FROM tally.restore_event('a', 'packed');
SELECT * FROM pg_temp.usage();
SELECT * FROM tally.verify();
CALL tally.pack(1, '0', true);
SELECT tally.seal_identities(1, 1000);
SELECT * FROM pg_temp.usage();
SELECT * FROM tally.verify();

-- carried life totals: one event voided and another restored are as many corrections as before, and other ones
SELECT tally_rest.record_value(1, jsonb_build_object('metric', 'SUM'), '{}', '{"value": 100, "event_id": "u"}') ->> 'total' AS total;
SELECT seq > 0 AS done FROM tally.void_event('a', 'one');
CALL tally.pack(1, '0', true);
SELECT counted, total, corrections FROM tally.life_total;
SELECT a.seq > 0 AND b.seq > 0 AS done FROM tally.restore_event('a', 'one') a, tally.void_event('b', 'other', 'ann') b;
SELECT * FROM pg_temp.usage();
SELECT count(*) FROM tally.life_total l JOIN tally.metric m USING (metric_id) WHERE tally._life(m)::text IS DISTINCT FROM tally._counted_life(m)::text;
CALL tally.pack(1, '0', true);
SELECT counted, total, corrections FROM tally.life_total;
SELECT tally_rest.record_value(1, jsonb_build_object('metric', 'SUM'), '{}', '{"value": 1, "event_id": "w"}') ->> 'total' AS total;
SELECT successor > 0 AS amended FROM tally.amend_event('u', 'too many', properties => '{"v": 10}');
SELECT tally_rest.record_value(1, jsonb_build_object('metric', 'SUM'), '{}', '{"value": 1, "event_id": "w"}') ->> 'total' AS total;
SELECT * FROM tally.verify();

-- an import: its events can be corrected one by one, and go back with it in whatever state they are
SELECT tally_rest.import_chunk(1, NULL, '{}', pg_temp.event('i1', 'cem', '2025-01-01T00:00:00Z', '1') || E'\n' || pg_temp.event('i2', 'cem', '2025-01-01T00:00:00Z', '2') || E'\n' || pg_temp.event('i3', 'cem', '2025-01-01T00:00:00Z', '3')) ->> 'accepted' AS accepted;
SELECT seq > 0 AS done FROM tally.void_event('i1', 'by itself');
SELECT successor > 0 AS done FROM tally.amend_event('i2', 'by itself', properties => '{"v": 20}');
SELECT customer_id, value, events FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'SUM'), '2025-01-01', '2026-01-01', 'cem', group_by => '{customer_id}');
SELECT tally_rest.void_import(1, jsonb_build_object('id', (SELECT tally._encode_id('imp_', import_id) FROM tally.import_batch)), '{}', NULL) -> 'voided' ->> 'events' AS voided;
SELECT tally.void_event('i2', 'again');
SELECT tally.restore_event('i1', 'not without its import');
SELECT tally.amend_event('i3', 'no', properties => '{"v": 4}');
SELECT event_id, verdict FROM tally.ingest(format('[%s, %s, %s]', pg_temp.event('i1', 'cem', '2025-01-01T00:00:00Z', '1'), pg_temp.event('i2', 'cem', '2025-01-01T00:00:00Z', '2'), pg_temp.event('i3', 'cem', '2025-01-01T00:00:00Z', '3')), true);
SELECT value, events FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'SUM'), '2025-01-01', '2026-01-01', 'cem');
SELECT seq > 0 AS done FROM tally.void_event('i3', 'the one that came again');
SELECT * FROM tally.verify();

-- what verify finds
BEGIN;
UPDATE tally.correction SET successor = 1000000 WHERE successor IS NOT NULL AND reason = 'typo';
SELECT object, problem FROM tally.verify();
ROLLBACK;
BEGIN;
DELETE FROM tally.correction WHERE reason = 'typo';
SELECT regexp_replace(object, ' .*', '') AS object, problem FROM tally.verify();
ROLLBACK;
BEGIN;
UPDATE tally.lifted_correction SET seq = 1000000 WHERE lifted_reason = 'it was right';
SELECT object, problem FROM tally.verify();
ROLLBACK;

-- whose events: of the tenant that was chosen, with a key of the one that was checked; who did it is told
SET tally.tenant = 'other';
SELECT tally.void_event('a', 'of another');
SET tally.tenant = 'acme';
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_fix_api, regress_fix_app, regress_fix_none;
RESET client_min_messages;
CREATE ROLE regress_fix_api; GRANT tally_api TO regress_fix_api;
CREATE ROLE regress_fix_app; GRANT tally_app TO regress_fix_app;
CREATE ROLE regress_fix_none;
CREATE TEMP TABLE secret AS SELECT tally.create_api_key('k') AS secret;
GRANT SELECT ON secret TO regress_fix_api;
SET ROLE regress_fix_none;
SELECT tally.void_event('a', 'x');
SET ROLE regress_fix_app;
SELECT reason FROM tally.void_event('a', 'as app');
SELECT (tally.restore_event('b', 'of the one that was chosen', 'ann')).lifted_by = session_user AS done;
SELECT tally_rest.void_event(1, '{"event_id": "a"}', '{}', '{"reason": "x"}');
SET ROLE regress_fix_api;
SELECT tally_rest.restore_event(1, '{"event_id": "a"}', '{}', '{"reason": "x"}');
BEGIN;
SELECT tally_rest.restore_event(tally_rest.authenticate(sha256(secret::bytea), 'write'), '{"event_id": "a"}', '{}', '{"reason": "with a key"}') -> 'history' -> -1 ->> 'by' ~ '^tkn_' AS by_key FROM secret;
COMMIT;
RESET ROLE;
BEGIN READ ONLY;
SELECT tally.void_event('a', 'x');
ROLLBACK;
DROP TABLE secret;
DROP ROLE regress_fix_api, regress_fix_app, regress_fix_none;

-- many at once: a dry run says how many and how much; a batch goes back as one, but for what was corrected otherwise meanwhile
SET tally.tenant = 'other';
SELECT t, tally.create_metric('disk', t, name => 'disk ' || t, aggregation_key => 'v', conversion_factor => 2) ~ '^bm_' AS made FROM unnest(ARRAY['SUM', 'MAX']) t;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'm' || n, 'code', 'disk', 'customer_id', 'c' || n % 2, 'timestamp', to_char(timestamp '2026-01-01' + n * interval '1 h', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'properties', jsonb_build_object('v', CASE n % 10 WHEN 9 THEN '"many"' ELSE n::text END::jsonb, 'r', CASE n % 3 WHEN 0 THEN '1.0' WHEN 1 THEN '"1"' ELSE '2' END::jsonb))) FROM generate_series(1, 100) n), true);
CREATE FUNCTION pg_temp.meant(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', answer ->> 'events', (SELECT string_agg(concat_ws('/', m ->> 'value', m ->> 'converted_value', m ->> 'events', m ->> 'skipped'), ' ' ORDER BY n) FROM json_array_elements(answer -> 'metrics') WITH ORDINALITY x(m, n)), answer ->> 'dry_run') $$;
CREATE FUNCTION pg_temp.sum() RETURNS text LANGUAGE sql AS $$ SELECT concat_ws('/', value, events, skipped) FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'disk SUM'), '2026-01-01', '2100-01-01') $$;
SELECT pg_temp.meant(tally.void_events('x', 'disk', '2026-01-01', '2026-02-01')), pg_temp.meant(tally.void_events('x', 'disk', '2026-01-02', '2026-01-03', 'c1', '{"r": 1}')),
       pg_temp.meant(tally.void_events('x', 'disk', '2026-01-01', '2026-02-01', filter => '{"r": ["1", 2]}')), pg_temp.meant(tally.void_events('x', 'disk', '2025-01-01', '2025-02-01')), pg_temp.sum();
CALL tally.pack(1, '0', true);
SELECT pg_temp.meant(tally.void_events('x', 'disk', '2026-01-02', '2026-01-03', 'c1', '{"r": 1}')), pg_temp.sum();
SELECT tally.void_events('x', 'disk', '2025-01-01', '2025-02-01', dry_run => false);
SELECT tally.void_events(NULL, 'disk', '2025-01-01', '2025-02-01');
SELECT tally.void_events('x', NULL, '2025-01-01', '2025-02-01');
SELECT tally.void_events('x', 'disk', '2025-01-01', NULL);
SELECT tally.void_events('x', 'disk', '2025-01-01', '2025-02-01', filter => '[]');
CREATE TEMP TABLE batch AS SELECT tally.void_events('broken', 'disk', '2026-01-02', '2026-01-03', 'c1', '{"r": 1}', false) AS answer;
SELECT pg_temp.meant(answer), answer ->> 'id' ~ '^cor_' AS id, pg_temp.sum() FROM batch;
SELECT pg_temp.meant(tally.void_events('x', 'disk', '2026-01-02', '2026-01-03', 'c1', '{"r": 1}'));
SELECT seq > 0 AS done FROM tally.restore_event((SELECT min(e.event_id) FROM tally.events e WHERE e.voided), 'not this one');
SELECT tally.restore_events(answer ->> 'id', 'all was right') ->> 'events' AS events, pg_temp.sum() FROM batch;
SELECT pg_temp.sum();
DO $$ BEGIN PERFORM tally.restore_events(answer ->> 'id', 'again') FROM batch; EXCEPTION WHEN SQLSTATE 'TL409' THEN RAISE NOTICE '%', regexp_replace(sqlerrm, '"cor_.*"', '"..."'); END $$;
SELECT tally.restore_events('cor_1', 'x');
SELECT reason, question ->> 'code' AS code, events, created_by = session_user AS by, lifted_reason FROM tally.correction_batch;
SELECT * FROM tally.verify();
-- each event is of a group of its own: more of them than usage answers at once
SELECT tally.create_metric('groups', 'SUM', aggregation_key => 'v', usage_group_key => 'g') ~ '^bm_' AS made;
SELECT count(*) FROM generate_series(0, 10) part, LATERAL tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'g' || n, 'code', 'groups', 'customer_id', 'c',
    'timestamp', '2026-01-01T00:00:00Z', 'properties', jsonb_build_object('v', 1, 'g', n))) FROM generate_series(part * 10000 + 1, part * 10000 + 10000) n), true) WHERE verdict = 'accepted';
SELECT pg_temp.meant(tally.void_events('x', 'groups', '2026-01-01', '2026-01-02')), pg_temp.meant(tally.void_events('x', 'groups', '2026-01-01', '2026-01-02', dry_run => false));
