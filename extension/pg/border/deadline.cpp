// When the running statement is to end: the timer of statement_timeout, read and set by SQL functions that do several
// things of which one must not use up the time of all. Only the server's own timer is moved, so what it stops is stopped as
// ever: with SQLSTATE 57014, at the next place where PostgreSQL looks for interrupts.
#include "pg/border/boundary.hpp"

// tally._statement_deadline() -> timestamptz, NULL where no statement_timeout is running
TALLY_FUNCTION(statement_deadline) {
    if (!get_timeout_active(STATEMENT_TIMEOUT)) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(get_timeout_finish_time(STATEMENT_TIMEOUT));
}

// tally._set_statement_deadline(at timestamptz) -> void
TALLY_FUNCTION(set_statement_deadline) {
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
    if (TIMESTAMP_NOT_FINITE(at))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a deadline must be a point in time")));
    if (get_timeout_active(STATEMENT_TIMEOUT)) disable_timeout(STATEMENT_TIMEOUT, false);
    // If it has rung just now, that is said here, where the caller expects it, and not later.
    CHECK_FOR_INTERRUPTS();
    enable_timeout_at(STATEMENT_TIMEOUT, at);
    PG_RETURN_VOID();
}
