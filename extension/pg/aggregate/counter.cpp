// SQL entry points of tally.counter_state: transition, combine and final functions, accessors, I/O, operators.
//
// Inside an aggregate the state is in working form in the aggregate's memory, and parts are appended in place. A larger
// one is made in the current (per-row) context; the executor copies it into the aggregate's memory and frees the old
// one. Called as an ordinary function nothing is changed in place, all parts are joined and the result is packed.
#include "core/counter/counter.hpp"
#include "core/base/invariant.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/aggregate/state.hpp"

namespace {

using namespace tally;

// The state as a working form that may be changed, or null.
CounterWork* in_place(Datum state) noexcept {
    char* const pointer = DatumGetPointer(state);
    if (!VARATT_IS_4B_U(pointer) || VARSIZE(pointer) < sizeof(CounterWork) ||
        reinterpret_cast<std::uintptr_t>(pointer) % 8 != 0)
        return nullptr;
    auto* const work = reinterpret_cast<CounterWork*>(pointer);
    return is_working_counter(*work, VARSIZE(pointer)) ? work : nullptr;
}

// A working form with what `parts` holds and room for `more` bytes.
CounterWork* new_work(const CounterView& parts, std::size_t more) {
    const std::size_t size = grown_size(parts.parts.size(), more);
    auto* const work = reinterpret_cast<CounterWork*>(new_state(size - VARHDRSZ));
    SET_VARSIZE(work, size);
    start_work(*work);
    append_parts(*work, size, parts);
    return work;
}

struct SortedParts {
    Bytes parts;
    std::span<PartPlace> places;
};

PartPlace* new_places(std::size_t count) {
    return static_cast<PartPlace*>(MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(PartPlace)));
}

SortedParts sorted(Bytes parts) {
    PartPlace* const places = new_places(parts.size() / least_part_bytes);
    const SortedParts found{parts, std::span(places, find_parts(parts, places, check_interrupts))};
    sort_parts(parts, found.places, new_places(found.places.size()), check_interrupts);
    return found;
}

Counter joined(const SortedParts& sorted_parts) {
    Counter whole;
    if (!join_parts(sorted_parts.parts, sorted_parts.places, nullptr, whole, check_interrupts))
        join_parts(sorted_parts.parts, sorted_parts.places, static_cast<std::byte*>(palloc(join_scratch_bytes)), whole,
                   check_interrupts);
    if constexpr (invariants_are_checked) invariant(is_consistent(whole), "a counter was joined wrongly");
    return whole;
}

Counter finished(const CounterView& view) {
    return view.joined ? view.whole : joined(sorted(view.parts));
}

Datum packed_datum(const Counter& counter) {
    char* const state = new_state(counter_bound(counter));
    return finish_state(state, store_counter(counter, state_start(state)));
}

// All parts, in the packed form.
Datum packed_parts(const SortedParts& sorted_parts) {
    char* const state = new_state(packed_head_bytes + sorted_parts.parts.size());
    return finish_state(state, store_parts(sorted_parts.parts, sorted_parts.places, state_start(state), check_interrupts));
}

CounterView view_argument(FunctionCallInfo fcinfo, int index) {
    return load_counter(state_body(PG_GETARG_DATUM(index)));
}

Counter counter_argument(FunctionCallInfo fcinfo, int index) {
    return finished(view_argument(fcinfo, index));
}

Bytes packed_bytes(FunctionCallInfo fcinfo, int index) {
    const Bytes body = state_body(PG_GETARG_DATUM(index));
    const CounterView view = load_counter(body);
    return view.working ? state_body(packed_parts(sorted(view.parts))) : body;
}

