-- imports: pieces of NDJSON and CSV files
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT tally.create_tenant('acme') ~ '^ten_' AS made;
SELECT tally.create_metric('call', 'SUM', aggregation_key => 'v') ~ '^bm_' AS made;
-- lines
SELECT line, document, reason FROM tally._import_lines(E'{"a":1}\n\n  {"b":"}{"} \r\n[1]\n{"a":1},{"b":2}\n{"a":[{}]}\n{"a":1}}{\nx\n"x"\n{', false);
SELECT line, document, reason FROM tally._import_lines(E'\ufeff{"a":1}', false);
SELECT line, document, reason FROM tally._import_lines('', false);
SELECT line, document, reason FROM tally._import_lines(E'event_code,customer_id,event_id,timestamp,bytes,"a ""b""",_error\r\ncall,ann,1,2024-01-01T00:00:00Z,5,"x, y",bad before\r\n\r\ncall,,,,,"two\nlines\t\\",\ncall,bob\ncall,"bob"x,1,,,,\n"call","bob","2","","7","",""', true);
SELECT line, document, reason FROM tally._import_lines(E'code,customer_alias\ncall,"ann\ncall,bob\n', true);
SELECT h, x.* FROM unnest(ARRAY['code,customer_id', E'code,customer_id\n\n\n']) h, tally._import_lines(h, true) x;
SELECT * FROM tally._import_lines('', true);
SELECT * FROM tally._import_lines('code,bytes', true);
SELECT * FROM tally._import_lines('customer_id,bytes', true);
SELECT * FROM tally._import_lines('code,event_code,customer_id', true);
SELECT * FROM tally._import_lines('code,customer_id,a,a', true);
SELECT * FROM tally._import_lines('code,customer_id,', true);
SELECT * FROM tally._import_lines('code,"customer_id', true);
-- an NDJSON file in two pieces
CREATE FUNCTION pg_temp.import(query text, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; field text;
BEGIN
    RETURN regexp_replace(tally_rest.import_chunk(1, '{}', replace(query, '$I', coalesce((SELECT tally._encode_id('imp_', import_id) FROM tally.import_batch ORDER BY import_id DESC LIMIT 1), ''))::jsonb, body)::text, 'imp_\w+', 'imp_ID');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, field = COLUMN_NAME;
    RETURN regexp_replace(format('%s %s: %s', state, field, message), 'imp_\w+', 'imp_ID');
END $$;
CREATE TEMP TABLE piece AS SELECT * FROM (VALUES (1, E'{"event_id":"a","code":"call","customer_id":"ann","timestamp":"2024-01-01T00:00:00Z","properties":{"v":1}}\n{"code":"call","customer_id":"ann","timestamp":"2024-01-02T00:00:00Z","properties":{"v":2}}\n\nnot json\n{"event_id":"b","customer_id":"ann"}\n{"broken":\n'),
    (7, E'{"code":"call","customer_id":"ann","timestamp":"2024-01-02T00:00:00Z","properties":{"v":2.0}}\n{"code":"call","customer_id":"bob","timestamp":"2024-01-02T00:00:00Z","properties":{"v":2}}\n{"event_id":"a","code":"call","customer_id":"ann","timestamp":"2024-01-01T00:00:00Z","properties":{"v":9}}\n{"event_id":"","code":"call","customer_id":"c","timestamp":"2024-01-05T00:00:00Z"}')) p(line, body);
SELECT pg_temp.import('{"name":["may.ndjson"]}', body) FROM piece WHERE line = 1;
SELECT pg_temp.import('{"import_id":["$I"],"line":["7"]}', body) FROM piece WHERE line = 7;
SELECT event_id, customer_id, properties FROM tally.recent_event ORDER BY seq;
SELECT value, events, skipped FROM tally.usage_total('call', '2024-01-01', '2025-01-01');
SELECT name, accepted, duplicates, failures FROM tally.import_batch;
-- sent twice it counts once
SELECT pg_temp.import('{"import_id":["$I"]}', body) FROM piece WHERE line = 1;
SELECT value FROM tally.usage_total('call', '2024-01-01', '2025-01-01');
-- taken back it counts no longer, takes no more, and can be sent again
SELECT tally_rest.void_import(1, jsonb_build_object('id', import_id), '{}', NULL) -> 'voided' ->> 'events' AS voided FROM tally.import_batch;
SELECT value, events FROM tally.usage_total('call', '2024-01-01', '2025-01-01');
SELECT pg_temp.import('{"import_id":["$I"]}', body) FROM piece WHERE line = 1;
SELECT pg_temp.import('{}', body) FROM piece ORDER BY line;
SELECT value FROM tally.usage_total('call', '2024-01-01', '2025-01-01');
-- CSV
SELECT pg_temp.import('{"format":["csv"],"name":["may.csv"]}', E'event_code,customer_id,event_id,timestamp,v,note\ncall,dan,1,2024-02-01T00:00:00Z,10,"a\nb"\ncall,dan,,2024-02-02T00:00:00+01:00,20,\ncall,dan,,2024-02-02T00:00:00+01:00,20,\ncall,dan,,yesterday,1,\n,dan,,,1,\n');
SELECT pg_temp.import('{"format":["csv"],"import_id":["$I"],"line":["8"]}', E'event_code,customer_id,event_id,timestamp,v,note\ncall,dan,1,2024-02-01T00:00:00Z,10.0,"a\nb"\ncall,dan\n');
SELECT ts, properties, length(event_id) FROM tally.recent_event WHERE customer_id = 'dan' ORDER BY seq;
-- ranges of lines grow together
SELECT tally._add_lines('{}', '[5,9)'), tally._add_lines('{"[1,5)","[9,12)"}', '[5,9)'), tally._add_lines('{"[1,5)","[20,30)"}', '[7,9)'), tally._add_lines('{"[1,5)","[7,9)","[20,30)"}', '[3,25)'), tally._add_lines('{"[1,5)"}', 'empty');
-- a piece comes again, cut in another way, with lines that whoever sent it could not read: none counts twice
CREATE FUNCTION pg_temp.lines(VARIADIC ids text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN id = '' THEN '' ELSE json_build_object('event_id', id, 'code', 'call', 'customer_id', 'r', 'timestamp', '2024-01-01T00:00:00Z')::text END, E'\n' ORDER BY n) FROM unnest(ids) WITH ORDINALITY t(id, n) $$;
SELECT pg_temp.import('{"name":["again"],"unread":["3"]}', pg_temp.lines('r1', 'r1', '', 'r2'));
SELECT pg_temp.import('{"import_id":["$I"],"line":["2"],"unread":["3","6"]}', pg_temp.lines('r1', '', 'r2', 'r3', '', 'r3'));
SELECT name, accepted, duplicates, failures, lines FROM tally.import_batch WHERE name = 'again';
-- the limit of the month: what comes before the first line that it refuses stands, nothing else is counted
BEGIN;
SELECT k.secret FROM tally._create_api_key(1, 'k', '{write}', NULL) k \gset
SELECT tally_rest.authenticate(sha256(:'secret'), 'write');
SELECT tally.set_limits(events_per_month => 3) ~ '^ten_' AS set;
SELECT pg_temp.import('{"name":["limited"],"unread":["2","7"]}', pg_temp.lines('r1', '', 'm1', 'm2', 'm1', 'm3', '', 'm4', 'r1'));
SELECT pg_temp.import('{"import_id":["$I"],"line":["8"]}', pg_temp.lines('m4', 'r1', 'm5'));
SELECT tally.set_limits(events_per_month => 4) ~ '^ten_' AS set;
SELECT pg_temp.import('{"import_id":["$I"],"line":["8"]}', pg_temp.lines('m4', 'r1', 'm5'));
SELECT name, accepted, duplicates, failures, lines, (SELECT sum(used) FROM tally.month_count WHERE key_id = '00000000-0000-0000-0000-000000000000') AS used FROM tally.import_batch WHERE name = 'limited';
COMMIT;
SELECT tally.set_limits() ~ '^ten_' AS set;
-- nothing at all begins an import; wrong calls
SELECT pg_temp.import('{"name":["empty"]}', ''), pg_temp.import('{"name":["empty"]}', NULL);
SELECT q, pg_temp.import(q, '{}') FROM unnest(ARRAY['{"format":["xml"]}', '{"import_id":["x"]}', '{"import_id":["imp_0"]}', '{"line":["0"]}', '{"file":["x"]}']) q;
SELECT pg_temp.import('{"format":["csv"]}', 'a,b');
SELECT pg_temp.import('{}', string_agg('{}', E'\n')) FROM generate_series(1, 10001);
SELECT count(*) AS batches FROM tally.import_batch;
