-- level: the mean and the sum over time of a level that changes, from its changes in any order (extension/core/level/level.hpp)

CREATE TYPE tally.level_state;

CREATE FUNCTION tally.level_state_in(cstring) RETURNS tally.level_state
    AS 'MODULE_PATHNAME', 'tally_level_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_in(cstring) IS
    'Reads the JSON text of a level';

CREATE FUNCTION tally.level_state_out(tally.level_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'tally_level_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_out(tally.level_state) IS
    'Writes a level as JSON text';

CREATE FUNCTION tally.level_state_recv(internal) RETURNS tally.level_state
    AS 'MODULE_PATHNAME', 'tally_level_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_recv(internal) IS
    'Reads the packed bytes of a level';

CREATE FUNCTION tally.level_state_send(tally.level_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_level_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_send(tally.level_state) IS
    'Writes the packed bytes of a level';

CREATE TYPE tally.level_state (
    INPUT = tally.level_state_in, OUTPUT = tally.level_state_out,
    RECEIVE = tally.level_state_recv, SEND = tally.level_state_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = extended);
COMMENT ON TYPE tally.level_state IS
    'State of tally.level: the changes of a level over time, as two exact sums; states merge in any order';

CREATE FUNCTION tally.level_add(tally.level_state, numeric, timestamptz) RETURNS tally.level_state
    AS 'MODULE_PATHNAME', 'tally_level_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_add(tally.level_state, numeric, timestamptz) IS
    'Transition function of tally.level; a NULL delta or time is skipped';

CREATE FUNCTION tally.merge_states(state1 tally.level_state, state2 tally.level_state) RETURNS tally.level_state
    AS 'MODULE_PATHNAME', 'tally_level_merge'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.merge_states(tally.level_state, tally.level_state) IS
    'The changes of both levels; NULL has none';

CREATE FUNCTION tally.level_state_final(tally.level_state) RETURNS tally.level_state
    AS 'MODULE_PATHNAME', 'tally_level_final'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_final(tally.level_state) IS
    'Final function of the level aggregates: the canonical packed form';

CREATE AGGREGATE tally.level(delta numeric, ts timestamptz) (
    SFUNC = tally.level_add, STYPE = tally.level_state, SSPACE = 128,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.level_state_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.level(numeric, timestamptz) IS
    'A level from its changes (delta, time), in any order: read it with time_weighted, time_weighted_seconds and change';

CREATE AGGREGATE tally.merge(state tally.level_state) (
    SFUNC = tally.merge_states, STYPE = tally.level_state, SSPACE = 128,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.level_state_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.merge(tally.level_state) IS
    'One level of all the changes that the given levels hold';

CREATE FUNCTION tally.n(state tally.level_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_level_n'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.n(tally.level_state) IS
    'How many changes';

CREATE FUNCTION tally.change(state tally.level_state) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_level_change'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.change(tally.level_state) IS
    'Sum of the changes: the level at the end, less the level at the start';

CREATE FUNCTION tally.time_weighted(state tally.level_state, "from" timestamptz, "to" timestamptz, start_level numeric DEFAULT 0) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_level_mean'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.time_weighted(tally.level_state, timestamptz, timestamptz, numeric) IS
    'Mean level from one time to another, weighted by how long each level stood. All changes must lie between the two; start_level is the level before them, and all of it where there were no changes (a NULL state)';

CREATE FUNCTION tally.time_weighted_seconds(state tally.level_state, "from" timestamptz, "to" timestamptz, start_level numeric DEFAULT 0) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_level_seconds'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.time_weighted_seconds(tally.level_state, timestamptz, timestamptz, numeric) IS
    'Level times seconds from one time to another, exact to the microsecond. All changes must lie between the two; start_level is the level before them, and all of it where there were no changes (a NULL state)';

CREATE FUNCTION tally.level_state_eq(tally.level_state, tally.level_state) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_level_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_eq(tally.level_state, tally.level_state) IS
    'Implementation of the = operator';

CREATE FUNCTION tally.level_state_ne(tally.level_state, tally.level_state) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_level_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_ne(tally.level_state, tally.level_state) IS
    'Implementation of the <> operator';

CREATE FUNCTION tally.level_state_hash(tally.level_state) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_level_hash'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_hash(tally.level_state) IS
    'Hash of a level, for hash joins and GROUP BY';

CREATE FUNCTION tally.level_state_hash_extended(tally.level_state, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_level_hash_extended'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.level_state_hash_extended(tally.level_state, bigint) IS
    'Seeded hash of a level, for hash partitioning and GROUP BY';

CREATE OPERATOR tally.= (
    LEFTARG = tally.level_state, RIGHTARG = tally.level_state, FUNCTION = tally.level_state_eq,
    COMMUTATOR = OPERATOR(tally.=), NEGATOR = OPERATOR(tally.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
COMMENT ON OPERATOR tally.= (tally.level_state, tally.level_state) IS 'Same sums, times and number of changes';

CREATE OPERATOR tally.<> (
    LEFTARG = tally.level_state, RIGHTARG = tally.level_state, FUNCTION = tally.level_state_ne,
    COMMUTATOR = OPERATOR(tally.<>), NEGATOR = OPERATOR(tally.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR tally.<> (tally.level_state, tally.level_state) IS 'Not the same sums, times and number of changes';

CREATE OPERATOR FAMILY tally.level_state_ops USING hash;
COMMENT ON OPERATOR FAMILY tally.level_state_ops USING hash IS 'Hash equality of levels';

CREATE OPERATOR CLASS tally.level_state_ops DEFAULT FOR TYPE tally.level_state USING hash FAMILY tally.level_state_ops AS
    OPERATOR 1 tally.=,
    FUNCTION 1 tally.level_state_hash(tally.level_state),
    FUNCTION 2 tally.level_state_hash_extended(tally.level_state, bigint);
COMMENT ON OPERATOR CLASS tally.level_state_ops USING hash IS 'Hash equality of levels';
