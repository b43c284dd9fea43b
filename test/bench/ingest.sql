-- Ingest against the least that could be done with the same events: rows of a table without any promise. Batches of 1,000
-- events of 100 customers; A B A B, five rounds, the median of each.

\set QUIET on
\pset footer off
SET client_min_messages = warning;
SELECT tally.create_tenant('bench') AS ignored \gset
SELECT tally.create_metric(code => 'call', aggregation_type => 'SUM', aggregation_key => 'n') AS metric \gset

CREATE TABLE plain_log (ts timestamptz, code text, customer_id text, event_id text, properties jsonb);
CREATE TABLE plain_unique (LIKE plain_log);
ALTER TABLE plain_unique ADD PRIMARY KEY (customer_id, event_id);
CREATE TABLE batch AS
    SELECT b AS number, jsonb_agg(jsonb_build_object('event_id', 'event-' || b || '-' || i, 'code', 'call', 'customer_id', 'customer-' || i % 100,
        'timestamp', '2024-05-' || lpad((1 + b % 28)::text, 2, '0') || 'T12:00:00Z',
        'properties', jsonb_build_object('n', i * 0.25, 'region', 'eu-' || i % 7, 'plan', 'pro')))::text AS events
    FROM generate_series(0, 99) b, generate_series(1, 1000) i GROUP BY b;
CREATE TABLE measured (round int, what text, seconds numeric);

CREATE PROCEDURE measure(round int) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    part batch;
    first int := round * 20;
BEGIN
    began := clock_timestamp();
    FOR part IN SELECT * FROM batch WHERE number BETWEEN first AND first + 19 ORDER BY number LOOP
        PERFORM tally.ingest(part.events, allow_backfilling => true);
        COMMIT;
    END LOOP;
    INSERT INTO measured VALUES (round, 'tally.ingest', extract(epoch FROM clock_timestamp() - began));
    began := clock_timestamp();
    FOR part IN SELECT * FROM batch WHERE number BETWEEN first AND first + 19 ORDER BY number LOOP
        INSERT INTO plain_log SELECT e.timestamp, e.code, e.customer_id, e.event_id, e.properties
        FROM jsonb_to_recordset(part.events::jsonb) e(timestamp timestamptz, code text, customer_id text, event_id text, properties jsonb);
        COMMIT;
    END LOOP;
    INSERT INTO measured VALUES (round, 'a plain table', extract(epoch FROM clock_timestamp() - began));
    began := clock_timestamp();
    FOR part IN SELECT * FROM batch WHERE number BETWEEN first AND first + 19 ORDER BY number LOOP
        INSERT INTO plain_unique SELECT e.timestamp, e.code, e.customer_id, e.event_id, e.properties
        FROM jsonb_to_recordset(part.events::jsonb) e(timestamp timestamptz, code text, customer_id text, event_id text, properties jsonb)
        ON CONFLICT DO NOTHING;
        COMMIT;
    END LOOP;
    INSERT INTO measured VALUES (round, 'a table with a unique key', extract(epoch FROM clock_timestamp() - began));
END $$;
SELECT format('CALL measure(%s)', r) FROM generate_series(0, 4) r \gexec

WITH median AS (SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds FROM measured GROUP BY what)
SELECT m.what, round(20000 / m.seconds::numeric, -2) AS "events/s", round((ours.seconds / m.seconds)::numeric, 2) AS "tally.ingest takes times"
FROM median m, median ours WHERE ours.what = 'tally.ingest' ORDER BY m.seconds;
