// Statements through SPI: see statement.hpp.
#include "pg/ingest/statement.hpp"

namespace tally {

namespace {

std::uint64_t rows_of(int result) {
    if (result < 0) elog(ERROR, "cannot run: %s", SPI_result_code_string(result));
    return SPI_processed;
}

}  // namespace

void Statement::prepare() {
    if (plan != nullptr) return;
    // A plan for any values: with arrays of unknown length PostgreSQL would plan anew for each call.
    SPIPlanPtr const made = SPI_prepare_cursor(text, parameters, types, CURSOR_OPT_GENERIC_PLAN);
    if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "cannot prepare: %s", SPI_result_code_string(SPI_result));
    plan = made;
}

std::uint64_t Statement::run(const Datum* values, const char* nulls, long limit) {
    prepare();
    return rows_of(SPI_execute_plan(plan, const_cast<Datum*>(values), nulls, false, limit));
}

std::uint64_t Statement::run_now(const Datum* values) {
    prepare();
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const int result =
        SPI_execute_snapshot(plan, const_cast<Datum*>(values), nullptr, snapshot, InvalidSnapshot, false, true, 0);
    UnregisterSnapshot(snapshot);
    return rows_of(result);
}

}  // namespace tally
