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
SELECT * FROM tally.verify();
CALL tally.retain(interval '10 months');
SELECT * FROM tally.verify();
SELECT value FROM tally.usage('call', pg_temp.back(9)::timestamptz, '2200-01-01Z');
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
