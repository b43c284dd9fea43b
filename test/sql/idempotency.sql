-- tally_rest.once: the same request again is answered as the first time
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made, tally.create_tenant('other') ~ '^ten_' AS made;
CREATE FUNCTION pg_temp.body(title text, tenant integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT json_build_object('name', title, 'code', 'c', 'aggregation_type', 'COUNT', 'product_family_id', tally._encode_id('pf_', product_family_id))::text
    FROM tally.product_family WHERE tenant_id = tenant AND is_default $$;
CREATE FUNCTION pg_temp.once(key text, body text, function text DEFAULT 'create_metric', query jsonb DEFAULT '{}', tenant integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN tally_rest.once(tenant, key, function, '{}', query, body)::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT pg_temp.once('k1', pg_temp.body('one')) AS first \gset
SELECT (:'first'::json) ->> 'name' AS name;
SELECT pg_temp.once('k1', pg_temp.body('one')) = :'first' AS same;
SELECT count(*) FROM tally.metric;
-- another body, another function, another query
SELECT pg_temp.once('k1', pg_temp.body('two'));
SELECT pg_temp.once('k1', '{"name":"one"}', 'create_product_family');
SELECT pg_temp.once('k1', pg_temp.body('one'), query => '{"x":["1"]}');
-- the same JSON in other words is the same request
SELECT pg_temp.once('k1', replace(replace(pg_temp.body('one'), ':', E' :\n'), ',', '  ,')) = :'first' AS spaced,
       pg_temp.once('k1', (SELECT '{' || string_agg(to_json(key) || ':' || value, ',' ORDER BY key DESC) || '}' FROM json_each(pg_temp.body('one')::json))) = :'first' AS turned_round;
-- what is no JSON is refused as without a key
SELECT b, pg_temp.once('k7', b) FROM unnest(ARRAY['', '{"name":', '[1]', '{"name":"a\u0000b"}', '{"name":1e999999}']) b;
-- another key makes another metric, and no key does each time
SELECT pg_temp.once('k2', pg_temp.body('one')) <> :'first' AS another, pg_temp.once(NULL, pg_temp.body('one')) <> pg_temp.once(NULL, pg_temp.body('one')) AS each_time;
SELECT count(*) FROM tally.metric;
-- keys of another tenant are others
SELECT pg_temp.once('k1', pg_temp.body('one', 2), tenant => 2) <> :'first' AS another;
-- what failed may be tried again
SELECT pg_temp.once('k3', '{"name":"x"}') AS failed, pg_temp.once('k3', pg_temp.body('three'))::json ->> 'name' AS made;
-- products too
SELECT pg_temp.once('k4', '{"name":"Compute","alias":"compute"}', 'create_product_family') = pg_temp.once('k4', '{"name":"Compute","alias":"compute"}', 'create_product_family') AS same;
SELECT count(*) FROM tally.product_family WHERE alias = 'compute';
-- keys
SELECT pg_temp.once('', '{}'), pg_temp.once(repeat('x', 256), '{}'), pg_temp.once(repeat('x', 255), '{}');
SELECT pg_temp.once('k5', '{}', 'get_profile'), pg_temp.once('k5', '{}', NULL);
-- after a day a key is new, and old answers go
UPDATE tally.idempotency SET created_at = now() - interval '23 hours 59 minutes';
SELECT pg_temp.once('k1', pg_temp.body('one')) = :'first' AS still_known;
UPDATE tally.idempotency SET created_at = now() - interval '24 hours';
SELECT pg_temp.once('k1', pg_temp.body('two'))::json ->> 'name' AS made;
SELECT tenant_id, count(*) FROM tally.idempotency GROUP BY 1 ORDER BY 1;
-- as the role of tallyd
SELECT tally.create_api_key(name => 'k') AS key FROM set_config('tally.tenant', 'acme', false) \gset
CREATE ROLE regress_once LOGIN;
GRANT tally_api TO regress_once;
SELECT pg_temp.body('four') AS body \gset
SET SESSION AUTHORIZATION regress_once;
SELECT tally_rest.once(tally_rest.authenticate(sha256(:'key'), 'write'), 'k6', 'create_metric', '{}', '{}', :'body') AS first \gset
SELECT tally_rest.once(tally_rest.authenticate(sha256(:'key'), 'write'), 'k6', 'create_metric', '{}', '{}', :'body')::text = :'first' AS same;
SELECT count(*) FROM tally.idempotency;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_once;
DROP ROLE regress_once;
