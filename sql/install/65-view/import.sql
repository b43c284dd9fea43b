-- imports in SQL: listed, and taken back

CREATE FUNCTION tally._imports(OUT id text, OUT name text, OUT accepted bigint, OUT duplicates bigint, OUT failures bigint, OUT created_at timestamptz,
                               OUT updated_at timestamptz, OUT voided_at timestamptz, OUT void_reason text, OUT voided bigint) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('imp_', b.import_id), b.name, b.accepted, b.duplicates, b.failures, b.created_at, b.updated_at, b.voided_at, b.void_reason, b.voided
    FROM tally.import_batch b WHERE b.tenant_id = (SELECT tally.current_tenant()) ORDER BY b.created_at DESC, b.import_id DESC
$$;
COMMENT ON FUNCTION tally._imports() IS 'What view imports shows; reads with the rights of the caller';

CREATE VIEW tally.imports AS SELECT * FROM tally._imports();
COMMENT ON VIEW tally.imports IS 'Imports of the current tenant, newest first; voided: how many events were void when it was taken back';

CREATE FUNCTION tally_gated.void_import(tenant_id integer, import text, reason text) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (tally_gated.void_import(tenant_id, jsonb_build_object('id', import),
                                    CASE WHEN reason IS NULL THEN '{}' ELSE jsonb_build_object('reason', jsonb_build_array(reason)) END, NULL)
            #>> '{voided,events}')::bigint
$$;
COMMENT ON FUNCTION tally_gated.void_import(integer, text, text) IS 'What void_import does once the gate has let the caller through';

CREATE FUNCTION tally.void_import(import text, reason text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.void_import(text, text) IS
    'Takes an import of the current tenant back, given its id (imp_...): its events stay in the list with the reason, count no longer, and may be sent again. Answers how many are void now. Errors: 22023 no id of an import, P0002 no such import, TL409 taken back already';
