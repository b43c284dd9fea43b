-- ingest: events in, one verdict each out
--
-- The only lock taken on rows is the unique key of recent_identity, and it is always taken in the order of that key: two
-- writers of the same events wait for each other but never in a circle. Nothing here raises for bad data.

CREATE FUNCTION tally._parse_events(
    documents text[], is_array boolean, allow_backfilling boolean, now timestamptz, derive_ids boolean, tenant_id integer,
    OUT body integer, OUT index integer, OUT event_id text, OUT code text, OUT customer_id text, OUT source text, OUT ts timestamptz,
    OUT properties jsonb, OUT customer_hash integer, OUT identity uuid, OUT payload bigint, OUT partial boolean,
    OUT reason text, OUT field text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_parse_events'
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION tally._parse_events(text[], boolean, boolean, timestamptz, boolean, integer) IS
    'Parses JSON documents of events, arrays or bodies of POST /api/v1/events/ingest, into a row for each event: which document (from 1), which event (from 0), with reason and field where it is to be rejected; one row without an index where the document itself is';

CREATE FUNCTION tally._scan_events(
    documents text[], is_array boolean, allow_backfilling boolean, now timestamptz, derive_ids boolean, tenant_id integer,
    OUT body integer, OUT index integer, OUT partial boolean, OUT rejected boolean, OUT customer_hash integer,
    OUT identity uuid, OUT payload bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_scan_events'
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION tally._scan_events(text[], boolean, boolean, timestamptz, boolean, integer) IS
    'What must be known of documents of events before anything of it is stored: identities, and which events are to be rejected';

CREATE TYPE tally._verdict AS (
    body integer, index integer, event_id text, strict boolean, verdict text, reason text, field text,
    customer_hash integer, identity uuid, payload bigint, details jsonb);
COMMENT ON TYPE tally._verdict IS 'What became of one event of one body: accepted, duplicate, conflict, rejected, limited (over a limit of the month, which details tells), or NULL for a good event of a strict body that failed';

CREATE TYPE tally._refusal AS (body integer, index integer, strict boolean, verdict text, reason text, field text, details jsonb);
COMMENT ON TYPE tally._refusal IS 'A well-formed event that is not to be stored, and why: rejected by a metric''s kind, or limited, with the limit in details';

CREATE TYPE tally._share AS (key_id uuid, shard integer, wanted bigint, allowed bigint, quota bigint);
COMMENT ON TYPE tally._share IS 'What a transaction may count for a key, or for the tenant where key_id is 0';

-- Strict bodies of several events store all or nothing, so what would make one of them fail must be known before anything
-- is stored: another content of the same event, in the store or earlier in the body.
CREATE FUNCTION tally._conflicting_bodies(tenant_id integer, documents text[], now timestamptz, OUT conflicting integer[],
                                          OUT entangled boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH scanned AS MATERIALIZED (
        SELECT s.*, bool_or(s.rejected AND NOT s.partial) OVER (PARTITION BY s.body) AS failed
        FROM tally._scan_events(documents, false, false, now, false, _conflicting_bodies.tenant_id) s
    ), sound AS (
        SELECT s.*, first_value(s.payload) OVER (PARTITION BY s.body, s.customer_hash, s.identity ORDER BY s.index) AS first_payload
        FROM scanned s WHERE NOT s.rejected AND NOT s.failed
    )
    SELECT (SELECT array_agg(DISTINCT s.body) FROM sound s
            LEFT JOIN tally.recent_identity e ON e.identity = s.identity
            WHERE NOT s.partial AND s.payload <> coalesce(e.payload, s.first_payload)),
           (SELECT EXISTS (SELECT FROM sound s GROUP BY s.customer_hash, s.identity
                           HAVING count(DISTINCT s.payload) > 1 AND count(DISTINCT s.body) > 1))
$$;
COMMENT ON FUNCTION tally._conflicting_bodies(integer, text[], timestamptz) IS
    'conflicting: strict bodies with an event that is stored, or stands earlier in the body, with another content. entangled: whether several bodies have one event with different contents';

CREATE FUNCTION tally._ingest(tenant_id integer, documents text[], is_array boolean, allow_backfilling boolean DEFAULT false,
                              import_id uuid DEFAULT NULL, derive_ids boolean DEFAULT false, keys uuid[] DEFAULT NULL)
    RETURNS SETOF tally._verdict
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
#variable_conflict use_column
DECLARE
    tenant      integer := _ingest.tenant_id;
    texts       text[] := _ingest.documents;
    old_allowed boolean := coalesce(_ingest.allow_backfilling, false);
    senders     uuid[] := coalesce(_ingest.keys, array_fill(tally.authenticated_key(), ARRAY[cardinality(_ingest.documents)]));
    import      uuid := _ingest.import_id;
    derived     boolean := _ingest.derive_ids;
    clock       timestamptz := clock_timestamp();
    failed      integer[];      -- strict bodies of which nothing is stored
    careful     boolean;        -- whether a strict body has several events
    candidates  bigint;
    shares      tally._share[]; -- of the month's limits, where the events come through the API
    short       boolean;        -- whether a limit may stop some of the events
    refusals    tally._refusal[];
    look        record;
    entangled   boolean := false;   -- whether several bodies have one event with different contents
    verdicts    tally._verdict[];
    unresolved  bigint;
BEGIN
    SELECT coalesce(array_agg(DISTINCT s.body) FILTER (WHERE s.rejected AND NOT s.partial), '{}'),
           coalesce(bool_or(NOT s.partial AND s.index > 0), false), count(*) FILTER (WHERE NOT s.rejected)
    INTO failed, careful, candidates
    FROM tally._scan_events(texts, is_array, old_allowed, clock, derived, tenant) s;

    -- Before any identity is claimed, and all of them in one order: limits are waited for, and never in a circle.
    shares := tally._take_shares(tenant, senders, candidates, clock);
    refusals := tally._refuse_by_kind(tenant, texts, is_array, old_allowed, clock, derived);
    failed := failed || ARRAY(SELECT DISTINCT r.body FROM unnest(refusals) r WHERE r.strict);

    IF careful THEN
        SELECT * INTO look FROM tally._conflicting_bodies(tenant, texts, clock);
        entangled := look.entangled;
        failed := failed || coalesce(look.conflicting, '{}');
    END IF;
    short := tally._is_short(shares);
    IF cardinality(texts) > 1 AND (entangled OR short AND (careful OR cardinality(shares) > 2)) THEN
        -- Whether one body stands decides about the others, so they are taken one after the other.
        FOR n IN 1 .. cardinality(texts) LOOP
            RETURN QUERY SELECT n, i.index, i.event_id, i.strict, i.verdict, i.reason, i.field, i.customer_hash, i.identity, i.payload,
                                i.details
                         FROM tally._ingest(tenant, texts[n:n], is_array, old_allowed, import, derived, senders[n:n]) i;
        END LOOP;
        RETURN;
    ELSIF short THEN
        refusals := refusals || tally._refuse_by_limit(tenant, texts, is_array, old_allowed, clock, derived, shares, refusals, failed);
        failed := failed || ARRAY(SELECT DISTINCT r.body FROM unnest(refusals) r WHERE r.strict);
    END IF;

    WITH parsed AS MATERIALIZED (
        SELECT e.*, row_number() OVER (PARTITION BY e.identity, e.is_failed ORDER BY e.body, e.index) AS place
        FROM (SELECT p.body, p.index, p.event_id, p.code, p.customer_id, p.source, p.ts, p.properties, p.customer_hash,
                     CASE WHEN r.body IS NULL THEN p.identity END AS identity, p.payload, NOT p.partial AS strict,
                     p.body = ANY (failed) AS is_failed, coalesce(r.reason, p.reason) AS reason, coalesce(r.field, p.field) AS field,
                     r.verdict AS refusal, r.details
              FROM tally._parse_events(texts, is_array, old_allowed, clock, derived, tenant) p
              LEFT JOIN unnest(refusals) r ON r.body = p.body AND r.index = p.index) e
    ), claimed AS (
        INSERT INTO tally.recent_identity (identity, payload, tenant_id, month)
        SELECT p.identity, p.payload, tenant, (extract(year FROM p.ts) * 12 + extract(month FROM p.ts))::integer - 23641
        FROM parsed p WHERE p.place = 1 AND p.reason IS NULL AND NOT p.is_failed
        ORDER BY p.identity
        ON CONFLICT DO NOTHING
        RETURNING recent_identity.identity
    ), judged AS MATERIALIZED (
        SELECT p.*, CASE WHEN p.reason IS NOT NULL THEN coalesce(p.refusal, 'rejected') WHEN c.identity IS NOT NULL THEN 'accepted' END AS verdict
        FROM parsed p
        LEFT JOIN claimed c ON c.identity = p.identity AND p.place = 1 AND NOT p.is_failed
    ), stored AS (
        INSERT INTO tally.recent_event (tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties, import_id)
        SELECT tenant, tally._hash32(j.code), j.customer_hash, j.ts, clock, j.code, j.customer_id, j.source, j.event_id, j.properties::json, import
        FROM judged j WHERE j.verdict = 'accepted' ORDER BY j.body, j.index
    )
    SELECT array_agg(ROW(j.body, j.index, j.event_id, j.strict, j.verdict, j.reason, j.field, j.customer_hash, j.identity,
                         j.payload, j.details)::tally._verdict ORDER BY j.body, j.index),
           count(*) FILTER (WHERE j.verdict IS NULL)
    INTO verdicts, unresolved FROM judged j;
    PERFORM tally._use_shares(tenant, senders, verdicts, shares, clock);

    IF unresolved > 0 THEN
        verdicts := tally._resolve(tenant, verdicts, failed);
    END IF;
    RETURN QUERY SELECT * FROM unnest(verdicts);
END
$$;
COMMENT ON FUNCTION tally._ingest(integer, text[], boolean, boolean, uuid, boolean, uuid[]) IS
    'Stores the events of several documents for a tenant, as part of an import where one is given, with ids made from their content where they have none and derive_ids allows it; each document was sent with its key (the one of the transaction where no keys are given), whose limits hold, and keeps its own strict or partial meaning. One row for each event with its verdict. Raises 40001 where a strict document lost a race and must be tried again';

-- A statement of its own sees what other transactions committed while the insert waited for them.
CREATE FUNCTION tally._resolve(tenant_id integer, verdicts tally._verdict[], failed integer[]) RETURNS tally._verdict[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant   integer := _resolve.tenant_id;
    refused  integer[] := _resolve.failed;
    resolved tally._verdict[];
    raced    boolean;
BEGIN
    SELECT array_agg(ROW(v.body, v.index, v.event_id, v.strict, r.verdict,
                         CASE WHEN r.verdict = 'conflict' THEN 'an event with this event_id, customer and source is stored already with other content; the first one stands' ELSE v.reason END,
                         CASE WHEN r.verdict = 'conflict' THEN 'event_id' ELSE v.field END,
                         v.customer_hash, v.identity, v.payload, v.details)::tally._verdict ORDER BY v.body, v.index),
           bool_or(r.verdict = 'conflict' AND v.strict AND v.in_body > 1 AND v.body <> ALL (refused))
    INTO resolved, raced
    FROM (SELECT u.*, count(*) OVER (PARTITION BY u.body) AS in_body,
                 first_value(u.payload) OVER (PARTITION BY u.body, u.customer_hash, u.identity ORDER BY u.index) AS first_payload
          FROM unnest(verdicts) u) v
    LEFT JOIN tally.recent_identity e ON v.verdict IS NULL AND e.identity = v.identity
    CROSS JOIN LATERAL (SELECT CASE WHEN v.verdict IS NOT NULL THEN v.verdict
                                    WHEN coalesce(e.payload, v.first_payload) <> v.payload THEN 'conflict'
                                    WHEN v.body <> ALL (refused) THEN 'duplicate' END AS verdict) r;
    IF raced THEN
        -- Another transaction stored a conflicting event between the look and the insert. Nothing of this batch may stay;
        -- at the next try the conflict is seen beforehand.
        RAISE EXCEPTION 'a conflicting event was stored at the same time' USING ERRCODE = 'serialization_failure',
            HINT = 'Try again.';
    END IF;
    RETURN resolved;
END
$$;
COMMENT ON FUNCTION tally._resolve(integer, tally._verdict[], integer[]) IS
    'Tells duplicates from conflicts among events that were not inserted';

CREATE FUNCTION tally_gated.ingest(tenant_id integer, events text, allow_backfilling boolean,
                                    OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN QUERY SELECT i.index, i.event_id, i.verdict, i.reason, i.field
    FROM tally._ingest(tenant_id, ARRAY[coalesce(events, '')], true, allow_backfilling) i;
END
$$;
COMMENT ON FUNCTION tally_gated.ingest(integer, text, boolean) IS 'What ingest does once the gate has let the caller through';

CREATE FUNCTION tally.ingest(events text, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.ingest(text, boolean) IS
    'Stores a JSON array of 1 to 10,000 events {event_id, code, customer_id, timestamp?, properties?, source?} for the current tenant. One row for each: index (from 0), event_id and verdict: accepted, duplicate (same event again: counted once), conflict (same event_id, customer and source with other content: the first stands) or rejected, with reason and field. Bad data never raises; a text that is no such array is one rejected row without an index';

CREATE FUNCTION tally.ingest(events jsonb, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT i.* FROM tally.ingest(events::text, allow_backfilling) i $$;
COMMENT ON FUNCTION tally.ingest(jsonb, boolean) IS 'tally.ingest for events that are jsonb already';

CREATE FUNCTION tally_gated.record(tenant_id integer, code text, customer text, properties jsonb, INOUT event_id text,
                                    ts timestamptz, source text, allow_backfilling boolean,
                                    OUT verdict text, OUT reason text, OUT field text)
    RETURNS record
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.event_id, i.verdict, i.reason, i.field
    FROM tally._ingest(tenant_id, ARRAY[jsonb_build_array(jsonb_build_object(
        'code', code, 'customer_id', customer, 'properties', properties,
        'event_id', coalesce(event_id, tally._uuid7()::text), 'source', source,
        -- A timestamp that has no RFC 3339 form, such as infinity, is refused with the event.
        'timestamp', CASE WHEN isfinite(ts) THEN to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE ts::text END))::text], true,
        allow_backfilling) i
$$;
COMMENT ON FUNCTION tally_gated.record(integer, text, text, jsonb, text, timestamptz, text, boolean) IS 'What record does once the gate has let the caller through';

CREATE FUNCTION tally.record(code text, customer text DEFAULT '', properties jsonb DEFAULT '{}', INOUT event_id text DEFAULT NULL,
                             ts timestamptz DEFAULT NULL, source text DEFAULT '', allow_backfilling boolean DEFAULT false,
                             OUT verdict text, OUT reason text, OUT field text)
    RETURNS record
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.record(text, text, jsonb, text, timestamptz, text, boolean) IS
    'Stores one event for the current tenant, in the caller''s transaction, and answers event_id, verdict, reason and field. Without event_id a new one is made; without ts it happens now. Bad data never raises, so that metering cannot abort a business transaction';

