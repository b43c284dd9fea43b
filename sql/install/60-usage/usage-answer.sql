-- usage answers: states turned into values, with empty windows, totals and unit conversion

CREATE FUNCTION tally._state_value(aggregation_type text, summary tally.summary, members tally.distinct_set, events bigint)
    RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE aggregation_type
        WHEN 'COUNT' THEN events::numeric
        WHEN 'COUNT_DISTINCT' THEN coalesce(tally.cardinality(members), 0)::numeric
        WHEN 'SUM' THEN coalesce(tally.total(summary), 0)
        WHEN 'MEAN' THEN trim_scale(tally.mean(summary))
        WHEN 'MIN' THEN tally.lowest(summary)
        WHEN 'MAX' THEN tally.highest(summary)
        WHEN 'LATEST' THEN tally.latest(summary) END
$$;
COMMENT ON FUNCTION tally._state_value(text, tally.summary, tally.distinct_set, bigint) IS
    'Value of an aggregation''s state; of nothing it is 0 for COUNT, SUM and COUNT_DISTINCT and NULL for the others';

CREATE FUNCTION tally._check_range("from" timestamptz, "to" timestamptz) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
BEGIN
    IF "from" IS NULL OR NOT isfinite("from") THEN
        PERFORM tally._fail('from', 'from must be a point in time');
    ELSIF "to" IS NULL OR NOT isfinite("to") THEN
        PERFORM tally._fail('to', 'to must be a point in time');
    ELSIF "from" < '0001-01-01' OR "to" > '10000-01-01' THEN
        PERFORM tally._fail('from', 'from and to must lie in the years 1 to 9999');
    ELSIF "from" >= "to" THEN
        PERFORM tally._fail('to', 'to must lie after from', 'A range holds its start and not its end.');
    END IF;
END
$$;
COMMENT ON FUNCTION tally._check_range(timestamptz, timestamptz) IS 'Raises 22023 unless from < to';

