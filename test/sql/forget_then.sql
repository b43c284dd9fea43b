-- what metrics read before they were changed stays too when a customer is forgotten: usage as of a cut is told by it
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT slug, tally.create_metric('call', 'SUM', slug => slug, name => slug, aggregation_key => 'n', filters => filters, segmentation_matrix => matrix) ~ '^bm_' AS made
FROM (VALUES ('filtered', '[{"property": "r", "op": "EQUAL", "values": ["eu"]}]'::jsonb, NULL::jsonb),
             ('plain', NULL, NULL),
             ('single', NULL, '{"type": "SINGLE", "key": "kind", "values": ["a", "b"]}'),
             ('double', NULL, '{"type": "DOUBLE", "dimension1": {"key": "place.zone", "values": ["z"]}, "dimension2": {"key": "tier", "values": ["t"]}}')) m(slug, filters, matrix);
SELECT verdict FROM tally.ingest('[{"event_id": "e1", "code": "call", "customer_id": "c", "timestamp": "2026-01-01T00:00:00Z",
                                    "properties": {"n": 5, "r": "eu", "kind": "a", "place": {"zone": "z", "street": "s"}, "tier": "t", "later": "l", "email": "x@y"}}]', true);
CALL tally.pack(1, '0', true);
SELECT verdict FROM tally.ingest('[{"event_id": "e2", "code": "call", "customer_id": "c", "timestamp": "2026-01-02T00:00:00Z",
                                    "properties": {"n": 7, "r": "us", "kind": "b", "place": {"zone": "z"}, "tier": "t", "email": "x@y"}}]', true);
SELECT tally.cut('k') ~ '^cut_' AS made;
SELECT tally.update_metric('filtered', clear => '{filters}') ~ '^bm_' AS changed, tally.update_metric('single', clear => '{segmentation_matrix}') ~ '^bm_' AS changed,
       tally.update_metric('double', segmentation_matrix => '{"type": "SINGLE", "key": "kind", "values": ["a"]}') ~ '^bm_' AS changed;
-- more than once: of each change what was replaced is kept
SELECT tally.update_metric('plain', filters => '[{"property": "later", "op": "EQUAL", "values": ["l"]}]') ~ '^bm_' AS changed;
SELECT tally.cut('m') ~ '^cut_' AS made;
SELECT tally.update_metric('plain', clear => '{filters}') ~ '^bm_' AS changed;
CREATE FUNCTION pg_temp.usage() RETURNS TABLE (metric text, cut text, total text, groups text) LANGUAGE sql AS $$
    SELECT m.slug, coalesce(a, 'now'), (SELECT concat_ws('|', u.value, u.events) FROM tally.usage_total(m.slug, '2026-01-01', '2027-01-01', as_of => a) u),
           (SELECT string_agg(concat_ws('|', u.dimensions, u.value, u.events), ' ') FROM tally.usage(m.slug, '2026-01-01', '2027-01-01', as_of => a) u)
    FROM tally.metric m, unnest(ARRAY['k', 'm', NULL]) WITH ORDINALITY c(a, place) ORDER BY m.slug, place $$;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.usage();
SELECT * FROM before;
CREATE FUNCTION pg_temp.told(answer json) RETURNS TABLE (events int, properties text, metrics text) LANGUAGE sql AS $$
    SELECT (answer ->> 'events')::int, answer ->> 'properties', (SELECT string_agg(concat_ws(' ', m ->> 'name', m ->> 'properties'), ', ' ORDER BY m ->> 'name') FROM json_array_elements(answer -> 'metrics') m) $$;
-- named, they are told with the metrics that would change
SELECT * FROM pg_temp.told(tally.forget_customer('c', 'gdpr', '{r,place,later,email}'));
SELECT * FROM pg_temp.told(tally.forget_customer('c', 'gdpr', dry_run => false));
SELECT event_id, properties FROM tally.events ORDER BY event_id;
(TABLE before EXCEPT SELECT * FROM pg_temp.usage()) UNION ALL (SELECT * FROM pg_temp.usage() EXCEPT TABLE before);
-- named, they go all the same
SELECT * FROM pg_temp.told(tally.forget_customer('c', 'gdpr', '{r}', dry_run => false));
SELECT * FROM pg_temp.usage() WHERE metric = 'filtered';
SELECT * FROM tally.verify();
DROP EXTENSION pgtally CASCADE;
