// SQL entry points of the moving-aggregate mode of tally.summarize(numeric) and tally.merge(tally.summary): window
// frames that move take the values that leave out of the state instead of adding up the whole frame again for each row.
//
// The state is `internal`: it lives in the memory of one window aggregate, no SQL can reach it and nothing stores it.
// Where a part cannot leave (core/summary/summary_moving.hpp) the inverse answers NULL, and PostgreSQL adds up the frame.
#include "core/summary/summary_moving.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/aggregate/state.hpp"

namespace {

using namespace tally;

// `moving` is in use until a part comes that it cannot hold; from then on the packed state in `fixed` is.
struct MovingState {
    MovingSummary moving;
    char* fixed;
};

MemoryContext aggregate_memory(FunctionCallInfo fcinfo) {
    MemoryContext memory = nullptr;
    if (AggCheckCallContext(fcinfo, &memory) == 0)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("moving summaries live in window aggregates only")));
    return memory;
}

MovingState* moving_state(FunctionCallInfo fcinfo, MemoryContext memory) {
    if (!PG_ARGISNULL(0)) return reinterpret_cast<MovingState*>(PG_GETARG_POINTER(0));
    auto* const state = static_cast<MovingState*>(MemoryContextAlloc(memory, sizeof(MovingState)));
    *state = MovingState{};
    return state;
}

Summary value_argument(FunctionCallInfo fcinfo) {
    Summary part;
    const Decimal value = decimal_from_numeric(PG_GETARG_DATUM(1));
    add_value(part, value, nullptr, static_cast<std::byte*>(palloc(value.finite() ? add_bound(part.total, value) + 1 : 1)));
    return part;
}

Summary summary_argument(FunctionCallInfo fcinfo) {
    return load_summary(state_body(PG_GETARG_DATUM(1)));
}

Summary contents(const MovingState& state) {
    return state.fixed == nullptr ? summary_of(state.moving) : load_summary(state_body(PointerGetDatum(state.fixed)));
}

char* packed(const Summary& summary, MemoryContext memory) {
    MemoryContext const current = MemoryContextSwitchTo(memory);
    char* const state = new_state(packed_bound(summary));
    MemoryContextSwitchTo(current);
    finish_state(state, pack_summary(summary, state_start(state)));
    return state;
}

// A moving aggregate's forward function must never answer NULL, so a NULL value too makes the state.
Datum add_part(FunctionCallInfo fcinfo, Summary (*part_argument)(FunctionCallInfo)) {
    return guarded([&]() -> Datum {
        MemoryContext const memory = aggregate_memory(fcinfo);
        MovingState* const state = moving_state(fcinfo, memory);
        if (PG_ARGISNULL(1)) PG_RETURN_POINTER(state);
        const Summary part = part_argument(fcinfo);
        if (state->fixed != nullptr || !move_in(state->moving, part)) {
            Summary whole = contents(*state);
            merge_summary(whole, part, static_cast<std::byte*>(palloc(add_bound(whole.total, part.total) + 1)));
            char* const old = state->fixed;
            state->fixed = packed(whole, memory);
            if (old != nullptr) pfree(old);
        }
        PG_RETURN_POINTER(state);
    });
}

Datum remove_part(FunctionCallInfo fcinfo, Summary (*part_argument)(FunctionCallInfo)) {
    return guarded([&]() -> Datum {
        MovingState* const state = moving_state(fcinfo, aggregate_memory(fcinfo));
        if (PG_ARGISNULL(1)) PG_RETURN_POINTER(state);
        if (state->fixed != nullptr || !move_out(state->moving, part_argument(fcinfo))) PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    });
}

}  // namespace

// summary_moving_add(internal, value) -> internal, summary_moving_remove(internal, value) -> internal or NULL: one
// value enters, leaves. NULL values are skipped.
TALLY_FUNCTION(summary_moving_add_value) {
    return add_part(fcinfo, value_argument);
}
TALLY_FUNCTION(summary_moving_remove_value) {
    return remove_part(fcinfo, value_argument);
}

// The same for the values of a summary.
TALLY_FUNCTION(summary_moving_add_summary) {
    return add_part(fcinfo, summary_argument);
}
TALLY_FUNCTION(summary_moving_remove_summary) {
    return remove_part(fcinfo, summary_argument);
}

// summary_moving_final(internal) -> what the frame holds, packed; NULL of no values. Does not change its argument.
TALLY_FUNCTION(summary_moving_final) {
    return guarded([&]() -> Datum {
        const auto* const state = reinterpret_cast<const MovingState*>(PG_GETARG_POINTER(0));
        aggregate_memory(fcinfo);
        if (state->fixed == nullptr && state->moving.parts == 0) PG_RETURN_NULL();
        return PointerGetDatum(packed(contents(*state), CurrentMemoryContext));
    });
}
