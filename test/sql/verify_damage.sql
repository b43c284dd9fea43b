-- verify tells what is damaged, column by column: each is changed by hand, told by the name of what holds it, and taken back
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
DO $$ BEGIN PERFORM tally.create_tenant('damage'), tally.create_metric('call', 'SUM', slug => 'sum', aggregation_key => 'n'); END $$;
-- Events of all kinds of properties, with timestamps and without: packed and sealed ones, and recent ones.
CREATE FUNCTION pg_temp.send(prefix text, first integer, last integer, code text DEFAULT 'call') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT '[' || string_agg(format(
        (ARRAY['{"event_id":"%1$s%2$s","code":"%4$s","customer_id":"c%3$s","timestamp":"2024-01-01T00:%5$s:00.000123Z","properties":{"n":%2$s.50,"t":"\u00e4 %2$s"}}',
               '{"event_id":"%1$s%2$s","code":"%4$s","customer_id":"c%3$s","timestamp":"2024-01-01T00:%5$s:00Z","properties":{"o":{"b":[1, 2.0],"a":null},"n":1e%3$s,"x":true}}',
               '{"event_id":"%1$s%2$s","code":"%4$s","customer_id":"c%3$s","source":"s","timestamp":"2024-01-01T00:%5$s:00Z"}'])[1 + n % 3],
        prefix, n, n % 7, code, lpad((n % 60)::text, 2, '0')), ',') || ']' FROM generate_series(first, last) n), true) i $$;
SELECT pg_temp.send('a', 1, 1200), (SELECT verdict FROM tally.record('call', 'c1', '{"n": 1}', 'untimed'));
SELECT accepted FROM json_to_record(tally_rest.import_chunk(1, '{}', '{"name":["file"]}',
    '{"event_id":"i1","code":"call","customer_id":"c","timestamp":"2024-01-01T00:00:00Z","properties":{"n":1}}')) x(accepted int);
CALL tally.pack(1, '0', true);
SELECT tally.seal_identities(1) AS sealed;
SELECT tally.cut('first') ~ '^cut_' AS made, tally.cut_daily() AS daily;
SELECT pg_temp.send('b', 1, 60), pg_temp.send('b', 61, 80, 'other'), (SELECT verdict FROM tally.record('call', 'c1', '{"n": 1}', 'also untimed'));
SELECT (tally.void_event(e, 'wrong', c)).seq > 0 AS voided FROM (VALUES ('a7', 'c0'), ('b8', 'c1'), ('a700', 'c0')) v(e, c);
SELECT (tally.restore_event('a700', 'right', 'c0')).seq > 0 AS restored;
SELECT (tally.amend_event('a9', 'it was 5', 'c2', properties => '{"n": 5}')).seq > 0 AS amended;
SELECT tally.void_events('a batch', 'other', '2024-01-01Z', '2024-01-02Z', dry_run => false) ->> 'events' AS voided;
SELECT tally.void_import(tally._encode_id('imp_', import_id), 'twice') AS voided FROM tally.import_batch;
SELECT tally.forget_customer('c3', 'asked for', dry_run => false) ->> 'properties' AS erased;
SELECT tally.cut('last') ~ '^cut_' AS made;
CREATE FUNCTION pg_temp.verified() RETURNS TABLE (object text, problem text) LANGUAGE sql AS $$
    SELECT regexp_replace(v.object, '[a-z]+_[0-9A-Za-z]{20,}|[0-9a-f-]{36}|\d+', '#'), regexp_replace(regexp_replace(v.problem, '\d{2,}', '#', 'g'), 'bm_\w+', 'bm_#') FROM tally.verify() v $$;
SELECT * FROM pg_temp.verified();
SELECT count(*) AS packed, (SELECT count(*) FROM tally.recent_event) AS recent, (SELECT count(*) FROM tally._sealed_identities()) AS sealed FROM tally.segment;
-- What verify says after a change, which is taken back: nothing, if nothing.
CREATE FUNCTION pg_temp.after(change text) RETURNS TABLE (object text, problem text, times bigint) LANGUAGE plpgsql AS $$
DECLARE
    told text[];
    n    bigint;
