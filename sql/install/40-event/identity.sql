-- sealed identities: what makes old events count once, dense, sorted and only read, so that any number costs the same
--
-- recent_identity (event.sql) stays small: sealing moves its rows into a new run here, merging makes of the newest runs one.
-- Both are done in bounded steps by tally.seal_identities(), which a job calls: nothing breaks where none does. A sealed identity is known unless released_identity has it.

CREATE SEQUENCE tally.identity_run_seq;
COMMENT ON SEQUENCE tally.identity_run_seq IS 'Numbers of runs of sealed identities, in the order in which they were sealed';

CREATE TABLE tally.identity_run (
    run_id    bigint PRIMARY KEY,
    state     text NOT NULL CHECK (state IN ('ready', 'merging', 'obsolete')),
    entries   bigint NOT NULL CHECK (entries >= 0),
    filters   integer NOT NULL CHECK (filters > 0),
    blocks    integer NOT NULL CHECK (blocks OPERATOR(pg_catalog.>) 0 AND blocks OPERATOR(pg_catalog.%) filters OPERATOR(pg_catalog.=) 0),
    merges    bigint[],
    next_part integer NOT NULL DEFAULT 0,
    sealed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.identity_run IS 'Runs of sealed identities: a question looks into all that are ready';
COMMENT ON COLUMN tally.identity_run.run_id IS 'Greater = sealed later';
COMMENT ON COLUMN tally.identity_run.state IS 'ready: valid; merging: being made from others that still hold; obsolete: merged into another, being deleted';
COMMENT ON COLUMN tally.identity_run.entries IS 'Identities in it (at most, while it is merging)';
COMMENT ON COLUMN tally.identity_run.filters IS 'Parts of sealed_identity with filters: part -1 - n for n from 0';
COMMENT ON COLUMN tally.identity_run.blocks IS 'Parts of sealed_identity with identities: part n for n from 0; absent where there are none';
COMMENT ON COLUMN tally.identity_run.merges IS 'Runs that it is made from while it is merging';
COMMENT ON COLUMN tally.identity_run.next_part IS 'Filter to go on with while it is merging; part to go on with while it is being deleted';
COMMENT ON COLUMN tally.identity_run.sealed_at IS 'When it was begun';

CREATE TABLE tally.sealed_identity (
    run_id bigint NOT NULL,
    part   integer NOT NULL,
    data   bytea NOT NULL,
    PRIMARY KEY (run_id, part)
) WITH (fillfactor = 100, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_vacuum_cost_delay = 0);
ALTER TABLE tally.sealed_identity ALTER COLUMN data SET STORAGE PLAIN;
COMMENT ON TABLE tally.sealed_identity IS 'Blocks of sealed identities and filters over them; written once, then only read';
COMMENT ON COLUMN tally.sealed_identity.run_id IS 'The run that it is part of';
COMMENT ON COLUMN tally.sealed_identity.part IS 'From 0: a block, for an equal part of the key space; below 0: the filter -1 - part';
COMMENT ON COLUMN tally.sealed_identity.data IS 'Format: extension/core/identity/sealed_block.hpp and filter.hpp';

CREATE TABLE tally.released_identity (
    identity uuid PRIMARY KEY
) WITH (fillfactor = 100, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tally.released_identity IS 'Sealed identities of voided events: the same events may come again';
COMMENT ON COLUMN tally.released_identity.identity IS 'As in recent_identity; forgotten when no run holds it any more';

CREATE FUNCTION tally_gated.seal_identities(at_least integer, at_most integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_seal_step'
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION tally_gated.seal_identities(integer, integer) IS 'What seal_identities does once the gate has let the caller through';

CREATE FUNCTION tally.seal_identities(at_least integer DEFAULT 250000, at_most integer DEFAULT 250000) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_gate_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.seal_identities(integer, integer) IS
    'One bounded step of sealing identities, for a job that calls it until it answers false: seals up to at_most recent ones if there are at_least as many, or goes on merging runs or deleting merged ones. false: there was nothing to do, or another session is at it';

CREATE FUNCTION tally._find_sealed(identities uuid[], OUT identity uuid, OUT payload bigint, OUT month integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_find_sealed'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._find_sealed(uuid[]) IS 'Those of these identities that are sealed and not released, with what recent_identity held of them';

CREATE FUNCTION tally._sealed_identities(OUT identity uuid, OUT payload bigint, OUT month integer, OUT run_id bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_sealed_identities'
    LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1000000;
COMMENT ON FUNCTION tally._sealed_identities() IS 'All identities of ready runs, released ones too; checks every block and filter. Raises XX001';

CREATE FUNCTION tally._checked_identities(OUT identity uuid, OUT payload bigint, OUT month integer, OUT run_id bigint, OUT problem text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_checked_identities'
    LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 1000000;
COMMENT ON FUNCTION tally._checked_identities() IS 'The same as far as they can be read, and rows with what is wrong with a run';

CREATE FUNCTION tally._release_identities(identities uuid[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    -- What is not recent is sealed; a recent one that is also sealed came again after it was released before.
    WITH gone AS (DELETE FROM tally.recent_identity r WHERE r.identity = ANY (identities) RETURNING r.identity)
    INSERT INTO tally.released_identity
    SELECT DISTINCT i FROM unnest(identities) i WHERE NOT EXISTS (SELECT FROM gone g WHERE g.identity = i)
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION tally._release_identities(uuid[]) IS
    'Forgets identities of events that are voided in the same transaction, so that the same events can be sent and counted again';
