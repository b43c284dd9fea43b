-- closing: what customers have used in a period, frozen in a statement; what changes in it later are adjustments
--
-- A statement and its lines are written once and never changed. Each metric is measured by its definition as it was, kept
-- in the statement, also when adjustments are told: they come from events and corrections alone, not from a metric that was
-- changed since. Who closes again names the statement that is superseded; both stay.

CREATE TABLE tally.statement (
    tenant_id    integer NOT NULL REFERENCES tally.tenant,
    statement_id uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    range_from   timestamptz NOT NULL,
    range_to     timestamptz NOT NULL,
    customer_id  text,
    number       bigint NOT NULL,
    definitions  json NOT NULL,
    lines        bigint NOT NULL CHECK (lines >= 0),
    digest       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by   text NOT NULL DEFAULT tally._actor(),
    PRIMARY KEY (tenant_id, statement_id),
    CONSTRAINT statement_number UNIQUE (tenant_id, number)
);
COMMENT ON TABLE tally.statement IS 'Periods that were closed; never changed';
COMMENT ON COLUMN tally.statement.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.statement.statement_id IS 'Shown as stm_...';
COMMENT ON COLUMN tally.statement.range_from IS 'Begin of the period';
COMMENT ON COLUMN tally.statement.range_to IS 'End of the period, which is not in it';
COMMENT ON COLUMN tally.statement.customer_id IS 'Only this customer; NULL: all of them';
COMMENT ON COLUMN tally.statement.number IS 'Counts a tenant''s statements: whoever closes by a snapshot that does not see the last one fails by it';
COMMENT ON COLUMN tally.statement.definitions IS 'The metrics in use as they were: an array of rows of tally.metric';
COMMENT ON COLUMN tally.statement.lines IS 'How many lines it has';
COMMENT ON COLUMN tally.statement.digest IS 'SHA-256 of period, customer, definitions and lines (_statement_digest), in hexadecimal digits';
COMMENT ON COLUMN tally.statement.created_at IS 'When the period was closed';
COMMENT ON COLUMN tally.statement.created_by IS 'Key or role that closed it';

CREATE TABLE tally.superseded_statement (
    tenant_id    integer NOT NULL,
    statement_id uuid NOT NULL,
    successor    uuid NOT NULL,
    PRIMARY KEY (tenant_id, statement_id),
    FOREIGN KEY (tenant_id, statement_id) REFERENCES tally.statement
);
CREATE INDEX superseded_statement_successor ON tally.superseded_statement (tenant_id, successor);
COMMENT ON TABLE tally.superseded_statement IS 'Statements that stand no longer; never changed';
COMMENT ON COLUMN tally.superseded_statement.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.superseded_statement.statement_id IS 'The statement';
COMMENT ON COLUMN tally.superseded_statement.successor IS 'Statement that stands in its place';
COMMENT ON INDEX tally.superseded_statement_successor IS 'In whose place a statement stands';

CREATE FUNCTION tally._supersedes(s tally.statement) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(tally._encode_id('stm_', o.statement_id) ORDER BY o.number)
    FROM tally.superseded_statement x JOIN tally.statement o USING (tenant_id, statement_id) WHERE x.tenant_id = s.tenant_id AND x.successor = s.statement_id
$$;
COMMENT ON FUNCTION tally._supersedes(tally.statement) IS 'Statements in whose place one stands, in their order; NULL where it stands in nobody''s';

CREATE FUNCTION tally._superseded_by(s tally.statement) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally._encode_id('stm_', x.successor) FROM tally.superseded_statement x WHERE x.tenant_id = s.tenant_id AND x.statement_id = s.statement_id $$;
COMMENT ON FUNCTION tally._superseded_by(tally.statement) IS 'The statement that stands in the place of one; NULL where it stands itself';

