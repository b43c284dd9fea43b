// A statement of ours that is planned once a session and run through SPI, for the few facts of a call that no loop over
// events reads. Calls PostgreSQL: inside call_pg where C++ objects are alive.
#pragma once

#include <cstdint>

#include "pg/border/prelude.hpp"

namespace tally {

struct Statement {
    static constexpr int most_parameters = 10;

    const char* text;
    int parameters;
    Oid types[most_parameters];
    SPIPlanPtr plan = nullptr;  // kept

    // Runs it between SPI_connect and SPI_finish with a new snapshot; rows are in SPI_tuptable. Answers their number.
    std::uint64_t run(const Datum* values, const char* nulls = nullptr, long limit = 0);
    // The same with the newest snapshot whatever the transaction's isolation is.
    std::uint64_t run_now(const Datum* values);

private:
    void prepare();
};

}  // namespace tally
