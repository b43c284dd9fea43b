-- health: who sees what of the store's health, and that it says what was done
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
CREATE ROLE health_admin IN ROLE tally_admin; CREATE ROLE health_app IN ROLE tally_app; CREATE ROLE health_reader IN ROLE tally_read;
CREATE ROLE health_api IN ROLE tally_api; CREATE ROLE health_nobody;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
-- nothing there yet
SELECT tenant, events_last_day, newest_event, recent_events, packed_events, bytes > 0 AS has_tables, verified_at, problems, limits_near FROM tally.health;
DO $$ BEGIN PERFORM tally.create_tenant('a'); PERFORM tally.create_tenant('b'); PERFORM tally.grant_read('health_reader', 'b'); END $$;
CREATE FUNCTION pg_temp.send(first integer, last integer, since interval) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"e%s","code":"call","customer_id":"c%s","timestamp":"%s"}', n, n % 7,
        to_char(now() - since, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), ',') || ']' FROM generate_series(first, last) n), true) i $$;
SET tally.tenant = 'a';
SELECT pg_temp.send(1, 10, '1 minute');
SELECT pg_temp.send(11, 15, '2 days');
SELECT tenant, events_last_day, now() - newest_event < '5 minutes' AS new, recent_events, now() - oldest_recent < '5 minutes' AS waits, packed_events, segments, packed_at IS NULL AS never FROM tally.health ORDER BY tenant;
CALL tally.pack(1, '0');
-- of a segment that began before the last day its share by time (two segments where the month has just begun)
SELECT tenant, events_last_day BETWEEN 6 AND 10 AS about_right, recent_events, oldest_recent, packed_events, segments BETWEEN 1 AND 2 AS segments, now() - packed_at < '5 minutes' AS packed, bytes > 0 AS has_bytes FROM tally.health WHERE tenant = 'a' ORDER BY tenant;
SET tally.tenant = 'b';
SELECT pg_temp.send(101, 101, '0') + pg_temp.send(102, 102, '40 days');
SELECT events_last_day FROM tally.health WHERE tenant = 'b';
-- what verify finds is kept: of all, of a tenant, and not in a transaction that may not write
SELECT * FROM tally.verify();
SELECT tenant, verified_at > now() - interval '5 minutes' AS verified, problems FROM tally.health ORDER BY tenant;
DELETE FROM tally.recent_event WHERE tenant_id = 2 AND event_id = '101';
DELETE FROM tally.recent_event WHERE tenant_id = 2;
SELECT count(*) FROM tally.verify();
SELECT tenant, problems FROM tally.health ORDER BY tenant;
SELECT count(*) FROM tally.verify(1);
SELECT tenant, problems FROM tally.health ORDER BY tenant;
DELETE FROM tally.recent_identity WHERE tenant_id = 2;
START TRANSACTION READ ONLY;
SELECT * FROM tally.verify();
COMMIT;
SELECT tenant, problems FROM tally.health ORDER BY tenant;
SELECT count(*) FROM tally.verify(2);
SELECT tenant, problems FROM tally.health ORDER BY tenant;
SELECT tenant_id, problems FROM tally.verification ORDER BY verification_id;
-- limits: of the tenant and of its keys
SET tally.tenant = 'a';
SELECT tally.set_limits(events_per_month => 10) IS NOT NULL AS set;
SELECT tally.create_api_key() AS key \gset
SELECT tally.set_limits(events_per_month => 4, key => :'key') IS NOT NULL AS set;
DO $$ BEGIN PERFORM tally._spread_credit(1, k, tally._month(now()), 1) FROM (SELECT key_id FROM tally.api_key UNION ALL SELECT '00000000-0000-0000-0000-000000000000') t (k); END $$;
UPDATE tally.month_count SET used = 4 WHERE shard = 0;
SELECT tenant, events_this_month, events_per_month, limits_near, limits_reached FROM tally.health ORDER BY tenant;
UPDATE tally.month_count SET used = 8 WHERE shard = 0 AND key_id = '00000000-0000-0000-0000-000000000000';
SELECT tenant, events_this_month, events_per_month, limits_near, limits_reached FROM tally.health ORDER BY tenant;
-- imports
SELECT tally_rest.import_chunk(1, '{}', '{"name":["file"]}', '{"event_id":"i1","code":"call","customer_id":"c","timestamp":"2024-01-01T00:00:00Z"}') ->> 'accepted' AS accepted;
SELECT tenant, imports_running FROM tally.health ORDER BY tenant;
UPDATE tally.import_batch SET updated_at = now() - interval '2 minutes';
SELECT tenant, imports_running FROM tally.health ORDER BY tenant;
-- very many recent events are told from a sample of their pages
BEGIN;
INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties)
SELECT (SELECT coalesce(max(g.generation), 0) FROM tally.generation g), 1, tally._hash32('flood'), n, now(), now(), 'flood', 'c', '', n::text, json_build_object('x', repeat('x', 200)) FROM generate_series(1, 120000) n;
SELECT recent_events BETWEEN 108000 AND 132000 AS about_right FROM tally.health WHERE tenant = 'a';
ROLLBACK;
-- who sees what
SET ROLE health_admin; SELECT tenant FROM tally.health ORDER BY tenant;
SET ROLE health_app; SELECT tenant FROM tally.health ORDER BY tenant;
SET tally.tenant = ''; SELECT tenant FROM tally.health;
SET ROLE health_reader; SELECT tenant FROM tally.health;
SET tally.tenant = 'a'; SELECT tenant FROM tally.health;
SET ROLE health_api; SELECT tenant FROM tally.health;
SELECT tally_rest.health() -> 'tenants' AS tenants, tally_rest.health() ->> 'recent_events' AS recent, tally_rest.health()::text LIKE '%"a"%' AS names;
SET ROLE health_nobody; SELECT tenant FROM tally.health;
SET ROLE health_reader; SELECT tally_rest.health();
SELECT * FROM tally._store_health();
SELECT * FROM tally._recent_health(now());
SELECT count(*) FROM tally.verification;
RESET ROLE;
SET tally.tenant = 'a';
-- the gate is tally.tenant's row level security: a caller's own objects change nothing
CREATE SCHEMA trap;
CREATE FUNCTION trap.has_nobody(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.has_nobody);
SET search_path = trap, pg_catalog;
SELECT count(*) FROM tally.health;
RESET search_path;
DROP SCHEMA trap CASCADE;
SET client_min_messages = warning;
DROP EXTENSION pgtally CASCADE;
DROP ROLE health_admin, health_app, health_reader, health_api, health_nobody;
