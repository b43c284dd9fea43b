-- distinct_set: the exact set of distinct values, mergeable (extension/core/distinct/distinct_set.hpp)

CREATE TYPE tally.distinct_set;

CREATE FUNCTION tally.distinct_set_in(cstring) RETURNS tally.distinct_set
    AS 'MODULE_PATHNAME', 'tally_distinct_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_in(cstring) IS
    'Reads the JSON text of a distinct set';

CREATE FUNCTION tally.distinct_set_out(tally.distinct_set) RETURNS cstring
    AS 'MODULE_PATHNAME', 'tally_distinct_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_out(tally.distinct_set) IS
    'Writes a distinct set as JSON text';

CREATE FUNCTION tally.distinct_set_recv(internal) RETURNS tally.distinct_set
    AS 'MODULE_PATHNAME', 'tally_distinct_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_recv(internal) IS
    'Reads the packed bytes of a distinct set';

CREATE FUNCTION tally.distinct_set_send(tally.distinct_set) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_distinct_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_send(tally.distinct_set) IS
    'Writes the packed bytes of a distinct set';

CREATE TYPE tally.distinct_set (
    INPUT = tally.distinct_set_in, OUTPUT = tally.distinct_set_out,
    RECEIVE = tally.distinct_set_recv, SEND = tally.distinct_set_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external);
COMMENT ON TYPE tally.distinct_set IS
    'State of tally.distinct_values: the exact set of distinct values by keys of 8 or 16 bytes, close integers by bits; sets merge in any order';

CREATE FUNCTION tally.distinct_set_add(tally.distinct_set, anyelement) RETURNS tally.distinct_set
    AS 'MODULE_PATHNAME', 'tally_distinct_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_add(tally.distinct_set, anyelement) IS
    'Transition function of tally.distinct_values; NULL values are skipped';

CREATE FUNCTION tally.merge_states(state1 tally.distinct_set, state2 tally.distinct_set) RETURNS tally.distinct_set
    AS 'MODULE_PATHNAME', 'tally_distinct_merge'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.merge_states(tally.distinct_set, tally.distinct_set) IS
    'Union of both distinct sets; NULL is an empty one';

CREATE FUNCTION tally.distinct_set_final(tally.distinct_set) RETURNS tally.distinct_set
    AS 'MODULE_PATHNAME', 'tally_distinct_final'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_final(tally.distinct_set) IS
    'Final function of the distinct set aggregates: the canonical packed form';

CREATE AGGREGATE tally.distinct_values(value anyelement) (
    SFUNC = tally.distinct_set_add, STYPE = tally.distinct_set, SSPACE = 1024,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.distinct_set_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.distinct_values(anyelement) IS
    'Exact set of the distinct values that are not NULL: read it with cardinality and contains';

CREATE AGGREGATE tally.merge(state tally.distinct_set) (
    SFUNC = tally.merge_states, STYPE = tally.distinct_set, SSPACE = 4096,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.distinct_set_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.merge(tally.distinct_set) IS
    'Union of the given distinct sets';

CREATE FUNCTION tally.cardinality(state tally.distinct_set) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_distinct_cardinality'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.cardinality(tally.distinct_set) IS
    'How many distinct values';

CREATE FUNCTION tally.contains(state tally.distinct_set, value "any") RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_distinct_contains'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.contains(tally.distinct_set, "any") IS
    'Whether the value is in the set; a literal without a type is a text';

CREATE FUNCTION tally.distinct_set_eq(tally.distinct_set, tally.distinct_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_distinct_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_eq(tally.distinct_set, tally.distinct_set) IS
    'Implementation of the = operator';

CREATE FUNCTION tally.distinct_set_ne(tally.distinct_set, tally.distinct_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_distinct_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_ne(tally.distinct_set, tally.distinct_set) IS
    'Implementation of the <> operator';

CREATE FUNCTION tally.distinct_set_hash(tally.distinct_set) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_distinct_hash'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_hash(tally.distinct_set) IS
    'Hash of a distinct set, for hash joins and GROUP BY';

CREATE FUNCTION tally.distinct_set_hash_extended(tally.distinct_set, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_distinct_hash_extended'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.distinct_set_hash_extended(tally.distinct_set, bigint) IS
    'Seeded hash of a distinct set, for hash partitioning and GROUP BY';

CREATE OPERATOR tally.= (
    LEFTARG = tally.distinct_set, RIGHTARG = tally.distinct_set, FUNCTION = tally.distinct_set_eq,
    COMMUTATOR = OPERATOR(tally.=), NEGATOR = OPERATOR(tally.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
COMMENT ON OPERATOR tally.= (tally.distinct_set, tally.distinct_set) IS 'Same values';

CREATE OPERATOR tally.<> (
    LEFTARG = tally.distinct_set, RIGHTARG = tally.distinct_set, FUNCTION = tally.distinct_set_ne,
    COMMUTATOR = OPERATOR(tally.<>), NEGATOR = OPERATOR(tally.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR tally.<> (tally.distinct_set, tally.distinct_set) IS 'Not the same values';

CREATE OPERATOR FAMILY tally.distinct_set_ops USING hash;
COMMENT ON OPERATOR FAMILY tally.distinct_set_ops USING hash IS 'Hash equality of distinct sets';

CREATE OPERATOR CLASS tally.distinct_set_ops DEFAULT FOR TYPE tally.distinct_set USING hash FAMILY tally.distinct_set_ops AS
    OPERATOR 1 tally.=,
    FUNCTION 1 tally.distinct_set_hash(tally.distinct_set),
    FUNCTION 2 tally.distinct_set_hash_extended(tally.distinct_set, bigint);
COMMENT ON OPERATOR CLASS tally.distinct_set_ops USING hash IS 'Hash equality of distinct sets';
