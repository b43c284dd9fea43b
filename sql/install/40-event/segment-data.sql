-- the value of a segment: many events by columns (format: extension/core/segment/format.hpp)

CREATE TYPE tally.segment_data;

CREATE FUNCTION tally.segment_data_in(cstring) RETURNS tally.segment_data
    AS 'byteain' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_in(cstring) IS 'Input of segment_data: hexadecimal digits as of bytea';
CREATE FUNCTION tally.segment_data_out(tally.segment_data) RETURNS cstring
    AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_out(tally.segment_data) IS 'Output of segment_data: hexadecimal digits as of bytea';
CREATE FUNCTION tally.segment_data_recv(internal) RETURNS tally.segment_data
    AS 'bytearecv' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_recv(internal) IS 'Binary input of segment_data';
CREATE FUNCTION tally.segment_data_send(tally.segment_data) RETURNS bytea
    AS 'byteasend' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.segment_data_send(tally.segment_data) IS 'Binary output of segment_data';

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
