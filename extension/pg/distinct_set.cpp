// SQL entry points of tally.distinct_set: transition, combine and final functions, accessors, I/O, operators.
//
// Inside an aggregate the state is a table in the aggregate's memory that is changed in place. A larger table is made
// in the current (per-row) context; the executor copies it into the aggregate's memory and frees the old one. Called as
// an ordinary function nothing is changed in place and the result is packed, so a table is never stored.
#include "core/distinct_set.hpp"

#include "pg/boundary.hpp"
#include "pg/state.hpp"
#include "pg/value_key.hpp"

namespace {

using namespace tally;

// The state as a table that may be changed, or null.
SetWork* in_place(Datum state) noexcept {
    char* const pointer = DatumGetPointer(state);
    if (!VARATT_IS_4B_U(pointer) || VARSIZE(pointer) < sizeof(SetWork) ||
        reinterpret_cast<std::uintptr_t>(pointer) % 8 != 0)
        return nullptr;
    auto* const work = reinterpret_cast<SetWork*>(pointer);
    return is_working_set(work, VARSIZE(pointer)) ? work : nullptr;
}

SetWork* new_work(const SetShape& shape) {
    auto* const work = static_cast<SetWork*>(palloc0(shape.bytes()));
    SET_VARSIZE(work, shape.bytes());
    start_work(*work, shape);
    return work;
}

// A table of at least that shape that holds what `from` holds.
SetWork* new_work_with(SetShape shape, const SetView& from) {
    for (;;) {
        SetWork* const work = new_work(shape);
        if (add_all(*work, from)) return work;
        shape = grown_shape(*work, SetKey{});
        pfree(work);
    }
}

// Adds a key; returns the table to go on with, which is another one where the first was full.
SetWork* add_growing(SetWork* work, const SetKey& key) {
    while (add_key(*work, key) == Added::full) work = new_work_with(grown_shape(*work, key), view_of(*work));
    return work;
}
SetWork* add_growing_soon(SetWork* work, const SetKey& key) {
    while (add_key_soon(*work, key) == Added::full) work = new_work_with(grown_shape(*work, key), view_of(*work));
    return work;
}

// The table with no key waiting: the same one wherever they have room.
SetWork* settled(SetWork* work) {
    while (!settle(*work)) work = new_work_with(grown_shape(*work, SetKey{}), view_of(*work));
    return work;
}

// The running state of argument 0 as a table: in place if it is ours, else a copy.
SetWork* work_argument(FunctionCallInfo fcinfo, bool aggregating) {
    if (aggregating) {
        SetWork* const work = in_place(PG_GETARG_DATUM(0));
        if (work != nullptr) return work;
    }
    const SetView set = load_set(state_body(PG_GETARG_DATUM(0)));
    return new_work_with(shape_for(set.kind, set.wide, set.count), set);
}

Datum packed_datum(const SetView& set) {
    char* const state = new_state(packed_size(set));
    pack_set(set, state_start(state));
    return finish_state(state, packed_size(set));
}

Datum state_datum(SetWork* work, bool aggregating) {
    return aggregating ? PointerGetDatum(work) : packed_datum(view_of(*settled(work)));
}

// The set behind an argument, with no key waiting; never changes the argument.
SetView set_of(Bytes body) {
    const SetView set = load_set(body);
    return set.waiting == 0 ? set : view_of(*settled(new_work_with(shape_for(set.kind, set.wide, set.count), set)));
}
SetView set_argument(FunctionCallInfo fcinfo, int index) {
    return set_of(state_body(PG_GETARG_DATUM(index)));
}

// Packed bytes of an argument: as they are, or packed first.
Bytes packed_bytes(FunctionCallInfo fcinfo, int index) {
    const Bytes body = state_body(PG_GETARG_DATUM(index));
    const SetView set = set_of(body);
    return set.working ? state_body(packed_datum(set)) : body;
}

bool equal_sets(FunctionCallInfo fcinfo) {
    const Bytes left = packed_bytes(fcinfo, 0);
    const Bytes right = packed_bytes(fcinfo, 1);
    return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

bool always_wide(SetKind kind) noexcept {
    return kind == SetKind::text || kind == SetKind::bytes || kind == SetKind::uuid || kind == SetKind::other;
}

}  // namespace

// distinct_add(state, value anyelement) -> state with the value in it; NULL values are skipped.
TALLY_FUNCTION(distinct_add) {
    return guarded([&]() -> Datum {
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
        const ValueReader& reader = value_reader(fcinfo, 1);
        const SetKey key = reader.key_of(PG_GETARG_DATUM(1));
        if (PG_ARGISNULL(0)) {
            const bool wide = always_wide(reader.kind) || key.low != 0;
            return state_datum(add_growing(new_work(shape_for(reader.kind, wide, 1)), key), aggregating);
        }
        SetWork* const work = work_argument(fcinfo, aggregating);
        require_same_kind(kind_of(*work), reader.kind);
        return state_datum(add_growing_soon(work, key), aggregating);
    });
}

// distinct_merge(state, state) -> the union; a NULL is an empty set.
TALLY_FUNCTION(distinct_merge) {
    return guarded([&]() -> Datum {
        const bool aggregating = AggCheckCallContext(fcinfo, nullptr) != 0;
        if (PG_ARGISNULL(1)) {
            if (PG_ARGISNULL(0)) PG_RETURN_NULL();
            PG_RETURN_DATUM(PG_GETARG_DATUM(0));
        }
        const SetView right = load_set(state_body(PG_GETARG_DATUM(1)));
        if (PG_ARGISNULL(0))
            return state_datum(new_work_with(shape_for(right.kind, right.wide, right.count), right), aggregating);
        SetWork* work = work_argument(fcinfo, aggregating);
        require_same_kind(kind_of(*work), right.kind);
        std::uint32_t done = 0;
        for_each_key(right, [&](const SetKey& key) {
            work = add_growing(work, key);
            if ((++done & 0xFFFF) == 0) CHECK_FOR_INTERRUPTS();
        });
        return state_datum(work, aggregating);
    });
}

// distinct_final(state) -> the set in its packed, canonical form. Inside an aggregate keys that wait are brought into
// the table, which changes the state's bytes but not the set that it is; so the aggregate can go on afterwards.
TALLY_FUNCTION(distinct_final) {
    return guarded([&]() -> Datum {
        SetWork* const work = AggCheckCallContext(fcinfo, nullptr) != 0 ? in_place(PG_GETARG_DATUM(0)) : nullptr;
        return packed_datum(work != nullptr ? view_of(*settled(work)) : set_argument(fcinfo, 0));
    });
}

// cardinality(distinct_set) -> how many distinct values.
TALLY_FUNCTION(distinct_cardinality) {
    return guarded([&]() -> Datum { PG_RETURN_INT64(set_argument(fcinfo, 0).count); });
}

// contains(distinct_set, value anyelement) -> whether the value is in the set. 22023 where the kinds differ.
TALLY_FUNCTION(distinct_contains) {
    return guarded([&]() -> Datum {
        const SetView set = set_argument(fcinfo, 0);
        const ValueReader& reader = value_reader(fcinfo, 1);
        require_same_kind(set.kind, reader.kind);
        PG_RETURN_BOOL(set_contains(set, reader.key_of(PG_GETARG_DATUM(1))));
    });
}

// distinct_in(cstring) -> distinct_set: reads the JSON text (core/distinct_set_text.cpp). 22P02 for anything else.
TALLY_FUNCTION(distinct_in) {
    return guarded([&]() -> Datum {
        const std::string_view json = PG_GETARG_CSTRING(0);
        char* const state = new_state(json.size() + 8);
        const std::size_t size = set_from_text(json, state_start(state));
        load_sent_set(Bytes(state_start(state), size), ErrorKind::invalid_text);
        return finish_state(state, size);
    });
}

// distinct_out(distinct_set) -> cstring.
TALLY_FUNCTION(distinct_out) {
    return guarded([&]() -> Datum {
        const SetView set = set_argument(fcinfo, 0);
        char* const json = new_state(set_text_bound(set) + 1);
        json[set_to_text(set, json)] = '\0';
        PG_RETURN_CSTRING(json);
    });
}

// distinct_recv(internal) -> distinct_set: the packed bytes as distinct_send wrote them. 22P03 for anything else.
TALLY_FUNCTION(distinct_recv) {
    return guarded([&]() -> Datum {
        const Bytes sent = received_bytes(reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
        return packed_datum(load_sent_set(sent, ErrorKind::invalid_binary));
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
