-- cuts: moments at which it was noted what was known, so that usage can be asked as of them for ever
--
-- What a reader saw at a moment cannot be told from received_at: a transaction that was open then commits later. So a cut
-- notes, all by one snapshot S:
--   last_seq, last_act: the last numbers of events and of acts of correction that were given, read after S was taken, so that
--     all that S sees is numbered up to them
--   unseen_seqs, unseen_acts: of the numbers up to these those that S does not see; what was open then and was committed
--     later is among them, and what was rolled back, or dropped, too, which does no harm
-- That is plain data: it outlives packing, dump and restore. The cut is known as soon as it is made, and nothing waits for it.
--
-- Not all numbers are looked through for that. A watermark says that each number up to `seq` and `act` was given to a
-- transaction older than `next_xid` (writers take their xid before their numbers; the numbers are read before the xid). Where
-- S sees that all of those have ended, it sees all that became of these numbers, and only later ones need looking
-- for. Packing adds watermarks. A dump may take them to a server where xids mean something else: all that is in a dump has
-- ended, so they are true there however they compare.

CREATE TABLE tally.watermark (
    seq       bigint NOT NULL,
    act       bigint NOT NULL,
    next_xid  xid8 NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (seq, act)
);
COMMENT ON TABLE tally.watermark IS 'Up to which numbers of events and corrections all is decided once all transactions before an xid have ended';
COMMENT ON COLUMN tally.watermark.seq IS 'Number of an event that was given before';
COMMENT ON COLUMN tally.watermark.act IS 'Number of an act of correction that was given before';
COMMENT ON COLUMN tally.watermark.next_xid IS 'No transaction had this xid, or a later one, yet';
COMMENT ON COLUMN tally.watermark.marked_at IS 'When it was noted';

CREATE TABLE tally.cut (
    tenant_id   integer REFERENCES tally.tenant,
    cut_id      uuid PRIMARY KEY DEFAULT tally._uuid7(),
    kind        text NOT NULL CHECK (kind IN ('named', 'daily', 'statement')),
    name        text NOT NULL CHECK (pg_catalog.length(name) BETWEEN 1 AND 100),
    taken_at    timestamptz NOT NULL,
    last_seq    bigint NOT NULL,
    unseen_seqs bigint[] NOT NULL,
    last_act    bigint NOT NULL,
    unseen_acts bigint[] NOT NULL,
    created_by  text NOT NULL DEFAULT tally._actor(),
    CONSTRAINT cut_of_all_daily CHECK ((tenant_id IS NULL) = (kind = 'daily'))
);
CREATE UNIQUE INDEX cut_name ON tally.cut (tenant_id, name);
CREATE UNIQUE INDEX cut_daily ON tally.cut (name) WHERE tenant_id IS NULL;
CREATE INDEX cut_seq ON tally.cut (last_seq);
CREATE INDEX cut_time ON tally.cut (tenant_id, taken_at, cut_id);
COMMENT ON TABLE tally.cut IS 'Moments as of which usage can be asked; never changed';
COMMENT ON COLUMN tally.cut.tenant_id IS 'Whose it is; NULL: everybody''s';
COMMENT ON COLUMN tally.cut.cut_id IS 'Shown as cut_...';
COMMENT ON COLUMN tally.cut.kind IS 'named: by hand; daily: one a day for all tenants; statement: when a period was closed';
COMMENT ON COLUMN tally.cut.name IS 'What it is called in questions: as it was given, daily-2026-01-31, or the id of the statement';
COMMENT ON COLUMN tally.cut.taken_at IS 'When it was made: nothing that it knows came later';
COMMENT ON COLUMN tally.cut.last_seq IS 'Number of the last event that may be known';
COMMENT ON COLUMN tally.cut.unseen_seqs IS 'Ranges of numbers up to last_seq that were not to be seen: the first and the last of each, ascending';
COMMENT ON COLUMN tally.cut.last_act IS 'Number of the last act of correction that may be known';
COMMENT ON COLUMN tally.cut.unseen_acts IS 'Ranges of numbers up to last_act that were not to be seen, as in unseen_seqs';
COMMENT ON COLUMN tally.cut.created_by IS 'Key or role that made it';
COMMENT ON INDEX tally.cut_name IS 'A tenant has each name once';
COMMENT ON INDEX tally.cut_daily IS 'One a day';
COMMENT ON INDEX tally.cut_seq IS 'Of which cuts packing keeps statistics';
COMMENT ON INDEX tally.cut_time IS 'The last cut before a time';

