// One unit of packing: events of a pile become segments, in one transaction with the deletion of their rows.
#include <algorithm>
#include <map>

#include "core/base/hash128.hpp"
#include "core/segment/cut.hpp"

#include "pg/segment/pack.hpp"
#include "pg/usage/life_total.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"

namespace tally {
namespace {

// Leaves out months that have no partition: another session was making partitions when it was to be made.
void keep_months_with_partitions(PileRange& range) {
    const SegmentPartitions partitions = call_pg([] { return segment_partitions(); });
    std::erase_if(range.months, [&](std::int32_t month) { return !partitions.hold(month); });
}

// Stores the events as segments by code (two may share a hash) and month; answers of what.
std::vector<SegmentKey> store_events(std::int32_t tenant_id, const std::vector<RecentRow>& rows, LifeTotals& totals) {
    std::map<std::pair<std::string_view, std::int32_t>, std::vector<StoredEvent>> groups;
    for (const RecentRow& row : rows) {
        groups[{row.code, row.month}].push_back(row.event);
        totals.note_source(row.code, row.event.source);
    }
    std::vector<SegmentKey> keys;
    for (auto& [group, events] : groups) {
        const SegmentKey key{tenant_id, std::string(group.first), group.second};
        cut_events(events, [&](const Segment& segment, std::uint64_t weight) {
            insert_segment(key, segment, weight);
            SegmentInMemory bytes(segment.bytes);
            SegmentReader reader(bytes);
            totals.add(key.code, reader);
        });
        keys.push_back(key);
        events = {};
    }
    return keys;
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
    if (!read.rows.empty()) {
        LifeTotals totals(range.tenant_id, range.code_hash, snapshot);
        const std::vector<SegmentKey> keys = store_events(range.tenant_id, read.rows, totals);
        delete_recent_rows(read.rows, snapshot);
        totals.store(static_cast<std::int64_t>(read.rows.size()));
        if (totals.is_behind()) note_once(queue.totals, PileKey{range.tenant_id, range.code_hash});
        for (const SegmentKey& key : keys) note_once(queue.merges, key);
        queue.had_work = queue.generations_changed = true;
    }
    call_pg([&] { UnregisterSnapshot(snapshot); });
    if (read.is_all || read.rows.empty()) return;
    wanted.from_generation = read.rows.back().generation;
    wanted.from_customer_hash = read.rows.back().customer_hash;
    queue.piles.push_front(std::move(wanted));
}

}  // namespace tally
