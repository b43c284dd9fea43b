// SQL entry points of tally.distinct_set: transition, combine and final functions, accessors, I/O, operators.
//
// Inside an aggregate the state is a running set (pg/aggregate/running_set.hpp) that is changed in place. Called as an
// ordinary function nothing is changed in place and the result is packed, so a working form is never stored.
#include "core/distinct/distinct_set.hpp"

#include "pg/border/boundary.hpp"
#include "pg/aggregate/running_set.hpp"
#include "pg/aggregate/state.hpp"
#include "pg/aggregate/value_key.hpp"

namespace {

using namespace tally;

// The running state of argument 0: in place if it is ours, else a copy.
RunningSet running_argument(FunctionCallInfo fcinfo, bool aggregating) {
    if (aggregating) {
        const RunningSet set = running_set(PG_GETARG_DATUM(0));
        if (set.work != nullptr) return set;
    }
    return copied_running_set(set_of(PG_GETARG_DATUM(0)));
}

Datum state_datum(const RunningSet& set, bool aggregating) {
    if (aggregating) return running_datum(set);
    settle_running(set);
    return packed_set(view_of(*set.work));
}

// Packed bytes of an argument: as they are, or packed first.
Bytes packed_bytes(FunctionCallInfo fcinfo, int index) {
    const SetView set = set_of(PG_GETARG_DATUM(index));
    return state_body(set.working() ? packed_set(set) : PG_GETARG_DATUM(index));
}

bool equal_sets(FunctionCallInfo fcinfo) {
    const Bytes left = packed_bytes(fcinfo, 0);
    const Bytes right = packed_bytes(fcinfo, 1);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

Datum add_value(FunctionCallInfo fcinfo, MemoryContext aggregate) {
    const bool aggregating = aggregate != nullptr;
    const ValueReader& reader = value_reader(fcinfo, 1);
    const SetKey key = reader.key_of(PG_GETARG_DATUM(1));
    const bool wide = always_wide(reader.kind) || key.low != 0;
    RunningSet set =
        PG_ARGISNULL(0) ? new_running_set(shape_for_keys(reader.kind, wide, 1)) : running_argument(fcinfo, aggregating);
    require_same_kind(kind_of(*set.work), reader.kind);
    while (!add_key(*set.work, key)) make_room(set, key, aggregate);
    return state_datum(set, aggregating);
}

}  // namespace

// distinct_add(state, value anyelement) -> state with the value in it; NULL values are skipped.
TALLY_FUNCTION(distinct_add) {
    if (PG_ARGISNULL(1)) {
        if (PG_ARGISNULL(0)) PG_RETURN_NULL();
        PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    MemoryContext memory = nullptr;
    const bool aggregating = AggCheckCallContext(fcinfo, &memory) != 0;
    // nearly always: a value of 64 bits for a set that has room
    const auto* const reader = static_cast<const ValueReader*>(fcinfo->flinfo->fn_extra);
    if (aggregating && reader != nullptr && reader->is_integer() && !PG_ARGISNULL(0)) {
        const RunningSet set = running_set(PG_GETARG_DATUM(0));
        const std::uint64_t key = key_of_integer(reader->integer_of(PG_GETARG_DATUM(1))).high;
        if (set.work != nullptr && ((set.work->word == reader->bits_word && add_to_bits(*set.work, key)) ||
                                    (set.work->word == reader->keys_word && add_to_narrow_keys(*set.work, key))))
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
    }
    return guarded([&]() -> Datum { return add_value(fcinfo, aggregating ? memory : nullptr); });
}

// distinct_merge(state, state) -> the union; a NULL is an empty set.
TALLY_FUNCTION(distinct_merge) {
    return guarded([&]() -> Datum {
        MemoryContext memory = nullptr;
        const bool aggregating = AggCheckCallContext(fcinfo, &memory) != 0;
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        const SetView right = set_of(PG_GETARG_DATUM(1));
        if (PG_ARGISNULL(0)) return state_datum(copied_running_set(right), aggregating);
        RunningSet set = running_argument(fcinfo, aggregating);
        require_same_kind(kind_of(*set.work), right.kind);
        merge_running(set, right, aggregating ? memory : nullptr);
        return state_datum(set, aggregating);
    });
}

// distinct_final(state) -> the set in its packed, canonical form, or a large one as the expanded object that it is,
// which becomes that form as soon as it is kept. Keys that wait are brought in, which changes the state's bytes but not
// the set; so the aggregate can go on afterwards. In a window it does, so there the result is always packed.
TALLY_FUNCTION(distinct_final) {
    return guarded([&]() -> Datum {
        const int context = AggCheckCallContext(fcinfo, nullptr);
        if (context != AGG_CONTEXT_AGGREGATE) return packed_set(set_of(PG_GETARG_DATUM(0)));
        return finished_set(PG_GETARG_DATUM(0));
    });
}

// cardinality(distinct_set) -> how many distinct values.
TALLY_FUNCTION(distinct_cardinality) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(set_of(PG_GETARG_DATUM(0)).count); });
}

