-- What arrives in the benchmark of ingest: batches of 1,000 events with ids of their own, once as bodies for tally.ingest, once as
-- files for COPY into a plain table with one unique key. Schema tally_bench and its feed are those of events.sql.
CREATE TABLE tally_bench.plain (tenant integer, customer text, code text, ts timestamptz, event_id text, properties jsonb, UNIQUE (tenant, event_id));
CREATE TABLE tally_bench.single (LIKE tally_bench.plain INCLUDING ALL);
CREATE UNLOGGED TABLE tally_bench.fresh (LIKE tally_bench.feed);
CREATE INDEX ON tally_bench.fresh (n);
CREATE UNLOGGED TABLE tally_bench.coming (n integer, body text);
ALTER TABLE tally_bench.coming ALTER body SET STORAGE EXTERNAL;
CREATE INDEX ON tally_bench.coming (n);

CREATE FUNCTION tally_bench.rows_query(source text, first bigint, last bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('SELECT tenant, customer, code, ts, event_id::text, (''{"value":'' || value || '',"region":"'' || region || ''","model":"'' || model
        || ''","user_id":"'' || user_id || ''"}'')::jsonb AS properties FROM tally_bench.%I WHERE n >= %s AND n < %s ORDER BY n', source, first, last) $$;

-- The newest events of the feed, with new ids.
CREATE PROCEDURE tally_bench.prepare(batches integer, folder text) LANGUAGE plpgsql AS $$
DECLARE
    skipped bigint := (SELECT max(n) + 1 - batches * 1000 FROM tally_bench.feed);
BEGIN
    TRUNCATE tally_bench.fresh, tally_bench.coming;
    INSERT INTO tally_bench.fresh SELECT n - skipped, tenant, customer, code, ts, value, region, model, user_id, gen_random_uuid()
    FROM tally_bench.feed WHERE n >= skipped;
    ANALYZE tally_bench.fresh;
    FOR b IN 0 .. batches - 1 LOOP
        INSERT INTO tally_bench.coming SELECT b, '[' || string_agg(tally_bench.json(ROW(e.*)::tally_bench.feed), ',' ORDER BY e.n) || ']'
        FROM tally_bench.fresh e WHERE e.n >= b * 1000 AND e.n < (b + 1) * 1000;
        EXECUTE format('COPY (%s) TO %L', tally_bench.rows_query('fresh', b * 1000, (b + 1) * 1000), folder || '/' || b);
    END LOOP;
END $$;

CREATE PROCEDURE tally_bench.ingest(first integer, last integer, step integer) LANGUAGE plpgsql AS $$
DECLARE
    accepted bigint;
BEGIN
    FOR b IN first .. last BY step LOOP
        SELECT count(*) FILTER (WHERE i.verdict = 'accepted') INTO accepted
        FROM tally_bench.coming c, LATERAL tally.ingest(c.body, true) i WHERE c.n = b;
        IF accepted <> 1000 THEN RAISE EXCEPTION 'batch %: % events of 1000 were accepted', b, accepted; END IF;
        COMMIT;
    END LOOP;
END $$;

CREATE PROCEDURE tally_bench.copy(folder text, first integer, last integer, step integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR b IN first .. last BY step LOOP
        EXECUTE format('COPY tally_bench.plain FROM %L', folder || '/' || b);
        COMMIT;
    END LOOP;
END $$;

-- The whole feed in the plain table; its key with as much room in its pages as one has that grew row by row.
CREATE PROCEDURE tally_bench.fill_plain() LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE tally_bench.plain DROP CONSTRAINT plain_tenant_event_id_key;
    EXECUTE 'INSERT INTO tally_bench.plain ' || tally_bench.rows_query('feed', 0, (SELECT max(n) + 1 FROM tally_bench.feed));
    ALTER TABLE tally_bench.plain ADD CONSTRAINT plain_tenant_event_id_key UNIQUE (tenant, event_id) WITH (fillfactor = 70);
END $$;

-- Everything packed and sealed, so that what is measured next begins with small hot tables.
CREATE PROCEDURE tally_bench.settle() LANGUAGE plpgsql AS $$
BEGIN
    CALL tally.pack(1, '0 seconds', true);
    WHILE tally.seal_identities(1, 250000) LOOP COMMIT; END LOOP;
END $$;
