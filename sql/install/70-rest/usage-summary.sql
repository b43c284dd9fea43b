-- tally_rest: usage of all metrics between two dates, in the shape of the Meteroid API

CREATE FUNCTION tally_rest._date(query jsonb, name text) RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := tally_rest._parameter(query, name);
    at    timestamptz;
BEGIN
    IF given IS NULL THEN
        PERFORM tally._fail(name, format('%s is missing', name), 'Give a date such as 2024-01-31.');
    ELSIF given ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND given >= '0001' THEN     -- there is no year 0
        at := tally._parse_timestamp(given || 'T00:00:00Z');
    END IF;
    IF at IS NULL THEN
        PERFORM tally._fail(name, format('%s must be a date such as 2024-01-31, not "%s"', name, left(given, 64)));
    END IF;
    RETURN at;
END
$$;
COMMENT ON FUNCTION tally_rest._date(jsonb, text) IS 'A query parameter that is a date: its first instant in UTC. Raises 22023';

CREATE FUNCTION tally._statement_deadline() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_statement_deadline'
    LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION tally._statement_deadline() IS 'When statement_timeout will end the statement that is running; NULL where it will not';

CREATE FUNCTION tally._set_statement_deadline(at timestamptz) RETURNS void
    AS 'MODULE_PATHNAME', 'tally_set_statement_deadline'
    LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION tally._set_statement_deadline(timestamptz) IS
    'Lets the timer of statement_timeout ring at another time, for the statement that is running only. NULL: leaves it alone';

CREATE FUNCTION tally_rest._metric_answer(m tally.metric, total numeric, groups json, problem text) RETURNS json
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN problem IS NULL
        THEN json_build_object('metric_id', tally._encode_id('bm_', m.metric_id), 'metric_name', m.name, 'metric_code', m.code,
                               'total_value', coalesce(total::text, '0'), 'grouped_usage', coalesce(groups, '[]'))
        ELSE json_build_object('metric_id', tally._encode_id('bm_', m.metric_id), 'metric_name', m.name, 'metric_code', m.code,
                               'error', problem) END
$$;
COMMENT ON FUNCTION tally_rest._metric_answer(tally.metric, numeric, json, text) IS
    'One metric of a usage answer: its total ("0" where nothing has a value: clients of this shape read a number) and its groups, or the problem in their place';