// contains(distinct_set, value "any") -> whether the value is in the set. 22023 where the kinds differ. A literal
// without a type is a text: anyelement would refuse it.
TALLY_FUNCTION(distinct_contains) {
    return guarded([&]() -> Datum {
        const SetView set = set_of(PG_GETARG_DATUM(0));
        const ValueReader& reader = value_reader(fcinfo, 1);
        require_same_kind(set.kind, reader.kind);
        PG_RETURN_BOOL(set_contains(set, reader.key_of(PG_GETARG_DATUM(1))));
    });
}

// distinct_in(cstring) -> distinct_set: reads the JSON text (core/distinct_set_text.cpp). 22P02 for anything else.
TALLY_FUNCTION(distinct_in) {
    return guarded([&]() -> Datum {
        const std::string_view json = PG_GETARG_CSTRING(0);
        char* const state = new_state(json.size() + 16);
        const std::size_t size = set_from_text(json, state_start(state));
        load_sent_set(Bytes(state_start(state), size), ErrorKind::invalid_text);
        return finish_state(state, size);
    });
}

// distinct_out(distinct_set) -> cstring.
TALLY_FUNCTION(distinct_out) {
    return guarded([&]() -> Datum {
        const SetView set = load_set(packed_bytes(fcinfo, 0));
        char* const json = new_state(set_text_bound(set) + 1);
        json[set_to_text(set, json)] = '\0';
        PG_RETURN_CSTRING(json);
    });
}

// distinct_recv(internal) -> distinct_set: the packed bytes as distinct_send wrote them. 22P03 for anything else.
TALLY_FUNCTION(distinct_recv) {
    return guarded([&]() -> Datum {
        const Bytes sent = received_bytes(reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
        return packed_set(load_sent_set(sent, ErrorKind::invalid_binary));
    });
}

// distinct_send(distinct_set) -> bytea: the packed bytes.
TALLY_FUNCTION(distinct_send) {
    return guarded([&]() -> Datum { return sent_bytes(packed_bytes(fcinfo, 0)); });
}

// distinct_set = distinct_set, distinct_set <> distinct_set.
TALLY_FUNCTION(distinct_eq) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(equal_sets(fcinfo)); });
}
TALLY_FUNCTION(distinct_ne) {
    return guarded([&]() -> Datum { PG_RETURN_BOOL(!equal_sets(fcinfo)); });
}

// Hashes for GROUP BY and hash joins of sets.
TALLY_FUNCTION(distinct_hash) {
    return guarded([&]() -> Datum { return state_hash(packed_bytes(fcinfo, 0)); });
}
TALLY_FUNCTION(distinct_hash_extended) {
    return guarded([&]() -> Datum { return state_hash_extended(packed_bytes(fcinfo, 0), PG_GETARG_INT64(1)); });
}
