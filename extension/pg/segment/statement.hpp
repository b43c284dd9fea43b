// SQL of packing: statements with parameters that read with the newest snapshot, whatever the transaction's isolation
// is.
//
// What packing reads after it got a lock must be what is committed then; under REPEATABLE READ the transaction's own
// snapshot is older. SPI must be connected. Everything here calls PostgreSQL and may raise: inside call_pg where C++
// objects are alive.
#pragma once

#include <initializer_list>

#include "pg/border/prelude.hpp"

namespace tally {

struct Parameter {
    Oid type;
    Datum value;
    bool null = false;
};

// Runs the statement; what it answers is in SPI_tuptable, how many rows in SPI_processed.
inline void run_now(const char* statement, std::initializer_list<Parameter> parameters, int expected) {
    Oid types[16];
    Datum values[16];
    char nulls[16];
    int count = 0;
    for (const Parameter& parameter : parameters) {
        types[count] = parameter.type;
        values[count] = parameter.value;
        nulls[count++] = parameter.null ? 'n' : ' ';
    }
    SPIPlanPtr const plan = SPI_prepare(statement, count, types);
    if (plan == nullptr) elog(ERROR, "cannot prepare: %s", statement);
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const int result = SPI_execute_snapshot(plan, values, nulls, snapshot, InvalidSnapshot, false, true, 0);
    UnregisterSnapshot(snapshot);
    SPI_freeplan(plan);
    if (result != expected) elog(ERROR, "cannot execute: %s", statement);
}

// Column `number` (from 1) of row `row` (from 0) of the answer; by reference it lives as long as SPI_tuptable.
inline Datum answer(std::uint64_t row, int number, bool* null = nullptr) {
    bool is_null = false;
    const Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &is_null);
    if (null != nullptr) *null = is_null;
    return value;
}

// A relation of schema tally.
inline Oid relation_oid(const char* name) {
    const Oid oid = get_relname_relid(name, get_namespace_oid("tally", false));
    if (!OidIsValid(oid)) elog(ERROR, "relation tally.%s does not exist", name);
    return oid;
}

}  // namespace tally