BEGIN
    BEGIN
        EXECUTE change;
        GET DIAGNOSTICS n = ROW_COUNT;
        told := ARRAY(SELECT v.object || '|' || v.problem FROM pg_temp.verified() v);
        RAISE EXCEPTION USING ERRCODE = 'TBACK', MESSAGE = n;
    EXCEPTION
        WHEN SQLSTATE 'TBACK' THEN IF SQLERRM = '0' THEN told := '{nothing|was changed}'; END IF;
        WHEN OTHERS THEN told := ARRAY['verify raises|' || SQLSTATE || ' ' || SQLERRM];
    END;
    RETURN QUERY SELECT split_part(t, '|', 1), split_part(t, '|', 2), count(*) FROM unnest(told) t GROUP BY 1, 2;
END $$;
CREATE FUNCTION pg_temp.told(VARIADIC changes text[]) RETURNS TABLE (change text, object text, problem text, times bigint) LANGUAGE sql AS $$
    SELECT c.change, a.object, a.problem, a.times FROM unnest(changes) WITH ORDINALITY c(change, place) LEFT JOIN LATERAL pg_temp.after('UPDATE tally.' || c.change) a ON true
    ORDER BY c.place, a.object COLLATE "C", a.problem COLLATE "C" $$;
-- segments
SELECT * FROM pg_temp.told('segment SET code = ''other''', 'segment SET code = ''nobody''', 'segment SET segment_id = segment_id + 1000', 'segment SET imports = ''{NULL}''',
    'segment SET imports = ARRAY[tally._uuid7()]', 'segment SET tenant_id = 1');
-- recent events
SELECT * FROM pg_temp.told('recent_event SET generation = 7 WHERE event_id = ''b1''', 'recent_event SET code_hash = 7 WHERE event_id = ''b1''',
    'recent_event SET customer_hash = 7 WHERE event_id = ''b1''', 'recent_event SET code = ''x'' WHERE event_id = ''b1''',
    'recent_event SET code = ''x'', code_hash = tally._hash32(''x'') WHERE event_id = ''b1''', 'recent_event SET ts = ts + interval ''1 us'' WHERE event_id = ''b1''',
    'recent_event SET properties = ''{"n":1}'' WHERE event_id = ''b1''', 'recent_event SET properties = ''{}'' WHERE event_id = ''also untimed''',
    'recent_event SET properties = ''{"o":{"b":[2.0,1],"a":null},"n":1e4,"x":true}'' WHERE event_id = ''b4''',
    'recent_event SET properties = ''{ "x":true, "n":10000, "o":{"a" : null,"b":[1.0,2]}}'' WHERE event_id = ''b4''',    -- says the same
    'recent_event SET properties = ''[1]'' WHERE event_id = ''b1''', 'recent_event SET properties = ''{"a":1,"a":2}'' WHERE event_id = ''b1''',
    'recent_event SET seq = seq + 100000 WHERE event_id = ''b1''', 'recent_event SET import_id = tally._uuid7() WHERE event_id = ''b1''',
    'recent_event SET received_at = received_at + interval ''1 day'' WHERE event_id = ''b1''');
-- identities
SELECT * FROM pg_temp.told('recent_identity SET payload = payload + 1 WHERE identity = tally._event_identity(1, ''c1'', '''', ''b1'')',
    'recent_identity SET month = month + 1 WHERE identity = tally._event_identity(1, ''c1'', '''', ''b1'')');
