-- pg/border/boundary.hpp: exceptions and PostgreSQL errors cross it whole, destructors run, nothing grows.
-- Needs the test module (make -C test/lib/boundary_module install); without it the test says so (boundary_1.out).
\set VERBOSITY terse
SELECT setting AS libdir FROM pg_config WHERE name = 'PKGLIBDIR' \gset
SELECT count(*) = 1 AS has_module FROM pg_ls_dir(:'libdir') AS f WHERE f = 'pgtally_boundary.so' \gset
\if :has_module
\else
\echo the boundary test module is not installed: skipped
\quit
\endif
CREATE FUNCTION boundary_live() RETURNS int AS '$libdir/pgtally_boundary', 'tally_boundary_live' LANGUAGE C STRICT;
CREATE FUNCTION boundary_throw(kind text) RETURNS void AS '$libdir/pgtally_boundary', 'tally_boundary_throw' LANGUAGE C STRICT;
CREATE FUNCTION boundary_throw_within(kind text) RETURNS void AS '$libdir/pgtally_boundary', 'tally_boundary_throw_within' LANGUAGE C STRICT;
CREATE FUNCTION boundary_run(sql text) RETURNS bigint AS '$libdir/pgtally_boundary', 'tally_boundary_run' LANGUAGE C STRICT;
CREATE FUNCTION boundary_allocate(bytes bigint) RETURNS boolean AS '$libdir/pgtally_boundary', 'tally_boundary_allocate' LANGUAGE C STRICT;

-- every part of an error, and the objects left alive by it
CREATE FUNCTION boundary_error(sql text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT context text, OUT live int)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE sql;
    live := boundary_live();
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    context := regexp_replace(context, E'\n?PL/pgSQL function boundary_error.*', '');
    live := boundary_live();
END $$;
SELECT kind, state, left(message, 60) AS message, hint, live
  FROM unnest(ARRAY['invalid_text', 'invalid_binary', 'invalid_argument', 'out_of_range', 'limit_exceeded', 'corrupted', 'percent',
                    'bad_alloc', 'huge_vector', 'length_error', 'runtime_error', 'an int']) WITH ORDINALITY AS k(kind, o),
       boundary_error(format('SELECT boundary_throw(%L)', kind)) ORDER BY o;
-- a message that ends within a character is still valid text
SELECT kind, state, octet_length(message) BETWEEN 300 AND 511 AS cut, live
  FROM unnest(ARRAY['long', 'cut']) AS kind, boundary_error(format('SELECT boundary_throw(%L)', kind)) ORDER BY 1;

-- PostgreSQL's own errors under live objects
CREATE TABLE boundary_checked (a int PRIMARY KEY, b int CONSTRAINT b_small CHECK (b < 10));
CREATE FUNCTION boundary_raise() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'raised inside' USING ERRCODE = 'TL409', DETAIL = 'The detail.', HINT = 'The hint.';
END $$;
SELECT boundary_run('INSERT INTO boundary_checked VALUES (1, 2), (2, 3)'), boundary_live();
SELECT * FROM boundary_error($$SELECT boundary_run('INSERT INTO boundary_checked VALUES (3, 20)')$$);
SELECT * FROM boundary_error($$SELECT boundary_run('INSERT INTO boundary_checked VALUES (1, 5)')$$);
SELECT * FROM boundary_error($$SELECT boundary_run('SELECT boundary_raise()')$$);
SELECT * FROM boundary_error($$SELECT boundary_run('SELECT 1 / 0')$$);
SELECT state, message, live FROM boundary_error($$SELECT boundary_allocate(1::bigint << 31)$$);
SELECT boundary_allocate(1000), boundary_live();

-- statement timeout and cancel inside
SET statement_timeout = '50ms';
SELECT boundary_run('SELECT pg_sleep(60)');
RESET statement_timeout;
SELECT boundary_live();
SELECT state, message, live FROM boundary_error($$SELECT boundary_run('SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)')$$);

-- nested: guarded inside call_pg inside guarded, three deep, thrown at the bottom
SELECT * FROM boundary_error($a$SELECT boundary_run($b$SELECT boundary_run($c$SELECT boundary_throw('invalid_text')$c$)$b$)$a$);
SELECT boundary_run('SELECT boundary_run(''SELECT boundary_live() FROM generate_series(1, 5)'')');
-- caught at a middle level, and the outer level goes on
SELECT boundary_run($$SELECT boundary_error('SELECT boundary_throw(''corrupted'')') FROM generate_series(1, 3)$$), boundary_live();

-- an exception out of call_pg's own body leaves the error stacks as they were
SELECT state, message, live FROM boundary_error($$SELECT boundary_throw_within('runtime_error')$$);
SELECT state, message, live FROM boundary_error($$SELECT boundary_throw_within('invalid_text')$$);
SELECT state, message FROM boundary_error($$SELECT 1 / 0$$);

-- 10,000 errors of each sort: no object stays, no memory context grows
CREATE FUNCTION boundary_errors(sql text, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        BEGIN
            EXECUTE sql;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $$;
CREATE FUNCTION boundary_growth(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
BEGIN
    PERFORM boundary_errors(sql, 200);
    SELECT sum(total_bytes) INTO before FROM pg_backend_memory_contexts;
    PERFORM boundary_errors(sql, 10000);
    SELECT sum(total_bytes) INTO after FROM pg_backend_memory_contexts;
    RETURN CASE WHEN after - before < 200000 THEN 'no growth' ELSE format('%s bytes', after - before) END;
END $$;
SELECT sql, boundary_growth(sql), boundary_live() FROM (VALUES
    ($$SELECT boundary_throw('runtime_error')$$), ($$SELECT boundary_throw_within('runtime_error')$$),
    ($$SELECT boundary_run('SELECT 1 / 0')$$), ($$SELECT boundary_run('SELECT boundary_throw(''invalid_text'')')$$)) AS v(sql);

DROP TABLE boundary_checked;
