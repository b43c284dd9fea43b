// A distinct set while an aggregate runs (core/distinct/distinct_set.hpp, working form), and a set behind any argument.
//
// A small set is one flat value, as every state: changed in place in the aggregate's memory; a larger one is made in
// the current (per-row) memory, and the executor copies it into the aggregate's and frees the old one. A set that
// outgrows max_flat_bytes becomes an expanded object in a memory context of its own below the aggregate's: it grows
// without being copied by the executor, hash aggregation still sees its memory, and PostgreSQL flattens it, by the
// methods here, into packed form wherever it has to be stored or sent. Final functions pass it on as it is, so
// cardinality packs nothing.
#pragma once

#include "core/distinct/distinct_set.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

inline constexpr std::size_t max_flat_bytes = 65536;

// The working form behind a running state, and the object that it is part of where it is not flat.
struct RunningSet {
    SetWork* work = nullptr;
    ExpandedObjectHeader* object = nullptr;
};

// The running state itself where it may be changed in place; work is null where it is none of our working forms.
RunningSet running_set(Datum state) noexcept;

// A new, flat one: empty, or with what the settled `from` holds.
RunningSet new_running_set(const SetShape& shape);
RunningSet copied_running_set(const SetView& from);

// The state to go on with, for the executor.
Datum running_datum(const RunningSet& set) noexcept;

// Brings in the keys that wait.
void settle_running(const RunningSet& set);

// After add_key has said no: makes the set such that it can take the key. `aggregate` is the aggregate's memory, or
// null for a set that must stay flat. Throws Error(limit_exceeded).
void make_room(RunningSet& set, const SetKey& key, MemoryContext aggregate);

// Adds all of the settled `from`, of the same kind. As make_room.
void merge_running(RunningSet& set, const SetView& from, MemoryContext aggregate);

// The settled set behind a value in whatever form; valid as long as the value's memory is.
SetView set_of(Datum value);

// A new packed value.
Datum packed_set(const SetView& set);

// What a final function answers of a running state: the packed set, or for an expanded one a reference to it, in
// current memory, through which it cannot be changed.
Datum finished_set(Datum state);

}  // namespace tally
