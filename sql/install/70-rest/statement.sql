-- tally_rest: closed periods, their lines and their adjustments

CREATE FUNCTION tally_rest._statement(s tally.statement) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'id', tally._encode_id('stm_', s.statement_id), 'from', tally_rest._timestamp(s.range_from), 'to', tally_rest._timestamp(s.range_to),
        'customer_id', s.customer_id, 'lines', s.lines, 'digest', s.digest, 'supersedes', tally._supersedes(s), 'superseded_by', tally._superseded_by(s),
        'created_at', tally_rest._timestamp(s.created_at), 'created_by', s.created_by))
$$;
COMMENT ON FUNCTION tally_rest._statement(tally.statement) IS 'A statement as the API shows it, without its lines';

CREATE FUNCTION tally_rest._statements_field(fields jsonb) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF jsonb_typeof(fields -> 'supersedes') IS DISTINCT FROM 'array' THEN
        RETURN CASE WHEN tally._text_field(fields, 'supersedes', 64) IS NOT NULL THEN ARRAY[fields ->> 'supersedes'] END;
    END IF;
    IF EXISTS (SELECT FROM jsonb_array_elements(fields -> 'supersedes') e WHERE jsonb_typeof(e) <> 'string') THEN
        PERFORM tally._fail('supersedes', 'supersedes must be the id of a statement, or an array of such ids');
    END IF;
    RETURN ARRAY(SELECT jsonb_array_elements_text(fields -> 'supersedes'));
END
$$;
COMMENT ON FUNCTION tally_rest._statements_field(jsonb) IS 'The field supersedes of a body: an id or several. Raises 22023';

