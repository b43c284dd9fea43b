// SQL entry points of tally.level_state: transition, combine and final functions, accessors, I/O, operators. Memory as
// in pg/summary.cpp: in place inside an aggregate, packed otherwise.
#include "core/level/level.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/aggregate/state.hpp"

namespace {

using namespace tally;

// The state as a working form that may be changed, or null.
LevelWork* in_place(Datum state) noexcept {
    char* const pointer = DatumGetPointer(state);
    if (!VARATT_IS_4B_U(pointer) || VARSIZE(pointer) != sizeof(LevelWork) ||
        reinterpret_cast<std::uintptr_t>(pointer) % 8 != 0)
        return nullptr;
    const Bytes body(reinterpret_cast<const std::byte*>(VARDATA(pointer)), sizeof(LevelWork) - VARHDRSZ);
    return is_working_level(body) ? reinterpret_cast<LevelWork*>(pointer) : nullptr;
}

Datum packed_datum(const Level& level) {
    char* const state = new_state(level_bound(level));
    return finish_state(state, store_level(level, state_start(state)));
}

Datum state_datum(const Level& level, bool aggregating) {
    LevelWork work;
    if (!aggregating || !to_working(level, work)) return packed_datum(level);
    char* const state = new_state(sizeof work - VARHDRSZ);
    std::memcpy(state, &work, sizeof work);
    return finish_state(state, sizeof work - VARHDRSZ);
}

Level level_argument(FunctionCallInfo fcinfo, int index) {
    return load_level(state_body(PG_GETARG_DATUM(index)));
}

std::byte* scratch(std::size_t size) {
    return static_cast<std::byte*>(palloc(size + 1));
}

Bytes packed_bytes(FunctionCallInfo fcinfo, int index) {
    const Bytes body = state_body(PG_GETARG_DATUM(index));
    return is_working_level(body) ? state_body(packed_datum(load_level(body))) : body;
}

bool equal_levels(FunctionCallInfo fcinfo) {
    const Bytes left = packed_bytes(fcinfo, 0);
    const Bytes right = packed_bytes(fcinfo, 1);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

// start * (to - from) + change * to - moment, in units of level times microseconds; exact.
Datum integral(const Level& level, std::int64_t from, std::int64_t to, Datum start) {
    require_within(level, from, to);
    const Datum change = numeric_from_decimal(level.change);
    const Datum carried = DirectFunctionCall2(numeric_mul, start, micros_between(from, to));
    if (level.n > 0 && level.last <= from)  // all before: the level stands at start + change the whole time
        return DirectFunctionCall2(numeric_add, carried, DirectFunctionCall2(numeric_mul, change, micros_between(from, to)));
    const Datum changed = DirectFunctionCall2(numeric_sub, DirectFunctionCall2(numeric_mul, change, numeric_of(to)),
                                              numeric_from_decimal(level.moment));
    return DirectFunctionCall2(numeric_add, carried, changed);
}

}  // namespace

// level_add(state, delta, at) -> state. A NULL delta or moment is skipped; NaN and infinities are refused with 22023.
TALLY_FUNCTION(level_add) {
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) {
        if (PG_ARGISNULL(0)) PG_RETURN_NULL();
        PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
    const std::int64_t at = PG_GETARG_TIMESTAMPTZ(2);
    if (aggregating && !PG_ARGISNULL(0)) {
        LevelWork* const work = in_place(PG_GETARG_DATUM(0));
        int128 coefficient;
        std::int32_t scale;
        if (work != nullptr && small_from_numeric(PG_GETARG_DATUM(1), coefficient, scale) &&
            change_in_place(*work, coefficient, scale, at))
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    return guarded([&]() -> Datum {
        const Decimal delta = decimal_from_numeric(PG_GETARG_DATUM(1));
        Level level = PG_ARGISNULL(0) ? Level{} : level_argument(fcinfo, 0);
        add_change(level, delta, at, delta.finite() ? scratch(level_scratch_bytes(level, delta)) : nullptr);
        return state_datum(level, aggregating);
    });
}

// level_merge(state, state) -> state with the changes of both; a NULL has none.
TALLY_FUNCTION(level_merge) {
    return guarded([&]() -> Datum {
        const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        const Level right = level_argument(fcinfo, 1);
        if (PG_ARGISNULL(0)) return state_datum(right, aggregating);
        LevelWork* const work = aggregating ? in_place(PG_GETARG_DATUM(0)) : nullptr;
        if (work != nullptr && merge_in_place(*work, right)) PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        Level left = level_argument(fcinfo, 0);
        merge_level(left, right, scratch(merge_scratch_bytes(left, right)));
        return state_datum(left, aggregating);
    });
}

// level_final(state) -> the state in its packed, canonical form. Does not change its argument.
TALLY_FUNCTION(level_final) {
    return guarded([&]() -> Datum { return packed_datum(level_argument(fcinfo, 0)); });
}

// level_n(state) -> how many changes.
TALLY_FUNCTION(level_n) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(level_argument(fcinfo, 0).n); });
}

