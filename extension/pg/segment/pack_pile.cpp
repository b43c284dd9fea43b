// One unit of packing: events of a pile become segments, in one transaction with the deletion of their rows.
#include <algorithm>
#include <utility>

#include "core/base/hash128.hpp"
#include "core/segment/cut.hpp"

#include "pg/segment/pack.hpp"
#include "pg/usage/life_total.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/cuts.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"

namespace tally {
namespace {

constexpr std::size_t fewest_rows = 4096;

// Leaves out months that have no partition: another session was making partitions when it was to be made, or is about to
// tell of one that it has made. (Between the end of a transaction and its telling others what it has changed, a partition
// is in the catalog, and yet not where rows are routed: "no partition of relation found". Its lock is given back last.)
void keep_months_with_partitions(PileRange& range) {
    const SegmentPartitions partitions = call_pg([] { return segment_partitions(); });
    std::erase_if(range.months,
                  [&](std::int32_t month) { return !call_pg([&] { return lock_for_writing(partitions, month); }); });
}

// Stores the events as segments and forgets them; answers of what.
std::vector<SegmentKey> store_events(std::int32_t tenant_id, RecentRows& read, LifeTotals& totals) {
    std::vector<SegmentKey> keys;
    for (auto& [group, events] : read.groups) {
        const SegmentKey key{tenant_id, std::string(group.first), group.second};
        const std::vector<KnownAt> cuts = cuts_among(tenant_id, events);
        for (const StoredEvent& event : events) totals.note_source(key.code, event.source);
        cut_events(
            events,
            [&](const Segment& segment, std::uint64_t weight) {
                insert_segment(key, segment, weight);
                SegmentInMemory bytes(segment.bytes);
                SegmentReader reader(bytes);
                totals.add(key.code, reader);
            },
            check_interrupts, cuts);
        keys.push_back(key);
        events = {};
    }
    return keys;
}

// Where packing goes on with what is left of the pile.
PileRange rest_of(PileRange range, const RecentRows& read) {
    range.from = read.next;
    // Heavy rows: what is looked for in vain is looked for again.
    if (read.is_heavy) range.at_most = std::min(range.at_most, std::max(fewest_rows, 2 * read.places.size()));
    return range;
}

}  // namespace

void pack_pile(PackQueue& queue, const PileRange& range) {
    PileRange wanted = range;
    keep_months_with_partitions(wanted);
    if (wanted.months.empty()) return;
    if (call_pg([&] { return lock_pile(range.tenant_id, range.code_hash); }) != PileLock::held) return;
    // After the lock: what others moved while they held it is not seen any more.
    Snapshot const snapshot = call_pg([] { return RegisterSnapshot(GetLatestSnapshot()); });
    RecentRows read;
    read_recent_rows(wanted, snapshot, read);
    if (!read.places.empty()) {
        LifeTotals totals(range.tenant_id, range.code_hash, snapshot);
        const std::vector<SegmentKey> keys = store_events(range.tenant_id, read, totals);
        delete_recent_rows(read.places, snapshot);
        totals.store(static_cast<std::int64_t>(read.places.size()));
        if (totals.is_behind()) note_once(queue.totals, PileKey{range.tenant_id, range.code_hash});
        for (const SegmentKey& key : keys) note_once(queue.merges, key);
        queue.generations_changed = true;
    }
    call_pg([&] { UnregisterSnapshot(snapshot); });
    if (!read.is_all) queue.piles.push_front(rest_of(std::move(wanted), read));
}

}  // namespace tally
