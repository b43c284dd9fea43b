-- The store of fill.sql goes on after the upgrade: it knows what it has, takes more, packs and is right. Prints `t` lines alone.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET tally.tenant = 'upgrade';
SELECT tally.version() = e.extversion FROM pg_extension e WHERE e.extname = 'pgtally';
SELECT count(*) = 1 FROM tally.record('call', 'c1', '{"n": 0.1, "region": "us", "usage": {"bytes": 7}}', 'e1', '2025-01-02T00:00:01Z', allow_backfilling => true) r WHERE r.verdict = 'duplicate';
SELECT count(*) = 2 FROM tally.ingest('[{"event_id":"n1","code":"call","customer_id":"c1","timestamp":"2025-03-01T00:00:00Z","properties":{"n":1}},
    {"event_id":"n2","code":"new","customer_id":"c9","timestamp":"2025-11-01T00:00:00Z"}]'::text, true) i WHERE i.verdict = 'accepted';
CALL tally.pack(1, '0', true);
SELECT count(*) = 0 FROM tally.recent_event;
SELECT count(*) = 0 FROM tally.verify();
SELECT tally.create_metric('new', 'COUNT') IS NOT NULL;
SELECT u.value = 1 FROM tally.usage_total('new', '2024-01-01Z', '2026-01-01Z') u;
