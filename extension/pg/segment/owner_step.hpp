// What tends the store does so in steps: each with the rights of tally_owner, and where a procedure does many, each in
// a transaction of its own. Not inside of `guarded`: these are the outermost frames.
#pragma once

#include "pg/border/gate.hpp"
#include "pg/border/boundary.hpp"

namespace tally {

// Runs the body guarded, with SPI connected, as tally_owner. It finds no operator or function of the caller's: a SET
// clause would do the same, but forbids a procedure to commit.
template <typename Body>
auto as_owner(Body&& body) -> std::invoke_result_t<Body> {
    const int settings_level = NewGUCNestLevel();
    (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                            false);
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    const auto result = guarded([&] {
        const OwnerRights rights;
        return body();
    });
    SPI_finish();
    AtEOXact_GUC(true, settings_level);
    // What the next step reads, in the same statement, sees what this one did.
    CommandCounterIncrement();
    return result;
}

// The body of a procedure: steps, each followed by a commit, until one says that it was the last. Fails where the
// procedure may not commit, before the second step.
template <typename Step>
void committing_loop(FunctionCallInfo fcinfo, Step&& step) {
    const bool atomic =
        fcinfo->context == nullptr || !IsA(fcinfo->context, CallContext) || castNode(CallContext, fcinfo->context)->atomic;
    if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    while (step()) {
        CHECK_FOR_INTERRUPTS();
        SPI_commit();
    }
    SPI_finish();
}

}  // namespace tally
