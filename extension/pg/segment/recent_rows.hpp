// Recent events of one pile, read to be packed: each with the place of its row, so that exactly the rows that were read
// are deleted.
//
// The index says which rows there are; they are fetched in the order in which they lie, a page once for all of them,
// since an index's neighbours lie anywhere. What is read is bounded by rows and by weight.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text_arena.hpp"
#include "core/event/stored_event.hpp"
#include "core/segment/writer.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// A place in the order of the key, within a pile.
struct PilePlace {
    std::int32_t generation = INT32_MIN;
    std::int32_t customer_hash = INT32_MIN;
    std::int64_t ts = INT64_MIN;  // as PostgreSQL counts
    std::int64_t seq = INT64_MIN;
};

// Which rows, and how many at once.
struct PileRange {
    std::int32_t tenant_id = 0;
    std::int32_t code_hash = 0;
    PilePlace from;                    // the rows before are packed, or are left alone
    std::vector<std::int32_t> months;  // ascending; rows of others stay
    std::int64_t edge = INT64_MIN;     // rows before stay: retention deletes them
    std::size_t at_most = 0;           // rows
    std::uint64_t max_weight = 0;      // of their events; a single one may be heavier
};

struct RecentRows {
    using Group = std::pair<std::string_view, std::int32_t>;  // code (two may share a hash) and month

    std::map<Group, std::vector<StoredEvent>> groups;
    std::vector<ItemPointerData> places;
    TextArena arena;  // what the events' views point to
    std::uint64_t weight = 0;
    bool is_all = false;    // there are no more
    bool is_heavy = false;  // the weight was reached before the rows were
    PilePlace next;         // from where on there may be more
};

// Reads all generations with the snapshot, from the range's beginning on. Calls PostgreSQL in call_pg.
void read_recent_rows(const PileRange& range, Snapshot snapshot, RecentRows& read);

// Deletes exactly the rows at these places; raises 40001 if somebody else has deleted one of them.
void delete_recent_rows(std::vector<ItemPointerData>& places, Snapshot snapshot);

}  // namespace tally