-- A row a customer, not a line: a statement of 10,000 customers and 20 metrics has 184,000 lines, and to make a row and an
-- entry of an index for each would take several times what computing them does.
CREATE TABLE tally.statement_usage (
    tenant_id    integer NOT NULL,
    statement_id uuid NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    part         integer NOT NULL,
    metrics      integer NOT NULL,
    lines        json NOT NULL,
    PRIMARY KEY (tenant_id, statement_id, customer_id, part)
);
COMMENT ON TABLE tally.statement_usage IS 'What a customer has used of each metric in a period when it was closed; never changed';
COMMENT ON COLUMN tally.statement_usage.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.statement_usage.statement_id IS 'The statement';
COMMENT ON COLUMN tally.statement_usage.customer_id IS 'The customer; empty for events of no customer';
COMMENT ON COLUMN tally.statement_usage.part IS '1; further ones where the statement was too large to be made at once: of the metrics behind those of the part before';
COMMENT ON COLUMN tally.statement_usage.metrics IS 'How many metrics the customer has used: lines of the statement';
COMMENT ON COLUMN tally.statement_usage.lines IS 'For each of them [place in the statement''s definitions from 1, usage, converted usage, events counted, events without a usable value]; usages as texts, null where there is none';

CREATE FUNCTION tally._period_lines(metrics tally.metric[], "from" timestamptz, "to" timestamptz, customer text,
                                    OUT customer_id text, OUT part integer, OUT metrics integer, OUT lines json) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_period_lines'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000 COST 10000;
COMMENT ON FUNCTION tally._period_lines(tally.metric[], timestamptz, timestamptz, text) IS
    'Usage of these metrics in [from, to), of one customer or (NULL) of all, over all dimensions: the columns of tally.statement_usage, by part and customer';

CREATE FUNCTION tally._freeze_lines(tenant_id integer, statement_id uuid, head text, metrics tally.metric[], "from" timestamptz, "to" timestamptz, customer text,
                                    OUT lines bigint, OUT digest text) RETURNS record
    AS 'MODULE_PATHNAME', 'tally_freeze_lines'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally._freeze_lines(integer, uuid, text, tally.metric[], timestamptz, timestamptz, text) IS
    'Stores what _period_lines answers as rows of tally.statement_usage, and answers how many lines they have and the digest (_statement_digest) of a statement that begins with head';

