-- the overview of a tenant: newest event, codes and who reads them, events by the hour, what lies packed
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
\set VERBOSITY terse
SELECT tally.create_tenant('acme') IS NOT NULL AS made, tally.create_tenant('other') IS NOT NULL AS made;
SET tally.tenant = 'acme';

-- Nothing is there yet.
SELECT tally_rest.overview(1, '{}', '{}', NULL);

-- An hour that is whole, so that the test does not depend on when it runs.
CREATE TEMP TABLE hour AS SELECT date_trunc('hour', now(), 'UTC') - interval '30 hours' AS at;
SELECT tally.create_metric('call', 'COUNT') IS NOT NULL AS made;
SELECT verdict, count(*)
FROM hour, tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', CASE WHEN n < 4 THEN 'call' ELSE 'nobody' END, 'customer_id', 'ann',
    'timestamp', to_char((hour.at + n * interval '25 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', '{}'::jsonb)) FROM generate_series(0, 5) n),
    allow_backfilling => true)
GROUP BY 1;
-- An old one, and one of another tenant.
SELECT verdict FROM tally.record('call', customer => 'ann', event_id => 'old', ts => '2001-01-01Z', allow_backfilling => true);
SET tally.tenant = 'other';
SELECT verdict FROM tally.record('theirs', customer => 'ann', event_id => 'e0');
SET tally.tenant = 'acme';

CREATE FUNCTION pg_temp.seen() RETURNS TABLE (newest text, codes text, hours text, storage text) LANGUAGE sql AS $$
    SELECT o -> 'newest_event' ->> 'event_id',
           (SELECT string_agg(format('%s %s %s', c ->> 'code', c ->> 'metrics', ((c ->> 'last_event')::timestamptz - hour.at)), ', ') FROM json_array_elements(o -> 'codes') c),
           (SELECT string_agg(format('%s %s', (h ->> 'start')::timestamptz - hour.at, h ->> 'events'), ', ') FROM json_array_elements(o -> 'hours') h),
           format('%s recent, %s packed, bytes %s', o -> 'storage' ->> 'recent_events', o -> 'storage' ->> 'packed_events', (o -> 'storage' ->> 'packed_bytes')::bigint > 0)
    FROM hour, tally_rest.overview(1, '{}', '{}', NULL) o
$$;
SELECT * FROM pg_temp.seen();

-- The same where they lie packed.
CALL tally.pack(1, '0');
SELECT * FROM pg_temp.seen();
SELECT tally_rest.overview(1, '{}', '{"page": ["1"]}', NULL);
DROP TABLE hour;