CREATE FUNCTION tally._check_group_by(group_by text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF cardinality(group_by) > 10 THEN
        PERFORM tally._fail('group_by', format('group_by names %s properties; at most 10 are allowed', cardinality(group_by)));
    ELSIF EXISTS (SELECT FROM unnest(group_by) g WHERE g IS NULL OR length(g) NOT BETWEEN 1 AND 255) THEN
        PERFORM tally._fail('group_by', 'group_by must name properties of 1 to 255 characters');
    END IF;
    RETURN coalesce(group_by, '{}');
END
$$;
COMMENT ON FUNCTION tally._check_group_by(text[]) IS 'The names of properties to group by. Raises 22023';

CREATE FUNCTION tally._usage(metric tally.metric, "from" timestamptz, "to" timestamptz, customers text[], "window" text,
                             time_zone text, group_by text[], filter jsonb, fill boolean,
                             OUT is_total boolean, OUT window_start timestamptz, OUT window_end timestamptz, OUT customer_id text,
                             OUT dimensions jsonb, OUT value numeric, OUT converted_value numeric, OUT events bigint,
                             OUT skipped bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
    AS $$
#variable_conflict use_column
DECLARE
    starts      timestamptz[];
    keys        text[];
    by_customer boolean;
    named       text[] := (SELECT array_agg(DISTINCT c) FROM unnest(customers) c WHERE c IS NOT NULL);
    lists       jsonb := tally._check_filter(filter);
BEGIN
    PERFORM tally._check_range("from", "to");
    starts := tally._window_starts("from", "to", "window", tally._check_time_zone(time_zone));
    keys := tally._metric_dimensions(metric);
    by_customer := 'customer_id' = ANY (tally._check_group_by(group_by));
    keys := keys || (SELECT coalesce(array_agg(g.key ORDER BY g.n), '{}')
                     FROM (SELECT DISTINCT ON (key) key, n FROM unnest(group_by) WITH ORDINALITY u(key, n) ORDER BY key, n) g
                     WHERE g.key <> 'customer_id' AND g.key <> ALL (keys));
    RETURN QUERY
    WITH states AS MATERIALIZED (
        SELECT * FROM tally._usage_states(metric, starts, "to", named, by_customer, keys, lists)
    ), asked AS (
        -- Groups that are answered even where nothing happened: windows on request, and the one group of an ungrouped range.
        SELECT s.slot, g.customer_id, g.dimension_values
        FROM (SELECT customer_id, dimension_values FROM states
              UNION SELECT NULL, '{}'::text[] WHERE keys = '{}' AND NOT by_customer
              UNION SELECT c, '{}'::text[] FROM unnest(named) c WHERE keys = '{}' AND by_customer) g,
             generate_series(1, cardinality(starts)) s(slot)
        WHERE fill OR ("window" IS NULL AND keys = '{}' AND NOT by_customer)
    ), answered AS (
        SELECT false AS is_total, slot, coalesce(s.customer_id, a.customer_id) AS customer_id,
               coalesce(s.dimension_values, a.dimension_values) AS dimension_values, s.summary, s.members,
               coalesce(s.events, 0) AS events, coalesce(s.skipped, 0) AS skipped
        FROM (SELECT slot, customer_id, dimension_values, coalesce(customer_id, '') AS c FROM asked) a
        FULL JOIN (SELECT *, coalesce(customer_id, '') AS c FROM states) s USING (slot, c, dimension_values)
        UNION ALL
        SELECT true, NULL, NULL, '{}', tally.merge(summary), tally.merge(members), coalesce(sum(events), 0)::bigint,
               coalesce(sum(skipped), 0)::bigint
        FROM states
    )
    SELECT r.is_total, CASE WHEN r.is_total THEN "from" ELSE starts[r.slot] END,
           CASE WHEN r.is_total THEN "to" ELSE coalesce(starts[r.slot + 1], "to") END,
           CASE WHEN by_customer THEN r.customer_id WHEN cardinality(named) = 1 THEN named[1] END,
           CASE WHEN keys = '{}' OR r.is_total THEN '{}'::jsonb
                ELSE (SELECT coalesce(jsonb_object_agg(d.key, d.value) FILTER (WHERE d.value IS NOT NULL), '{}')
                      FROM unnest(keys, r.dimension_values) d(key, value)) END,
           v.value,
           CASE WHEN metric.conversion_factor IS NULL THEN v.value
                -- Not the mean, which is rounded, but what it is the quotient of.
                WHEN metric.aggregation_type = 'MEAN'
                    THEN tally._convert(tally.total(r.summary), nullif(tally.n(r.summary), 0) * metric.conversion_factor::numeric, metric.conversion_rounding)
                ELSE tally._convert(v.value, metric.conversion_factor, metric.conversion_rounding) END,
           r.events, r.skipped
    FROM answered r,
         LATERAL (SELECT tally._state_value(metric.aggregation_type, r.summary, r.members, r.events) AS value OFFSET 0) v
    ORDER BY r.is_total, r.slot, r.customer_id, r.dimension_values;
END
$$;
COMMENT ON FUNCTION tally._usage(tally.metric, timestamptz, timestamptz, text[], text, text, text[], jsonb, boolean) IS
    'Usage of a metric: a row for each window and group, then one total row made by merging their states';

CREATE FUNCTION tally.usage(metric text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL,
                            "window" text DEFAULT NULL, time_zone text DEFAULT 'UTC', group_by text[] DEFAULT '{}',
                            filter jsonb DEFAULT NULL, fill boolean DEFAULT false,
                            OUT window_start timestamptz, OUT window_end timestamptz, OUT customer_id text, OUT dimensions jsonb,
                            OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT u.window_start, u.window_end, u.customer_id, u.dimensions, u.value, u.converted_value, u.events, u.skipped
    FROM tally._usage(tally._find_metric(tally.current_tenant(), metric), "from", "to",
                      CASE WHEN customer IS NOT NULL THEN ARRAY[customer] END, "window", time_zone, group_by, filter, fill) u
    WHERE NOT u.is_total
$$;
COMMENT ON FUNCTION tally.usage(text, timestamptz, timestamptz, text, text, text, text[], jsonb, boolean) IS
    'Usage of a metric (its id, or a code that one metric reads) of the current tenant in [from, to): a row for each window (minute, hour, day, week, month, quarter, year or an interval, in a time zone) and group (the metric''s own dimensions, then group_by: properties, or customer_id). filter: {"property": "value" or ["value", ...]}. fill: also rows for windows in which nothing happened. events were counted; skipped had a value that the metric cannot use. Raises 22023, P0002 no such metric';

CREATE FUNCTION tally.usage_total(metric text, "from" timestamptz, "to" timestamptz, customer text DEFAULT NULL,
                                  filter jsonb DEFAULT NULL,
                                  OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint)
    RETURNS record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT u.value, u.converted_value, u.events, u.skipped
    FROM tally._usage(tally._find_metric(tally.current_tenant(), metric), "from", "to",
                      CASE WHEN customer IS NOT NULL THEN ARRAY[customer] END, NULL, 'UTC', '{}', filter, false) u
    WHERE u.is_total
$$;
COMMENT ON FUNCTION tally.usage_total(text, timestamptz, timestamptz, text, jsonb) IS
    'Usage of a metric of the current tenant in [from, to) over all its groups: one row, made by merging the groups'' states';

