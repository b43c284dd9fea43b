-- The events that usage and ingest are measured on, in schema tally_bench. For psql, with the variables events and days.
-- 10,000 customers in a Zipf distribution (the busiest has 18 % of all, a month of one code 29,000 at 10 million), 20 codes, 8
-- regions, 20 models, 200,000 users, random UUIDs; in the order of time, as they come in.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS tally_bench CASCADE;
CREATE SCHEMA tally_bench;
\o /dev/null
SELECT setseed(0.42);
\o
CREATE UNLOGGED TABLE tally_bench.feed AS
SELECT n, 1 AS tenant, 'customer-' || floor((1 - random() * (1 - 10000 ^ -0.25)) ^ -4)::int AS customer, 'code-' || floor(random() * 20)::int AS code,
       date_trunc('milliseconds', b.began + n * b.step) AS ts, (random() * 1000)::numeric(12, 2) AS value, 'region-' || floor(random() * 8)::int AS region,
       'model-' || floor(random() * 20)::int AS model, 'user-' || floor(random() * 200000)::int AS user_id, gen_random_uuid() AS event_id
FROM (SELECT date_trunc('day', now()) - :days * interval '1 day' AS began, :days * interval '1 day' / :events AS step) b, generate_series(0, :events - 1) n;

-- An event as ingest takes it, and many of them as one array.
CREATE FUNCTION tally_bench.json(e tally_bench.feed) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"event_id":"' || e.event_id || '","code":"' || e.code || '","customer_id":"' || e.customer || '","timestamp":"'
           || to_char(e.ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","properties":{"value":' || e.value || ',"region":"' || e.region
           || '","model":"' || e.model || '","user_id":"' || e.user_id || '"}}' $$;
CREATE FUNCTION tally_bench.batch(first bigint, size integer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '[' || string_agg(tally_bench.json(e), ',' ORDER BY e.n) || ']' FROM tally_bench.feed e WHERE e.n >= first AND e.n < first + size $$;
CREATE INDEX ON tally_bench.feed (n);
ANALYZE tally_bench.feed;

CREATE PROCEDURE tally_bench.load(first bigint, size integer, last bigint) LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    WHILE first < last LOOP
        SELECT i.verdict || ': ' || i.reason INTO wrong FROM tally.ingest(tally_bench.batch(first, size), true) i WHERE i.verdict <> 'accepted' LIMIT 1;
        IF wrong IS NOT NULL THEN RAISE EXCEPTION 'an event was not accepted: %', wrong; END IF;
        COMMIT;
        first := first + size;
    END LOOP;
END $$;

-- How often a query is answered and how long each time took in ms; its rows are made and fetched, and thrown away.
CREATE FUNCTION tally_bench.times(query text, times integer) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    taken float8[] := '{}';
    r     record;
BEGIN
    FOR i IN 1 .. times LOOP
        began := clock_timestamp();
        FOR r IN EXECUTE query LOOP END LOOP;
        taken := taken || (extract(epoch FROM clock_timestamp() - began) * 1000)::float8;
    END LOOP;
    RETURN taken;
END $$;

-- How long it takes to close a period, in ms; it is taken back.
CREATE FUNCTION tally_bench.close_time(range_from timestamptz, range_to timestamptz) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    taken float8;
BEGIN
    PERFORM tally.close_period(range_from, range_to);
    taken := extract(epoch FROM clock_timestamp() - began) * 1000;
    RAISE EXCEPTION 'take it back' USING ERRCODE = 'TL999';
EXCEPTION WHEN SQLSTATE 'TL999' THEN
    RETURN taken;
END $$;
