-- the value of a segment: many events by columns (format: extension/core/segment/format.hpp)

CREATE TYPE tally.segment_data;

CREATE FUNCTION tally.segment_data_in(cstring) RETURNS tally.segment_data
    AS 'MODULE_PATHNAME', 'tally_segment_data_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_in(cstring) IS 'Reads a segment from hexadecimal digits, as of bytea, and refuses what is none';
CREATE FUNCTION tally.segment_data_out(tally.segment_data) RETURNS cstring
    AS 'MODULE_PATHNAME', 'tally_segment_data_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_out(tally.segment_data) IS 'Writes a segment as hexadecimal digits, as of bytea';
CREATE FUNCTION tally.segment_data_recv(internal) RETURNS tally.segment_data
    AS 'MODULE_PATHNAME', 'tally_segment_data_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_recv(internal) IS 'Reads the bytes of a segment, and refuses what is none';
CREATE FUNCTION tally.segment_data_send(tally.segment_data) RETURNS bytea
    AS 'MODULE_PATHNAME', 'tally_segment_data_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_send(tally.segment_data) IS 'Writes the bytes of a segment';

CREATE TYPE tally.segment_data (
    INPUT = tally.segment_data_in,
    OUTPUT = tally.segment_data_out,
    RECEIVE = tally.segment_data_recv,
    SEND = tally.segment_data_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = external
);
COMMENT ON TYPE tally.segment_data IS 'Many events of one tenant, code and month by columns; flat, versioned, read by slices';

CREATE FUNCTION tally.segment_events(data tally.segment_data) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_segment_events' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_events(tally.segment_data) IS
    'How many events a segment holds, after its order, bounds, totals and checksums were found true; XX001 for a damaged one';
