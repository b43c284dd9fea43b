-- customers: whoever had events; made out of recent rows and the runs of segments (extension/core/usage/customer_spans.hpp)

CREATE FUNCTION tally.customers(customer text DEFAULT NULL, OUT customer_id text, OUT first_event timestamptz, OUT last_event timestamptz, OUT events bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_customers'
    LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000 COST 100000;
COMMENT ON FUNCTION tally.customers(text) IS
    'Customers of the current tenant, or one of them: when their first and last event happened, and how many events count (voided ones do not). Raises 54000 where they need more than work_mem';

CREATE VIEW tally.customers WITH (security_barrier) AS
    SELECT c.customer_id, c.first_event, c.last_event, c.events FROM tally.customers(NULL) c;
COMMENT ON VIEW tally.customers IS 'All customers of the current tenant with their first and last event. The function of this name reads only what it is asked for';