CREATE FUNCTION tally._lines(lines json, OUT place integer, OUT value numeric, OUT converted_value numeric, OUT events bigint, OUT skipped bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_lines'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION tally._lines(json) IS 'The lines of a row of tally.statement_usage. Raises XX001 where they are none, 22P02 where an amount is no number';

CREATE FUNCTION tally._definitions(definitions json) RETURNS tally.metric[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(array_agg(m), '{}') FROM json_populate_recordset(NULL::tally.metric, definitions) m $$;
COMMENT ON FUNCTION tally._definitions(json) IS 'Metrics as a statement has kept them, in its order';

CREATE FUNCTION tally._statement_head(s tally.statement) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT concat_ws(E'\n', (extract(epoch FROM s.range_from) * 1000000)::bigint, (extract(epoch FROM s.range_to) * 1000000)::bigint, coalesce('customer ' || s.customer_id, 'all customers'), s.definitions::text)
$$;
COMMENT ON FUNCTION tally._statement_head(tally.statement) IS 'What a statement says besides its lines, as its digest begins';

CREATE FUNCTION tally._statement_digest(s tally.statement) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- Rows in the order in which _freeze_lines makes them, sorted before and not by the aggregate, which would take longer.
    SELECT encode(sha256(convert_to(concat_ws(E'\n', tally._statement_head(s), string_agg(length(l.customer_id) || ':' || l.customer_id || E'\t' || l.lines::text, E'\n')), 'UTF8')), 'hex')
    FROM (SELECT * FROM tally.statement_usage x WHERE x.tenant_id = s.tenant_id AND x.statement_id = s.statement_id ORDER BY x.part, x.customer_id) l
$$;
COMMENT ON FUNCTION tally._statement_digest(tally.statement) IS 'SHA-256 of all that a statement says, in hexadecimal digits';

CREATE FUNCTION tally._statement(tenant_id integer, statement text) RETURNS tally.statement
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    s tally.statement;
BEGIN
    SELECT * INTO s FROM tally.statement x WHERE x.tenant_id = _statement.tenant_id AND x.statement_id = tally._decode_id('stm_', statement);
    IF s.statement_id IS NULL THEN
        RAISE EXCEPTION 'statement "%" does not exist', left(statement, 64) USING ERRCODE = 'no_data_found', COLUMN = 'id';
    END IF;
    RETURN s;
END
$$;
COMMENT ON FUNCTION tally._statement(integer, text) IS 'A tenant''s statement by its id. Raises P0002';

CREATE FUNCTION tally._refuse_superseding(s tally.statement, "from" timestamptz, "to" timestamptz, customer text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    id        text := tally._encode_id('stm_', s.statement_id);
    left_over text := concat_ws(', and ',
        CASE WHEN s.range_from < "from" THEN format('%s to %s', tally_rest._timestamp(s.range_from), tally_rest._timestamp("from")) END,
        CASE WHEN s.range_to > "to" THEN format('%s to %s', tally_rest._timestamp("to"), tally_rest._timestamp(s.range_to)) END,
        CASE WHEN s.customer_id IS NULL AND customer IS NOT NULL THEN 'all customers but one' END);
BEGIN
    IF tally._superseded_by(s) IS NOT NULL THEN
        RAISE EXCEPTION 'statement "%" has been superseded already', id USING ERRCODE = 'TL409', COLUMN = 'supersedes', HINT = format('It is statement "%s" that stands in its place.', tally._superseded_by(s));
    END IF;
    IF s.range_from >= "to" OR s.range_to <= "from" OR s.customer_id <> customer THEN
        RAISE EXCEPTION 'statement "%" closed nothing of this period', id
            USING ERRCODE = 'invalid_parameter_value', COLUMN = 'supersedes', HINT = 'Name statements of which the new one covers the whole period, and all customers; tally.statements() lists them, and GET /api/v1/statements.';
    ELSIF left_over <> '' THEN
        -- What nobody stands for any more could be closed once again without a word of it.
        RAISE EXCEPTION 'statement "%" closed more than is closed in its place: % would be left', id, left_over
            USING ERRCODE = 'invalid_parameter_value', COLUMN = 'supersedes', HINT = 'Close a period that covers all of it, for all customers that it is of, or ask for its adjustments.';
    END IF;
END
$$;
COMMENT ON FUNCTION tally._refuse_superseding(tally.statement, timestamptz, timestamptz, text) IS
    'Raises TL409 where a statement has been superseded already, 22023 where it is not wholly in the period, and of the customers, that are closed in its place';

CREATE FUNCTION tally_gated.close_period(tenant_id integer, "from" timestamptz, "to" timestamptz, customer text, supersedes text[]) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    named   uuid[] := ARRAY(SELECT DISTINCT tally._decode_id('stm_', n.id) FROM unnest(supersedes) n(id));
    unknown text;
    other   uuid;
    made    tally.statement;
BEGIN
    PERFORM tally._check_range("from", "to");
    PERFORM pg_advisory_xact_lock(82563, tenant_id);      -- own class: one at a time closes
    SELECT n.id INTO unknown FROM unnest(supersedes) n(id)
    WHERE NOT EXISTS (SELECT FROM tally.statement s WHERE s.tenant_id = close_period.tenant_id AND s.statement_id = tally._decode_id('stm_', n.id)) LIMIT 1;
    IF FOUND THEN
        PERFORM tally._statement(tenant_id, unknown);
    END IF;
    PERFORM tally._refuse_superseding(s, "from", "to", customer) FROM tally.statement s WHERE s.tenant_id = close_period.tenant_id AND s.statement_id = ANY (named);
    SELECT s.statement_id INTO other FROM tally.statement s
    WHERE s.tenant_id = close_period.tenant_id AND s.range_from < "to" AND s.range_to > "from" AND (s.customer_id IS NULL OR customer IS NULL OR s.customer_id = customer)
      AND s.statement_id <> ALL (named)
      AND NOT EXISTS (SELECT FROM tally.superseded_statement x WHERE x.tenant_id = s.tenant_id AND x.statement_id = s.statement_id)
    ORDER BY s.number LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'statement "%" has closed this period, or a part of it', tally._encode_id('stm_', other)
            USING ERRCODE = 'TL409', COLUMN = 'from', HINT = 'Name it in supersedes, with any others that did, where the new one covers all of them, or ask for its adjustments.';
    END IF;
    made.tenant_id := tenant_id; made.statement_id := tally._uuid7(); made.range_from := "from"; made.range_to := "to"; made.customer_id := customer;
    made.number := (SELECT coalesce(max(s.number), 0) + 1 FROM tally.statement s WHERE s.tenant_id = close_period.tenant_id);
    made.created_at := clock_timestamp(); made.created_by := tally._actor();
    made.definitions := (SELECT coalesce(json_agg(m ORDER BY m.created_at, m.metric_id), '[]') FROM tally.metric m WHERE m.tenant_id = close_period.tenant_id AND m.archived_at IS NULL);
    -- In one statement, so by one snapshot: as of the cut usage is what the lines say.
    WITH moment AS MATERIALIZED (SELECT * FROM tally._moment()),
    cut AS (
        INSERT INTO tally.cut (tenant_id, kind, name, taken_at, last_seq, unseen_seqs, last_act, unseen_acts)
        SELECT made.tenant_id, 'statement', tally._encode_id('stm_', made.statement_id), m.taken_at, m.last_seq, m.unseen_seqs, m.last_act, m.unseen_acts FROM moment m
    )
    SELECT l.lines, l.digest INTO made.lines, made.digest
    FROM tally._freeze_lines(made.tenant_id, made.statement_id, tally._statement_head(made), tally._definitions(made.definitions), "from", "to", customer) l;
    INSERT INTO tally.statement SELECT made.*;
    INSERT INTO tally.superseded_statement SELECT made.tenant_id, n.id, made.statement_id FROM unnest(named) n(id);
    RETURN tally._encode_id('stm_', made.statement_id);
EXCEPTION WHEN unique_violation THEN
    -- The transaction's snapshot is older than the lock: somebody has closed in between, and has taken the number.
    RAISE EXCEPTION 'another period was closed since this transaction began' USING ERRCODE = 'serialization_failure', HINT = 'Try the transaction again.';
END
$$;
COMMENT ON FUNCTION tally_gated.close_period(integer, timestamptz, timestamptz, text, text[]) IS 'What close_period does once the gate has let the caller through';

CREATE FUNCTION tally.close_period("from" timestamptz, "to" timestamptz, customer text, supersedes text[]) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.close_period(timestamptz, timestamptz, text, text[]) IS
    'Closes a period in the place of all of these statements, each of which has closed it or a part of it, and nothing else. As close_period with one';

CREATE FUNCTION tally_gated.close_period(tenant_id integer, "from" timestamptz, "to" timestamptz, customer text, supersedes text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally_gated.close_period(tenant_id, "from", "to", customer, CASE WHEN supersedes IS NOT NULL THEN ARRAY[supersedes] END) $$;
COMMENT ON FUNCTION tally_gated.close_period(integer, timestamptz, timestamptz, text, text) IS 'What close_period does once the gate has let the caller through';

CREATE FUNCTION tally.close_period("from" timestamptz, "to" timestamptz, customer text DEFAULT NULL, supersedes text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.close_period(timestamptz, timestamptz, text, text) IS
    'Closes a period of the current tenant, of one customer or (NULL) of all, and answers the id of its statement: what each customer has used of each metric in use, frozen. It makes a cut of that name: usage(..., as_of => id) answers what the statement says. Errors: 22023; TL409 closed already, unless supersedes names that statement (an array of several, where several have), which this one must cover wholly, period and customers; P0002 no such statement; 40001 somebody has closed since, under REPEATABLE READ';

CREATE FUNCTION tally.statements(OUT statement text, OUT "from" timestamptz, OUT "to" timestamptz, OUT customer_id text, OUT lines bigint, OUT digest text,
                                 OUT supersedes text[], OUT superseded_by text, OUT created_at timestamptz, OUT created_by text) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('stm_', s.statement_id), s.range_from, s.range_to, s.customer_id, s.lines, s.digest, tally._supersedes(s), tally._superseded_by(s), s.created_at, s.created_by
    FROM tally.statement s WHERE s.tenant_id = (SELECT tally.current_tenant()) ORDER BY s.number DESC
$$;
COMMENT ON FUNCTION tally.statements() IS 'The statements of the current tenant, newest first';

CREATE FUNCTION tally.statement_lines(statement text, OUT metric text, OUT code text, OUT customer_id text, OUT value numeric, OUT converted_value numeric,
                                      OUT events bigint, OUT skipped bigint, OUT metric_id text) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- Lines first, then all of them joined with the metrics: not those of each customer by themselves.
    WITH s AS MATERIALIZED (SELECT * FROM tally._statement(tally.current_tenant(), statement)),
    m AS MATERIALIZED (SELECT x.ordinality AS place, x.name, x.code, tally._encode_id('bm_', x.metric_id) AS id
                       FROM s, LATERAL (SELECT * FROM json_populate_recordset(NULL::tally.metric, s.definitions) WITH ORDINALITY) x),
    l AS MATERIALIZED (SELECT x.customer_id, u.* FROM s JOIN tally.statement_usage x USING (tenant_id, statement_id), LATERAL tally._lines(x.lines) u)
    SELECT m.name, m.code, l.customer_id, l.value, l.converted_value, l.events, l.skipped, m.id
    FROM l JOIN m USING (place) ORDER BY l.customer_id, l.place
$$;
COMMENT ON FUNCTION tally.statement_lines(text) IS 'The lines of a statement of the current tenant. Raises P0002';

CREATE FUNCTION tally.statement_metrics(statement text, OUT id text, OUT slug text, OUT name text, OUT code text, OUT aggregation_type text, OUT aggregation_key text,
                                        OUT segmentation_matrix jsonb, OUT filters jsonb, OUT usage_group_key text, OUT conversion_factor integer,
                                        OUT conversion_rounding text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('bm_', m.metric_id), m.slug, m.name, m.code, m.aggregation_type, m.aggregation_key, m.segmentation_matrix, m.filters, m.usage_group_key,
           m.conversion_factor, m.conversion_rounding
    FROM tally._statement(tally.current_tenant(), statement) s, LATERAL json_populate_recordset(NULL::tally.metric, s.definitions) m
$$;
COMMENT ON FUNCTION tally.statement_metrics(text) IS 'The metrics of a statement of the current tenant as they were when the period was closed: what its lines, and its adjustments, are measured by. Raises P0002';

CREATE FUNCTION tally._adjustments(s tally.statement, OUT metric_id uuid, OUT customer_id text, OUT value numeric, OUT converted_value numeric, OUT events bigint,
                                   OUT skipped bigint, OUT value_then numeric, OUT value_now numeric) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- Customers whose lines read the same have no adjustments; of the others each line is compared.
    WITH l AS MATERIALIZED (SELECT x.customer_id, x.part, x.lines FROM tally.statement_usage x WHERE x.tenant_id = s.tenant_id AND x.statement_id = s.statement_id),
    n AS MATERIALIZED (SELECT x.customer_id, x.part, x.lines FROM tally._period_lines(tally._definitions(s.definitions), s.range_from, s.range_to, s.customer_id) x),
    changed AS MATERIALIZED (SELECT DISTINCT customer_id FROM l FULL JOIN n USING (customer_id, part) WHERE l.lines::text IS DISTINCT FROM n.lines::text),
    line_then AS (SELECT l.customer_id, u.* FROM changed c JOIN l USING (customer_id), LATERAL tally._lines(l.lines) u),
    line_now AS (SELECT n.customer_id, u.* FROM changed c JOIN n USING (customer_id), LATERAL tally._lines(n.lines) u)
    SELECT m.metric_id, customer_id, coalesce(b.value, 0) - coalesce(a.value, 0), coalesce(b.converted_value, 0) - coalesce(a.converted_value, 0),
           coalesce(b.events, 0) - coalesce(a.events, 0), coalesce(b.skipped, 0) - coalesce(a.skipped, 0), a.value, b.value
    FROM line_then a FULL JOIN line_now b USING (customer_id, place)
    JOIN json_populate_recordset(NULL::tally.metric, s.definitions) WITH ORDINALITY m ON m.ordinality = place
    WHERE (a.value, a.converted_value, a.events, a.skipped) IS DISTINCT FROM (b.value, b.converted_value, b.events, b.skipped)
$$;
COMMENT ON FUNCTION tally._adjustments(tally.statement) IS 'What has changed in a closed period since: by metric and customer, now less then';

CREATE FUNCTION tally.adjustments(statement text, OUT metric text, OUT code text, OUT customer_id text, OUT value numeric, OUT converted_value numeric,
                                  OUT events bigint, OUT skipped bigint, OUT value_then numeric, OUT value_now numeric, OUT metric_id text) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT m.name, m.code, a.customer_id, a.value, a.converted_value, a.events, a.skipped, a.value_then, a.value_now, tally._encode_id('bm_', a.metric_id)
    FROM tally._statement(tally.current_tenant(), statement) s, LATERAL tally._adjustments(s) a
    JOIN json_populate_recordset(NULL::tally.metric, s.definitions) m ON m.metric_id = a.metric_id
    ORDER BY a.customer_id, m.created_at, m.metric_id
$$;
COMMENT ON FUNCTION tally.adjustments(text) IS
    'What later events and corrections have changed in the period of a statement of the current tenant: for each metric and customer the difference of now and then, measured by the definitions of then. Raises P0002';

CREATE FUNCTION tally._adjusting_events(s tally.statement, OUT event_id text, OUT code text, OUT customer_id text, OUT source text, OUT ts timestamptz,
                                        OUT change text, OUT at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- Acts first: events are read only where they are new, or such an act is of one of them.
    WITH u AS MATERIALIZED (SELECT * FROM tally.cut x WHERE x.tenant_id = s.tenant_id AND x.name = tally._encode_id('stm_', s.statement_id)),
    c AS MATERIALIZED (SELECT DISTINCT m.code FROM json_populate_recordset(NULL::tally.metric, s.definitions) m),
    acts AS MATERIALIZED (
        SELECT k.code, k.seq, CASE WHEN k.successor IS NOT NULL THEN 'amended' ELSE 'voided' END AS change, k.created_at AS at
        FROM u, c JOIN tally.correction k ON k.tenant_id = s.tenant_id AND k.code = c.code AND k.ts >= s.range_from AND k.ts < s.range_to
        WHERE NOT tally._cut_sees(u.last_act, u.unseen_acts, k.act)
        UNION ALL
        SELECT l.code, l.seq, a.change, a.at
        FROM u, c JOIN tally.lifted_correction l ON l.tenant_id = s.tenant_id AND l.code = c.code AND l.ts >= s.range_from AND l.ts < s.range_to,
             LATERAL (VALUES (l.act, 'voided', l.created_at), (l.lift_act, 'restored', l.lifted_at)) a(act, change, at)
        WHERE NOT tally._cut_sees(u.last_act, u.unseen_acts, a.act)),
    e AS MATERIALIZED (
        SELECT x.* FROM u, c, LATERAL tally._events_since(s.tenant_id, c.code, s.customer_id, s.range_from, s.range_to, u.name,
            ARRAY(SELECT a.seq FROM acts a WHERE a.code = c.code ORDER BY a.seq)) x)
    SELECT e.event_id, e.code, e.customer_id, e.source, e.ts, 'received', e.received_at FROM u, e WHERE NOT tally._cut_sees(u.last_seq, u.unseen_seqs, e.seq)
    UNION ALL
    SELECT e.event_id, e.code, e.customer_id, e.source, e.ts, a.change, a.at FROM e JOIN acts a USING (seq)
$$;
COMMENT ON FUNCTION tally._adjusting_events(tally.statement) IS 'Rows of events of a closed period that came or were corrected since it was closed';

CREATE FUNCTION tally.adjusting_events(statement text, OUT event_id text, OUT code text, OUT customer_id text, OUT source text, OUT ts timestamptz,
                                       OUT change text, OUT at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT e.* FROM tally._statement(tally.current_tenant(), statement) s, LATERAL tally._adjusting_events(s) e ORDER BY e.at, e.ts, e.event_id
$$;
COMMENT ON FUNCTION tally.adjusting_events(text) IS
    'The events behind the adjustments of a statement of the current tenant: those of its period that were received, voided, restored or amended since it was closed (change, at), or by a transaction that was open at that time. Raises P0002';
