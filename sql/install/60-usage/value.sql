-- values of one metric one by one: running totals, both sides of dual metrics, and summaries by buckets of time

CREATE FUNCTION tally._values(metric tally.metric, before timestamptz, OUT ts timestamptz, OUT value numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 10000
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    all_match  boolean := metric.segmentation_matrix IS NULL;
    key        text := coalesce(metric.aggregation_key, '');
    has_void   boolean := EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = metric.tenant_id AND c.code = metric.code AND c.ts < before);
BEGIN
    RETURN QUERY
    SELECT v.ts, v.value
    FROM (SELECT e.ts, tally._property_number(e.properties::jsonb, key) AS value
          FROM tally.recent_event e
          WHERE e.tenant_id = metric.tenant_id AND e.code_hash = tally._hash32(metric.code) AND e.code = metric.code AND e.ts < before
            AND (all_match OR tally._matches(metric, NULL, e.properties::jsonb))
            AND (NOT has_void OR NOT EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = e.tenant_id AND c.seq = e.seq))
          OFFSET 0) v
    WHERE v.value IS NOT NULL;
END
$$;
COMMENT ON FUNCTION tally._values(tally.metric, timestamptz) IS 'The numbers that a metric reads, of all its events before an instant that are not void';

CREATE FUNCTION tally._bucket_width(bucket text) RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN tally._window_width(coalesce(bucket, '20m'));
EXCEPTION WHEN invalid_parameter_value THEN
    PERFORM tally._fail('bucket', format('"%s" is no width of a bucket', left(bucket, 64)),
        'Use a width such as 20m, 1h, 1d, 1w, minute, hour, day, week, month, quarter or year: months, days, or hours and smaller units, and no mixture of these.');
END
$$;
COMMENT ON FUNCTION tally._bucket_width(text) IS 'Width of the buckets of a summary; 20 minutes for NULL. Raises 22023';

CREATE FUNCTION tally._bucket_start(width interval, ts timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
    -- Days are counted from a Monday, months from the year 0, everything else from a midnight.
    SELECT CASE WHEN w.months = 0
                THEN timestamptz '2001-01-01' + width * floor(extract(epoch FROM ts - '2001-01-01')::numeric / extract(epoch FROM width)::numeric)::float8
                ELSE make_timestamptz((m.first / 12)::integer, (m.first % 12 + 1)::integer, 1, 0, 0, 0) END
    FROM (SELECT (extract(year FROM width) * 12 + extract(month FROM width))::integer AS months) w
    CROSS JOIN LATERAL (SELECT (extract(year FROM ts) * 12 + extract(month FROM ts) - 1)::integer AS month) t
    CROSS JOIN LATERAL (SELECT t.month - t.month % nullif(w.months, 0) AS first) m
$$;
COMMENT ON FUNCTION tally._bucket_start(interval, timestamptz) IS 'Start of the bucket of this width that holds an instant, by the clock and calendar of UTC';

CREATE FUNCTION tally._summaries(metric tally.metric, "from" timestamptz, "to" timestamptz, width interval,
                                 OUT bucket_start timestamptz, OUT bucket_end timestamptz, OUT positive numeric, OUT negative numeric,
                                 OUT events bigint, OUT total_positive numeric, OUT total_negative numeric, OUT total_events bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET plan_cache_mode = force_custom_plan
    AS $$
#variable_conflict use_column
DECLARE
    first_start timestamptz := tally._bucket_start(width, "from");
    by_month    boolean := width >= '28 days' AND extract(day FROM width) = 0 AND extract(hour FROM width) = 0;
    seconds     numeric := extract(epoch FROM width)::numeric;
    last_end    timestamptz := tally._bucket_start(width, "to" - interval '1 microsecond') + width;
BEGIN
    -- One pass over the metric's life. What came before the range is one group, from which the running totals start.
    RETURN QUERY
    WITH bucket AS (
        SELECT CASE WHEN v.ts < first_start THEN '-infinity' WHEN by_month THEN tally._bucket_start(width, v.ts)
                    ELSE first_start + width * floor(extract(epoch FROM v.ts - first_start)::numeric / seconds)::float8 END AS start,
               coalesce(sum(v.value) FILTER (WHERE v.value > 0), 0) AS positive,
               coalesce(sum(-v.value) FILTER (WHERE v.value < 0), 0) AS negative, count(*) AS events
        FROM tally._values(metric, last_end) v GROUP BY 1
    ), running AS (
        SELECT b.start, b.positive, b.negative, b.events, sum(b.positive) OVER life AS total_positive,
               sum(b.negative) OVER life AS total_negative, (sum(b.events) OVER life)::bigint AS total_events
        FROM bucket b WINDOW life AS (ORDER BY b.start)
    )
    SELECT r.start, r.start + width, r.positive, r.negative, r.events, r.total_positive, r.total_negative, r.total_events
    FROM running r WHERE r.start >= first_start ORDER BY r.start;
END
$$;
COMMENT ON FUNCTION tally._summaries(tally.metric, timestamptz, timestamptz, interval) IS
    'Whole buckets that a range touches and in which something happened, with the running totals of the metric''s life after each. negative is the amount below 0 as a positive number';
