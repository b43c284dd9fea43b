-- An event that was amended into another month stays a duplicate until retention has forgotten the latest month in which it lay, and
-- verify() finds nothing wrong before, between and after.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
DO $$ BEGIN PERFORM tally.create_tenant('retain'); PERFORM tally.create_metric(code => 'call', aggregation_type => 'COUNT'); END $$;
CREATE FUNCTION pg_temp.back(months integer) RETURNS text LANGUAGE sql AS $$
    SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - months * interval '1 month', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;
CREATE FUNCTION pg_temp.send(id text, months integer) RETURNS text LANGUAGE sql AS $$
    SELECT i.verdict FROM tally.ingest(format('[{"event_id":"%s","code":"call","customer_id":"c","timestamp":"%s","properties":{"n":1}}]', id, pg_temp.back(months)), true) i $$;
-- to an older month, to a newer one, there and back, on to a third; recent, packed, and packed with sealed identities
DO $$ BEGIN
    FOR form IN 1 .. 3 LOOP
        PERFORM pg_temp.send('older' || form, 2), pg_temp.send('newer' || form, 20), pg_temp.send('back' || form, 20), pg_temp.send('third' || form, 2), pg_temp.send('plain' || form, 20);
        IF form > 1 THEN CALL tally.pack(1, '0'); END IF;
        IF form > 2 THEN PERFORM tally.seal_identities(1, 60); END IF;
        PERFORM tally.amend_event('older' || form, 'clock', ts => pg_temp.back(20)), tally.amend_event('newer' || form, 'clock', ts => pg_temp.back(2)),
                tally.amend_event('back' || form, 'clock', ts => pg_temp.back(2)), tally.amend_event('third' || form, 'clock', ts => pg_temp.back(20));
        PERFORM tally.amend_event('back' || form, 'clock', ts => pg_temp.back(20)), tally.amend_event('third' || form, 'clock', ts => pg_temp.back(30));
    END LOOP;
END $$;
-- the same of an import, and of one that is taken back
CREATE FUNCTION pg_temp.import(id text) RETURNS text LANGUAGE sql AS $$
    SELECT tally_rest.import_chunk(t.tenant_id, '{}', jsonb_build_object('name', ARRAY[id]), format('{"event_id":"%s","code":"call","customer_id":"c","timestamp":"%s","properties":{"n":1}}', id, pg_temp.back(2))) ->> 'accepted' FROM tally.tenant t $$;
SELECT pg_temp.import('kept'), pg_temp.import('gone');
SELECT (tally.amend_event(id, 'clock', ts => pg_temp.back(20))).seq > 0 AS amended FROM unnest(ARRAY['kept', 'gone']) id;
SELECT tally.void_import(i.id) IS NOT NULL AS taken_back FROM tally.imports i WHERE i.name = 'gone';
SELECT * FROM tally.verify();
CALL tally.retain(interval '10 months');
SELECT * FROM tally.verify();
SELECT value FROM tally.usage('call', pg_temp.back(9)::timestamptz, '2200-01-01Z');
-- who corrects what was dropped is told so
CREATE FUNCTION pg_temp.tried(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT ' || command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
SELECT id, pg_temp.tried(format('tally.void_event(%L, %L)', id, 'x')) AS void, pg_temp.tried(format('tally.restore_event(%L, %L)', id, 'x')) AS restore, pg_temp.tried(format('tally.amend_event(%L, %L, code => %L)', id, 'x', 'other')) AS amend
FROM unnest(ARRAY['older1', 'older3', 'third2', 'kept', 'gone', 'plain1']) id;
SELECT pg_temp.tried(format('tally.void_event(%L, %L, %L, %L)', 'older1', 'x', 'c', '')) AS named_wholly;
-- the originals again: those whose month is gone are refused, the others are duplicates, and count no more than before
SELECT form, pg_temp.send('older' || form, 2) AS older, pg_temp.send('third' || form, 2) AS third, pg_temp.send('newer' || form, 20) AS newer FROM generate_series(1, 3) form;
-- another event under the same identity is none either
SELECT form, pg_temp.send('newer' || form, 1) AS newer, pg_temp.send('back' || form, 1) AS back, pg_temp.send('plain' || form, 1) AS plain FROM generate_series(1, 3) form;
CALL tally.pack(1, '0', true);
SELECT tally.seal_identities(1, 60);
SELECT * FROM tally.verify();
SELECT value FROM tally.usage('call', pg_temp.back(9)::timestamptz, '2200-01-01Z');
-- after the latest month, all of it is forgotten
CALL tally.retain(interval '1 month');
SELECT * FROM tally.verify();
SELECT (SELECT count(*) FROM tally.correction) AS corrections;
SELECT form, pg_temp.send('older' || form, 0) AS older, pg_temp.send('newer' || form, 0) AS newer, pg_temp.send('third' || form, 0) AS third FROM generate_series(1, 3) form;
SELECT * FROM tally.verify();