bool equal_counters(FunctionCallInfo fcinfo) {
    const Bytes left = packed_bytes(fcinfo, 0);
    const Bytes right = packed_bytes(fcinfo, 1);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

// Argument 0 and more, together: in place inside an aggregate, joined and packed otherwise.
Datum with_parts(FunctionCallInfo fcinfo, const CounterView& more) {
    const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
    CounterWork* work = nullptr;
    if (PG_ARGISNULL(0)) {
        if (!aggregating) return packed_datum(finished(more));
        work = new_work(more, 0);
    } else {
        if (aggregating) work = in_place(PG_GETARG_DATUM(0));
        if (work == nullptr || !append_parts(*work, VARSIZE(work), more)) {
            work = new_work(work == nullptr ? view_argument(fcinfo, 0) : view_of(*work), more.parts.size());
            append_parts(*work, VARSIZE(work), more);
        }
    }
    if constexpr (invariants_are_checked)
        invariant(is_working_counter(*work, VARSIZE(work)), "a running counter is damaged");
    return aggregating ? PointerGetDatum(work) : packed_datum(finished(view_of(*work)));
}

// The view of one part, whose bytes are put into `room`.
CounterView view_of_part(const Counter& part, std::byte* room) noexcept {
    CounterView view;
    view.parts = Bytes(room, store_part(part, room));
    view.joined = true;
    view.whole = part;
    return view;
}

// Adds a small reading where the working form has room; false where the slow road is needed.
bool add_quickly(FunctionCallInfo fcinfo, const Moment& moment) noexcept {
    CounterWork* const work = in_place(PG_GETARG_DATUM(0));
    int128 coefficient;
    std::int32_t scale;
    if (work == nullptr || !small_from_numeric(PG_GETARG_DATUM(1), coefficient, scale) || coefficient < 0 ||
        !is_good_time(moment.at))
        return false;
    std::byte room[small_reading_bound];
    return append_parts(*work, VARSIZE(work), view_of_part(small_reading(coefficient, scale, moment), room));
}

// The whole of a running aggregate. In a window each row asks for the whole so far: put in order once, the state goes
// on without sorting.
Counter finished_work(CounterWork& work, bool window) {
    const CounterView view = view_of(work);
    if constexpr (invariants_are_checked)
        invariant(!view.joined ||
                      compare_parts(state_body(packed_datum(view.whole)).subspan(packed_head_bytes),
                                    state_body(packed_datum(joined(sorted(view.parts)))).subspan(packed_head_bytes)) == 0,
                  "the whole of a running counter is not that of its readings");
    if (view.joined) return view.whole;
    const SortedParts sorted_parts = sorted(view.parts);
    const Counter whole = joined(sorted_parts);
    if (window) settle_work(work, state_body(packed_parts(sorted_parts)), whole);
    return whole;
}

}  // namespace

// counter_add(state, value, moment [, seq]) -> state. A NULL value or moment is skipped; a NULL seq is 0. NaN,
// infinities, negative values and infinite moments are refused with 22023.
TALLY_FUNCTION(counter_add) {
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) {
        if (PG_ARGISNULL(0)) PG_RETURN_NULL();
        PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    const Moment moment{PG_GETARG_TIMESTAMPTZ(2), PG_NARGS() > 3 && !PG_ARGISNULL(3) ? PG_GETARG_INT64(3) : 0};
    if (!PG_ARGISNULL(0) && AggCheckCallContext(fcinfo, nullptr) != 0 && add_quickly(fcinfo, moment))
        PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    return guarded([&]() -> Datum {
        const Counter reading = reading_of(decimal_from_numeric(PG_GETARG_DATUM(1)), moment);
        return with_parts(fcinfo, view_of_part(reading, static_cast<std::byte*>(palloc(part_bound(reading)))));
    });
}

// counter_merge(state, state) -> state with the readings of both; a NULL has none.
TALLY_FUNCTION(counter_merge) {
    return guarded([&]() -> Datum {
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        return with_parts(fcinfo, view_argument(fcinfo, 1));
    });
}

// counter_final(state) -> all parts joined, in packed, canonical form. Does not change what its argument is.
TALLY_FUNCTION(counter_final) {
    return guarded([&]() -> Datum {
        const int context = AggCheckCallContext(fcinfo, nullptr);
        CounterWork* const work = context != 0 ? in_place(PG_GETARG_DATUM(0)) : nullptr;
        return packed_datum(work != nullptr ? finished_work(*work, context == AGG_CONTEXT_WINDOW)
                                            : counter_argument(fcinfo, 0));
    });
}

