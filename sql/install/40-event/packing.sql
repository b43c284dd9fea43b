-- packing: recent events become segments, small segments larger ones. Usage reads both places. Nothing calls it yet: the event
-- list, the look-up of an event and taking an import back read recent events only, so these two are the owner's alone.

CREATE FUNCTION tally._pack_step(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_pack_step'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally._pack_step(integer, interval, boolean) IS
    'One bounded unit of packing in this transaction; false: there was nothing to do. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';

CREATE PROCEDURE tally._pack(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false)
    AS 'MODULE_PATHNAME', 'tally_pack'
    LANGUAGE C;
COMMENT ON PROCEDURE tally._pack(integer, interval, boolean) IS
    'Packs all that waits, and commits after each bounded unit: not inside a transaction. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';
