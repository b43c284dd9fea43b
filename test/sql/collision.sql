-- Codes and customers whose 32-bit hashes, by which recent rows are found, are equal: nobody gets anything of the other.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally._hash32('code-86189') = tally._hash32('code-145035') AS codes, tally._hash32('customer-8644') = tally._hash32('customer-82757') AS customers;
DO $$ BEGIN
    PERFORM tally.create_tenant('one');
    PERFORM tally.create_metric(code => 'code-86189', aggregation_type => 'SUM', aggregation_key => 'v', slug => 'sum-a'), tally.create_metric(code => 'code-145035', aggregation_type => 'SUM', aggregation_key => 'v', slug => 'sum-b'),
            tally.create_metric(code => 'code-86189', aggregation_type => 'COUNT_DISTINCT', aggregation_key => 'u', slug => 'users-a'), tally.create_metric(code => 'code-145035', aggregation_type => 'LATEST', aggregation_key => 'v', slug => 'latest-b');
END $$;
CREATE FUNCTION pg_temp.send(prefix text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE i.verdict = 'accepted') FROM tally.ingest((SELECT json_agg(json_build_object('event_id', format('%s-%s-%s-%s', prefix, code, customer, n), 'code', code, 'customer_id', customer,
        'timestamp', to_char(timestamp '2026-01-01' + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', json_build_object('v', n * weight * power, 'u', n % 7)))::text
        FROM generate_series(1, 30) n, (VALUES ('code-86189', 1), ('code-145035', 100)) c(code, weight), (VALUES ('customer-8644', 1), ('customer-82757', 10000)) u(customer, power)), true) i $$;
CREATE FUNCTION pg_temp.numbers() RETURNS TABLE (metric text, customer text, value numeric, events bigint, life text) LANGUAGE sql AS $$
    SELECT m, c, u.value, u.events, (SELECT l::text FROM tally.metric x, tally._life(x) l WHERE x.slug = m)
    FROM unnest(ARRAY['sum-a', 'sum-b', 'users-a', 'latest-b']) WITH ORDINALITY a(m, place), unnest(ARRAY['customer-8644', 'customer-82757', NULL]) WITH ORDINALITY b(c, at), tally.usage_total(m, '2026-01-01', '2026-02-01', c) u ORDER BY place, at $$;
SELECT pg_temp.send('first');
CREATE TEMP TABLE recent AS SELECT * FROM pg_temp.numbers();
SELECT metric, customer, value, events FROM recent;
CALL tally.pack(1, '0');
SELECT count(*) AS differ FROM (SELECT * FROM recent EXCEPT ALL SELECT * FROM pg_temp.numbers()) x;
SELECT pg_temp.send('second');         -- packed and recent
SELECT metric, customer, value, events FROM pg_temp.numbers();
SELECT seq > 0 AS voided FROM tally.void_event('second-code-86189-customer-8644-30', 'x');
SELECT seq > 0 AS voided FROM tally.void_event('first-code-145035-customer-82757-30', 'x');
SELECT metric, customer, value, events FROM pg_temp.numbers();
SELECT code, customer_id, count(*) FROM tally.events('code-86189', customer => 'customer-8644') GROUP BY 1, 2;
SELECT ts FROM tally.explain_event('first-code-86189-customer-8644-3', 'customer-82757');
SELECT * FROM json_to_record(tally.forget_customer('customer-8644', 'gone', '{u}', dry_run => false)) x(events bigint, properties json, dry_run boolean);
SELECT customer_id, count(*) FILTER (WHERE properties::jsonb ? 'u') AS with_u, count(*) FROM tally.events GROUP BY 1 ORDER BY 1;
CALL tally.pack(1, '0', true);
SELECT metric, customer, value, events FROM pg_temp.numbers() WHERE metric LIKE 'sum%';
SELECT * FROM tally.verify();
