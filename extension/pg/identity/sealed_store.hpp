// Reading sealed identities (tally.identity_run, tally.sealed_identity, tally.released_identity) by direct table access.
//
// All of it runs with the rights of whoever calls it: callers have checked that the tenant may be acted for, and keys are
// hashes over the tenant. Everything is read in the one snapshot that is given. Functions raise PostgreSQL errors and throw
// tally::Error for damaged blocks: call them inside call_pg where C++ objects are alive.
#pragma once

#include "core/identity/run.hpp"
#include "core/identity/sealed_block.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

struct SealedRun {
    std::int64_t id;
    std::int64_t entries;
    RunShape shape;
    std::int32_t next_part;
};

// The tables and the index of parts, opened in a mode; PostgreSQL closes them at the end of the transaction or statement
// (resource owner) where an error comes in between.
struct SealedStore {
    Relation runs;
    Relation parts;
    Relation part_index;
    Relation released;
    Relation released_index;
    Snapshot snapshot;
};
SealedStore open_sealed_store(Snapshot snapshot, LOCKMODE mode);
void close_sealed_store(const SealedStore& store);

// Direct table access looks at no right: who may not read the table may not read it by a function either.
void require_select(const SealedStore& store);

// Runs in a state (ready, merging, obsolete), newest first, in palloc'ed memory. Raises XX001 for one whose row gives it
// another shape than so many identities have: keys would be looked for where they do not lie, and let in again.
struct SealedRuns {
    SealedRun* runs;
    int count;
};
SealedRuns read_runs(const SealedStore& store, const char* state);
// The same for who tells of such rows.
SealedRuns read_damaged_runs(const SealedStore& store, const char* state);
bool has_own_shape(const SealedRun& run);

// What is known of one identity.
struct SealedMatch {
    bool found;
    std::int64_t payload;
    std::int32_t month;
};

// Looks up `count` keys; those in ascending order are found fastest. `matches` has `count`. Answers the number of the newest
// run: whoever looks again may leave out what is not newer, for merging only makes newer runs of what was ready before.
struct SealedSearch {
    bool released_too = false;    // also identities that are released
    std::int64_t newer_than = 0;  // runs with greater numbers only
};
std::int64_t find_sealed(const SealedStore& store, const Hash128* keys, int count, SealedMatch* matches,
                         const SealedSearch& search = {});

// Whether any identity is released: hardly ever.
bool has_released(const SealedStore& store);

// Whether released_identity has it.
bool is_released(const SealedStore& store, const Hash128& key);

// Calls use(part, bytes, closure) for the blocks (not filters) of a run with first <= part < end, in order.
using UsePart = void (*)(std::int32_t part, Bytes data, void* closure);
void each_part(const SealedStore& store, std::int64_t run, std::int32_t first, std::int32_t end, UsePart use, void* closure);

// Checks the filters of a run: each is there and whole, and none denies what the run's blocks hold. Throws Error(corrupted).
void check_filters(const SealedStore& store, const SealedRun& run);

}  // namespace tally