-- corrections
SELECT * FROM pg_temp.told('correction SET ts = ts + interval ''1 us'' WHERE reason = ''wrong'' AND customer_id = ''c0''',
    'correction SET code = ''other'' WHERE reason = ''wrong'' AND customer_id = ''c0''', 'correction SET customer_id = ''c9'' WHERE reason = ''wrong'' AND customer_id = ''c0''',
    'correction SET identity = tally._uuid7() WHERE reason = ''wrong'' AND customer_id = ''c0''', 'correction SET act = 100000 WHERE reason = ''wrong'' AND customer_id = ''c0''',
    'correction SET act = (SELECT min(act) FROM tally.lifted_correction) WHERE reason = ''wrong'' AND customer_id = ''c0''',
    'correction SET batch_id = tally._uuid7() WHERE reason = ''a batch'' AND customer_id = ''c1''', 'correction SET import_id = tally._uuid7() WHERE import_id IS NOT NULL',
    'correction SET successor = successor - 1 WHERE successor IS NOT NULL', 'lifted_correction SET ts = ts + interval ''1 us''', 'lifted_correction SET lift_act = act - 1');
-- cuts; what nobody but the cut itself knows is believed
SELECT * FROM pg_temp.told('cut SET last_seq = 100000 WHERE name = ''first''', 'cut SET last_act = 100000 WHERE name = ''first''',
    'cut SET last_seq = 5 WHERE name = ''last''', 'cut SET unseen_seqs = ''{3}'' WHERE name = ''last''', 'cut SET unseen_seqs = ''{9,3}'' WHERE name = ''last''',
    'cut SET unseen_seqs = ''{3,NULL}'' WHERE name = ''last''', 'cut SET unseen_acts = ''{1,100000}'' WHERE name = ''last''', 'cut SET unseen_acts = ''{2,2,4,5}'' WHERE name = ''last''',
    'cut SET taken_at = taken_at + interval ''1 day'' WHERE name = ''last''', 'cut SET kind = ''statement'' WHERE name = ''last''', 'cut SET name = ''x'' WHERE kind = ''daily''');
-- a cut that sees what came a day later, or does not know of numbers that were given a day before
SELECT * FROM pg_temp.told('recent_event SET received_at = received_at + interval ''1 day''; UPDATE tally.cut SET last_seq = last_seq + 20 WHERE name = ''first''',
    'watermark SET marked_at = marked_at - interval ''1 day''; UPDATE tally.cut SET last_seq = 5 WHERE name = ''last''');
-- sealed identities
SELECT * FROM pg_temp.told('sealed_identity SET data = set_byte(data, 100, get_byte(data, 100) # 4) WHERE part = -1',
    'sealed_identity SET data = set_byte(data, 20, get_byte(data, 20) # 4) WHERE part = 3', 'sealed_identity SET part = -2 WHERE part = -1',
    'sealed_identity SET part = 80 WHERE part = 3', 'identity_run SET entries = 100000');
-- what is carried of a metric's life, where its events cannot be counted
SELECT tally_rest.record_value(1, '{"metric":"sum"}', '{}', '{"value":7000}') IS NOT NULL AS set;
CALL tally.pack(1, '0', true);
SELECT * FROM pg_temp.verified();
SELECT count(*) FROM tally.life_total;
SELECT verdict FROM tally.record('call', 'c1', '{"n": 1}', 'last');
CREATE FUNCTION pg_temp.raw(cstring) RETURNS tally.segment_data LANGUAGE internal IMMUTABLE AS 'byteain';
SELECT * FROM pg_temp.told('life_total SET total = total + 1', 'recent_event SET properties = ''7'' WHERE event_id = ''last''');
SELECT DISTINCT a.object, split_part(a.problem, ':', 1) AS problem FROM pg_temp.after($$UPDATE tally.segment s SET data = pg_temp.raw(set_byte(b.bytes, length(b.bytes) / 2, 255 - get_byte(b.bytes, length(b.bytes) / 2))::text::cstring)
    FROM (SELECT x.segment_id, x.data::text::bytea AS bytes FROM tally.segment x WHERE x.code = 'call') b WHERE s.segment_id = b.segment_id$$) a
WHERE a.object !~ '^(identity|correction|lifted)' ORDER BY 1;
-- all of it again, and a tenant by itself
SELECT * FROM tally.verify();
SELECT * FROM tally.verify(1);
