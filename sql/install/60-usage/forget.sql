-- forgetting: personal data of a customer is erased from stored events for good, and amounts stay
--
-- Of each event of the customer, wherever it lies, voided and amended ones too, properties that are named go, and its id where
-- that is asked for (extension/core/event/erasure.hpp says what stands in its place). Everything else of it stays: seq, times,
-- identity, corrections; so usage, limits, duplicates and cuts are what they were, unless a metric reads what is erased, which is
-- told. It is one transaction under the locks of the customer's piles, which packing leaves alone meanwhile, and of corrections; nobody
-- else waits. What comes later, or of a transaction that is open still, is not erased.

CREATE TABLE tally.erasure (
    tenant_id   integer NOT NULL REFERENCES tally.tenant,
    erasure_id  uuid NOT NULL DEFAULT tally._uuid7(),
    customer_id text NOT NULL,
    reason      text NOT NULL CHECK (pg_catalog.length(reason) BETWEEN 1 AND 1000),
    properties  text[] NOT NULL,
    event_ids   boolean NOT NULL,
    events      bigint NOT NULL CHECK (events >= 0),
    created_at  timestamptz NOT NULL DEFAULT tally._now(),
    created_by  text NOT NULL DEFAULT tally._actor(),
    PRIMARY KEY (tenant_id, erasure_id)
);
COMMENT ON TABLE tally.erasure IS 'Personal data that was erased: of whom, what, why, when and by whom. Only ever added to';
COMMENT ON COLUMN tally.erasure.tenant_id IS 'Whose events they were';
COMMENT ON COLUMN tally.erasure.erasure_id IS 'Shown as ers_...';
COMMENT ON COLUMN tally.erasure.customer_id IS 'Of which customer';
COMMENT ON COLUMN tally.erasure.reason IS 'Why';
COMMENT ON COLUMN tally.erasure.properties IS 'Names of the properties that were erased; those that were named, or of all that no metric reads those that were found';
COMMENT ON COLUMN tally.erasure.event_ids IS 'Whether the ids of events were erased too';
COMMENT ON COLUMN tally.erasure.events IS 'How many events were changed';
COMMENT ON COLUMN tally.erasure.created_at IS 'When it was done';
COMMENT ON COLUMN tally.erasure.created_by IS 'Key or role that did it';

