-- summary: n, exact total, lowest, highest, first and latest in one mergeable state (extension/core/summary/summary.hpp)

CREATE TYPE tally.summary;

CREATE FUNCTION tally.summary_in(cstring) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_in(cstring) IS
    'Reads the JSON text of a summary';

CREATE FUNCTION tally.summary_out(tally.summary) RETURNS cstring
    AS 'MODULE_PATHNAME', 'tally_summary_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_out(tally.summary) IS
    'Writes a summary as JSON text: decimals as strings, moments in UTC';

CREATE FUNCTION tally.summary_recv(internal) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_recv(internal) IS
    'Reads the packed bytes of a summary';

CREATE FUNCTION tally.summary_send(tally.summary) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_summary_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_send(tally.summary) IS
    'Writes the packed bytes of a summary';

CREATE TYPE tally.summary (
    INPUT = tally.summary_in, OUTPUT = tally.summary_out,
    RECEIVE = tally.summary_recv, SEND = tally.summary_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = extended);
COMMENT ON TYPE tally.summary IS
    'State of tally.summarize: n, exact total, lowest, highest, first and latest; states merge in any order';

CREATE FUNCTION tally.summary_add(tally.summary, numeric) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_add(tally.summary, numeric) IS
    'Transition function of tally.summarize(numeric); NULL values are skipped';

CREATE FUNCTION tally.summary_add(tally.summary, numeric, timestamptz) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_add(tally.summary, numeric, timestamptz) IS
    'Transition function of tally.summarize(numeric, timestamptz); NULL values are skipped';

CREATE FUNCTION tally.summary_add(tally.summary, numeric, timestamptz, bigint) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_add(tally.summary, numeric, timestamptz, bigint) IS
    'Transition function of tally.summarize(numeric, timestamptz, bigint); NULL values are skipped';

CREATE FUNCTION tally.merge_states(state1 tally.summary, state2 tally.summary) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_merge'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.merge_states(tally.summary, tally.summary) IS
    'Both summaries together; NULL is an empty one';

CREATE FUNCTION tally.summary_final(tally.summary) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_final'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_final(tally.summary) IS
    'Final function of the summary aggregates: the canonical packed form';

CREATE FUNCTION tally.summary_moving_add(internal, numeric) RETURNS internal
    AS 'MODULE_PATHNAME', 'tally_summary_moving_add_value'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_moving_add(internal, numeric) IS
    'Adds the value that enters a moving window frame of tally.summarize(numeric)';

CREATE FUNCTION tally.summary_moving_add(internal, tally.summary) RETURNS internal
    AS 'MODULE_PATHNAME', 'tally_summary_moving_add_summary'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_moving_add(internal, tally.summary) IS
    'Adds the summary that enters a moving window frame of tally.merge(tally.summary)';

CREATE FUNCTION tally.summary_moving_remove(internal, numeric) RETURNS internal
    AS 'MODULE_PATHNAME', 'tally_summary_moving_remove_value'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_moving_remove(internal, numeric) IS
    'Takes the value that leaves a moving window frame out again; NULL where what remains cannot be known exactly';

CREATE FUNCTION tally.summary_moving_remove(internal, tally.summary) RETURNS internal
    AS 'MODULE_PATHNAME', 'tally_summary_moving_remove_summary'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_moving_remove(internal, tally.summary) IS
    'Takes the summary that leaves a moving window frame out again; NULL where what remains cannot be known exactly';

CREATE FUNCTION tally.summary_moving_final(internal) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_moving_final'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_moving_final(internal) IS
    'What a moving window frame holds, in the canonical packed form';