// level_change(state) -> sum of the deltas.
TALLY_FUNCTION(level_change) {
    return guarded([&]() -> Datum { return numeric_from_decimal(level_argument(fcinfo, 0).change); });
}

namespace {

// The integral between arguments 1 and 2 of the level of argument 0 that began at argument 3; a NULL state is a level
// that did not change (there was no row to aggregate), any other NULL has no answer: false.
bool integral_of_arguments(FunctionCallInfo fcinfo, Datum& whole) {
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3)) return false;
    const Level level = PG_ARGISNULL(0) ? Level{} : level_argument(fcinfo, 0);
    whole = integral(level, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_DATUM(3));
    return true;
}

}  // namespace

// level_mean(state, from, to, start_level) -> the mean level between the two moments. 22023 for changes outside them.
TALLY_FUNCTION(level_mean) {
    return guarded([&]() -> Datum {
        Datum whole = 0;
        if (!integral_of_arguments(fcinfo, whole)) PG_RETURN_NULL();
        return DirectFunctionCall2(numeric_div, whole, micros_between(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)));
    });
}

// level_seconds(state, from, to, start_level) -> the level summed over time, in level times seconds; exact.
TALLY_FUNCTION(level_seconds) {
    return guarded([&]() -> Datum {
        Datum whole = 0;
        if (!integral_of_arguments(fcinfo, whole)) PG_RETURN_NULL();
        return DirectFunctionCall2(numeric_mul, whole, numeric_from_decimal(Decimal::make_small(1, 6)));
    });
}

// level_in(cstring) -> level_state: reads the JSON text (core/level/level.hpp). 22P02 for anything else.
TALLY_FUNCTION(level_in) {
    return guarded([&]() -> Datum {
        const std::string_view json = PG_GETARG_CSTRING(0);
        return packed_datum(level_from_text(json, scratch(json.size() + 16)));
    });
}

// level_out(level_state) -> cstring.
TALLY_FUNCTION(level_out) {
    return guarded([&]() -> Datum {
        const Level level = level_argument(fcinfo, 0);
        const std::string json = level_to_text(level);
        PG_RETURN_CSTRING(call_pg([&]() { return pnstrdup(json.data(), json.size()); }));
    });
}

// level_recv(internal) -> level_state: the packed bytes as level_send wrote them. 22P03 for anything else.
TALLY_FUNCTION(level_recv) {
    return guarded([&]() -> Datum {
        const Bytes sent = received_bytes(reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
        return packed_datum(load_level(sent, ErrorKind::invalid_binary));
    });
}

// level_send(level_state) -> bytea: the packed bytes.
TALLY_FUNCTION(level_send) {
    return guarded([&]() -> Datum { return sent_bytes(packed_bytes(fcinfo, 0)); });
}

// level_state = level_state, level_state <> level_state.
TALLY_FUNCTION(level_eq) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(equal_levels(fcinfo)); });
}
TALLY_FUNCTION(level_ne) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(!equal_levels(fcinfo)); });
}

// Hashes for GROUP BY and hash joins of states.
TALLY_FUNCTION(level_hash) {
    return guarded([&]() -> Datum { return state_hash(packed_bytes(fcinfo, 0)); });
}
TALLY_FUNCTION(level_hash_extended) {
    return guarded([&]() -> Datum { return state_hash_extended(packed_bytes(fcinfo, 0), PG_GETARG_INT64(1)); });
}
