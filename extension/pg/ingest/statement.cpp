// Statements through SPI: see statement.hpp.
#include "pg/ingest/statement.hpp"

namespace tally {

std::uint64_t Statement::run(const Datum* values, const char* nulls, long limit) {
    if (plan == nullptr) {
        SPIPlanPtr const made = SPI_prepare(text, parameters, types);
        if (made == nullptr || SPI_keepplan(made) != 0)
            elog(ERROR, "cannot prepare: %s", SPI_result_code_string(SPI_result));
        plan = made;
    }
    const int result = SPI_execute_plan(plan, const_cast<Datum*>(values), nulls, false, limit);
    if (result < 0) elog(ERROR, "cannot run: %s", SPI_result_code_string(result));
    return SPI_processed;
}

}  // namespace tally
