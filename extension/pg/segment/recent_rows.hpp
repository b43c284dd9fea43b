// Recent events of one pile, read to be packed: each with the place of its row, so that exactly the rows that were read
// are deleted.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/text_arena.hpp"
#include "core/event/stored_event.hpp"
#include "core/segment/writer.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// Which rows, and how many at once.
struct PileRange {
    std::int32_t tenant_id = 0;
    std::int32_t code_hash = 0;
    std::int32_t from_generation = INT32_MIN;     // the rows before are packed, or are left alone,
    std::int32_t from_customer_hash = INT32_MIN;  // and in this generation those of the first customers
    std::vector<std::int32_t> months;             // ascending; rows of others stay
    std::int64_t edge = INT64_MIN;                // rows before stay: retention deletes them
    std::size_t at_most = 0;                      // rows
    std::uint64_t max_weight = 0;                 // of their events; a single one may be heavier
};

struct RecentRow {
    ItemPointerData place;
    std::int32_t generation = 0;
    std::int32_t customer_hash = 0;
    std::int32_t month = 0;
    std::string_view code;
    StoredEvent event;
    std::uint64_t weight = 0;
};

struct RecentRows {
    std::vector<RecentRow> rows;
    TextArena arena;      // what the rows' views point to
    bool is_all = false;  // there are no more
};

// Reads all generations with the snapshot, in the order of the key. Calls PostgreSQL in call_pg.
void read_recent_rows(const PileRange& range, Snapshot snapshot, RecentRows& read);

// Deletes exactly these rows; raises 40001 if somebody else has deleted one of them.
void delete_recent_rows(const std::vector<RecentRow>& rows, Snapshot snapshot);

}  // namespace tally
