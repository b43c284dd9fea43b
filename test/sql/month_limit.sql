-- limits: events per month, exact; requests per second, told to tallyd
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
SET tally.tenant = 'acme';
SELECT tally.create_metric('c', 'COUNT') ~ '^bm_' AS made, tally.create_metric('v', kind => 'base', name => 'V') ~ '^bm_' AS made;
INSERT INTO tally.api_key (tenant_id, name, secret_hash, hint, scopes) VALUES (1, 'k1', sha256('k1'), '', '{write,read}'), (1, 'k2', sha256('k2'), '', '{write}'), (2, 'k3', sha256('k3'), '', '{write}');
-- n events named a1, a2, ... in one body
CREATE FUNCTION pg_temp.body(prefix text, first integer, last integer, partial boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT json_build_object('allow_partial_failures', partial, 'events', json_agg(json_build_object('event_id', prefix || n, 'code', 'c', 'customer_id', 'x')))::text FROM generate_series(first, last) n $$;
CREATE FUNCTION pg_temp.send(key text, VARIADIC bodies text[]) RETURNS TABLE (status integer, body text) LANGUAGE sql AS $$
    SELECT b.status, b.body FROM tally_rest.ingest_batch(array_fill(sha256(convert_to(key, 'UTF8')), ARRAY[cardinality(bodies)]), bodies) b ORDER BY b.ordinal $$;
CREATE FUNCTION pg_temp.used(OUT tenant bigint, OUT k1 bigint, OUT k2 bigint, OUT stored bigint) LANGUAGE sql AS $$
    SELECT coalesce(sum(used) FILTER (WHERE key_id = '00000000-0000-0000-0000-000000000000'), 0), coalesce(sum(used) FILTER (WHERE name = 'k1'), 0),
           coalesce(sum(used) FILTER (WHERE name = 'k2'), 0), (SELECT count(*) FROM tally.recent_event)
    FROM tally.month_count LEFT JOIN tally.api_key USING (key_id) WHERE month_count.tenant_id = 1 $$;
-- without limits events are counted: once each, and only those that are stored
SELECT * FROM pg_temp.send('k1', pg_temp.body('a', 1, 3), pg_temp.body('a', 2, 4), '{"events":[{"event_id":"bad"}]}', '[');
SELECT * FROM pg_temp.used();
-- what SQL users record does not count
SELECT (tally.record('c', 'x')).verdict;
SELECT * FROM pg_temp.used();
-- the last event that fits passes, the next one does not; what is stored already needs no room
SELECT tally.set_limits(events_per_month => 10) ~ '^ten_' AS set;
SELECT * FROM pg_temp.send('k1', pg_temp.body('b', 1, 7));
SELECT * FROM pg_temp.send('k1', pg_temp.body('b', 1, 5));
SELECT * FROM pg_temp.used();
SELECT * FROM pg_temp.send('k2', pg_temp.body('b', 1, 6));
SELECT * FROM pg_temp.send('k2', pg_temp.body('b', 6, 6));
SELECT * FROM pg_temp.send('k2', pg_temp.body('b', 7, 7));
SELECT * FROM pg_temp.send('k2', pg_temp.body('b', 1, 6));
SELECT * FROM pg_temp.used();
SELECT (tally.record('c', 'x')).verdict;
-- partial bodies: the first ones that fit pass
SELECT tally.set_limits(events_per_month => 13) ~ '^ten_' AS set;
SELECT * FROM pg_temp.send('k1', '{"allow_partial_failures":true,"events":[{"event_id":"b1","code":"c","customer_id":"x"},{"event_id":"p1","code":"c","customer_id":"x"},{"event_id":"","code":"c","customer_id":"x"},
  {"event_id":"p1","code":"c","customer_id":"x"},{"event_id":"p2","code":"c","customer_id":"x"},{"event_id":"neg","code":"v","customer_id":"x","properties":{"value":-1}},{"event_id":"p3","code":"c","customer_id":"x"},
  {"event_id":"p4","code":"c","customer_id":"x"},{"event_id":"p4","code":"c","customer_id":"x"},{"event_id":"p1","code":"other","customer_id":"x"}]}');
SELECT * FROM pg_temp.used();
-- several bodies at once: each by itself, in their order
SELECT tally.set_limits(events_per_month => 20) ~ '^ten_' AS set;
SELECT * FROM pg_temp.send('k1', pg_temp.body('s', 1, 4), pg_temp.body('s', 3, 8), pg_temp.body('s', 4, 5), pg_temp.body('s', 20, 30, true), pg_temp.body('s', 1, 4), pg_temp.body('s', 9, 9));
SELECT * FROM pg_temp.used();
-- single events, each a strict body of its own: as many as fit, in their order
SELECT tally.set_limits(events_per_month => 22) ~ '^ten_' AS set;
SELECT status, left(body, 60) AS body FROM pg_temp.send('k1', pg_temp.body('b', 1, 1), pg_temp.body('x', 1, 1), '{"events":[{"event_id":"x2"}]}', pg_temp.body('x', 3, 3), pg_temp.body('x', 4, 4), pg_temp.body('x', 1, 1),
    pg_temp.body('x', 4, 4), pg_temp.body('x', 3, 6, true));