// increase(counter_state) -> how much the counter went up.
TALLY_FUNCTION(counter_increase) {
    return guarded([&]() -> Datum { return numeric_from_decimal(counter_argument(fcinfo, 0).increase); });
}

// resets(counter_state) -> how often it began again.
TALLY_FUNCTION(counter_resets) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(counter_argument(fcinfo, 0).resets); });
}

// n(counter_state) -> how many readings.
TALLY_FUNCTION(counter_n) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(counter_argument(fcinfo, 0).n); });
}

// first(counter_state), latest(counter_state) -> the readings at both ends.
TALLY_FUNCTION(counter_first) {
    return guarded([&]() -> Datum { return numeric_from_decimal(counter_argument(fcinfo, 0).first); });
}
TALLY_FUNCTION(counter_latest) {
    return guarded([&]() -> Datum { return numeric_from_decimal(counter_argument(fcinfo, 0).latest); });
}

// first_at(counter_state), latest_at(counter_state) -> their times.
TALLY_FUNCTION(counter_first_at) {
    return guarded([&]() -> Datum { PG_RETURN_TIMESTAMPTZ(counter_argument(fcinfo, 0).first_moment.at); });
}
TALLY_FUNCTION(counter_latest_at) {
    return guarded([&]() -> Datum { PG_RETURN_TIMESTAMPTZ(counter_argument(fcinfo, 0).latest_moment.at); });
}

// counter_seconds(counter_state) -> the time from the first reading to the latest, exact.
TALLY_FUNCTION(counter_seconds) {
    return guarded([&]() -> Datum {
        const Counter counter = counter_argument(fcinfo, 0);
        const Datum micros = micros_between(counter.first_moment.at, counter.latest_moment.at);
        return DirectFunctionCall2(numeric_mul, micros, numeric_from_decimal(Decimal::make_small(1, 6)));
    });
}

// counter_in(cstring) -> counter_state: reads the JSON text (core/counter_text.cpp). 22P02 for anything else.
TALLY_FUNCTION(counter_in) {
    return guarded([&]() -> Datum {
        const std::string_view json = PG_GETARG_CSTRING(0);
        char* const state = new_state(json.size() + text_slack);
        auto* const scratch = static_cast<std::byte*>(palloc(json.size() + text_slack));
        return finish_state(state, counter_from_text(json, state_start(state), scratch));
    });
}

// counter_out(counter_state) -> cstring.
TALLY_FUNCTION(counter_out) {
    return guarded([&]() -> Datum {
        const std::string json = counter_to_text(packed_bytes(fcinfo, 0), check_interrupts);
        PG_RETURN_CSTRING(call_pg([&]() { return pnstrdup(json.data(), json.size()); }));
    });
}

// counter_recv(internal) -> counter_state: the packed bytes as counter_send wrote them. 22P03 for anything else.
TALLY_FUNCTION(counter_recv) {
    return guarded([&]() -> Datum {
        const Bytes sent = received_bytes(reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
        load_counter(sent, ErrorKind::invalid_binary);
        char* const state = new_state(sent.size());
        std::memcpy(state_start(state), sent.data(), sent.size());
        return finish_state(state, sent.size());
    });
}

// counter_send(counter_state) -> bytea: the packed bytes.
TALLY_FUNCTION(counter_send) {
    return guarded([&]() -> Datum { return sent_bytes(packed_bytes(fcinfo, 0)); });
}

// counter_state = counter_state, counter_state <> counter_state.
TALLY_FUNCTION(counter_eq) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(equal_counters(fcinfo)); });
}
TALLY_FUNCTION(counter_ne) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(!equal_counters(fcinfo)); });
}

// Hashes for GROUP BY and hash joins of states.
TALLY_FUNCTION(counter_hash) {
    return guarded([&]() -> Datum { return state_hash(packed_bytes(fcinfo, 0)); });
}
TALLY_FUNCTION(counter_hash_extended) {
    return guarded([&]() -> Datum { return state_hash_extended(packed_bytes(fcinfo, 0), PG_GETARG_INT64(1)); });
}
