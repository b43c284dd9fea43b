// SQL entry points of tally.summary: transition, combine and final functions, accessors, I/O, operators.
//
// Inside an aggregate the state is in working form in the aggregate's memory and is changed in place. A new or grown
// state is made in the current (per-row) context; the executor copies it into the aggregate's memory and frees the old
// one. Called as an ordinary function nothing is changed in place and the result is packed, so a working form is never
// stored.
#include "core/summary/summary.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/aggregate/state.hpp"

namespace {

using namespace tally;

// The state as a working form that may be changed, or null.
SummaryWork* in_place(Datum state) noexcept {
    char* const pointer = DatumGetPointer(state);
    if (!VARATT_IS_4B_U(pointer) || VARSIZE(pointer) != sizeof(SummaryWork) ||
        reinterpret_cast<std::uintptr_t>(pointer) % 8 != 0)
        return nullptr;
    const Bytes body(reinterpret_cast<const std::byte*>(VARDATA(pointer)), sizeof(SummaryWork) - VARHDRSZ);
    return is_working(body) ? reinterpret_cast<SummaryWork*>(pointer) : nullptr;
}

Datum packed_datum(const Summary& summary) {
    char* const state = new_state(packed_bound(summary));
    return finish_state(state, pack_summary(summary, state_start(state)));
}

// The form in which an aggregate goes on.
Datum running_datum(const Summary& summary) {
    SummaryWork work;
    if (!to_working(summary, work)) return packed_datum(summary);
    char* const state = new_state(sizeof work - VARHDRSZ);
    std::memcpy(state, &work, sizeof work);
    return finish_state(state, sizeof work - VARHDRSZ);
}

Datum state_datum(const Summary& summary, bool aggregating) {
    return aggregating ? running_datum(summary) : packed_datum(summary);
}

std::byte* scratch_for(const Summary& summary, const Decimal& addend) {
    return static_cast<std::byte*>(palloc(add_bound(summary.total, addend) + 1));
}

Datum add_slowly(FunctionCallInfo fcinfo, const Moment* moment, bool aggregating) {
    const Decimal value = decimal_from_numeric(PG_GETARG_DATUM(1));
    Summary summary = PG_ARGISNULL(0) ? Summary{} : load_summary(state_body(PG_GETARG_DATUM(0)));
    add_value(summary, value, moment, value.finite() ? scratch_for(summary, value) : nullptr);
    return state_datum(summary, aggregating);
}

Summary summary_argument(FunctionCallInfo fcinfo, int index) {
    return load_summary(state_body(PG_GETARG_DATUM(index)));
}

// An accessor whose answer is one of the decimals, NULL where the state has none.
template <typename Pick>
Datum decimal_result(FunctionCallInfo fcinfo, Pick pick) {
    return guarded([&]() -> Datum {
        const Decimal value = pick(summary_argument(fcinfo, 0));
        if (value.kind == DecimalKind::none) PG_RETURN_NULL();
        return numeric_from_decimal(value);
    });
}

// Packed bytes of an argument: as they are, or packed first.
Bytes packed_bytes(FunctionCallInfo fcinfo, int index) {
    const Bytes body = state_body(PG_GETARG_DATUM(index));
    if (!is_working(body)) return body;
    return state_body(packed_datum(load_summary(body)));
}

bool equal_states(FunctionCallInfo fcinfo) {
    const Bytes left = packed_bytes(fcinfo, 0);
    const Bytes right = packed_bytes(fcinfo, 1);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

// summary_add(state, value [, moment [, seq]]) -> state. NULL values are skipped; a NULL moment counts the value but
// leaves first and latest alone; a NULL seq is 0.
TALLY_FUNCTION(summary_add) {
    if (PG_ARGISNULL(1)) {
        if (PG_ARGISNULL(0)) PG_RETURN_NULL();
        PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    Moment moment;
    const Moment* used = nullptr;
    if (PG_NARGS() > 2 && !PG_ARGISNULL(2)) {
        moment.at = PG_GETARG_TIMESTAMPTZ(2);
        moment.seq = PG_NARGS() > 3 && !PG_ARGISNULL(3) ? PG_GETARG_INT64(3) : 0;
        used = &moment;
    }
    const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
    if (aggregating && !PG_ARGISNULL(0)) {
        SummaryWork* const work = in_place(PG_GETARG_DATUM(0));
        int128 coefficient;
        std::int32_t scale;
        if (work != nullptr && small_from_numeric(PG_GETARG_DATUM(1), coefficient, scale) &&
            add_in_place(*work, coefficient, scale, used))
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    return guarded([&]() -> Datum { return add_slowly(fcinfo, used, aggregating); });
}

// summary_merge(state, state) -> state holding the values of both; a NULL is an empty state.
TALLY_FUNCTION(summary_merge) {
    const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
    if (aggregating && !PG_ARGISNULL(0) && !PG_ARGISNULL(1)) {
        SummaryWork* const work = in_place(PG_GETARG_DATUM(0));
        if (work != nullptr && merge_packed_in_place(*work, plain_body(PG_GETARG_DATUM(1))))
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    return guarded([&]() -> Datum {
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        const Summary right = summary_argument(fcinfo, 1);
        if (PG_ARGISNULL(0)) return state_datum(right, aggregating);
        if (aggregating) {
            SummaryWork* const work = in_place(PG_GETARG_DATUM(0));
            if (work != nullptr && merge_in_place(*work, right)) PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        Summary left = summary_argument(fcinfo, 0);
        merge_summary(left, right, scratch_for(left, right.total));
        return state_datum(left, aggregating);
    });
}

// summary_final(state) -> the state in its packed, canonical form. Does not change its argument.
TALLY_FUNCTION(summary_final) {
    return guarded([&]() -> Datum { return packed_datum(summary_argument(fcinfo, 0)); });
}

// difference(whole, part) -> n and total of the values that are in the whole and not in the part.
TALLY_FUNCTION(summary_difference) {
    return guarded([&]() -> Datum {
        Summary whole = summary_argument(fcinfo, 0);
        const Summary part = summary_argument(fcinfo, 1);
        subtract_summary(whole, part, scratch_for(whole, part.total));
        return packed_datum(whole);
    });
}

// n(summary) -> how many values.
TALLY_FUNCTION(summary_n) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(summary_argument(fcinfo, 0).n); });
}

// total(summary) -> exact sum, 0 of nothing; NaN and infinities as PostgreSQL's sum().
TALLY_FUNCTION(summary_total) {
    return decimal_result(fcinfo,
                          [](const Summary& s) { return s.n == 0 ? Decimal::make_small(0, 0) : total_with_specials(s); });
}

// mean(summary) -> total / n by numeric's own division, so it is avg(numeric) to the last digit; NULL of nothing.
TALLY_FUNCTION(summary_mean) {
    return guarded([&]() -> Datum {
        const Summary summary = summary_argument(fcinfo, 0);
        if (summary.n == 0) PG_RETURN_NULL();
        return DirectFunctionCall2(numeric_div, numeric_from_decimal(total_with_specials(summary)),
                                   DirectFunctionCall1(int8_numeric, Int64GetDatum(summary.n)));
    });
}

// lowest(summary), highest(summary), first(summary), latest(summary) -> the value, or NULL where there is none.
TALLY_FUNCTION(summary_lowest) {
    return decimal_result(fcinfo, [](const Summary& s) { return s.lowest; });
}
TALLY_FUNCTION(summary_highest) {
    return decimal_result(fcinfo, [](const Summary& s) { return s.highest; });
}
TALLY_FUNCTION(summary_first) {
    return decimal_result(fcinfo, [](const Summary& s) { return s.first; });
}
TALLY_FUNCTION(summary_latest) {
    return decimal_result(fcinfo, [](const Summary& s) { return s.latest; });
}

// first_at(summary), latest_at(summary) -> the moment of first and latest, or NULL.
TALLY_FUNCTION(summary_first_at) {
    return guarded([&]() -> Datum {
        const Summary summary = summary_argument(fcinfo, 0);
        if (!summary.has_moments) PG_RETURN_NULL();
        PG_RETURN_TIMESTAMPTZ(summary.first_moment.at);
    });
}
TALLY_FUNCTION(summary_latest_at) {
    return guarded([&]() -> Datum {
        const Summary summary = summary_argument(fcinfo, 0);
        if (!summary.has_moments) PG_RETURN_NULL();
        PG_RETURN_TIMESTAMPTZ(summary.latest_moment.at);
    });
}

// summary_in(cstring) -> summary: reads the JSON text (core/summary_text.cpp). 22P02 for anything else.
TALLY_FUNCTION(summary_in) {
    return guarded([&]() -> Datum {
        const std::string_view json = PG_GETARG_CSTRING(0);
        return packed_datum(summary_from_text(json, static_cast<std::byte*>(palloc(text_scratch_bytes(json.size())))));
    });
}

// summary_out(summary) -> cstring.
TALLY_FUNCTION(summary_out) {
    return guarded([&]() -> Datum {
        const Summary summary = summary_argument(fcinfo, 0);
        const std::string json = summary_to_text(summary);
        PG_RETURN_CSTRING(call_pg([&]() { return pnstrdup(json.data(), json.size()); }));
    });
}

// summary_recv(internal) -> summary: the packed bytes as summary_send wrote them. 22P03 for anything else.
TALLY_FUNCTION(summary_recv) {
    return guarded([&]() -> Datum {
        const Bytes sent = received_bytes(reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
        return packed_datum(load_summary(sent, ErrorKind::invalid_binary));
    });
}

// summary_send(summary) -> bytea: the packed bytes.
TALLY_FUNCTION(summary_send) {
    return guarded([&]() -> Datum { return sent_bytes(packed_bytes(fcinfo, 0)); });
}

// summary = summary, summary <> summary: same parts, display scales included.
TALLY_FUNCTION(summary_eq) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(equal_states(fcinfo)); });
}
TALLY_FUNCTION(summary_ne) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(!equal_states(fcinfo)); });
}

// Hashes for GROUP BY and hash joins of states.
TALLY_FUNCTION(summary_hash) {
    return guarded([&]() -> Datum { return state_hash(packed_bytes(fcinfo, 0)); });
}
TALLY_FUNCTION(summary_hash_extended) {
    return guarded([&]() -> Datum { return state_hash_extended(packed_bytes(fcinfo, 0), PG_GETARG_INT64(1)); });
}