SELECT * FROM pg_temp.used();
-- of a key, beside that of the tenant
SELECT tally.set_limits(events_per_month => 100) ~ '^ten_' AS set,
       tally.set_limits(key => (SELECT tally._encode_id('tkn_', key_id) FROM tally.api_key WHERE name = 'k2'), events_per_month => 5, requests_per_second => 2.5, burst => 9) ~ '^tkn_' AS set;
SELECT b.ordinal, b.status, b.body FROM tally_rest.ingest_batch(ARRAY[sha256('k2'), sha256('k1'), sha256('k3'), sha256('k2'), sha256('k2')],
    ARRAY[pg_temp.body('t', 1, 4), pg_temp.body('t', 5, 9), pg_temp.body('t', 1, 9), pg_temp.body('t', 10, 11), pg_temp.body('t', 10, 10)]) b ORDER BY 1;
SELECT * FROM pg_temp.used();
-- value updates
SELECT tally.set_limits(key => 'k1', events_per_month => (SELECT k1 + 2 FROM pg_temp.used())) ~ '^tkn_' AS set;
CREATE FUNCTION pg_temp.update(body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN tally_rest.record_value(tally_rest.authenticate(sha256('k1'), 'write'), '{"metric":"V"}', '{}', body);
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT b, pg_temp.update(b) FROM unnest(ARRAY['{"value":1,"event_id":"u1"}', '{"value":0}', '{"value":1,"event_id":"u1"}', '{"value":2,"event_id":"u2"}', '{"value":2,"event_id":"u2"}', '{"value":3,"event_id":"u2"}', '{"value":3,"event_id":"u3"}']) b;
-- 0 lets nothing pass, NULL everything
SELECT tally.set_limits(events_per_month => 0) ~ '^ten_' AS set, tally.set_limits(key => 'k1') ~ '^tkn_' AS set;
SELECT pg_temp.update('{"value":1}'), pg_temp.update('{"value":2,"event_id":"u2"}');
SELECT tally.set_limits() ~ '^ten_' AS set;
SELECT pg_temp.update('{"value":1}');
-- another month
SELECT tally.set_limits(events_per_month => 1) ~ '^ten_' AS set, pg_temp.update('{"value":1}');
UPDATE tally.month_count SET month = month - interval '1 month';
SELECT pg_temp.update('{"value":1}');
SELECT pg_temp.update('{"value":1}');
SELECT tally._month('2024-02-29T23:59:59.999999Z'), tally._month('2024-03-01T00:30:00+01:00'), tally._month('2024-03-01T00:00:00Z');
-- large numbers: most writers find credit without touching anything but one shard
SELECT tally.set_limits(events_per_month => 1000000) ~ '^ten_' AS set;
SELECT * FROM pg_temp.send('k2', pg_temp.body('w', 1, 1));
SELECT count(*), sum(used) + sum(credit) AS whole, min(credit), max(credit) FROM tally.month_count WHERE tenant_id = 1 AND key_id = '00000000-0000-0000-0000-000000000000' AND month = tally._month(now());
-- as shown
SELECT regexp_replace(replace((p -> 'limits')::text || (p -> 'usage') || (p -> 'key'), to_char(now(), 'YYYY-MM'), 'MONTH'), 'tkn_[0-9A-Za-z]+', 'tkn_ID')
FROM tally_rest.get_profile(tally_rest.authenticate(sha256('k1'), 'read'), '{}', '{}', NULL) p;
SELECT regexp_replace(regexp_replace(tally_rest.key_limits(sha256('k2'))::text, 'tkn_[0-9A-Za-z]+', 'tkn_ID'), 'ten_[0-9A-Za-z]+', 'ten_ID');
-- bad limits
SELECT tally.set_limits(requests_per_second => 0);
SELECT tally.set_limits(requests_per_second => 'NaN');
SELECT tally.set_limits(burst => 5);
SELECT tally.set_limits(requests_per_second => 1, burst => 0);
SELECT tally.set_limits(events_per_month => -1);
SELECT tally.set_limits(key => 'k3', events_per_month => 1);
-- nobody counts for whom he is not
CREATE ROLE regress_tallyd LOGIN;
GRANT tally_api TO regress_tallyd;
SET SESSION AUTHORIZATION regress_tallyd;
SELECT tally._spread_credit(1, '00000000-0000-0000-0000-000000000000', '2024-01-01', 1);
BEGIN;
SELECT tally_rest.authenticate(sha256('k3'), 'write') = 2 AS other;
SELECT count(DISTINCT tenant_id) AS tenants FROM tally.month_count;
SAVEPOINT s;
UPDATE tally.month_count SET used = 0;
ROLLBACK TO s;
SELECT tally.set_limits();
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_tallyd;
DROP ROLE regress_tallyd;
