-- personal data of a customer is erased from rows, segments and notes; amounts, identities and corrections stay
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT name, tally.create_metric('call', t, name => name, aggregation_key => key, usage_group_key => dimension) ~ '^bm_' AS made
FROM (VALUES ('sum', 'SUM', 'v', 'region'), ('people', 'COUNT_DISTINCT', 'user.id', NULL), ('all', 'COUNT', NULL, NULL)) m(name, t, key, dimension);
CREATE FUNCTION pg_temp.event(id text, customer text, day int, v text, code text DEFAULT 'call') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('event_id', id, 'code', code, 'customer_id', customer, 'timestamp', to_char(date '2026-01-01' + day, 'YYYY-MM-DD"T00:00:00Z"'), 'properties',
        format('{"v": %s, "region": "eu", "user": {"id": "u%s", "name": "Secret Name"}, "email": "secret@%s.example", "note": [1.0]}', v, day % 2, customer)::jsonb) $$;
CREATE FUNCTION pg_temp.send(VARIADIC events jsonb[]) RETURNS TABLE (verdict text, many bigint) LANGUAGE sql AS $$
    SELECT verdict, count(*) FROM tally.ingest(to_jsonb(events), true) GROUP BY 1 ORDER BY 1 $$;
CREATE FUNCTION pg_temp.usage() RETURNS TABLE (metric text, usage text, life text) LANGUAGE sql AS $$
    SELECT m.name, (SELECT string_agg(concat_ws('/', u.customer_id, u.dimensions::text, u.value, u.events, u.skipped), ' ') FROM tally.usage(tally._encode_id('bm_', m.metric_id), '2025-01-01', '2027-01-01', group_by => '{customer_id}') u), tally._life(m)::text
    FROM tally.metric m ORDER BY m.name $$;
CREATE FUNCTION pg_temp.secrets() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM (SELECT e::text FROM tally.events e WHERE e.customer_id = 'ann' UNION ALL SELECT c::text FROM tally.correction_batch c UNION ALL SELECT f::text FROM tally.import_failure f) x(t) WHERE t ~* 'secret' $$;
-- packed, packed straight from ingest, and recent; an import with a line that fails; voided, amended, as a batch; a closed period
SELECT * FROM pg_temp.send(VARIADIC ARRAY(SELECT pg_temp.event('secret' || n, CASE n % 3 WHEN 0 THEN 'ann' ELSE 'bob' || n % 5 END, n % 40, n || '.50') FROM generate_series(1, 200) n));
CALL tally.pack(1, '0', true);
SELECT * FROM pg_temp.send(VARIADIC ARRAY(SELECT pg_temp.event('big' || n, CASE n % 100 WHEN 0 THEN 'ann' ELSE 'bob' || n % 5 END, 3, n::text) FROM generate_series(1, 2000) n));
SELECT count(*) AS loose FROM tally.loose_segment;
SELECT * FROM pg_temp.send(VARIADIC ARRAY(SELECT pg_temp.event('secret' || n, CASE n % 3 WHEN 0 THEN 'ann' ELSE 'bob' END, n % 40, n::text) FROM generate_series(201, 220) n));
SELECT * FROM pg_temp.send(pg_temp.event('secret-x', 'ann', 5, '7', 'unread'));
SELECT a ->> 'accepted' AS accepted, a ->> 'duplicates' AS duplicates FROM tally_rest.import_chunk(1, NULL, '{}', pg_temp.event('secret-i', 'ann', 6, '1')::text || E'\n' || pg_temp.event('secret3', 'ann', 6, '2')::text || E'\n') a;
SELECT event_id FROM tally.import_failure;
SELECT seq > 0 AS done FROM tally.void_event('secret3', 'x', 'ann');
SELECT seq > 0 AS done FROM tally.void_event('secret201', 'x', 'ann');
SELECT successor > 0 AS done FROM tally.amend_event('secret6', 'x', 'ann', properties => '{"v": 1000, "email": "secret@ann.example", "note": 1e2}');
SELECT tally.void_events('x', 'call', '2026-01-01', '2027-01-01', 'ann', '{"email": "secret@ann.example", "v": 9.5}', false) ->> 'events' AS voided;
SELECT tally.close_period('2026-01-01', '2026-02-01') AS january \gset
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.usage();
CREATE TEMP TABLE others AS SELECT * FROM tally.events WHERE customer_id <> 'ann';
SELECT pg_temp.secrets() > 70 AS there;

-- a dry run changes nothing; what metrics read stays unless it is named, and then they are told
SELECT tally.forget_customer('ann', 'asked');
SELECT x.answer - 'metrics' AS answer, m ->> 'name' AS metric, m ->> 'properties' AS reads
FROM (SELECT tally.forget_customer('ann', 'asked', '{email,user,nothing}', true)::jsonb AS a) x(answer), jsonb_array_elements(x.answer -> 'metrics') m;
SELECT count(*) AS changed FROM (TABLE before EXCEPT SELECT * FROM pg_temp.usage()) x;
SELECT count(*) FROM tally.erasures;
-- what it refuses
SELECT tally.forget_customer('ann', NULL);
SELECT tally.forget_customer(NULL, 'x');
SELECT tally.forget_customer('', 'x');
SELECT tally.forget_customer('ann', 'x', '{}');
SELECT tally.forget_customer('ann', 'x', '{NULL}');
SELECT tally.forget_customer('ann', 'x', ARRAY(SELECT n::text FROM generate_series(1, 101) n));
SELECT tally.forget_customer('nobody', 'x');

