// See direct_segment.hpp.
#include "core/segment/cut.hpp"
#include "core/segment/partition.hpp"

#include <algorithm>
#include <string>

#include "pg/ingest/direct_segment.hpp"
#include "pg/border/boundary.hpp"
#include "pg/ingest/store_table.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/segment_rows.hpp"

namespace tally {
namespace {

// So many events of a code and month go straight into a segment. Measured (test/bench/README.md, direct): from 256 on that
// costs ingest no more than rows do, and packing less afterwards. Fewer than packing would move at once (min_events of
// tally.pack) are better gathered as rows all the same: each loose segment is opened by itself until it is merged.
constexpr std::size_t segment_from = 1'000;

}  // namespace

DirectSegments::Group& DirectSegments::group_of(const Event& event) {
    const Key key{event.code, event.code_hash, month_of(event.ts_microseconds)};
    if (last_ == nullptr || !(last_->first == key)) last_ = &*groups_.try_emplace(key).first;
    return last_->second;
}

void DirectSegments::choose(const IngestBatch& batch) {
    const std::span<const BatchEvent> events = batch.events();
    if (events.size() < segment_from) return;
    for (const BatchEvent& event : events)
        if (event.verdict == Verdict::accepted) ++group_of(*event.event).count;
    const auto is_large = [](const auto& group) { return group.second.count >= segment_from; };
    if (std::none_of(groups_.begin(), groups_.end(), is_large)) return;
    // A segment made here would lie in the shell of a table whose rows are on other nodes, or apart from them.
    if (call_pg([] { return is_distributed("segment") || is_distributed("loose_segment"); })) return;
    const SegmentPartitions partitions = call_pg([] { return segment_partitions(); });
    for (auto& [key, group] : groups_) {
        if (group.count < segment_from) continue;
        group.is_chosen = call_pg([&, month = key.month] { return lock_for_writing(partitions, month); });
        if (group.is_chosen) group.events.reserve(group.count);
        has_chosen_ |= group.is_chosen;
    }
}

bool DirectSegments::take(const Event& event, std::int64_t seq) {
    if (!has_chosen_) return false;
    Group& group = group_of(event);
    if (!group.is_chosen) return false;
    StoredEvent& stored = group.events.emplace_back();
    stored.customer_id = event.customer_id;
    stored.source = event.source;
    stored.event_id = event.event_id;
    stored.ts = event.ts_microseconds;
    stored.received_at = origin_.received_at;
    stored.seq = seq;
    stored.has_import = origin_.import_id != nullptr;
    if (stored.has_import) stored.import_id = *origin_.import_id;
    stored.properties = event.properties;
    return true;
}

void DirectSegments::store() {
    if (!has_chosen_) return;
    call_pg([] { SPI_connect(); });
    for (auto& [key, group] : groups_) {
        if (!group.is_chosen) continue;
        const SegmentKey of{origin_.tenant_id, std::string(key.code), key.month};
        cut_events(
            group.events,
            [&of, code_hash = key.code_hash](const Segment& segment, std::uint64_t weight) {
                note_loose(of, code_hash, insert_segment(of, segment, weight));
            },
            check_interrupts);
        group.events = {};
    }
    call_pg([] { SPI_finish(); });
}

}  // namespace tally
