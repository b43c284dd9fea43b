-- values of one metric over its whole life, and summaries by buckets of time

CREATE FUNCTION tally._life(metric tally.metric, as_of text DEFAULT NULL, OUT value numeric, OUT total numeric, OUT positive numeric, OUT negative numeric,
                            OUT events bigint, OUT skipped bigint) RETURNS record
    AS 'MODULE_PATHNAME', 'tally_life'
    LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION tally._life(tally.metric, text) IS
    'A metric over all its events: value by its aggregation; total, the sum of all values (NULL where it has none); of kind dual the sums above and below 0, both as amounts; how many events were counted, and how many had no usable value. as_of: as in tally.usage; what packing carries is not used then';

CREATE FUNCTION tally._counted_life(metric tally.metric, OUT value numeric, OUT total numeric, OUT positive numeric, OUT negative numeric,
                                    OUT events bigint, OUT skipped bigint) RETURNS record
    AS 'MODULE_PATHNAME', 'tally_counted_life'
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION tally._counted_life(tally.metric) IS 'What _life answers, counted from the events alone: what packing carries is not used';

CREATE FUNCTION tally._summaries(metric tally.metric, "from" timestamptz, "to" timestamptz, width interval, as_of text DEFAULT NULL,
                                 OUT bucket_start timestamptz, OUT bucket_end timestamptz, OUT positive numeric, OUT negative numeric,
                                 OUT events bigint, OUT total_positive numeric, OUT total_negative numeric, OUT total_events bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_summaries'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION tally._summaries(tally.metric, timestamptz, timestamptz, interval, text) IS
    'Whole buckets that a range touches and in which something happened, with the running totals of the metric''s life after each. negative is the amount below 0 as a positive number. as_of: as in tally.usage';
