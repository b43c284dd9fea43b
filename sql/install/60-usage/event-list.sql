-- the event list: which events are there, and what each metric made of them

CREATE FUNCTION tally._contains(e tally.recent_event, needle text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT position(needle IN lower(e.event_id COLLATE "C")) > 0 OR position(needle IN lower(e.code COLLATE "C")) > 0
           OR EXISTS (SELECT FROM json_each_text(e.properties) p WHERE position(needle IN lower(p.value COLLATE "C")) > 0)
$$;
COMMENT ON FUNCTION tally._contains(tally.recent_event, text) IS
    'Whether the id, the code or a property of an event holds a text, which is given in lower case';

CREATE FUNCTION tally._find_events(tenant_id integer, code text, customer_id text, source text, "from" timestamptz, "to" timestamptz,
                                   search text, before_ts timestamptz, before_seq bigint, row_limit integer) RETURNS SETOF tally.recent_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    -- What is not asked for falls out of the plan.
    SET plan_cache_mode = force_custom_plan
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := _find_events.tenant_id;
    what     text := _find_events.code;
    customer text := _find_events.customer_id;
    sender   text := _find_events.source;
    needle   text := lower(_find_events.search COLLATE "C");
BEGIN
    RETURN QUERY
    SELECT e.* FROM tally.recent_event e
    WHERE e.tenant_id = tenant AND (what IS NULL OR e.code = what) AND (customer IS NULL OR e.customer_id = customer)
      AND (sender IS NULL OR e.source = sender)
      AND ("from" IS NULL OR e.ts >= "from") AND ("to" IS NULL OR e.ts < "to")
      AND (before_ts IS NULL OR (e.ts <= before_ts AND (e.ts, e.seq) < (before_ts, before_seq)))
      AND (needle IS NULL OR tally._contains(e, needle))
    ORDER BY e.ts DESC, e.seq DESC LIMIT row_limit;
END
$$;
COMMENT ON FUNCTION tally._find_events(integer, text, text, text, timestamptz, timestamptz, text, timestamptz, bigint, integer) IS
    'A tenant''s events in [from, to), newest first by (ts, seq), those before a place in that order; NULL asks for any';

CREATE FUNCTION tally._events_by_id(tenant_id integer, event_id text, customer_id text, source text) RETURNS SETOF tally.recent_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := _events_by_id.tenant_id;
    id       text := _events_by_id.event_id;
    customer text := _events_by_id.customer_id;
    sender   text := _events_by_id.source;
BEGIN
    RETURN QUERY
    SELECT e.* FROM tally.recent_event e
    WHERE e.tenant_id = tenant AND e.event_id = id
      AND (customer IS NULL OR e.customer_id = customer) AND (sender IS NULL OR e.source = sender)
    ORDER BY e.ts DESC, e.seq DESC LIMIT 1000;
END
$$;
COMMENT ON FUNCTION tally._events_by_id(integer, text, text, text) IS
    'Events with this id, newest first, voided ones too; of one customer or source where they are not NULL';

CREATE FUNCTION tally._uncounted_reason(metric tally.metric, properties jsonb) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_uncounted_reason'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._uncounted_reason(tally.metric, jsonb) IS
    'Why a metric does not count an event with its code and these properties; NULL if it does';
