-- events one by one, wherever they lie (extension/pg/usage): the list, the lookups, and tally.events

CREATE FUNCTION tally._find_events(tenant_id integer, code text, customer_id text, source text, "from" timestamptz, "to" timestamptz,
                                   search text, before_ts timestamptz, before_seq bigint, row_limit integer, as_of text DEFAULT NULL) RETURNS SETOF tally.recent_event
    AS 'MODULE_PATHNAME', 'tally_find_events'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION tally._find_events(integer, text, text, text, timestamptz, timestamptz, text, timestamptz, bigint, integer, text) IS
    'A tenant''s events in [from, to), newest first by (ts, seq), those before a place in that order, those known at a cut; NULL asks for any';

CREATE FUNCTION tally._events_since(tenant_id integer, code text, customer_id text, "from" timestamptz, "to" timestamptz, as_of text, seqs bigint[]) RETURNS SETOF tally.recent_event
    AS 'MODULE_PATHNAME', 'tally_events_since'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION tally._events_since(integer, text, text, timestamptz, timestamptz, text, bigint[]) IS
    'A tenant''s events in [from, to) that were not known at a cut, and of those that were the ones with these seqs, which ascend; NULL asks for any code or customer';

CREATE FUNCTION tally._list_events(tenant_id integer, code text, customer_id text, source text, "from" timestamptz, "to" timestamptz,
                                   search text, before_ts timestamptz, before_seq bigint, row_limit integer, as_of text,
                                   OUT data json, OUT last_ts timestamptz, OUT last_seq bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_list_events'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1 COST 10000;
COMMENT ON FUNCTION tally._list_events(integer, text, text, text, timestamptz, timestamptz, text, timestamptz, bigint, integer, text) IS
    'What _find_events finds, at most row_limit (1 or more), as an array of what _event_json makes of each; last_ts and last_seq are the place of the last one where there are more, and NULL otherwise';

CREATE FUNCTION tally._events_by_id(tenant_id integer, event_id text, customer_id text, source text, as_of text DEFAULT NULL) RETURNS SETOF tally.recent_event
    AS 'MODULE_PATHNAME', 'tally_events_by_id'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1 COST 10000;
COMMENT ON FUNCTION tally._events_by_id(integer, text, text, text, text) IS
    'Events with this id, newest first, voided ones too; of one customer or source, and those known at a cut, where they are not NULL';

CREATE FUNCTION tally._event_json(e tally.recent_event, explain boolean, as_of text DEFAULT NULL) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_event_json'
    LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tally._event_json(tally.recent_event, boolean, text) IS
    'An event as the API shows it: metrics are the unarchived ones that read its code; import_id and voided are left out where they do not apply, and as_of a cut are what they were then; explain: of each metric that counts it also the value that it takes, and the dimensions of its usage';

CREATE FUNCTION tally._event_tried(e tally.recent_event, definition tally.metric) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_event_tried'
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION tally._event_tried(tally.recent_event, tally.metric) IS
    'An event as _event_json explains it, of one definition alone, which need not be stored: what a metric of it would make of the event';

CREATE FUNCTION tally.explain_event(event_id text, customer text DEFAULT NULL, source text DEFAULT NULL, as_of text DEFAULT NULL,
                                    "window" text DEFAULT 'month', time_zone text DEFAULT 'UTC',
                                    OUT seq bigint, OUT customer_id text, OUT sent_by text, OUT ts timestamptz, OUT code text,
                                    OUT metric text, OUT counted boolean, OUT value text, OUT dimensions jsonb, OUT reason text,
                                    OUT metric_id text, OUT window_start timestamptz, OUT window_end timestamptz)
    RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT e.seq, e.customer_id, e.source, e.ts, e.code, m.name, coalesce((x.made ->> 'counted')::boolean, false), x.made ->> 'value',
           (x.made -> 'dimensions')::jsonb, CASE WHEN x.made IS NULL THEN 'no metric in use reads its code' ELSE x.made ->> 'reason' END, x.made ->> 'metric_id',
           w.window_start, w.window_end
    FROM tally._events_by_id(tally.current_tenant(), explain_event.event_id, customer, explain_event.source, as_of) e
    LEFT JOIN LATERAL json_array_elements(tally._event_json(e, true, as_of) -> 'metrics') WITH ORDINALITY x(made, place) ON true
    LEFT JOIN tally.metric m ON m.tenant_id = e.tenant_id AND m.metric_id = tally._decode_id('bm_', x.made ->> 'metric_id')
    -- The first and the last window of a range are cut to it, so the range goes well beyond the event.
    LEFT JOIN LATERAL tally.windows(e.ts - 2 * tally._window_width("window"), e.ts + 2 * tally._window_width("window"), "window", time_zone) w
        ON w.window_start <= e.ts AND e.ts < w.window_end
    ORDER BY e.ts DESC, e.seq DESC, x.place
$$;
COMMENT ON FUNCTION tally.explain_event(text, text, text, text, text, text) IS
    'What each metric in use makes of the events with this id of the current tenant, of a customer and source where they are named: the value that it takes, the dimensions of the group and the window (month of UTC, or another of a time zone) that it counts in, or why it does not count it. An amended event is there as it was and as it is. as_of: only what was known at a cut, by the definitions that metrics had then';

CREATE FUNCTION tally._events_of_import(tenant_id integer, import_id uuid) RETURNS SETOF tally.recent_event
    AS 'MODULE_PATHNAME', 'tally_events_of_import'
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10000 COST 100000;
COMMENT ON FUNCTION tally._events_of_import(integer, uuid) IS 'The events that an import brought, in no particular order';

CREATE FUNCTION tally.events(code text DEFAULT NULL, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, customer text DEFAULT NULL,
                             start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL, as_of text DEFAULT NULL,
                             OUT event_id text, OUT code text, OUT customer_id text, OUT source text, OUT ts timestamptz,
                             OUT received_at timestamptz, OUT properties jsonb, OUT import_id text, OUT seq bigint, OUT voided boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_events'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10000 COST 100000;
COMMENT ON FUNCTION tally.events(text, timestamptz, timestamptz, text, timestamptz, timestamptz, text) IS
    'Events of the current tenant in [from, to), or [start_date, end_date), of one code and one customer where they are named, in no particular order; voided ones too, which do not count. as_of: those that were known at a cut, and whether they were void then. NULL asks for any';

CREATE VIEW tally.events WITH (security_barrier) AS
    SELECT e.event_id, e.code, e.customer_id, e.source, e.ts, e.received_at, e.properties, e.import_id, e.seq, e.voided
    FROM tally.events(NULL, NULL, NULL, NULL) e;
COMMENT ON VIEW tally.events IS 'All events of the current tenant. The function of this name reads only what it is asked for';
