-- pgtally_tdigest: percentiles, roughly, with the digests of the extension tdigest (extension/pg/approximate.cpp)

\echo Use "CREATE EXTENSION pgtally_tdigest" to load this file. \quit

-- tdigest may live in any schema. Each statement names it as {tdigest}; bodies between << and >> are parsed once where the
-- server can (14 and later), so they follow tdigest when it is moved to another schema; 13 keeps them as text.
DO $bridge$
DECLARE
    home CONSTANT text := (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e
                           JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'tdigest');
    parsed CONSTANT boolean := pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000;
    statement text;
BEGIN
    IF pg_catalog.to_regprocedure(pg_catalog.format('%1$s.tdigest_union(%1$s.tdigest, %1$s.tdigest, boolean)', home)) IS NULL THEN
        RAISE EXCEPTION 'pgtally_tdigest needs tdigest 1.2.0 or later, whose digests can be put together'
            USING ERRCODE = 'feature_not_supported', HINT = 'ALTER EXTENSION tdigest UPDATE, or install a newer package.';
    END IF;
    FOREACH statement IN ARRAY ARRAY[
$$CREATE FUNCTION tally.tdigest_add(internal, double precision) RETURNS internal
    AS '$libdir/pgtally', 'tally_tdigest_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE$$,
$$COMMENT ON FUNCTION tally.tdigest_add(internal, double precision) IS
    'Transition function of tally.percentiles; NULL values are skipped'$$,

$$CREATE FUNCTION tally.tdigest_add(internal, double precision, integer) RETURNS internal
    AS '$libdir/pgtally', 'tally_tdigest_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE$$,
$$COMMENT ON FUNCTION tally.tdigest_add(internal, double precision, integer) IS
    'Transition function of tally.percentiles; NULL values are skipped'$$,

$$CREATE AGGREGATE tally.percentiles(value double precision) (
    SFUNC = tally.tdigest_add, STYPE = internal, SSPACE = 16384, FINALFUNC = {tdigest}.tdigest_digest,
    COMBINEFUNC = {tdigest}.tdigest_combine, SERIALFUNC = {tdigest}.tdigest_serial,
    DESERIALFUNC = {tdigest}.tdigest_deserial, PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.percentiles(double precision) IS
    'Digest of the values that are not NULL: read it with percentile and percentile_of; compression 100'$$,

$$CREATE AGGREGATE tally.percentiles(value double precision, compression integer) (
    SFUNC = tally.tdigest_add, STYPE = internal, SSPACE = 16384, FINALFUNC = {tdigest}.tdigest_digest,
    COMBINEFUNC = {tdigest}.tdigest_combine, SERIALFUNC = {tdigest}.tdigest_serial,
    DESERIALFUNC = {tdigest}.tdigest_deserial, PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.percentiles(double precision, integer) IS
    'The same with another compression, 10 to 10000: greater is more exact and larger'$$,

$$CREATE AGGREGATE tally.merge(state {tdigest}.tdigest) (
    SFUNC = {tdigest}.tdigest_add_digest, STYPE = internal, SSPACE = 16384, FINALFUNC = {tdigest}.tdigest_digest,
    COMBINEFUNC = {tdigest}.tdigest_combine, SERIALFUNC = {tdigest}.tdigest_serial,
    DESERIALFUNC = {tdigest}.tdigest_deserial, PARALLEL = SAFE)$$,
$$COMMENT ON AGGREGATE tally.merge({tdigest}.tdigest) IS
    'One digest of all the values that the given digests hold'$$,

$$CREATE FUNCTION tally.merge_states(state1 {tdigest}.tdigest, state2 {tdigest}.tdigest) RETURNS {tdigest}.tdigest
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    << {tdigest}.tdigest_union(state1, state2, true) >>$$,
$$COMMENT ON FUNCTION tally.merge_states({tdigest}.tdigest, {tdigest}.tdigest) IS
    'One digest of the values of both; NULL has none'$$,

$$CREATE FUNCTION tally.n(state {tdigest}.tdigest) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    << {tdigest}.tdigest_count(state) >>$$,
$$COMMENT ON FUNCTION tally.n({tdigest}.tdigest) IS
    'How many values, exactly'$$,

$$CREATE FUNCTION tally._percentile_fraction(fraction double precision) RETURNS double precision
    AS '$libdir/pgtally', 'tally_percentile_fraction'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE$$,
$$COMMENT ON FUNCTION tally._percentile_fraction(double precision) IS
    'The fraction itself if it lies between 0 and 1. Raises 22023'$$,

$$CREATE FUNCTION tally.percentile(state {tdigest}.tdigest, fraction double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    << (SELECT {tdigest}.tdigest_percentile(state, tally._percentile_fraction(fraction))) >>$$,
$$COMMENT ON FUNCTION tally.percentile({tdigest}.tdigest, double precision) IS
    'The value below which the given fraction (0 to 1) of the values lies, approximately. Raises 22023 for another fraction'$$,

$$CREATE FUNCTION tally.percentile_of(state {tdigest}.tdigest, value double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    << (SELECT {tdigest}.tdigest_percentile_of(state, value)) >>$$,
$$COMMENT ON FUNCTION tally.percentile_of({tdigest}.tdigest, double precision) IS
    'The fraction (0 to 1) of the values that lies below the given value, approximately'$$
    ] LOOP
        statement := pg_catalog.replace(statement, '<<', CASE WHEN parsed THEN 'RETURN' ELSE 'SET search_path = pg_catalog, pg_temp AS $body$ SELECT' END);
        statement := pg_catalog.replace(statement, '>>', CASE WHEN parsed THEN '' ELSE '$body$' END);
        EXECUTE pg_catalog.replace(statement, '{tdigest}', home);
    END LOOP;
    -- By name, so that it holds too where PUBLIC was deprived of its defaults.
    FOR statement IN SELECT pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO tally_admin, tally_app, tally_read, tally_api', d.objid::pg_catalog.regprocedure)
                     FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                     WHERE e.extname = 'pgtally_tdigest' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                       AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e' LOOP
        EXECUTE statement;
    END LOOP;
END
$bridge$;