CREATE AGGREGATE tally.summarize(value numeric) (
    SFUNC = tally.summary_add, STYPE = tally.summary, SSPACE = 256,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.summary_final,
    MSFUNC = tally.summary_moving_add, MINVFUNC = tally.summary_moving_remove, MSTYPE = internal, MSSPACE = 256,
    MFINALFUNC = tally.summary_moving_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.summarize(numeric) IS
    'Summary of the values that are not NULL: read it with n, total, mean, lowest, highest';

CREATE AGGREGATE tally.summarize(value numeric, ts timestamptz) (
    SFUNC = tally.summary_add, STYPE = tally.summary, SSPACE = 256,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.summary_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.summarize(numeric, timestamptz) IS
    'Summary of the values that are not NULL, with the first and the latest by time; among equal times the greater value is the later. A value with a NULL time has no part in first and latest';

CREATE AGGREGATE tally.summarize(value numeric, ts timestamptz, seq bigint) (
    SFUNC = tally.summary_add, STYPE = tally.summary, SSPACE = 256,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.summary_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.summarize(numeric, timestamptz, bigint) IS
    'Summary of the values that are not NULL, with the first and the latest by (time, tiebreak); a NULL tiebreak is 0';

CREATE AGGREGATE tally.merge(state tally.summary) (
    SFUNC = tally.merge_states, STYPE = tally.summary, SSPACE = 256,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.summary_final,
    MSFUNC = tally.summary_moving_add, MINVFUNC = tally.summary_moving_remove, MSTYPE = internal, MSSPACE = 256,
    MFINALFUNC = tally.summary_moving_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.merge(tally.summary) IS
    'One summary of all the values that the given summaries hold';

CREATE FUNCTION tally.n(state tally.summary) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_summary_n'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.n(tally.summary) IS
    'How many values';

CREATE FUNCTION tally.total(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_total'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.total(tally.summary) IS
    'Exact sum; of a summary of nothing (made by difference) 0; NaN and infinities as sum(numeric) has them';

CREATE FUNCTION tally.mean(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_mean'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.mean(tally.summary) IS
    'Mean, to the digit what avg(numeric) gives; NULL of no values';

CREATE FUNCTION tally.lowest(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_lowest'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.lowest(tally.summary) IS
    'Lowest value; NULL of no values, and of a difference';

CREATE FUNCTION tally.highest(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_highest'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.highest(tally.summary) IS
    'Highest value (NaN is above all); NULL of no values, and of a difference';

CREATE FUNCTION tally.first(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_first'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.first(tally.summary) IS
    'Value at the earliest time; NULL where no value had a time';

CREATE FUNCTION tally.latest(state tally.summary) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_summary_latest'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.latest(tally.summary) IS
    'Value at the latest time; NULL where no value had a time';

CREATE FUNCTION tally.first_at(state tally.summary) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_summary_first_at'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.first_at(tally.summary) IS
    'Earliest time of a value; NULL where no value had a time';

CREATE FUNCTION tally.latest_at(state tally.summary) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_summary_latest_at'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.latest_at(tally.summary) IS
    'Latest time of a value; NULL where no value had a time';

CREATE FUNCTION tally.difference(whole tally.summary, part tally.summary) RETURNS tally.summary
    AS 'MODULE_PATHNAME', 'tally_summary_difference'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.difference(tally.summary, tally.summary) IS
    'n and total of the values in the whole that are not in the part; lowest, highest, first and latest cannot be known and are NULL';

CREATE FUNCTION tally.summary_eq(tally.summary, tally.summary) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_summary_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_eq(tally.summary, tally.summary) IS
    'Implementation of the = operator';

CREATE FUNCTION tally.summary_ne(tally.summary, tally.summary) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_summary_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_ne(tally.summary, tally.summary) IS
    'Implementation of the <> operator';

CREATE FUNCTION tally.summary_hash(tally.summary) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_summary_hash'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_hash(tally.summary) IS
    'Hash of a summary, for hash joins and GROUP BY';

CREATE FUNCTION tally.summary_hash_extended(tally.summary, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_summary_hash_extended'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.summary_hash_extended(tally.summary, bigint) IS
    'Seeded hash of a summary, for hash partitioning and GROUP BY';

CREATE OPERATOR tally.= (
    LEFTARG = tally.summary, RIGHTARG = tally.summary, FUNCTION = tally.summary_eq,
    COMMUTATOR = OPERATOR(tally.=), NEGATOR = OPERATOR(tally.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
COMMENT ON OPERATOR tally.= (tally.summary, tally.summary) IS 'Same parts, display scales included';

CREATE OPERATOR tally.<> (
    LEFTARG = tally.summary, RIGHTARG = tally.summary, FUNCTION = tally.summary_ne,
    COMMUTATOR = OPERATOR(tally.<>), NEGATOR = OPERATOR(tally.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR tally.<> (tally.summary, tally.summary) IS 'Not the same parts';

CREATE OPERATOR FAMILY tally.summary_ops USING hash;
COMMENT ON OPERATOR FAMILY tally.summary_ops USING hash IS 'Hash equality of summaries';

CREATE OPERATOR CLASS tally.summary_ops DEFAULT FOR TYPE tally.summary USING hash FAMILY tally.summary_ops AS
    OPERATOR 1 tally.=,
    FUNCTION 1 tally.summary_hash(tally.summary),
    FUNCTION 2 tally.summary_hash_extended(tally.summary, bigint);
COMMENT ON OPERATOR CLASS tally.summary_ops USING hash IS 'Hash equality of summaries';
