-- partitions of the event log: months, made ahead and on demand

CREATE FUNCTION tally._has_partition(at timestamptz) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
BEGIN
    -- The usual case by name; otherwise somebody attached a partition of another width that covers the instant.
    IF to_regclass('tally.event_' || to_char(at, 'YYYY_MM')) IS NOT NULL THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''([^'']+)''\) TO \(''([^'']+)''\)$') AS bounds
                     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent = 'tally.event'::regclass) p
        WHERE p.bounds[1]::timestamptz <= at AND at < p.bounds[2]::timestamptz);
END
$$;
COMMENT ON FUNCTION tally._has_partition(timestamptz) IS 'Whether the event log has a partition for this instant';

CREATE FUNCTION tally._make_partition(at timestamptz, wait boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    -- Own advisory lock class ("tally" in letters of a telephone); the key is the month.
    AS $$
DECLARE
    lower_bound timestamptz := date_trunc('month', at);
    upper_bound timestamptz := date_trunc('month', at) + interval '1 month';
    name        text := 'event_' || to_char(at, 'YYYY_MM');
    month       integer := extract(year FROM at)::integer * 12 + extract(month FROM at)::integer;
BEGIN
    IF NOT (at >= '1970-01-01' AND at < '10000-01-01') THEN
        RAISE EXCEPTION 'the event log reaches from 1970 to 9999' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF wait THEN
        PERFORM pg_advisory_xact_lock(82559, month);
    ELSIF NOT pg_try_advisory_xact_lock(82559, month) THEN
        RETURN false;
    END IF;
    IF tally._has_partition(at) THEN
        RETURN false;
    END IF;
    -- CREATE ... PARTITION OF would lock the whole log against readers and writers; ATTACH does not (12 and later).
    EXECUTE format('CREATE TABLE tally.%I (LIKE tally.event INCLUDING DEFAULTS INCLUDING STORAGE)', name);
    EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, code, customer_id, ts)', name || '_usage', name);
    -- The event list, newest first. It grows at its end and costs ingest nothing that can be measured; an index by
    -- event_id, which is random, would cost a fifth, so the lookup of an event goes by identity or reads the log.
    EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, ts, seq)', name || '_time', name);
    EXECUTE format('CREATE INDEX %I ON tally.%I (tenant_id, import_id) WHERE import_id IS NOT NULL', name || '_import', name);
    EXECUTE format('COMMENT ON TABLE tally.%I IS %L', name, format('Events of %s (UTC)', to_char(at, 'YYYY-MM')));
    EXECUTE format('ALTER TABLE tally.event ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)', name, lower_bound, upper_bound);
    RETURN true;
END
$$;
COMMENT ON FUNCTION tally._make_partition(timestamptz, boolean) IS
    'Makes the month''s partition of the event log if it is missing; without wait it leaves a month to whoever is just making it. Answers whether it made one';
REVOKE EXECUTE ON FUNCTION tally._make_partition(timestamptz, boolean) FROM PUBLIC;

CREATE FUNCTION tally.make_partitions(months_ahead integer DEFAULT 2) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    month timestamptz;
    made  integer := 0;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_ahead must be between 0 and 120' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'months_ahead';
    END IF;
    FOR ahead IN 0 .. months_ahead LOOP
        month := date_trunc('month', now()) + ahead * interval '1 month';
        IF NOT tally._has_partition(month) AND tally._make_partition(month, false) THEN
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tally.make_partitions(integer) IS
    'Makes the event log''s partitions for this month and some ahead (ingest does so by itself) and answers how many were missing. months_ahead: 0 to 120';

CREATE FUNCTION tally._ensure_partitions(months timestamptz[]) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    month      timestamptz;
    next_month timestamptz := date_trunc('month', now()) + interval '1 month';
BEGIN
    -- In ascending order, so that two writers of several new months cannot wait for each other.
    FOR month IN SELECT m FROM unnest(months) m ORDER BY m LOOP
        IF NOT tally._has_partition(month) THEN
            PERFORM tally._make_partition(month);
        END IF;
    END LOOP;
    IF NOT tally._has_partition(next_month) THEN
        PERFORM tally._make_partition(next_month, false);
    END IF;
END
$$;
COMMENT ON FUNCTION tally._ensure_partitions(timestamptz[]) IS
    'Makes the partitions that are missing for events of these months, and the next month''s ahead of need';

