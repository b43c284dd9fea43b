-- ingest: one verdict for each event, never an error for bad data
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT index, event_id, verdict, regexp_replace(reason, '\d+ days', 'N days') AS reason, field FROM tally.ingest('[
  {"event_id":"1","code":"pay","customer_id":"ann","properties":{"amount":0.1,"big":12345678901234567890.123456789}},
  {"event_id":"1","code":"pay","customer_id":"ann","properties":{"big":12345678901234567890.1234567890,"amount":1e-1}},
  {"event_id":"1","code":"pay","customer_id":"ann","properties":{"amount":0.2}},
  {"event_id":"1","code":"pay","customer_id":"bob","properties":{"amount":0.2}},
  {"event_id":"1","code":"pay","customer_id":"ann","source":"till 2","properties":{"amount":"abc"}},
  {"event_id":"2","code":"pay"},
  {"event_id":"3","code":"pay","customer_id":"ann","propertis":{}},
  {"event_id":"4","code":"pay","customer_id":"ann","properties":{"x":true}},
  {"event_id":"5","code":"pay","customer_id":"ann","timestamp":"yesterday"},
  {"event_id":"6","code":"pay","customer_id":"ann","timestamp":"2001-01-01T00:00:00Z"},
  "nonsense"]');
SELECT customer_id, source, event_id, properties FROM tally.recent_event ORDER BY seq;
SELECT count(*) FROM tally.recent_identity;
-- again: nothing more is stored
SELECT verdict, count(*) FROM tally.ingest('[{"event_id":"1","code":"pay","customer_id":"bob","properties":{"amount":0.20}},{"event_id":"1","code":"pay","customer_id":"bob","properties":{"amount":0.20}}]') GROUP BY 1;
SELECT count(*) FROM tally.recent_event;
-- jsonb, text, and what is neither
SELECT verdict FROM tally.ingest('[{"event_id":"j","code":"pay","customer_id":""}]'::jsonb);
SELECT * FROM tally.ingest('');
SELECT * FROM tally.ingest(NULL::text);
SELECT * FROM tally.ingest('[]');
SELECT * FROM tally.ingest('{"events":[]}');
SELECT * FROM tally.ingest('[{"event_id":"x"');
SELECT verdict, count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', 'bulk', 'customer_id', 'c')) FROM generate_series(1, 10000) n)) GROUP BY 1;
SELECT left(reason, 60) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', 'bulk', 'customer_id', 'c')) FROM generate_series(1, 10001) n));
-- one event, in a business transaction that goes on whatever is recorded
BEGIN;
SELECT verdict FROM tally.record('pay', 'ann', '{"amount": 5}', event_id => 'r1');
SELECT verdict FROM tally.record('pay', 'ann', '{"amount": 5}', event_id => 'r1');
SELECT verdict, field FROM tally.record('pay', 'ann', '{"amount": 6}', event_id => 'r1');
SELECT verdict, field, reason FROM tally.record('pay', 'ann', '{"amount": [6]}');
SELECT verdict, field, reason FROM tally.record('', 'ann');
SELECT verdict, field FROM tally.record('pay', 'ann', ts => 'infinity');
SELECT verdict, field FROM tally.record('pay', 'ann', ts => now() + interval '2 hours');
SELECT verdict, field FROM tally.record('pay', 'ann', ts => '1969-12-31', allow_backfilling => true);
SELECT verdict FROM tally.record('pay', 'ann', ts => '1970-01-01', allow_backfilling => true);
SELECT verdict FROM tally.record('pay', properties => NULL, ts => now() - interval '23 hours 59 minutes');
-- a NULL variable is no customer by mistake; the empty text is none on purpose
SELECT verdict, field FROM tally.record('pay', customer => NULL);
COMMIT;
BEGIN;
SELECT verdict FROM tally.record('pay', 'ann', event_id => 'rolled back');
ROLLBACK;
SELECT verdict FROM tally.record('pay', 'ann', event_id => 'rolled back');
-- timestamps keep their instant whatever the session's zone
SET timezone = 'Asia/Kathmandu';
SELECT verdict FROM tally.record('zone', 'z', event_id => 'z', ts => '2024-01-01 00:00:00.123456+05:45', allow_backfilling => true);
SET timezone = 'UTC';
SELECT ts FROM tally.recent_event WHERE code = 'zone';
-- many at once in one transaction: each body keeps its own meaning
SELECT tally.create_api_key() AS key, tally.create_api_key(scopes => ARRAY['read']) AS reader \gset
SELECT ordinal, status, body FROM tally_rest.ingest_batch(
    ARRAY[sha256(:'key'), sha256('wrong'), sha256(:'reader'), sha256(:'key'), sha256(:'key'), sha256(:'key'), sha256(:'key')],
    ARRAY['{"events":[{"event_id":"b1","code":"c","customer_id":"k"},{"event_id":"b2","code":"c","customer_id":"k"}]}', '{}', '{}',
          '{"events":[{"event_id":"b3","code":"c","customer_id":"k"},{"event_id":"","code":"c","customer_id":"k"}]}',
          '{"events":[{"event_id":"b3","code":"c","customer_id":"k"},{"event_id":"","code":"c","customer_id":"k"}],"allow_partial_failures":true}',
          '{"events":[{"event_id":"b1","code":"c","customer_id":"k"}]}', '{"events":'])
ORDER BY ordinal;
-- a strict body with a conflict stores nothing; the bodies around it stand
SELECT ordinal, status, body FROM tally_rest.ingest_batch(
    ARRAY[sha256(:'key'), sha256(:'key'), sha256(:'key')],
    ARRAY['{"events":[{"event_id":"s1","code":"c","customer_id":"k"}]}',
          '{"events":[{"event_id":"s2","code":"c","customer_id":"k"},{"event_id":"s1","code":"other","customer_id":"k"},{"event_id":"s3","code":"c","customer_id":"k"}]}',
          '{"events":[{"event_id":"s2","code":"c","customer_id":"k"},{"event_id":"s3","code":"c","customer_id":"k"}]}'])
ORDER BY ordinal;
SELECT ordinal, status, body FROM tally_rest.ingest_batch(ARRAY[sha256(:'key')],
    ARRAY['{"events":[{"event_id":"t1","code":"c","customer_id":"k"},{"event_id":"t1","code":"d","customer_id":"k"}]}']);
SELECT event_id FROM tally.recent_event WHERE customer_id = 'k' ORDER BY event_id;
SELECT tally_rest.ingest_batch(ARRAY[sha256('a')], ARRAY['{}', '{}']);
