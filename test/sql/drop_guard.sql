-- a store that holds events is dropped only where the session says so, and no other command is disturbed
SET client_min_messages = warning;
SET tally.allow_drop = on;
DROP EXTENSION IF EXISTS pgtally CASCADE;
SET tally.allow_drop = off;
CREATE EXTENSION pgtally;
RESET client_min_messages;
\set VERBOSITY default
SHOW tally.allow_drop;
-- without events it goes, and comes again
DROP EXTENSION pgtally;
CREATE EXTENSION pgtally;
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_metric('c', 'COUNT') ~ '^bm_' AS made;
DROP EXTENSION pgtally;
CREATE EXTENSION pgtally;
-- with a recent event, or a packed one, it stays
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT verdict FROM tally.record('c', 'ann', event_id => 'e1');
DROP EXTENSION pgtally;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CALL tally.pack(min_events => 1, max_age => '0');
SELECT (SELECT count(*) FROM tally.recent_event) AS recent, (SELECT count(*) FROM tally.segment) AS segments;
DROP EXTENSION nothing_else, pgtally CASCADE;
DROP EXTENSION pgtally CASCADE;
DO $$ BEGIN EXECUTE 'DROP EXTENSION pgtally'; EXCEPTION WHEN dependent_objects_still_exist THEN RAISE NOTICE 'refused'; END $$;
SELECT count(*) FROM tally.events;
-- plpgsql takes it along, and a schema or a table of it nobody
DROP EXTENSION plpgsql CASCADE;
DROP EXTENSION plpgsql;
\set VERBOSITY terse
DROP SCHEMA tally CASCADE;
DROP TABLE tally.recent_event CASCADE;
\set VERBOSITY default
-- neither in a transaction that sees nothing yet, nor for a superuser who sees no rows, nor with tables of these names in front
BEGIN;
DROP EXTENSION pgtally;
ROLLBACK;
CREATE TEMP TABLE recent_event (x integer);
SET search_path = pg_temp, public;
DROP EXTENSION pgtally;
RESET search_path;
DROP TABLE pg_temp.recent_event;
-- what belongs to its owner cannot be dropped in one go either
CREATE ROLE regress_drop_other;
CREATE ROLE regress_drop_boss SUPERUSER;
CREATE TABLE regress_drop_table (x integer);
ALTER TABLE regress_drop_table OWNER TO regress_drop_other;
DROP OWNED BY regress_drop_other;
SELECT to_regclass('regress_drop_table') IS NULL AS others_go;
UPDATE pg_extension SET extowner = 'regress_drop_boss'::regrole WHERE extname = 'pgtally';
DROP OWNED BY regress_drop_other, regress_drop_boss CASCADE;
UPDATE pg_extension SET extowner = current_user::regrole WHERE extname = 'pgtally';
DROP ROLE regress_drop_other, regress_drop_boss;
-- other extensions, tables, schemas and databases are none of its business
CREATE SCHEMA regress_drop_schema CREATE TABLE t (x integer);
DROP SCHEMA regress_drop_schema CASCADE;
DROP EXTENSION IF EXISTS regress_no_such_extension;
CREATE DATABASE regress_drop_database;
DROP DATABASE regress_drop_database;
SELECT count(*) FROM tally.events;
-- who means it says so
BEGIN;
SET LOCAL tally.allow_drop = on;
DROP EXTENSION pgtally;
ROLLBACK;
SELECT count(*) FROM tally.events;
SET tally.allow_drop = on;
DROP EXTENSION pgtally;
SELECT count(*) FROM pg_event_trigger WHERE evtname ~ '^tally';
CREATE EXTENSION pgtally;
-- without the trigger it would go: the guard is what held it
SET tally.allow_drop = off;
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT verdict FROM tally.record('c', 'ann', event_id => 'e1');
ALTER EVENT TRIGGER tally_guard_drop DISABLE;
DROP EXTENSION pgtally;
CREATE EXTENSION pgtally;
SELECT tally._guard_drop();