-- All metrics of a code are answered in one pass over its events. What one of them raises (too many groups for the memory, a value
-- too large) spoils the pass, and each is asked by itself.
-- No metric may use up the time of the others. The timer of the statement rings once and then no more, so before each pass
-- it is set to its share of the time that is left, and back afterwards. What comes before that moment is not the
-- timer: a cancel of the user or of the server, which ends the statement as ever. (A cancel that arrives in the instant in
-- which a pass's own time has just ended is taken for that end; whoever cancelled can do so again.)
CREATE FUNCTION tally_rest._usage_of_code(metrics tally.metric[], "from" timestamptz, "to" timestamptz, customers text[],
                                          share double precision, as_of text DEFAULT NULL) RETURNS json[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    answers    json[] := '{}';
    names      text := (SELECT string_agg(tally._encode_id('bm_', metric_id), ', ') FROM unnest(metrics));
    problem    text;
    deadline   timestamptz := CASE WHEN share < 1 THEN tally._statement_deadline() END;
    own_part   timestamptz := clock_timestamp() + (deadline - clock_timestamp()) * share;
BEGIN
    BEGIN
        PERFORM tally._set_statement_deadline(own_part);
        SELECT array_agg(a.answer ORDER BY a.metric_number) INTO answers
        FROM (SELECT u.metric_number, tally_rest._metric_answer(metrics[u.metric_number],
                  max(u.value) FILTER (WHERE u.is_total),     -- there is one such row
                  json_agg(json_build_object('value', u.value::text, 'dimensions', jsonb_strip_nulls(u.dimensions::jsonb)) ORDER BY u.dimensions)
                      FILTER (WHERE NOT u.is_total AND u.value IS NOT NULL), NULL) AS answer
              FROM tally._usage_of_code(metrics, "from", "to", customers, as_of) u GROUP BY u.metric_number) a;
        PERFORM tally._set_statement_deadline(deadline);
        RETURN answers;
    EXCEPTION
        WHEN query_canceled THEN
            PERFORM tally._set_statement_deadline(deadline);
            IF (clock_timestamp() >= own_part) IS NOT TRUE THEN
                RAISE;
            END IF;
            RAISE LOG 'usage of % took more than its share of the time that was left (%)', names, share;
            problem := 'the usage of this metric takes too long; ask for it alone (metric_id), or for a shorter period';
        WHEN OTHERS THEN
            PERFORM tally._set_statement_deadline(deadline);
            -- What hits every metric alike, and may pass, is no property of this one.
            IF left(SQLSTATE, 2) IN ('40', '53', '55', '57', '58') THEN
                RAISE;
            END IF;
            RAISE LOG 'usage of % failed: % (%)', names, SQLERRM, SQLSTATE;
            problem := CASE WHEN left(SQLSTATE, 2) IN ('22', '54') THEN SQLERRM ELSE 'the usage of this metric cannot be computed' END;
    END;
    IF cardinality(metrics) = 1 THEN
        RETURN ARRAY[tally_rest._metric_answer(metrics[1], NULL, NULL, problem)];
    END IF;
    answers := '{}';
    FOR n IN 1 .. cardinality(metrics) LOOP
        answers := answers || tally_rest._usage_of_code(metrics[n:n], "from", "to", customers, 0.5, as_of);
    END LOOP;
    RETURN answers;
END
$$;
COMMENT ON FUNCTION tally_rest._usage_of_code(tally.metric[], timestamptz, timestamptz, text[], double precision, text) IS
    'What a usage answer says of each of these metrics, which read one code: its total, made by merging the states of its groups, and its groups; where one cannot be computed, or not within a share (0 to 1) of the time that is left until statement_timeout, an error in their place';

CREATE FUNCTION tally_rest._usage_of_metrics(tenant_id integer, query jsonb, customers text[]) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tenant     integer := tenant_id;
    start_name text;
    end_name   text;
    start_date timestamptz;
    end_date   timestamptz;
    chosen     tally.metric;
    only_one   boolean;
    as_of      json;
    metrics    tally.metric[];
    places     integer[];     -- of the metrics of one code
    part       json[];
    answered   integer := 0;
    answers    json[] := '{}';
BEGIN
    PERFORM tally_rest._check_query(query, ARRAY['start_date', 'end_date', 'from', 'to', 'metric_id', 'as_of']);
    IF length(customers[1]) > 255 THEN
        PERFORM tally._fail('customer_id', 'customer_id must have 1 to 255 characters');
    END IF;
    start_name := tally_rest._either(query, 'start_date', 'from');
    end_name := tally_rest._either(query, 'end_date', 'to');
    start_date := tally_rest._date(query, start_name);
    end_date := tally_rest._date(query, end_name);
    IF end_date <= start_date THEN
        PERFORM tally._fail(end_name, format('%s must lie after %s', end_name, start_name), format('A period holds its %s and not its %s.', start_name, end_name));
    END IF;
    as_of := tally_rest._as_of(tenant, query);
    only_one := tally_rest._parameter(query, 'metric_id') IS NOT NULL;
    IF only_one THEN
        chosen := tally_rest._metric_of_path(tenant, jsonb_build_object('id', tally_rest._parameter(query, 'metric_id')), 'metric_id');
    END IF;
    metrics := ARRAY(SELECT m FROM tally.metric m
                     WHERE m.tenant_id = tenant AND CASE WHEN only_one THEN m.metric_id = chosen.metric_id ELSE m.archived_at IS NULL END
                     ORDER BY m.created_at, m.metric_id);
    FOR places IN SELECT array_agg(u.ordinality ORDER BY u.ordinality) FROM unnest(metrics) WITH ORDINALITY u
                  GROUP BY u.code ORDER BY min(u.ordinality) LOOP
        part := tally_rest._usage_of_code(
            ARRAY(SELECT metrics[p.place] FROM unnest(places) WITH ORDINALITY p(place, n) ORDER BY p.n), start_date, end_date, customers,
            CASE WHEN cardinality(metrics) = 1 THEN 1
                 WHEN cardinality(places) = 1 AND answered = cardinality(metrics) - 1 THEN 0.9 ELSE 0.5 END, as_of ->> 'id');
        FOR n IN 1 .. cardinality(places) LOOP
            answers[places[n]] := part[n];
        END LOOP;
        answered := answered + cardinality(places);
    END LOOP;
    RETURN left(json_build_object(
        'period_start', tally_rest._parameter(query, start_name), 'period_end', tally_rest._parameter(query, end_name),
        'usage', array_to_json(answers))::text, -1) || coalesce(', "as_of": ' || as_of::text, '') || '}';
END
$$;
COMMENT ON FUNCTION tally_rest._usage_of_metrics(integer, jsonb, text[]) IS
    'Usage of a tenant''s unarchived metrics in order of creation, or of the one that metric_id names, between start_date and end_date';

CREATE FUNCTION tally_rest.usage_summary(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally_rest._usage_of_metrics(tenant_id, query, NULL) $$;
COMMENT ON FUNCTION tally_rest.usage_summary(integer, jsonb, jsonb, text) IS
    'GET /api/v1/usage/summary: usage of every metric over all customers from start_date to before end_date (days in UTC), or of one metric (metric_id)';

CREATE FUNCTION tally_rest.customer_usage(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally_rest._usage_of_metrics(tenant_id, query, ARRAY[path ->> 'customer_id']) $$;
COMMENT ON FUNCTION tally_rest.customer_usage(integer, jsonb, jsonb, text) IS
    'GET /api/v1/usage/customer/{customer_id}: usage_summary for one customer; a customer without events has no usage';
