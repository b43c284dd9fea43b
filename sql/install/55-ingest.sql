-- ingest: events in, one verdict each out
--
-- The only lock taken on rows is the unique key of event_identity, and it is always taken in the order of that key: two
-- writers of the same events wait for each other but never in a circle. Nothing here raises for bad data.

CREATE FUNCTION tally._parse_events(
    document text, is_array boolean, allow_backfilling boolean, now timestamptz,
    OUT index integer, OUT event_id text, OUT code text, OUT customer_id text, OUT source text, OUT ts timestamptz,
    OUT properties jsonb, OUT customer_hash integer, OUT identity uuid, OUT payload uuid, OUT partial boolean,
    OUT reason text, OUT field text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_parse_events'
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION tally._parse_events(text, boolean, boolean, timestamptz) IS
    'Parses a JSON document of events, an array or the body of POST /api/v1/events/ingest, into a row for each event, with reason and field where it is to be rejected; one row without an index where the document itself is';

CREATE TYPE tally._incoming AS (
    body integer, index integer, event_id text, code text, customer_id text, source text, ts timestamptz,
    properties jsonb, customer_hash integer, identity uuid, payload uuid, strict boolean, reason text, field text,
    verdict text);
COMMENT ON TYPE tally._incoming IS 'One event on its way in';

CREATE FUNCTION tally._conflict_reason() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT 'an event with this event_id, customer and source is stored already with other content; the first one stands'::text $$;
COMMENT ON FUNCTION tally._conflict_reason() IS 'What a conflicting event is told';

-- Strict bodies of several events store all or nothing, so what would make one of them fail must be known before anything
-- is stored. Marks conflicts with stored events and within the body itself.
CREATE FUNCTION tally._mark_conflicts(tenant_id integer, incoming tally._incoming[]) RETURNS tally._incoming[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(CASE
               WHEN w.strict AND w.reason IS NULL AND w.payload <> coalesce(w.stored, w.first_payload)
               THEN ROW(w.body, w.index, w.event_id, w.code, w.customer_id, w.source, w.ts, w.properties, w.customer_hash,
                        w.identity, w.payload, w.strict, tally._conflict_reason(), 'event_id', 'conflict')::tally._incoming
               ELSE ROW(w.body, w.index, w.event_id, w.code, w.customer_id, w.source, w.ts, w.properties, w.customer_hash,
                        w.identity, w.payload, w.strict, w.reason, w.field, w.verdict)::tally._incoming END
               ORDER BY w.body, w.index)
    FROM (SELECT i.*, e.payload AS stored,
                 first_value(i.payload) OVER (PARTITION BY i.body, i.customer_hash, i.identity ORDER BY i.index) AS first_payload
          FROM unnest(incoming) i
          LEFT JOIN tally.event_identity e
              ON e.tenant_id = _mark_conflicts.tenant_id AND e.customer_hash = i.customer_hash AND e.identity = i.identity) w
$$;
COMMENT ON FUNCTION tally._mark_conflicts(integer, tally._incoming[]) IS
    'The events, with the verdict conflict set on those of strict bodies that have another content than the stored or an earlier one';

CREATE FUNCTION tally._ingest(tenant_id integer, documents text[], is_array boolean, allow_backfilling boolean DEFAULT false)
    RETURNS SETOF tally._incoming
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := _ingest.tenant_id;
    now      timestamptz := clock_timestamp();
    incoming tally._incoming[];
    failed   integer[];    -- strict bodies of which nothing is stored
    months   timestamptz[];
    one_by_one boolean;
    raced    integer;
    inserted_customers integer[];
    inserted_identities uuid[];
BEGIN
    SELECT array_agg(ROW(d.body, p.index, p.event_id, p.code, p.customer_id, p.source, p.ts, p.properties, p.customer_hash,
                         p.identity, p.payload, NOT (p.partial OR is_array), p.reason, p.field,
                         CASE WHEN p.reason IS NULL THEN NULL ELSE 'rejected' END)::tally._incoming ORDER BY d.body, p.index)
    INTO incoming
    FROM unnest(documents) WITH ORDINALITY d(document, body),
         LATERAL tally._parse_events(coalesce(d.document, ''), is_array, coalesce(allow_backfilling, false), now) p;

    IF EXISTS (SELECT FROM unnest(incoming) i WHERE i.strict AND i.reason IS NULL GROUP BY i.body HAVING count(*) > 1) THEN
        incoming := tally._mark_conflicts(tenant, incoming);
    END IF;
    SELECT coalesce(array_agg(DISTINCT i.body), '{}') INTO failed FROM unnest(incoming) i WHERE i.strict AND i.verdict IS NOT NULL;

    -- Different contents of one event in several bodies of one batch: whether the first body stands decides about the
    -- others, so they are taken one after the other.
    IF cardinality(documents) > 1 THEN
        SELECT EXISTS (SELECT FROM unnest(incoming) i WHERE i.verdict IS NULL AND i.body <> ALL (failed)
                       GROUP BY i.customer_hash, i.identity HAVING count(DISTINCT i.payload) > 1) INTO one_by_one;
        IF one_by_one THEN
            FOR n IN 1 .. cardinality(documents) LOOP
                RETURN QUERY SELECT n, i.index, i.event_id, i.code, i.customer_id, i.source, i.ts, i.properties, i.customer_hash,
                                    i.identity, i.payload, i.strict, i.reason, i.field, i.verdict
                             FROM tally._ingest(tenant, documents[n:n], is_array, allow_backfilling) i;
            END LOOP;
            RETURN;
        END IF;
    END IF;

    -- Before any identity is claimed: a writer that waits for a partition must not hold what its maker waits for.
    SELECT array_agg(DISTINCT date_trunc('month', i.ts)) INTO months
    FROM unnest(incoming) i WHERE i.verdict IS NULL AND i.body <> ALL (failed);
    IF months IS NOT NULL THEN
        PERFORM tally._ensure_partitions(months);

        WITH claimed AS (
            INSERT INTO tally.event_identity (tenant_id, customer_hash, identity, payload, ts)
            SELECT tenant, f.customer_hash, f.identity, f.payload, f.ts
            FROM (SELECT DISTINCT ON (i.customer_hash, i.identity) i.customer_hash, i.identity, i.payload, i.ts
                  FROM unnest(incoming) i WHERE i.verdict IS NULL AND i.body <> ALL (failed)
                  ORDER BY i.customer_hash, i.identity, i.body, i.index) f
            ORDER BY f.customer_hash, f.identity
            ON CONFLICT DO NOTHING
            RETURNING event_identity.customer_hash, event_identity.identity)
        SELECT array_agg(c.customer_hash), array_agg(c.identity) INTO inserted_customers, inserted_identities FROM claimed c;

        -- A new statement sees what was committed while the one above waited for it.
        SELECT array_agg(ROW(i.body, i.index, i.event_id, i.code, i.customer_id, i.source, i.ts, i.properties, i.customer_hash,
                             i.identity, i.payload, i.strict,
                             CASE WHEN v.verdict = 'conflict' THEN tally._conflict_reason() ELSE i.reason END,
                             CASE WHEN v.verdict = 'conflict' THEN 'event_id' ELSE i.field END, v.verdict)::tally._incoming
                         ORDER BY i.body, i.index),
               count(*) FILTER (WHERE v.verdict = 'conflict' AND i.strict AND i.in_body > 1)
        INTO incoming, raced
        FROM (SELECT u.*, count(*) OVER (PARTITION BY u.body) AS in_body,
                     row_number() OVER (PARTITION BY u.customer_hash, u.identity, u.verdict IS NULL AND u.body <> ALL (failed)
                                        ORDER BY u.body, u.index) AS place
              FROM unnest(incoming) u) i
        LEFT JOIN unnest(inserted_customers, inserted_identities) c(customer_hash, identity)
            ON c.customer_hash = i.customer_hash AND c.identity = i.identity
        LEFT JOIN tally.event_identity e
            ON e.tenant_id = tenant AND e.customer_hash = i.customer_hash AND e.identity = i.identity
            AND (c.identity IS NULL OR i.place > 1)
        CROSS JOIN LATERAL (SELECT CASE WHEN i.verdict IS NOT NULL THEN i.verdict
                                        WHEN i.body = ANY (failed) THEN NULL
                                        WHEN c.identity IS NOT NULL AND i.place = 1 THEN 'accepted'
                                        WHEN e.payload = i.payload THEN 'duplicate'
                                        ELSE 'conflict' END AS verdict) v;
        IF raced > 0 THEN
            -- Another transaction stored a conflicting event between the look and the insert. Nothing of this batch may
            -- stay; at the next try the conflict is seen beforehand.
            RAISE EXCEPTION 'a conflicting event was stored at the same time' USING ERRCODE = 'serialization_failure',
                HINT = 'Try again.';
        END IF;

        INSERT INTO tally.event (tenant_id, customer_hash, ts, received_at, code, customer_id, source, event_id, properties)
        SELECT tenant, i.customer_hash, i.ts, now, i.code, i.customer_id, i.source, i.event_id, i.properties
        FROM unnest(incoming) i WHERE i.verdict = 'accepted' ORDER BY i.body, i.index;
    END IF;
    RETURN QUERY SELECT * FROM unnest(incoming);
END
$$;
COMMENT ON FUNCTION tally._ingest(integer, text[], boolean, boolean) IS
    'Stores the events of several documents for a tenant; each document keeps its own strict or partial meaning. One row for each event with its verdict: accepted, duplicate, conflict, rejected; NULL for a good event of a strict document that failed. Raises 40001 where a strict document lost a race and must be tried again';

CREATE FUNCTION tally.ingest(events text, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.index, i.event_id, i.verdict, i.reason, i.field
    FROM tally._ingest(tally.current_tenant(), ARRAY[coalesce(events, '')], true, allow_backfilling) i
$$;
COMMENT ON FUNCTION tally.ingest(text, boolean) IS
    'Stores a JSON array of 1 to 10,000 events {event_id, code, customer_id, timestamp?, properties?, source?} for the current tenant. One row for each: index (from 0), event_id and verdict: accepted, duplicate (same event again: counted once), conflict (same event_id, customer and source with other content: the first stands) or rejected, with reason and field. Bad data never raises; a text that is no such array is one rejected row without an index';

CREATE FUNCTION tally.ingest(events jsonb, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT i.* FROM tally.ingest(events::text, allow_backfilling) i $$;
COMMENT ON FUNCTION tally.ingest(jsonb, boolean) IS 'tally.ingest for events that are jsonb already';

CREATE FUNCTION tally.record(code text, customer text DEFAULT '', properties jsonb DEFAULT '{}', INOUT event_id text DEFAULT NULL,
                             ts timestamptz DEFAULT NULL, source text DEFAULT '', allow_backfilling boolean DEFAULT false,
                             OUT verdict text, OUT reason text, OUT field text)
    RETURNS record
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.event_id, i.verdict, i.reason, i.field
    FROM tally._ingest(tally.current_tenant(), ARRAY[jsonb_build_array(jsonb_build_object(
        'code', code, 'customer_id', coalesce(customer, ''), 'properties', properties,
        'event_id', coalesce(event_id, tally._uuid7()::text), 'source', source,
        -- A timestamp that has no RFC 3339 form, such as infinity, is refused with the event.
        'timestamp', CASE WHEN isfinite(ts) THEN to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE ts::text END))::text], true,
        allow_backfilling) i
$$;
COMMENT ON FUNCTION tally.record(text, text, jsonb, text, timestamptz, text, boolean) IS
    'Stores one event for the current tenant, in the caller''s transaction, and answers event_id, verdict, reason and field. Without event_id a new one is made; without ts it happens now. Bad data never raises, so that metering cannot abort a business transaction';

