-- packing: recent events become segments, and small segments larger ones
--
-- tallyd calls the step, or a job calls the procedure. Both tend the whole store with the rights of tally_owner, and say
-- nothing of what lies in it.

CREATE FUNCTION tally.pack_step(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_pack_step'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.pack_step(integer, interval, boolean) IS
    'One bounded unit of packing in this transaction; false: there was nothing to do. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';

CREATE PROCEDURE tally.pack(min_events integer DEFAULT 1000, max_age interval DEFAULT '1 hour', tidy boolean DEFAULT false)
    AS 'MODULE_PATHNAME', 'tally_pack'
    LANGUAGE C;
COMMENT ON PROCEDURE tally.pack(integer, interval, boolean) IS
    'Packs all that waits, and commits after each bounded unit: not inside a transaction. A code''s events of a month are packed when there are min_events of them or the oldest came max_age ago; tidy: segments are merged as far as possible';
