-- A store in which everything was used: what an upgrade has to keep. Written in what release 0.2.0 offers, so that every later
-- one can be filled by it; events and moments are fixed, for answers before and after are compared as text (answers.sql).
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT tally.create_tenant('upgrade'), tally.create_tenant('other', mode => 'test');
SET tally.tenant = 'upgrade';

SELECT tally.create_metric('call', a, slug => lower(a), aggregation_key => CASE WHEN a <> 'COUNT' THEN 'n' END, usage_group_key => CASE a WHEN 'SUM' THEN 'region' END)
FROM unnest(ARRAY['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT']) a;
SELECT tally.create_metric('call', 'SUM', slug => 'filtered', aggregation_key => '$.usage.bytes', conversion_factor => 1024, conversion_rounding => 'UP',
                           filters => '[{"property": "region", "op": "EQUAL", "values": ["eu"]}]');

CREATE FUNCTION pg_temp.events(first integer, last integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || i, 'code', CASE WHEN i % 50 = 0 THEN 'rare' ELSE 'call' END, 'customer_id', 'c' || i % 5, 'source', CASE i % 3 WHEN 0 THEN 's' ELSE '' END,
        'timestamp', to_char(timestamp '2025-01-01' + i % 200 * interval '1 day' + i * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'properties', jsonb_build_object('n', i % 97 * 0.1, 'region', (ARRAY['eu', 'us', 'ap'])[1 + i % 3], 'usage', jsonb_build_object('bytes', i * 7))))
    FROM generate_series(first, last) i $$;
SELECT count(*) FROM tally.ingest(pg_temp.events(1, 6000), allow_backfilling => true) WHERE verdict = 'accepted';
CALL tally.pack(1, '0', true);
SELECT tally.seal_identities(1);
SELECT count(*) FROM tally.ingest(pg_temp.events(6001, 8000), allow_backfilling => true) WHERE verdict = 'accepted';
CALL tally.pack(1, '0');
SELECT count(*) FROM tally.ingest(pg_temp.events(8001, 8500), allow_backfilling => true) WHERE verdict = 'accepted';

SELECT tally.void_event('e3', 'a test', 'c3', 's') IS NOT NULL, tally.void_event('e8400', 'a test', 'c0', 's') IS NOT NULL,
       tally.amend_event('e11', 'a digit was lost', 'c1', properties => '{"n": 1000, "region": "eu"}') IS NOT NULL;
SELECT tally.close_period('2025-01-01Z', '2025-02-01Z') IS NOT NULL;
SELECT tally.void_event('e2001', 'late', 'c1', 's') IS NOT NULL;
SELECT tally_rest.import_chunk(t.tenant_id, '{}', '{"name":["file"]}',
    '{"event_id":"i1","code":"call","customer_id":"c1","timestamp":"2024-12-01T00:00:00Z","properties":{"n":5}}' || E'\n' || 'no line') IS NOT NULL
FROM tally.tenant t WHERE t.name = 'upgrade';
SELECT tally.create_api_key(name => 'first', scopes => '{read,write,admin}') IS NOT NULL, tally.set_limits(events_per_month => 1000000) IS NOT NULL;
SELECT count(*) FROM tally.verify();

SELECT 'CREATE ROLE upgrade_reader' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upgrade_reader') \gexec
GRANT tally_read TO upgrade_reader;
SELECT tally.grant_read('upgrade_reader', 'upgrade');
-- states in a table of the user's
CREATE TABLE public.kept AS SELECT i % 3 AS part, tally.summarize((i * 0.1)::numeric) AS summary, tally.distinct_values(i % 10) AS seen FROM generate_series(1, 100) i GROUP BY 1;
CREATE VIEW public.of_ours AS SELECT m.slug, u.value FROM tally.metrics m, tally.usage_total(m.id, '2025-01-01Z', '2026-01-01Z') u;