CREATE FUNCTION tally._unseen_seqs(after bigint, last bigint) RETURNS bigint[]
    AS 'MODULE_PATHNAME', 'tally_unseen_seqs'
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION tally._unseen_seqs(bigint, bigint) IS
    'Numbers behind after and up to last of which the statement''s snapshot sees no event, of whatever tenant: the first and the last of each range of them';

CREATE FUNCTION tally._moment(OUT taken_at timestamptz, OUT last_seq bigint, OUT unseen_seqs bigint[], OUT last_act bigint, OUT unseen_acts bigint[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    after_seq bigint;
    after_act bigint;
BEGIN
    -- Never before what it knows: as of a time nothing is answered that came later. Where a transaction repeats its reads, its snapshot
    -- was taken somewhere between its begin and now, so a cut of it may lack what came before it, as it lacks what was not committed.
    taken_at := clock_timestamp();
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO last_seq FROM tally.event_seq s;
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO last_act FROM tally.act_number s;
    SELECT coalesce(max(w.seq), 0), coalesce(max(w.act), 0) INTO after_seq, after_act
    FROM tally.watermark w WHERE w.next_xid <= pg_snapshot_xmin(pg_current_snapshot());
    unseen_seqs := tally._unseen_seqs(after_seq, last_seq);
    unseen_acts := ARRAY(
        SELECT e.edge
        FROM (SELECT n.number, lag(n.number, 1, after_act) OVER (ORDER BY n.number) AS before
              FROM (SELECT c.act FROM tally.correction c WHERE c.act > after_act AND c.act <= last_act
                    UNION ALL
                    SELECT l.act FROM tally.lifted_correction l WHERE l.act > after_act AND l.act <= last_act
                    UNION ALL
                    SELECT l.lift_act FROM tally.lifted_correction l WHERE l.lift_act > after_act AND l.lift_act <= last_act
                    UNION ALL
                    SELECT v.act FROM tally.metric_version v WHERE v.act > after_act AND v.act <= last_act
                    UNION ALL
                    SELECT last_act + 1) n(number)) g, LATERAL (VALUES (g.before + 1), (g.number - 1)) e(edge)
        WHERE g.number > g.before + 1 ORDER BY e.edge);
END
$$;
COMMENT ON FUNCTION tally._moment() IS 'What the statement''s snapshot sees, over all tenants, as columns of cut';

CREATE FUNCTION tally._cut_sees(last bigint, unseen bigint[], number bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT number <= last AND width_bucket(number, unseen) % 2 = 0 AND number <> ALL (unseen) $$;
COMMENT ON FUNCTION tally._cut_sees(bigint, bigint[], bigint) IS 'Whether what has this number was known at a cut';

CREATE FUNCTION tally._definition_then(metric text, cut text) RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce((
        SELECT json_build_object('segmentation_matrix', v.definition -> 'segmentation_matrix', 'filters', v.definition -> 'filters',
                                 'conversion_factor', v.definition -> 'conversion_factor', 'conversion_rounding', v.definition -> 'conversion_rounding')
        FROM tally.cut c, tally.metric m JOIN tally.metric_version v USING (tenant_id, metric_id)
        WHERE c.cut_id = tally._decode_id('cut_', cut) AND m.metric_id = tally._decode_id('bm_', metric) AND NOT tally._cut_sees(c.last_act, c.unseen_acts, v.act)
        ORDER BY v.act LIMIT 1), '{}')
$$;
COMMENT ON FUNCTION tally._definition_then(text, text) IS 'Fields of a metric that were others at a cut; both by their ids. No cut: none';

CREATE FUNCTION tally_gated.cut(tenant_id integer, name text) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id uuid := tally._uuid7();
BEGIN
    IF name IS NULL THEN
        name := tally._encode_id('cut_', id);
    ELSIF length(name) NOT BETWEEN 1 AND 100 OR name !~ '^[[:alpha:]]' OR name ~ '^(cut_|stm_|daily-)' THEN
        PERFORM tally._fail('name', 'name must have 1 to 100 characters, begin with a letter, and not with cut_, stm_ or daily-',
                            'As of a time is told from as of a name by its first character.');
    END IF;
    INSERT INTO tally.cut AS c (tenant_id, cut_id, kind, name, taken_at, last_seq, unseen_seqs, last_act, unseen_acts)
    SELECT cut.tenant_id, id, 'named', cut.name, m.taken_at, m.last_seq, m.unseen_seqs, m.last_act, m.unseen_acts FROM tally._moment() m
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'cut "%" exists already', name USING ERRCODE = 'TL409', COLUMN = 'name';
    END IF;
    RETURN tally._encode_id('cut_', id);
END
$$;
COMMENT ON FUNCTION tally_gated.cut(integer, text) IS 'What cut does once the gate has let the caller through';

CREATE FUNCTION tally.cut(name text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.cut(text) IS
    'Notes what is known now, under a name of the current tenant''s (without one: its id), and answers the cut''s id; usage(..., as_of => name) answers as now for ever. What this transaction has stored is known, what others have not committed yet is not, and under REPEATABLE READ what they have committed since its snapshot was taken is not either. Errors: 22023; TL409 there is a cut of this name';

CREATE FUNCTION tally._cut_daily() RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    today text := 'daily-' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD');
BEGIN
    IF EXISTS (SELECT FROM tally.cut c WHERE c.tenant_id IS NULL AND c.name = today) OR NOT pg_try_advisory_xact_lock(82564) THEN   -- own class
        RETURN false;
    END IF;
    INSERT INTO tally.cut (kind, name, taken_at, last_seq, unseen_seqs, last_act, unseen_acts)
    SELECT 'daily', today, m.taken_at, m.last_seq, m.unseen_seqs, m.last_act, m.unseen_acts FROM tally._moment() m
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION tally._cut_daily() IS 'What cut_daily does with the rights of tally_owner';

CREATE FUNCTION tally.cut_daily() RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_cut_daily'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.cut_daily() IS
    'Makes the cut of this day (UTC) for all tenants, daily-2026-01-31, and answers true; false: it is there already. tallyd calls it once a day';

CREATE FUNCTION tally._cuts(OUT id text, OUT name text, OUT kind text, OUT taken_at timestamptz, OUT created_by text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 100
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT tally._encode_id('cut_', c.cut_id), c.name, c.kind, c.taken_at, c.created_by
    FROM tally.cut c WHERE c.tenant_id = (SELECT tally.current_tenant()) OR c.tenant_id IS NULL ORDER BY c.taken_at DESC, c.cut_id DESC
$$;
COMMENT ON FUNCTION tally._cuts() IS 'What view cuts shows; reads with the rights of the caller';

CREATE VIEW tally.cuts AS SELECT * FROM tally._cuts();
COMMENT ON VIEW tally.cuts IS 'Cuts of the current tenant and those of all, newest first: as of which usage can be asked';

CREATE FUNCTION tally._as_of(tenant_id integer, as_of text) RETURNS json
    AS 'MODULE_PATHNAME', 'tally_as_of'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION tally._as_of(integer, text) IS
    'The cut that this name, id or time means: {id, name, taken_at}; NULL for NULL. Raises 22023 where there is none';

CREATE FUNCTION tally.find_cut(as_of text, OUT id text, OUT name text, OUT kind text, OUT taken_at timestamptz, OUT created_by text) RETURNS record
    LANGUAGE sql STABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT c.* FROM tally._cuts() c WHERE c.id = tally._as_of(tally.current_tenant(), as_of) ->> 'id' $$;
COMMENT ON FUNCTION tally.find_cut(text) IS
    'The cut that as_of means to usage and its like: that of this name or id, or the last one before a time. Errors: 22023 there is none';
