-- kinds of metrics: which values they take, whatever way the values come in
--
-- The rule holds from the creation of a metric on, for events that the metric counts: those of its code, within its
-- segments, with a number under its key. An event without such a number is stored and skipped, as for every metric.
-- An archived metric refuses nothing.

CREATE FUNCTION tally._kind_problem(metric tally.metric, value numeric) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_kind_problem'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally._kind_problem(tally.metric, numeric) IS 'Why a metric''s kind refuses a value; NULL if it takes it';