-- erased
SELECT tally.forget_customer('ann', 'asked', event_ids => true, dry_run => false)::jsonb - 'id' AS answer;
SELECT count(*) AS secrets FROM (SELECT e::text FROM tally.events e WHERE e.customer_id = 'ann') x(t) WHERE t ~* 'secret@|secret[0-9-]';
SELECT event_id, reason ~ 'conflict|other' AS reason FROM tally.import_failure;
SELECT question FROM tally.correction_batch;
SELECT count(*) AS changed FROM (TABLE before EXCEPT SELECT * FROM pg_temp.usage()) x;
SELECT count(*) AS adjustments FROM tally.adjustments(:'january');
SELECT count(*) AS changed FROM (TABLE others EXCEPT SELECT * FROM tally.events WHERE customer_id <> 'ann') x;
SELECT * FROM tally.verify();
SELECT count(*) AS loose FROM tally.loose_segment l JOIN tally.segment s USING (tenant_id, segment_id, month);
SELECT properties, count(*), count(*) FILTER (WHERE voided) AS voided, bool_and(event_id ~ '^erased-[0-9a-f]{32}$') AS erased_ids FROM tally.events WHERE customer_id = 'ann' AND ts = '2026-01-07' GROUP BY 1 ORDER BY 1;
SELECT customer_id, reason, properties, event_ids, events, created_by = session_user AS by FROM tally.erasures;
-- again: nothing is left of it
SELECT tally.forget_customer('ann', 'again', event_ids => true, dry_run => false) ->> 'events' AS events;
-- duplicates are known, also sealed ones; the id in the place of an erased one is nobody's
SELECT * FROM pg_temp.send(pg_temp.event('secret9', 'ann', 9, '9.50'), pg_temp.event('secret9', 'ann', 9, '9.51'), pg_temp.event('secret219', 'ann', 19, '219'), pg_temp.event('big100', 'ann', 3, '100'));
SELECT tally.seal_identities(1, 100000);
SELECT * FROM pg_temp.send(pg_temp.event('secret12', 'ann', 12, '12.50'), pg_temp.event('new', 'ann', 12, '12.50'));
SELECT verdict, field, reason FROM tally.ingest(jsonb_build_array(pg_temp.event('erased-0123456789abcdef0123456789abcdef', 'ann', 9, '9.50')), true);
SELECT verdict FROM tally.ingest(jsonb_build_array(pg_temp.event('erased-0123456789abcdef0123456789abcdeF', 'cem', 9, '9.50')), true);
-- an event without its id is corrected by what stands in its place, of rows and segments, and with its import
SELECT event_id AS one FROM tally.events WHERE customer_id = 'ann' AND ts = '2026-01-13' AND properties ->> 'v' = '12.50' AND event_id <> 'new' \gset
SELECT seq > 0 AS done FROM tally.void_event(:'one', 'x');
SELECT seq > 0 AS done FROM tally.restore_event(:'one', 'x');
SELECT successor > 0 AS done FROM tally.amend_event(:'one', 'x', properties => '{"v": 1}');
SELECT successor > 0 AS done FROM tally.amend_event(:'one', 'x', properties => '{"v": 2}', code => 'other');
SELECT event_id = :'one' AS same, voided, properties FROM tally.events WHERE event_id = :'one' ORDER BY seq;
SELECT * FROM pg_temp.send(pg_temp.event('secret12', 'ann', 12, '12.50'));
SELECT tally.void_import(tally._encode_id('imp_', import_id), 'x') IS NOT NULL AS voided FROM tally.import_batch;
SELECT * FROM pg_temp.send(pg_temp.event('secret-i', 'ann', 6, '1'), pg_temp.event('secret-i', 'ann', 6, '2'));
SELECT * FROM tally.verify();
CALL tally.pack(1, '0', true);
SELECT * FROM tally.verify();

-- named: what metrics read goes too, and they say so; carried totals are counted anew
SELECT tally.forget_customer('ann', 'all of it', '{user,v,note}', dry_run => false)::jsonb - 'id' - 'metrics' AS answer;
SELECT metric, regexp_replace(usage, ' bob.*', '') AS ann FROM pg_temp.usage();
CALL tally.pack(1, '0', true);
SELECT metric, life FROM pg_temp.usage();
SELECT count(*) FROM tally.events WHERE customer_id = 'ann' AND properties ?| ARRAY['user', 'v', 'note', 'email'];
SELECT * FROM tally.verify();
SET tally.tenant = 'other';
SELECT count(*) FROM tally.erasures;

-- rights
SET client_min_messages = warning;
CREATE ROLE regress_forget_app; CREATE ROLE regress_forget_read; CREATE ROLE regress_forget_none;
RESET client_min_messages;
GRANT tally_app TO regress_forget_app;
GRANT tally_read TO regress_forget_read;
SET ROLE regress_forget_app;
SELECT tally.forget_customer('ann', 'x', '{email}', dry_run => false) ->> 'events' AS events;
SELECT reason FROM tally.erasures;
SELECT tally._forget_packed(1, 'call', 'ann', '{v}', '{}', true);
UPDATE tally.erasure SET events = 0;
SET ROLE regress_forget_read;
SELECT tally.forget_customer('ann', 'x');
SET ROLE regress_forget_none;
SELECT tally.forget_customer('ann', 'x');
RESET ROLE;
DROP ROLE regress_forget_app, regress_forget_read, regress_forget_none;
