-- pgtally_hll: how many distinct values, roughly, with the sketches of the extension hll (extension/pg/approximate.cpp)

\echo Use "CREATE EXTENSION pgtally_hll" to load this file. \quit

-- hll may live in any schema. Each statement names it as {hll}; bodies between << and >> are parsed once where the server
-- can (14 and later), so they follow hll's functions, and are inlined; 13 keeps them as text.
DO $bridge$
DECLARE
    home CONSTANT text := (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e
                           JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hll');
    parsed CONSTANT boolean := pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000;
    statement text;
BEGIN
    IF pg_catalog.to_regprocedure(home || '.hll_serialize(internal)') IS NULL THEN
        RAISE EXCEPTION 'pgtally_hll needs hll 2.15 or later, whose sketches can be made in parallel'
            USING ERRCODE = 'feature_not_supported', HINT = 'ALTER EXTENSION hll UPDATE, or install a newer package.';
    END IF;
    FOREACH statement IN ARRAY ARRAY[
$$CREATE FUNCTION tally.hll_add(internal, anyelement) RETURNS internal
    AS '$libdir/pgtally', 'tally_hll_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE$$,
$$COMMENT ON FUNCTION tally.hll_add(internal, anyelement) IS
    'Transition function of tally.approximate_distinct; NULL values are skipped'$$,

$$CREATE FUNCTION tally.hll_add(internal, anyelement, integer) RETURNS internal
    AS '$libdir/pgtally', 'tally_hll_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE$$,
$$COMMENT ON FUNCTION tally.hll_add(internal, anyelement, integer) IS
    'Transition function of tally.approximate_distinct; NULL values are skipped'$$,

$$CREATE AGGREGATE tally.approximate_distinct(value anyelement) (
    SFUNC = tally.hll_add, STYPE = internal, SSPACE = 131120, FINALFUNC = {hll}.hll_pack,
    COMBINEFUNC = {hll}.hll_union_internal, SERIALFUNC = {hll}.hll_serialize, DESERIALFUNC = {hll}.hll_deserialize,
    PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.approximate_distinct(anyelement) IS
    'Sketch of the distinct values that are not NULL: read it with cardinality, which is right within 2.3 % (standard error)'$$,

$$CREATE AGGREGATE tally.approximate_distinct(value anyelement, log2m integer) (
    SFUNC = tally.hll_add, STYPE = internal, SSPACE = 131120, FINALFUNC = {hll}.hll_pack,
    COMBINEFUNC = {hll}.hll_union_internal, SERIALFUNC = {hll}.hll_serialize, DESERIALFUNC = {hll}.hll_deserialize,
    PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.approximate_distinct(anyelement, integer) IS
    'The same with 2^log2m registers (4 to 17): the standard error is 1.04 / sqrt(2^log2m), the size 5 bits a register'$$,

$$CREATE AGGREGATE tally.merge(state {hll}.hll) (
    SFUNC = {hll}.hll_union_trans, STYPE = internal, SSPACE = 131120, FINALFUNC = {hll}.hll_pack,
    COMBINEFUNC = {hll}.hll_union_internal, SERIALFUNC = {hll}.hll_serialize, DESERIALFUNC = {hll}.hll_deserialize,
    PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.merge({hll}.hll) IS
    'Union of the given sketches, which must have the same number of registers'$$,

$$CREATE FUNCTION tally.merge_states(state1 {hll}.hll, state2 {hll}.hll) RETURNS {hll}.hll
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    << COALESCE({hll}.hll_union(state1, state2), state1, state2) >>$$,
$$COMMENT ON FUNCTION tally.merge_states({hll}.hll, {hll}.hll) IS
    'Union of both sketches; NULL is an empty one'$$,

$$CREATE FUNCTION tally.cardinality(state {hll}.hll) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    << pg_catalog.round({hll}.hll_cardinality(state))::pg_catalog.int8 >>$$,
$$COMMENT ON FUNCTION tally.cardinality({hll}.hll) IS
    'How many distinct values, approximately'$$
    ] LOOP
        statement := pg_catalog.replace(statement, '<<', CASE WHEN parsed THEN 'RETURN' ELSE 'SET search_path = pg_catalog, pg_temp AS $body$ SELECT' END);
        statement := pg_catalog.replace(statement, '>>', CASE WHEN parsed THEN '' ELSE '$body$' END);
        EXECUTE pg_catalog.replace(statement, '{hll}', home);
    END LOOP;
    -- By name, so that it holds too where PUBLIC was deprived of its defaults.
    FOR statement IN SELECT pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO tally_admin, tally_app, tally_read, tally_api', d.objid::pg_catalog.regprocedure)
                     FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                     WHERE e.extname = 'pgtally_hll' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                       AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e' LOOP
        EXECUTE statement;
    END LOOP;
END
$bridge$;
