-- tally_rest: ingest of many requests in one transaction

CREATE FUNCTION tally_rest._ingest_answer(verdicts tally._verdict[], OUT status integer, OUT body json) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    failures  json;
    failed    bigint;
    conflicts bigint;
    limited   bigint;
    limit_of  text;
    details   jsonb;
BEGIN
    IF verdicts[1].index IS NULL THEN
        status := 400;
        body := json_strip_nulls(json_build_object('code', 'BAD_REQUEST', 'message', verdicts[1].reason,
            'details', CASE WHEN verdicts[1].field IS NOT NULL THEN json_build_object('field', verdicts[1].field) END));
        RETURN;
    END IF;
    SELECT json_agg(CASE WHEN i.field IS NULL
                         THEN json_build_object('index', i.index, 'event_id', i.event_id, 'reason', i.reason)
                         ELSE json_build_object('index', i.index, 'event_id', i.event_id, 'reason', i.reason, 'field', i.field) END
                    ORDER BY i.index) FILTER (WHERE i.reason IS NOT NULL),
           count(*) FILTER (WHERE i.reason IS NOT NULL), count(*) FILTER (WHERE i.verdict = 'conflict'),
           count(*) FILTER (WHERE i.verdict = 'limited'), min(i.reason) FILTER (WHERE i.verdict = 'limited'),
           (array_agg(i.details) FILTER (WHERE i.verdict = 'limited'))[1]
    INTO failures, failed, conflicts, limited, limit_of, details FROM unnest(verdicts) i;
    IF limited > 0 AND (verdicts[1].strict OR limited = cardinality(verdicts)) THEN
        status := 429;
        body := json_build_object('code', 'TOO_MANY_REQUESTS', 'message', limit_of || ', so nothing was stored', 'details', details, 'failures', failures);
        RETURN;
    ELSIF failed > 0 AND verdicts[1].strict THEN
        status := CASE WHEN conflicts = failed THEN 409 ELSE 400 END;
        body := json_build_object(
            'code', CASE WHEN conflicts = failed THEN 'CONFLICT' ELSE 'BAD_REQUEST' END,
            'message', format('%s of %s events cannot be stored, so nothing was; see failures', failed, cardinality(verdicts)),
            'failures', failures);
        RETURN;
    END IF;
    status := 200;
    SELECT json_strip_nulls(json_build_object('accepted', count(*) FILTER (WHERE i.verdict = 'accepted'),
                                              'duplicates', count(*) FILTER (WHERE i.verdict = 'duplicate')))
    INTO body FROM unnest(verdicts) i;
    IF failures IS NOT NULL THEN
        body := json_build_object('accepted', body -> 'accepted', 'duplicates', body -> 'duplicates', 'failures', failures);
    END IF;
END
$$;
COMMENT ON FUNCTION tally_rest._ingest_answer(tally._verdict[]) IS 'HTTP status and body that answer one ingest request, from the verdicts on its events';

CREATE FUNCTION tally_rest.ingest_batch(key_hashes bytea[], bodies text[], OUT ordinal integer, OUT status integer, OUT body text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    request  record;
    keys     jsonb := '{}';
    tenants  integer[] := '{}';
    one      record;
BEGIN
    IF cardinality(key_hashes) <> cardinality(bodies) THEN
        RAISE EXCEPTION 'there must be as many keys as bodies' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Keys are checked here and now, once each: a revoked key is refused by the very next batch.
    FOR request IN SELECT k.key_hash, min(k.n)::integer AS n FROM unnest(key_hashes) WITH ORDINALITY k(key_hash, n) GROUP BY 1 LOOP
        SELECT c.* INTO one FROM tally_rest._check_key(request.key_hash, 'write') c;
        keys := keys || jsonb_build_object(coalesce(encode(request.key_hash, 'hex'), ''), to_jsonb(one));
        tenants := tenants || one.tenant_id;
    END LOOP;

    RETURN QUERY
    SELECT k.n::integer, (a.answer ->> 'status')::integer,
           tally_rest._compact(json_build_object(
               'code', CASE a.answer ->> 'status' WHEN '403' THEN 'FORBIDDEN' ELSE 'UNAUTHORIZED' END, 'message', a.answer ->> 'message'))
    FROM unnest(key_hashes) WITH ORDINALITY k(key_hash, n), LATERAL (SELECT keys -> coalesce(encode(k.key_hash, 'hex'), '') AS answer) a
    WHERE a.answer ->> 'status' <> '200';

    -- Tenants in ascending order: identities are claimed in the order of their key over the whole batch.
    FOR request IN
        SELECT (keys -> encode(k.key_hash, 'hex') ->> 'tenant_id')::integer AS tenant_id, min(k.key_hash::text)::bytea AS key_hash,
               array_agg(k.n::integer ORDER BY k.n) AS ordinals, array_agg(bodies[k.n] ORDER BY k.n) AS documents,
               array_agg((keys -> encode(k.key_hash, 'hex') ->> 'key_id')::uuid ORDER BY k.n) AS senders
        FROM unnest(key_hashes) WITH ORDINALITY k(key_hash, n)
        WHERE keys -> encode(k.key_hash, 'hex') ->> 'status' = '200'
        GROUP BY 1 ORDER BY 1
    LOOP
        PERFORM tally_rest._check_key(request.key_hash, 'write');
        RETURN QUERY
        SELECT request.ordinals[i.body], coalesce(a.status, 200),
               coalesce(tally_rest._compact(a.body), format('{"accepted":%s,"duplicates":%s}', i.accepted, i.duplicates))
        FROM (SELECT v.body, count(*) FILTER (WHERE v.verdict = 'accepted') AS accepted,
                     count(*) FILTER (WHERE v.verdict = 'duplicate') AS duplicates,
                     array_agg(ROW(v.body, v.index, v.event_id, v.strict, v.verdict, v.reason, v.field, v.customer_hash, v.identity,
                                   v.payload, v.details)::tally._verdict ORDER BY v.index) FILTER (WHERE v.in_bad_body) AS verdicts
              FROM (SELECT u.*, bool_or(u.reason IS NOT NULL) OVER (PARTITION BY u.body) AS in_bad_body
                    FROM tally._ingest(request.tenant_id, request.documents, false, keys => request.senders) u) v
              GROUP BY v.body) i
        -- Most bodies are good, and their answer is two numbers.
        LEFT JOIN LATERAL tally_rest._ingest_answer(i.verdicts) a ON i.verdicts IS NOT NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION tally_rest.ingest_batch(bytea[], text[]) IS
    'POST /api/v1/events/ingest, many at once in one transaction: SHA-256 of each request''s key and its body; answers ordinal (from 1), HTTP status and JSON body of each. Every body keeps its own strict or partial meaning';

