-- partitions of the event log: months, made ahead and on demand
--
-- Making one locks the log against other makers until the transaction ends (ATTACH needs that), never against readers and
-- writers of months that exist. That lock is taken first of all and at once for all months that are missing, so makers wait
-- for each other but never in a circle.

CREATE FUNCTION tally._missing_months(months timestamptz[]) RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    missing timestamptz[];
BEGIN
    -- The usual case by name.
    SELECT coalesce(array_agg(m.month ORDER BY m.month), '{}') INTO missing
    FROM (SELECT DISTINCT u AS month FROM unnest(months) u) m
    WHERE NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = to_regclass('tally.event_' || to_char(m.month, 'YYYY_MM'))
                                                  AND i.inhparent = 'tally.event'::regclass);
    -- Otherwise somebody may have attached a partition of another width that covers the month.
    IF missing <> '{}' THEN
        SELECT coalesce(array_agg(m.month ORDER BY m.month), '{}') INTO missing FROM unnest(missing) m(month)
        WHERE NOT EXISTS (
            SELECT FROM (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''([^'']+)''\) TO \(''([^'']+)''\)$') AS bounds
                         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                         WHERE i.inhparent = 'tally.event'::regclass AND c.relname !~ '^event_[0-9]{4}_[0-9]{2}$') p
            WHERE p.bounds[1]::timestamptz <= m.month AND m.month < p.bounds[2]::timestamptz);
    END IF;
    RETURN missing;
END
$$;
COMMENT ON FUNCTION tally._missing_months(timestamptz[]) IS 'Those of these months (first instants, UTC) that the event log has no partition for, in order';

CREATE FUNCTION tally._make_partitions(months timestamptz[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    month timestamptz;
    name  text;
    made  integer := 0;
BEGIN
    IF months IS NULL OR NOT '1970-01-01' <= ALL (months) OR NOT '10000-01-01' > ALL (months) OR array_position(months, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'the event log reaches from 1970 to 9999' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    LOCK TABLE tally.event IN SHARE UPDATE EXCLUSIVE MODE;
    -- Looked for again: whoever held the lock may have made them.
    FOREACH month IN ARRAY tally._missing_months(ARRAY(SELECT DISTINCT date_trunc('month', m) FROM unnest(months) m)) LOOP
        -- A partition that was detached keeps its name.
        SELECT n INTO name FROM (SELECT 'event_' || to_char(month, 'YYYY_MM') || CASE WHEN i > 0 THEN '_' || i ELSE '' END AS n, i
                                 FROM generate_series(0, 1000) i) names
        WHERE to_regclass('tally.' || n) IS NULL ORDER BY i LIMIT 1;
        -- CREATE ... PARTITION OF would lock the whole log against readers and writers; ATTACH does not (12 and later).
        EXECUTE format('CREATE TABLE tally.%I (LIKE tally.event INCLUDING DEFAULTS INCLUDING STORAGE)', name);
        EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, code, customer_id, ts)', name || '_usage', name);
        -- The event list, newest first. It grows at its end and costs ingest nothing that can be measured; an index by
        -- event_id, which is random, would cost a fifth, so the lookup of an event goes by identity or reads the log.
        EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, ts, seq)', name || '_time', name);
        EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, import_id) WHERE import_id IS NOT NULL', name || '_import', name);
        EXECUTE format('ALTER TABLE tally.event ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally._make_partitions(timestamptz[]) IS
    'Makes the partitions of the event log that are missing for these months and answers how many';
REVOKE EXECUTE ON FUNCTION tally._make_partitions(timestamptz[]) FROM PUBLIC;

CREATE FUNCTION tally._make_partitions_if_quick(months timestamptz[]) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    patience text := current_setting('lock_timeout');
    made     boolean := true;
BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    BEGIN
        PERFORM tally._make_partitions(months);
    EXCEPTION WHEN lock_not_available THEN
        made := false;
    END;
    PERFORM set_config('lock_timeout', patience, true);
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally._make_partitions_if_quick(timestamptz[]) IS
    'Makes missing partitions unless another transaction, still open, is making some: then it gives up after a moment and answers false';

CREATE FUNCTION tally.make_partitions(months_ahead integer DEFAULT 2) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    missing timestamptz[];
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_ahead must be between 0 and 120' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'months_ahead';
    END IF;
    missing := tally._missing_months(ARRAY(SELECT date_trunc('month', now()) + ahead * interval '1 month' FROM generate_series(0, months_ahead) ahead));
    RETURN CASE WHEN missing = '{}' THEN 0 ELSE tally._make_partitions(missing) END;
END
$$;
COMMENT ON FUNCTION tally.make_partitions(integer) IS
    'Makes the event log''s partitions for this month and some ahead (ingest does so by itself) and answers how many were missing. months_ahead: 0 to 120';

