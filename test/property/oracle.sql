-- The oracle of the property test: what was acknowledged, in ordinary tables, written in the transaction of the ingest; and
-- what a property means, written anew. Nothing here calls pgtally but oracle.ingest(), which hands it the events.

CREATE SCHEMA oracle;

CREATE TABLE oracle.event (
    ord         bigserial,                  -- order of arrival among equal timestamps, which are one session's
    customer_id text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    code        text COLLATE "C" NOT NULL,
    ts          timestamptz NOT NULL,
    sent_ts     text,                       -- as sent; NULL where the event happened "now"
    properties  jsonb NOT NULL,
    sent        jsonb,                      -- of an amended event the properties as they were sent
    is_void     boolean NOT NULL DEFAULT false,     -- by itself: it keeps its identity, and may be restored
    import      text,                       -- name of the file that brought it
    voided      boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX ON oracle.event (customer_id, source, event_id) WHERE NOT voided;
CREATE INDEX ON oracle.event (code, ts);
CREATE INDEX ON oracle.event (import) WHERE import IS NOT NULL;

CREATE TABLE oracle.metric (id text PRIMARY KEY, definition jsonb NOT NULL);

-- What a key names: a property, or what PostgreSQL's own paths find.
CREATE FUNCTION oracle.at(properties jsonb, key text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN key LIKE '$%' THEN jsonb_path_query_first(properties, ('strict ' || key)::jsonpath, '{}', true)
                WHEN properties ? key OR key NOT LIKE '%.%' THEN properties -> key
                ELSE jsonb_path_query_first(properties, ('strict $.' || key)::jsonpath, '{}', true) END
$$;

-- A number, or a text that spells one; NULL for all else. Texts are what they are: blanks, NaN and 0x10 are no numbers.
CREATE FUNCTION oracle.number(properties jsonb, key text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN (v #>> '{}')::numeric
                WHEN jsonb_typeof(v) = 'string' AND v #>> '{}' ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$'
                    THEN (v #>> '{}')::numeric END
    FROM oracle.at(properties, key) v
$$;

-- A property as a dimension or a distinct value: equal numbers are one, an empty text, null, objects and arrays are none.
CREATE FUNCTION oracle.dimension(properties jsonb, key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(v) WHEN 'number' THEN trim_scale((v #>> '{}')::numeric)::text
                                WHEN 'string' THEN nullif(v #>> '{}', '')
                                WHEN 'boolean' THEN v #>> '{}' END
    FROM oracle.at(properties, key) v
$$;

-- Judges the verdicts that pgtally gave to events: the accepted ones are new and are kept, a duplicate is known with just this
-- content, a conflict with another. Raises OR001 where a verdict is wrong.
CREATE FUNCTION oracle.judge(sent jsonb, verdicts jsonb, import text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
    told  text;
BEGIN
    CREATE TEMPORARY TABLE IF NOT EXISTS judged (index int, e jsonb, verdict text, reason text) ON COMMIT DELETE ROWS;
    DELETE FROM judged;
    INSERT INTO judged SELECT s.n - 1, s.e, v.verdict, v.reason FROM jsonb_array_elements(sent) WITH ORDINALITY s(e, n)
        FULL JOIN jsonb_to_recordset(verdicts) v(index int, verdict text, reason text) ON v.index = s.n - 1;
    INSERT INTO oracle.event (customer_id, source, event_id, code, ts, sent_ts, properties, import)
    SELECT e ->> 'customer_id', coalesce(e ->> 'source', ''), e ->> 'event_id', e ->> 'code', (e ->> 'timestamp')::timestamptz, e ->> 'timestamp',
           e -> 'properties', import
    FROM judged WHERE verdict = 'accepted' ORDER BY index;
    SELECT format('%s: verdict %s (%s), the oracle says %s', j.e, j.verdict, j.reason, j.right) INTO wrong
    FROM (SELECT j.*, CASE WHEN oracle.is_refused(j.e) THEN 'rejected' WHEN o.code IS NULL THEN 'unknown event'
                           WHEN o.code = j.e ->> 'code' AND o.sent_ts = j.e ->> 'timestamp' AND coalesce(o.sent, o.properties) = j.e -> 'properties' THEN 'duplicate'
                           ELSE 'conflict' END AS right
          FROM judged j
          LEFT JOIN oracle.event o ON o.customer_id = j.e ->> 'customer_id' AND o.source = coalesce(j.e ->> 'source', '')
                                   AND o.event_id = j.e ->> 'event_id' AND NOT o.voided
          WHERE j.verdict IS DISTINCT FROM 'accepted') j
    -- An older snapshot does not show the oracle what another session stored; to pgtally known is known.
    WHERE j.verdict IS DISTINCT FROM j.right
      AND NOT (j.right = 'unknown event' AND j.verdict IN ('duplicate', 'conflict') AND current_setting('transaction_isolation') <> 'read committed') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'OR001';
    END IF;
    SELECT string_agg(v, ', ') INTO told FROM (SELECT verdict || ' ' || count(*) AS v FROM judged GROUP BY verdict) t;
    RETURN told;
END
$$;

-- What metrics of a kind refuse: code "value" is read by a dual one, "paid" by one of kind base.
CREATE FUNCTION oracle.is_refused(e jsonb) RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(e ->> 'code' = 'value' AND oracle.number(e -> 'properties', 'n') = 0
                    OR e ->> 'code' = 'paid' AND oracle.number(e -> 'properties', 'n') <= 0, false)
$$;

CREATE FUNCTION oracle.ingest(sent text, old boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN oracle.judge(sent::jsonb, (SELECT jsonb_agg(i) FROM tally.ingest(sent, old) i), NULL);
END
$$;

-- One event by itself; without a timestamp its time is asked back, and must be now.
CREATE FUNCTION oracle.record(e jsonb, has_time boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    v     record;
    at    timestamptz;
BEGIN
    SELECT * INTO v FROM tally.record(e ->> 'code', e ->> 'customer_id', e -> 'properties', e ->> 'event_id',
                                      CASE WHEN has_time THEN (e ->> 'timestamp')::timestamptz END, coalesce(e ->> 'source', ''), true);
    IF NOT has_time AND v.verdict = 'accepted' THEN
        SELECT (tally_rest.get_event(t.tenant_id, jsonb_build_object('event_id', e ->> 'event_id'), jsonb_build_object(
                    'customer_id', jsonb_build_array(e ->> 'customer_id'), 'source', jsonb_build_array(e ->> 'source')), NULL)
                #>> '{data,0,timestamp}')::timestamptz INTO at FROM tally.tenant t;
        IF at NOT BETWEEN began AND clock_timestamp() OR at IS NULL THEN
            RAISE EXCEPTION 'an event of % happened at %', began, at USING ERRCODE = 'OR001';
        END IF;
        INSERT INTO oracle.event (customer_id, source, event_id, code, ts, properties)
        VALUES (e ->> 'customer_id', e ->> 'source', e ->> 'event_id', e ->> 'code', at, e -> 'properties');
        RETURN v.verdict;
    END IF;
    RETURN oracle.judge(jsonb_build_array(e), jsonb_build_array(jsonb_build_object('index', 0, 'verdict', v.verdict, 'reason', v.reason)), NULL);
END
$$;

-- A file of lines, all of them new or known to the same import's session, as a part of a transaction.
CREATE FUNCTION oracle.import(sent jsonb, lines text, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer json;
    fresh  bigint;
    other  bigint;      -- known with another content
BEGIN
    SELECT count(*) FILTER (WHERE o.code IS NULL),
           count(*) FILTER (WHERE (o.code, o.sent_ts, o.properties) IS DISTINCT FROM (e ->> 'code', e ->> 'timestamp', e -> 'properties') AND o.code IS NOT NULL)
    INTO fresh, other FROM jsonb_array_elements(sent) s(e)
    LEFT JOIN oracle.event o ON o.customer_id = e ->> 'customer_id' AND o.source = e ->> 'source' AND o.event_id = e ->> 'event_id' AND NOT o.voided;
    LOOP
        SELECT tally_rest.import_chunk(t.tenant_id, '{}', jsonb_build_object('name', jsonb_build_array(file)), lines) INTO answer FROM tally.tenant t;
        EXIT WHEN answer IS NOT NULL;
    END LOOP;
    IF (answer ->> 'accepted')::bigint <> fresh OR (answer ->> 'failed')::bigint <> other THEN
        RAISE EXCEPTION 'import "%" of % events, % of them new, % conflicts: %', file, jsonb_array_length(sent), fresh, other, answer USING ERRCODE = 'OR001';
    END IF;
    INSERT INTO oracle.event (customer_id, source, event_id, code, ts, sent_ts, properties, import)
    SELECT e ->> 'customer_id', e ->> 'source', e ->> 'event_id', e ->> 'code', (e ->> 'timestamp')::timestamptz, e ->> 'timestamp', e -> 'properties', file
    FROM jsonb_array_elements(sent) WITH ORDINALITY s(e, n)
    WHERE NOT EXISTS (SELECT FROM oracle.event o WHERE o.customer_id = s.e ->> 'customer_id' AND o.source = s.e ->> 'source'
                                                   AND o.event_id = s.e ->> 'event_id' AND NOT o.voided)
    ORDER BY n;
    RETURN answer ->> 'import_id';
END
$$;

CREATE FUNCTION oracle.void(import_id text, file text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    told  bigint;
    known bigint;
BEGIN
    SELECT (tally_rest.void_import(t.tenant_id, jsonb_build_object('id', import_id), '{}', NULL) #>> '{voided,events}')::bigint INTO told FROM tally.tenant t;
    UPDATE oracle.event SET voided = true WHERE import = file;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF told IS DISTINCT FROM known THEN
        RAISE EXCEPTION 'import "%": % events were voided, the oracle knows %', file, told, known USING ERRCODE = 'OR001';
    END IF;
END
$$;

CREATE FUNCTION oracle.create_metric(definition jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id text := tally.create_metric(definition ->> 'code', definition ->> 'aggregation_type', definition ->> 'name', definition ->> 'aggregation_key',
        segmentation_matrix => nullif(definition -> 'segmentation_matrix', 'null'), usage_group_key => definition ->> 'usage_group_key',
        conversion_factor => (definition #>> '{unit_conversion,factor}')::int, conversion_rounding => definition #>> '{unit_conversion,rounding}',
        kind => definition ->> 'kind');
BEGIN
    INSERT INTO oracle.metric VALUES (id, definition);
    RETURN id;
END
$$;

CREATE FUNCTION oracle.change_metric(id text, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tally_rest.change_metric(t.tenant_id, jsonb_build_object('id', change_metric.id), '{}', change::text) FROM tally.tenant t;
    UPDATE oracle.metric m SET definition = m.definition || change WHERE m.id = change_metric.id;
END
$$;

-- Corrects some event that came by itself: voids it, amends it, or takes a void back. Another session may just be at the same one.
CREATE FUNCTION oracle.correct(seed float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    e      oracle.event;
    wanted jsonb;
BEGIN
    SELECT * INTO e FROM oracle.event o WHERE NOT o.voided AND o.import IS NULL AND o.code NOT IN ('value', 'paid') AND o.ord >= seed * (SELECT max(x.ord) FROM oracle.event x)
    ORDER BY o.ord LIMIT 1;
    IF e.ord IS NULL THEN
        RETURN 'none';
    ELSIF e.is_void THEN
        PERFORM tally.restore_event(e.event_id, 'tested', e.customer_id, e.source);
        UPDATE oracle.event o SET is_void = false WHERE o.ord = e.ord;
        RETURN 'restored';
    ELSIF e.ord % 2 = 0 THEN
        PERFORM tally.void_event(e.event_id, 'tested', e.customer_id, e.source);
        UPDATE oracle.event o SET is_void = true WHERE o.ord = e.ord;
        RETURN 'voided';
    END IF;
    wanted := e.properties || jsonb_build_object('n', (e.ord % 1000) / 8.0, 'amended', e.ord);
    PERFORM tally.amend_event(e.event_id, 'tested', e.customer_id, e.source, properties => wanted::json);
    UPDATE oracle.event o SET voided = true WHERE o.ord = e.ord;
    INSERT INTO oracle.event (customer_id, source, event_id, code, ts, sent_ts, properties, sent)
    VALUES (e.customer_id, e.source, e.event_id, e.code, e.ts, e.sent_ts, wanted, coalesce(e.sent, e.properties));
    RETURN 'amended';
EXCEPTION WHEN SQLSTATE 'TL409' THEN
    RETURN 'corrected by another';
END
$$;

-- Voids all events of a code and a customer around one of them as a batch, in one snapshot: of codes that no REST client sends.
CREATE FUNCTION oracle.correct_many(codes text[], seed float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    e     oracle.event;
    told  json;
    known bigint;
BEGIN
    SELECT * INTO e FROM oracle.event o WHERE NOT o.voided AND NOT o.is_void AND o.code = ANY (codes) AND o.ord >= seed * (SELECT max(x.ord) FROM oracle.event x)
    ORDER BY o.ord LIMIT 1;
    IF e.ord IS NULL THEN
        RETURN 'none';
    END IF;
    told := tally.void_events('tested', e.code, e.ts, e.ts + interval '2 days', e.customer_id, dry_run => false);
    UPDATE oracle.event o SET is_void = true
    WHERE o.code = e.code AND o.customer_id = e.customer_id AND o.ts >= e.ts AND o.ts < e.ts + interval '2 days' AND NOT o.voided AND NOT o.is_void;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known <> (told ->> 'events')::bigint THEN
        RAISE EXCEPTION '% events of "%" were voided, the oracle knows %', told ->> 'events', e.code, known USING ERRCODE = 'OR001';
    END IF;
    RETURN 'voided many';
EXCEPTION WHEN serialization_failure THEN
    RETURN 'corrected by another';
END
$$;
