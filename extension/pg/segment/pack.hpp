// Packing in bounded steps, each a transaction of its own: moves recent events into segments, and small segments into
// larger ones. Any number of sessions may do so at once; a step that is killed has done nothing.
//
// What is to be done is noted in the session (PackQueue): only a hint of what was true when it was planned. What a step
// does is decided under the lock of the pile, from what is committed then. SPI must be connected, and the rights are
// those of tally_owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "pg/segment/recent_rows.hpp"
#include "pg/segment/segment_rows.hpp"

namespace tally {

struct PackSettings {
    std::int32_t min_events = 0;  // so many recent events of a code and month are packed at once,
    std::int64_t max_age = 0;     // or fewer, when the oldest came so long ago (microseconds)
    bool tidy = false;            // merge as far as possible

    friend bool operator==(const PackSettings&, const PackSettings&) = default;
};

struct PileKey {
    std::int32_t tenant_id = 0;
    std::int32_t code_hash = 0;

    friend bool operator==(const PileKey&, const PileKey&) = default;
};

// Calls of ingest that may not know of the newest generation yet.
struct OldCalls {
    Oid list = InvalidOid;  // tally.generation: the extension may be dropped and made anew in one session
    std::int32_t newest = 0;
    std::vector<VirtualTransactionId> of;  // their transactions
};

struct PackQueue {
    PackSettings settings;
    std::deque<std::int32_t> months;  // without a partition
    std::deque<PileRange> piles;      // most events first
    std::deque<PileKey> loose;        // with segments to adopt
    std::deque<PileKey> totals;       // whose life totals are to be counted anew
    std::deque<SegmentKey> merges;
    OldCalls old_calls;
    bool in_round = false;
    std::uint32_t next_block = 0;         // of recent_event: where planning goes on
    bool table_is_read = false;           // planning has come to the end of recent_event in this round
    bool merges_are_listed = false;       // in this round
    bool generations_changed = false;     // or rows were taken out of them
    bool generations_are_tended = false;  // at the end of this round
    std::int64_t listed_segment = -1;     // greatest segment number when all segments were last looked at
    std::int32_t listed_day = 0;
};

template <typename Element>
void note_once(std::deque<Element>& queue, const Element& element) {
    if (std::find(queue.begin(), queue.end(), element) == queue.end()) queue.push_back(element);
}

// Reads a bounded part of recent_event and notes the piles of which enough events wait, and what lacks for them. Where
// the table is read, looks for segments to adopt, for life totals to count anew and for segments to merge.
void plan_packing(PackQueue& queue);
void plan_merges(PackQueue& queue);

// Looks for life totals that do not cover what they should: of metrics that are new among those with value updates or
// were changed, after voids and after retention.
void plan_totals(PackQueue& queue);

// Looks for loose segments (segment_rows.hpp).
void plan_adoptions(PackQueue& queue);

// Packs a part of a pile, and notes what is left of it, and what is to be merged now.
void pack_pile(PackQueue& queue, const PileRange& range);

// Takes some loose segments of a pile in: from now on its totals cover them, and they are merged like others. False:
// there was none, or somebody else holds the pile.
bool adopt_segments(PackQueue& queue, const PileKey& pile);

// Merges segments of the key if that is due; false: nothing was to be done.
bool merge_segments_of(PackQueue& queue, const SegmentKey& key);

// Counts the life totals of a pile anew that are behind, in one pass over its segments; false: none was.
bool recount_totals(const PileKey& pile);

// Takes away generations that are empty, and begins a new one where enough events have left the newest; see
// generation.hpp. False: there was nothing to do.
bool tend_generations(PackQueue& queue);

// Folds counts of events that were sent again (sql/install/50-ingest/resend-count.sql), so that no key keeps many rows;
// false: fewer than `at_least` wait, or another session is at it.
bool fold_resends(std::int32_t at_least);

// Notes up to which numbers of events and corrections all will be decided soon, for cuts.
void add_watermark();

}  // namespace tally
