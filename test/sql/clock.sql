-- The clock is read at the call: neither the time that an event gets nor what is too early or too late is told by the start of the transaction.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
DO $$ BEGIN PERFORM tally.create_tenant('clock'); PERFORM tally.create_metric(code => 'call', aggregation_type => 'COUNT'); END $$;
BEGIN;
SELECT now() < clock_timestamp() AS began, pg_sleep(0.5) IS NOT NULL AS slept;
SELECT verdict FROM tally.record('call', 'c', event_id => 'absent');
SELECT verdict FROM tally.ingest('[{"event_id": "ingested", "code": "call", "customer_id": "c", "properties": {}}]');
-- less than an hour ahead of the clock, more than that ahead of the transaction's start
SELECT verdict, field FROM tally.record('call', 'c', event_id => 'ahead', ts => clock_timestamp() + interval '1 hour' - interval '200 milliseconds');
-- older than a day by the clock, and not by the transaction's start
SELECT verdict, field FROM tally.record('call', 'c', event_id => 'behind', ts => clock_timestamp() - interval '1 day' - interval '200 milliseconds');
SELECT event_id, ts > now() + interval '400 milliseconds' AS ts_is_late, received_at > now() + interval '400 milliseconds' AS received_is_late FROM tally.events ORDER BY event_id;
COMMIT;