CREATE FUNCTION tally._erased_names(properties json, erased text[], kept text[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'tally_erased_names'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._erased_names(json, text[], text[]) IS 'Which properties of an event are erased: those among erased; where that is NULL, all that are not among kept';

CREATE FUNCTION tally._without(properties json, erased text[], kept text[]) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_without'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._without(json, text[], text[]) IS 'An event''s properties without those that are erased (_erased_names)';

CREATE FUNCTION tally._metric_properties(metric tally.metric) RETURNS text[]
    AS 'MODULE_PATHNAME', 'tally_metric_properties'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._metric_properties(tally.metric) IS 'Names of the properties of events on which a metric''s values depend';

CREATE FUNCTION tally._key_property(key text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_key_property'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._key_property(text) IS 'The property in which a key, as of a filter, begins';

CREATE FUNCTION tally._forget_packed(tenant_id integer, code text, customer text, erased text[], kept text[], event_ids boolean) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_forget_packed'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally._forget_packed(integer, text, text, text[], text[], boolean) IS
    'Erases from a customer''s packed events of a code, segment by segment, and answers how many were changed. The pile is locked';

CREATE FUNCTION tally._metrics_reading(tenant_id integer, code text, properties text[], OUT metric_id uuid, OUT name text, OUT reads text[]) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT m.metric_id, m.name, array_agg(DISTINCT p.name)
    FROM (SELECT x.* FROM tally.metric x WHERE x.tenant_id = _metrics_reading.tenant_id
          UNION ALL     -- adjustments are told by the definitions of then
          SELECT d.* FROM tally.statement s, json_populate_recordset(NULL::tally.metric, s.definitions) d WHERE s.tenant_id = _metrics_reading.tenant_id
          UNION ALL     -- and so is usage as of a cut
          SELECT d.* FROM tally.metric_version v, json_populate_record(NULL::tally.metric, v.definition) d WHERE v.tenant_id = _metrics_reading.tenant_id) m,
         unnest(tally._metric_properties(m)) p(name)
    WHERE m.code = _metrics_reading.code AND (properties IS NULL OR p.name = ANY (properties))
    GROUP BY m.metric_id, m.name
$$;
COMMENT ON FUNCTION tally._metrics_reading(integer, text, text[]) IS
    'Metrics of a code that read one of these properties (NULL: any), as they are, archived ones too, or were before they were changed, or when a period was closed';

CREATE FUNCTION tally._codes_of_customer(tenant_id integer, customer text) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.code FROM tally.segment s
    WHERE s.tenant_id = _codes_of_customer.tenant_id AND s.first_customer <= customer COLLATE "C" AND s.last_customer >= customer COLLATE "C"
    UNION
    SELECT r.code FROM tally.recent_event r
    WHERE r.generation = ANY (ARRAY(SELECT g.generation FROM tally.generation g) || 0) AND r.tenant_id = _codes_of_customer.tenant_id
      AND r.customer_hash = tally._hash32(customer) AND r.customer_id = customer
$$;
COMMENT ON FUNCTION tally._codes_of_customer(integer, text) IS 'Codes of which a customer may have events';

CREATE FUNCTION tally._forget_recent(tenant_id integer, code text, customer text, erased text[], kept text[], event_ids boolean) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    changed bigint;
BEGIN
    UPDATE tally.recent_event r
    SET properties = CASE WHEN tally._erased_names(r.properties, erased, kept) <> '{}' THEN tally._without(r.properties, erased, kept) ELSE r.properties END,
        event_id = CASE WHEN _forget_recent.event_ids THEN tally._erased_id(r.tenant_id, r.customer_id, r.source, r.event_id) ELSE r.event_id END
    WHERE r.generation = ANY (ARRAY(SELECT g.generation FROM tally.generation g) || 0) AND r.tenant_id = _forget_recent.tenant_id
      AND r.code_hash = tally._hash32(_forget_recent.code) AND r.customer_hash = tally._hash32(customer)
      AND r.code = _forget_recent.code AND r.customer_id = customer
      AND (tally._erased_names(r.properties, erased, kept) <> '{}'
           OR _forget_recent.event_ids AND r.event_id <> tally._erased_id(r.tenant_id, r.customer_id, r.source, r.event_id));
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION tally._forget_recent(integer, text, text, text[], text[], boolean) IS 'Erases from a customer''s recent events of a code, and answers how many were changed. The pile is locked';

CREATE FUNCTION tally._forget_notes(tenant_id integer, customer text, erased text[], event_ids boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    -- Filters of batches that voided events of the customer.
    UPDATE tally.correction_batch b
    SET question = (b.question::jsonb || jsonb_build_object('filter', (
            SELECT jsonb_object_agg(f.key, CASE WHEN tally._key_property(f.key) = ANY (erased) OR f.key = ANY (erased) THEN '"erased"' ELSE f.value END)
            FROM jsonb_each(b.question::jsonb -> 'filter') f)))::json
    WHERE b.tenant_id = _forget_notes.tenant_id
      AND EXISTS (SELECT FROM jsonb_object_keys(b.question::jsonb -> 'filter') k(key) WHERE tally._key_property(k.key) = ANY (erased) OR k.key = ANY (erased))
      AND (b.question ->> 'customer_id' = customer
           OR EXISTS (SELECT FROM tally.correction c WHERE c.tenant_id = b.tenant_id AND c.batch_id = b.batch_id AND c.customer_id = customer)
           OR EXISTS (SELECT FROM tally.lifted_correction l WHERE l.tenant_id = b.tenant_id AND l.batch_id = b.batch_id AND l.customer_id = customer));
    -- Lines that failed with the id of a stored event, such as conflicts.
    IF event_ids THEN
        UPDATE tally.import_failure f SET event_id = NULL
        WHERE f.tenant_id = _forget_notes.tenant_id AND f.event_id IS NOT NULL
          AND f.event_id IN (SELECT e.event_id FROM tally._find_events(_forget_notes.tenant_id, NULL, customer, NULL, NULL, NULL, NULL, NULL, NULL, NULL) e);
    END IF;
END
$$;
COMMENT ON FUNCTION tally._forget_notes(integer, text, text[], boolean) IS
    'Erases what else was noted of a customer''s events: values in filters of corrections, ids of failed lines. Before the events themselves';

CREATE FUNCTION tally_gated.forget_customer(tenant_id integer, customer text, reason text, properties text[], event_ids boolean, dry_run boolean) RETURNS json
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    codes   text[];
    kept    text[];
    found   record;
    metrics json;
    changed bigint := 0;
    made    tally.erasure;
    one     text;
BEGIN
    PERFORM tally._check_reason(reason);
    IF customer IS NULL OR customer = '' THEN
        PERFORM tally._fail('customer_id', 'the customer is missing');
    ELSIF length(customer) > 255 THEN
        PERFORM tally._fail('customer_id', 'customer_id must have at most 255 characters');
    ELSIF cardinality(properties) > 100 OR EXISTS (SELECT FROM unnest(properties) p(name) WHERE p.name IS NULL OR length(p.name) NOT BETWEEN 1 AND 255) THEN
        PERFORM tally._fail('properties', 'properties must be up to 100 names of 1 to 255 characters');
    ELSIF properties = '{}' AND event_ids IS NOT TRUE THEN
        PERFORM tally._fail('properties', 'nothing is to be erased', 'Name properties, leave them out for all that no metric reads, or give event_ids.');
    END IF;
    event_ids := coalesce(event_ids, false);
    codes := ARRAY(SELECT c FROM tally._codes_of_customer(tenant_id, customer) c ORDER BY c);
    IF dry_run IS FALSE THEN
        PERFORM tally._lock_corrections(tenant_id);     -- whoever amends has read what is erased here
        IF EXISTS (SELECT FROM unnest(codes) c WHERE NOT EXISTS (SELECT FROM tally.pile p WHERE p.tenant_id = forget_customer.tenant_id AND p.code_hash = tally._hash32(c))) THEN
            PERFORM pg_advisory_xact_lock(82561, 1);    -- pile rows (extension/pg/segment/pile.hpp): packing makes none meanwhile
            INSERT INTO tally.pile (tenant_id, code_hash) SELECT DISTINCT forget_customer.tenant_id, tally._hash32(c) FROM unnest(codes) c ON CONFLICT DO NOTHING;
        END IF;
        PERFORM FROM tally.pile p WHERE p.tenant_id = forget_customer.tenant_id AND p.code_hash = ANY (ARRAY(SELECT tally._hash32(c) FROM unnest(codes) c))
        ORDER BY p.code_hash FOR NO KEY UPDATE;
    END IF;
    -- A property that a metric of any of these codes reads stays in all of them, unless it is named.
    kept := ARRAY(SELECT DISTINCT p FROM unnest(codes) c, tally._metrics_reading(tenant_id, c, NULL) m, unnest(m.reads) p);
    SELECT count(DISTINCT e.seq) FILTER (WHERE n.name IS NOT NULL OR forget_customer.event_ids AND e.event_id <> tally._erased_id(e.tenant_id, e.customer_id, e.source, e.event_id)) AS events,
           coalesce(array_agg(DISTINCT n.name) FILTER (WHERE n.name IS NOT NULL), '{}') AS names
    INTO found
    FROM tally._find_events(tenant_id, NULL, customer, NULL, NULL, NULL, NULL, NULL, NULL, NULL) e
         LEFT JOIN LATERAL unnest(tally._erased_names(e.properties, forget_customer.properties, kept)) n(name) ON true;
    metrics := (SELECT coalesce(json_agg(json_build_object('metric_id', tally._encode_id('bm_', m.metric_id), 'name', m.name, 'code', c.code, 'properties', m.reads)
                                ORDER BY c.place, m.name, m.metric_id), '[]')
                FROM unnest(codes) WITH ORDINALITY c(code, place), tally._metrics_reading(tenant_id, c.code, found.names) m);
    IF dry_run IS NOT FALSE THEN
        RETURN json_build_object('dry_run', true, 'customer_id', customer, 'events', found.events, 'properties', found.names, 'event_ids', event_ids, 'metrics', metrics);
    END IF;
    PERFORM tally._forget_notes(tenant_id, customer, found.names || coalesce(properties, '{}'), event_ids);
    FOREACH one IN ARRAY codes LOOP
        changed := changed + tally._forget_packed(tenant_id, one, customer, properties, kept, event_ids)
                           + tally._forget_recent(tenant_id, one, customer, properties, kept, event_ids);
    END LOOP;
    -- What was carried of packed events that a metric now reads otherwise is good for nothing.
    UPDATE tally.pile p SET version = p.version + 1
    WHERE p.tenant_id = forget_customer.tenant_id AND p.code_hash IN (SELECT tally._hash32(m ->> 'code') FROM json_array_elements(metrics) m);
    INSERT INTO tally.erasure (tenant_id, customer_id, reason, properties, event_ids, events)
    VALUES (tenant_id, customer, reason, coalesce(properties, found.names), event_ids, changed) RETURNING * INTO made;
    RETURN json_build_object('dry_run', false, 'id', tally._encode_id('ers_', made.erasure_id), 'customer_id', customer, 'events', changed,
                             'properties', found.names, 'event_ids', event_ids, 'metrics', metrics);
END
$$;
COMMENT ON FUNCTION tally_gated.forget_customer(integer, text, text, text[], boolean, boolean) IS 'What forget_customer does once the gate has let the caller through';

CREATE FUNCTION tally.forget_customer(customer text, reason text, properties text[] DEFAULT NULL, event_ids boolean DEFAULT false, dry_run boolean DEFAULT true) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.forget_customer(text, text, text[], boolean, boolean) IS
    'With dry_run, as it is where nothing is said, tells of how many events of a customer of the current tenant something would be erased, which properties (those that are named; NULL: all that no metric reads), and which metrics read them, and would change. With dry_run => false erases them for good from recent events, segments and filters of corrections, and with event_ids the ids of the events; noted in view erasures. Events go on counting, and are duplicates when they come again. The customer''s own id stays, since amounts, identities and digests of statements hang on it. Errors: 22023';

CREATE FUNCTION tally._erasures(OUT id text, OUT customer_id text, OUT reason text, OUT properties text[], OUT event_ids boolean, OUT events bigint,
                                OUT created_at timestamptz, OUT created_by text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('ers_', e.erasure_id), e.customer_id, e.reason, e.properties, e.event_ids, e.events, e.created_at, e.created_by
    FROM tally.erasure e WHERE e.tenant_id = (SELECT tally.current_tenant()) ORDER BY e.created_at DESC, e.erasure_id DESC
$$;
COMMENT ON FUNCTION tally._erasures() IS 'What view erasures shows; reads with the rights of the caller';

CREATE VIEW tally.erasures AS SELECT * FROM tally._erasures();
COMMENT ON VIEW tally.erasures IS 'Personal data of customers of the current tenant that was erased, newest first';
