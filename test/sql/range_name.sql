-- both kinds of names for a range: from and to, start_date and end_date
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_metric('c', 'SUM', aggregation_key => 'n') ~ '^bm_' AS made;
SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', n::text, 'code', 'c', 'customer_id', 'k', 'timestamp', format('2026-01-%s', lpad(n::text, 2, '0')) || 'T12:00:00Z',
    'properties', jsonb_build_object('n', n))) FROM generate_series(1, 20) n), allow_backfilling => true) WHERE verdict = 'accepted';
-- SQL
SELECT value, events FROM tally.usage_total('c', start_date => '2026-01-03Z', end_date => '2026-01-05Z');
SELECT value, events FROM tally.usage_total('c', "from" => '2026-01-03Z', end_date => '2026-01-05Z');
SELECT value, window_start FROM tally.usage('c', start_date => '2026-01-03Z', end_date => '2026-01-05Z', "window" => 'day');
SELECT value FROM tally.usage('c', '2026-01-03Z', '2026-01-05Z', start_date => '2026-01-03 01:00:00+01', end_date => '2026-01-05Z');
SELECT count(*) FROM tally.events('c', start_date => '2026-01-03Z', end_date => '2026-01-05Z');
SELECT count(*) FROM tally.events(end_date => '2026-01-05Z');
SELECT * FROM tally.usage_total('c', '2026-01-03Z', '2026-01-05Z', start_date => '2026-01-04Z');
SELECT * FROM tally.usage('c', '2026-01-03Z', '2026-01-05Z', end_date => '2026-01-04Z');
SELECT * FROM tally.events('c', '2026-01-03Z', '2026-01-05Z', end_date => '2026-01-04Z');
SELECT * FROM tally.usage_total('c', '2026-01-03Z');
SELECT * FROM tally.usage_total('c');
-- REST
CREATE FUNCTION pg_temp.ask(route text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text; answer text;
BEGIN
    EXECUTE format('SELECT tally_rest.%I(1, %L, $1, NULL)', route, '{"id":"c","customer_id":"k"}') INTO answer USING query::jsonb;
    RETURN concat_ws(' ', coalesce((SELECT json_array_length(answer::json -> 'data')::text), (SELECT count(*)::text FROM json_array_elements(answer::json -> 'summaries'))), answer::json #>> '{total,value}',
                     answer::json ->> 'period_start', answer::json ->> 'period_end', answer::json #>> '{usage,0,total_value}');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN format('%s %s: %s', state, field, message);
END $$;
SELECT r, q, pg_temp.ask(r, replace(replace(q, 'A', '2026-01-03'), 'B', '2026-01-05'))
FROM unnest(ARRAY['metric_usage', 'metric_summaries', 'list_events', 'usage_summary', 'customer_usage']) WITH ORDINALITY u(r, n),
     unnest(ARRAY['{"from":["A"],"to":["B"]}', '{"start_date":["A"],"end_date":["B"]}', '{"from":["A"],"end_date":["B"]}', '{"from":["A"],"start_date":["A"],"to":["B"]}', '{"from":["A"],"start_date":["B"],"to":["B"]}',
         '{"from":["A"],"to":["B"],"end_date":["A"]}', '{"start_date":["B"],"end_date":["A"]}', '{"start_date":["x"],"end_date":["B"]}', '{"from":["A"],"to":["B"],"end_date":["x"]}', '{"from":["A"],"to":[""],"end_date":["B"]}',
         '{"start_date":["A","A"],"end_date":["B"]}', '{"start_date":["A"]}']) WITH ORDINALITY v(q, m)
ORDER BY n, m;
SELECT pg_temp.ask('metric_usage', '{"from":["2026-01-03"],"start_date":["2026-01-02T23:00:00Z"],"to":["2026-01-05"],"time_zone":["Europe/Berlin"]}') AS same_in_its_zone;