CREATE FUNCTION tally_gated.create_statement(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fields jsonb := tally_rest._body(body);
    made   text;
BEGIN
    PERFORM tally_rest._check_query(query, '{}'), tally_rest._check_fields(fields, ARRAY['from', 'to', 'customer_id', 'supersedes']);
    made := tally_gated.close_period(tenant_id,
        tally_rest._instant_field(fields, 'from'), tally_rest._instant_field(fields, 'to'), tally_rest._customer_field(fields), tally_rest._statements_field(fields));
    RETURN tally_rest._statement(tally._statement(tenant_id, made));
END
$$;
COMMENT ON FUNCTION tally_gated.create_statement(integer, jsonb, jsonb, text) IS 'What create_statement does once the gate has let the caller through';

CREATE FUNCTION tally_rest.create_statement(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_given'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.create_statement(integer, jsonb, jsonb, text) IS
    'POST /api/v1/statements: {from, to, customer_id?, supersedes?}: closes a period and answers its statement. Errors: TL409 closed already; P0002 no such statement to supersede';

CREATE FUNCTION tally_rest.list_statements(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant   integer := tenant_id;
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page']);
    RETURN tally_rest._page(
        (SELECT json_agg(tally_rest._statement(s) ORDER BY s.number DESC)
         FROM (SELECT * FROM tally.statement x WHERE x.tenant_id = tenant ORDER BY x.number DESC LIMIT per_page OFFSET page::bigint * per_page) s),
        page, per_page, (SELECT count(*) FROM tally.statement x WHERE x.tenant_id = tenant));
END
$$;
COMMENT ON FUNCTION tally_rest.list_statements(integer, jsonb, jsonb, text) IS 'GET /api/v1/statements: newest first, in pages (page, per_page)';

CREATE FUNCTION tally_rest._statement_page(s tally.statement, after_customer text, after_place integer, first bigint, row_limit integer, OUT lines json, OUT next_cursor text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    metrics tally.metric[] := tally._definitions(s.definitions);
BEGIN
    -- As the key has them, so that a page costs the same wherever its cursor is.
    WITH l AS MATERIALIZED (
        SELECT l.customer_id, u.*
        FROM (SELECT * FROM tally.statement_usage x
              WHERE x.tenant_id = s.tenant_id AND x.statement_id = s.statement_id AND x.customer_id >= after_customer COLLATE "C" ORDER BY x.customer_id, x.part) l,
             LATERAL tally._lines(l.lines) u
        WHERE (l.customer_id, u.place) > (after_customer COLLATE "C", after_place)
        LIMIT row_limit + 1 OFFSET first
    ), shown AS (SELECT * FROM l LIMIT row_limit)
    SELECT coalesce((SELECT json_agg(json_build_object('customer_id', x.customer_id, 'metric_id', tally._encode_id('bm_', metrics[x.place].metric_id), 'value', x.value::text,
                        'converted_value', x.converted_value::text, 'events', x.events, 'skipped', x.skipped) ORDER BY x.customer_id, x.place) FROM shown x), '[]'),
           (SELECT lpad(to_hex(x.place), 8, '0') || encode(convert_to(x.customer_id, 'UTF8'), 'hex') FROM l x WHERE (SELECT count(*) FROM l) > row_limit
            ORDER BY x.customer_id DESC, x.place DESC LIMIT 1 OFFSET 1)
    INTO lines, next_cursor;
END
$$;
COMMENT ON FUNCTION tally_rest._statement_page(tally.statement, text, integer, bigint, integer) IS
    'Lines of a statement as the API shows them, by customer and metric: those behind a customer''s line (place 0: from its first on), without the first ones; and the cursor of what follows, where something does';

CREATE FUNCTION tally_rest._statement_lines(s tally.statement, query jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    row_limit integer := tally_rest._parameter_number(query, 'limit', 1, 1000, 100);
    given     text := coalesce(tally_rest._parameter(query, 'cursor'), repeat('0', 8));     -- before the first line
    customer  text;
BEGIN
    IF given !~ '^[0-7][0-9a-f]{7}([0-9a-f]{2})*$' THEN
        PERFORM tally._fail('cursor', 'cursor must be the next_cursor of an earlier answer');
    END IF;
    BEGIN
        customer := convert_from(decode(substr(given, 9), 'hex'), 'UTF8');
    EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN     -- somebody made it up
        PERFORM tally._fail('cursor', 'cursor must be the next_cursor of an earlier answer');
    END;
    RETURN (SELECT jsonb_build_object('data', p.lines, 'next_cursor', p.next_cursor)
            FROM tally_rest._statement_page(s, customer, ('x' || left(given, 8))::bit(32)::integer, 0, row_limit) p);
END
$$;
COMMENT ON FUNCTION tally_rest._statement_lines(tally.statement, jsonb) IS 'Lines of a statement behind a cursor (limit, cursor), and the cursor behind them. Raises 22023';

CREATE FUNCTION tally_rest._statement_with_metrics(s tally.statement) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally_rest._statement(s) || jsonb_build_object('metrics', coalesce((SELECT json_agg(tally_rest._metric(m)) FROM json_populate_recordset(NULL::tally.metric, s.definitions) m), '[]'))
$$;
COMMENT ON FUNCTION tally_rest._statement_with_metrics(tally.statement) IS 'A statement as the API shows it, with the definitions of its metrics as they were';

CREATE FUNCTION tally_rest.get_statement(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    s        tally.statement := tally._statement(tenant_id, path ->> 'id');
    page     integer := tally_rest._parameter_number(query, 'page', 0, 100000000, 0);
    per_page integer := tally_rest._parameter_number(query, 'per_page', 1, 100, 20);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['page', 'per_page', 'limit', 'cursor']);
    IF query ?| ARRAY['limit', 'cursor'] THEN
        IF query ?| ARRAY['page', 'per_page'] THEN
            PERFORM tally._fail('page', 'a page is told by page and per_page, or by limit and cursor');
        END IF;
        RETURN tally_rest._statement_with_metrics(s) || tally_rest._statement_lines(s, query);
    END IF;
    RETURN tally_rest._statement_with_metrics(s) || tally_rest._page(
        (SELECT p.lines FROM tally_rest._statement_page(s, '', 0, page::bigint * per_page, per_page) p),
        page, per_page, s.lines)::jsonb;
END
$$;
COMMENT ON FUNCTION tally_rest.get_statement(integer, jsonb, jsonb, text) IS
    'GET /api/v1/statements/{id}: the statement with its metrics as they were and a page of its lines (data; page, per_page, or limit, cursor), by customer and metric';

CREATE FUNCTION tally_rest.list_adjustments(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    s            tally.statement := tally._statement(tenant_id, path ->> 'id');
    event_limit  integer := tally_rest._parameter_number(query, 'events_limit', 0, 10000, 10000);
    event_offset integer := tally_rest._parameter_number(query, 'events_offset', 0, 1000000000, 0);
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['events_limit', 'events_offset']);
    RETURN (
        WITH a AS MATERIALIZED (SELECT x.* FROM tally._adjustments(s) x),
        y AS MATERIALIZED (SELECT * FROM tally._adjusting_events(s))
        SELECT json_build_object(
            'statement_id', tally._encode_id('stm_', s.statement_id),
            'data', coalesce((SELECT json_agg(json_build_object('customer_id', a.customer_id, 'metric_id', tally._encode_id('bm_', a.metric_id), 'value', a.value::text,
                        'converted_value', a.converted_value::text, 'events', a.events, 'skipped', a.skipped, 'value_then', a.value_then::text, 'value_now', a.value_now::text)
                        ORDER BY a.customer_id COLLATE "C", a.metric_id) FROM a), '[]'),
            'totals', coalesce((SELECT json_agg(json_build_object('metric_id', tally._encode_id('bm_', t.metric_id), 'value', t.value::text, 'converted_value', t.converted_value::text) ORDER BY t.metric_id)
                                FROM (SELECT a.metric_id, sum(a.value) AS value, sum(a.converted_value) AS converted_value FROM a GROUP BY a.metric_id) t), '[]'),
            'events', coalesce((SELECT json_agg(json_build_object('event_id', e.event_id, 'code', e.code, 'customer_id', e.customer_id, 'source', e.source,
                        'timestamp', tally_rest._timestamp(e.ts), 'change', e.change, 'at', tally_rest._timestamp(e.at)) ORDER BY e.at, e.ts, e.event_id)
                        FROM (SELECT * FROM y ORDER BY y.at, y.ts, y.event_id, y.customer_id, y.source, y.change LIMIT event_limit OFFSET event_offset) e), '[]'),
            'events_total', (SELECT count(*) FROM y)));
END
$$;
COMMENT ON FUNCTION tally_rest.list_adjustments(integer, jsonb, jsonb, text) IS
    'GET /api/v1/statements/{id}/adjustments: what has changed in the period since: for each customer and metric, summed by metric (totals), with the events that were received or corrected since (events_limit, at most 10,000, from events_offset on; events_total of them)';
