-- counter: how much a counter went up, from readings in any order, with resets (extension/core/counter/counter.hpp)

CREATE TYPE tally.counter_state;

CREATE FUNCTION tally.counter_state_in(cstring) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_in'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_in(cstring) IS
    'Reads the JSON text of a counter';

CREATE FUNCTION tally.counter_state_out(tally.counter_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'tally_counter_out'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_out(tally.counter_state) IS
    'Writes a counter as JSON text: decimals as strings, times in UTC';

CREATE FUNCTION tally.counter_state_recv(internal) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_recv'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_recv(internal) IS
    'Reads the packed bytes of a counter';

CREATE FUNCTION tally.counter_state_send(tally.counter_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_counter_send'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_send(tally.counter_state) IS
    'Writes the packed bytes of a counter';

CREATE TYPE tally.counter_state (
    INPUT = tally.counter_state_in, OUTPUT = tally.counter_state_out,
    RECEIVE = tally.counter_state_recv, SEND = tally.counter_state_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = extended);
COMMENT ON TYPE tally.counter_state IS
    'State of tally.counter: exact increase, resets and both ends of a range of readings; states of ranges that do not overlap merge';

CREATE FUNCTION tally.counter_add(tally.counter_state, numeric, timestamptz) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_add(tally.counter_state, numeric, timestamptz) IS
    'Transition function of tally.counter(numeric, timestamptz); a NULL value or time is skipped';

CREATE FUNCTION tally.counter_add(tally.counter_state, numeric, timestamptz, bigint) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_add'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_add(tally.counter_state, numeric, timestamptz, bigint) IS
    'Transition function of tally.counter(numeric, timestamptz, bigint); a NULL value or time is skipped, a NULL seq is 0';

CREATE FUNCTION tally.merge_states(state1 tally.counter_state, state2 tally.counter_state) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_merge'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally.merge_states(tally.counter_state, tally.counter_state) IS
    'One counter of both ranges, which must not overlap; NULL has no readings. What lies between two merged ranges cannot be merged later: use the aggregate merge for more than two';

CREATE FUNCTION tally.counter_state_final(tally.counter_state) RETURNS tally.counter_state
    AS 'MODULE_PATHNAME', 'tally_counter_final'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_final(tally.counter_state) IS
    'Final function of the counter aggregates: everything put in order and joined, the canonical packed form';

CREATE AGGREGATE tally.counter(reading numeric, ts timestamptz) (
    SFUNC = tally.counter_add, STYPE = tally.counter_state, SSPACE = 512,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.counter_state_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.counter(numeric, timestamptz) IS
    'A counter from its readings (value, time), in any order: read it with increase, resets and rate';

CREATE AGGREGATE tally.counter(reading numeric, ts timestamptz, seq bigint) (
    SFUNC = tally.counter_add, STYPE = tally.counter_state, SSPACE = 512,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.counter_state_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.counter(numeric, timestamptz, bigint) IS
    'A counter from its readings (value, time, order within the time), in any order: read it with increase, resets and rate';

CREATE AGGREGATE tally.merge(state tally.counter_state) (
    SFUNC = tally.merge_states, STYPE = tally.counter_state, SSPACE = 512,
    COMBINEFUNC = tally.merge_states, FINALFUNC = tally.counter_state_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE tally.merge(tally.counter_state) IS
    'One counter of all the given ranges, in any order; ranges that overlap are an error';

CREATE FUNCTION tally.increase(state tally.counter_state) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_counter_increase'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.increase(tally.counter_state) IS
    'How much the counter went up from the first reading to the latest, exactly: a reading below the one before it adds itself, any other the difference';

CREATE FUNCTION tally.resets(state tally.counter_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_counter_resets'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.resets(tally.counter_state) IS
    'How often the counter began again: readings below the one before them';

CREATE FUNCTION tally.n(state tally.counter_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_counter_n'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.n(tally.counter_state) IS
    'How many readings';

CREATE FUNCTION tally.first(state tally.counter_state) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_counter_first'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.first(tally.counter_state) IS
    'The earliest reading';

CREATE FUNCTION tally.latest(state tally.counter_state) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_counter_latest'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.latest(tally.counter_state) IS
    'The latest reading';

CREATE FUNCTION tally.first_at(state tally.counter_state) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_counter_first_at'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.first_at(tally.counter_state) IS
    'Time of the earliest reading';

CREATE FUNCTION tally.latest_at(state tally.counter_state) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_counter_latest_at'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.latest_at(tally.counter_state) IS
    'Time of the latest reading';

CREATE FUNCTION tally.seconds(state tally.counter_state) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_counter_seconds'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.seconds(tally.counter_state) IS
    'Seconds from the earliest reading to the latest, exact to the microsecond';

CREATE FUNCTION tally.rate(state tally.counter_state, per interval DEFAULT '00:00:01') RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally.increase(state) * extract(epoch FROM per)::numeric / nullif(tally.seconds(state), 0) $$;
COMMENT ON FUNCTION tally.rate(tally.counter_state, interval) IS
    'Increase per second (or per another interval) from the earliest reading to the latest; NULL over no time; a month counts 30 days, a year 365.25';

CREATE FUNCTION tally.counter_state_eq(tally.counter_state, tally.counter_state) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_counter_eq'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_eq(tally.counter_state, tally.counter_state) IS
    'Implementation of the = operator';

CREATE FUNCTION tally.counter_state_ne(tally.counter_state, tally.counter_state) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_counter_ne'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_ne(tally.counter_state, tally.counter_state) IS
    'Implementation of the <> operator';

CREATE FUNCTION tally.counter_state_hash(tally.counter_state) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_counter_hash'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_hash(tally.counter_state) IS
    'Hash of a counter, for hash joins and GROUP BY';

CREATE FUNCTION tally.counter_state_hash_extended(tally.counter_state, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_counter_hash_extended'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.counter_state_hash_extended(tally.counter_state, bigint) IS
    'Seeded hash of a counter, for hash partitioning and GROUP BY';

CREATE OPERATOR tally.= (
    LEFTARG = tally.counter_state, RIGHTARG = tally.counter_state, FUNCTION = tally.counter_state_eq,
    COMMUTATOR = OPERATOR(tally.=), NEGATOR = OPERATOR(tally.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
COMMENT ON OPERATOR tally.= (tally.counter_state, tally.counter_state) IS 'Same range, ends, increase, resets and number of readings';

CREATE OPERATOR tally.<> (
    LEFTARG = tally.counter_state, RIGHTARG = tally.counter_state, FUNCTION = tally.counter_state_ne,
    COMMUTATOR = OPERATOR(tally.<>), NEGATOR = OPERATOR(tally.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR tally.<> (tally.counter_state, tally.counter_state) IS 'Not the same range, ends, increase, resets and number of readings';

CREATE OPERATOR FAMILY tally.counter_state_ops USING hash;
COMMENT ON OPERATOR FAMILY tally.counter_state_ops USING hash IS 'Hash equality of counters';

CREATE OPERATOR CLASS tally.counter_state_ops DEFAULT FOR TYPE tally.counter_state USING hash FAMILY tally.counter_state_ops AS
    OPERATOR 1 tally.=,
    FUNCTION 1 tally.counter_state_hash(tally.counter_state),
    FUNCTION 2 tally.counter_state_hash_extended(tally.counter_state, bigint);
COMMENT ON OPERATOR CLASS tally.counter_state_ops USING hash IS 'Hash equality of counters';
