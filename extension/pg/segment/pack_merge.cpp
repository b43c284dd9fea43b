// One unit of merging: segments of one tenant, code and month are replaced by others with the same events, in one
// transaction.
#include <algorithm>
#include <memory>

#include "core/base/hash128.hpp"
#include "core/segment/cut.hpp"

#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/cuts.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"

namespace tally {
namespace {

constexpr std::int64_t quiet_after = USECS_PER_DAY;  // the month's end

TierPolicy policy_for(const PackSettings& settings, std::int32_t month) {
    if (settings.tidy) return tidy_month;
    const std::int64_t now = call_pg([] { return GetCurrentTimestamp() + unix_to_postgres_epoch; });
    return month_begin(month + 1) + quiet_after < now ? quiet_month : busy_month;
}

std::vector<std::size_t> due(const std::vector<StoredSegment>& segments, const TierPolicy& policy) {
    std::vector<TierSegment> facts;
    facts.reserve(segments.size());
    for (const StoredSegment& segment : segments) facts.push_back(segment.facts);
    return next_merge(facts, policy);
}

// A segment whose bytes are in memory as a whole.
struct Input {
    explicit Input(const StoredSegment& segment) : bytes(segment_bytes(segment)), reader(bytes) {}

    SegmentInMemory bytes;
    SegmentReader reader;
};

}  // namespace

bool merge_segments_of(PackQueue& queue, const SegmentKey& key) {
    const TierPolicy policy = policy_for(queue.settings, key.month);
    // Most of the time nothing is due, and then no lock is taken.
    if (due(segments_of(key), policy).empty()) return false;
    if (call_pg([&] { return lock_pile(key.tenant_id, hash32(key.code)); }) != PileLock::held) return false;
    const std::vector<StoredSegment> segments = segments_of(key);
    const std::vector<std::size_t> places = due(segments, policy);
    if (places.empty()) return false;
    std::vector<std::unique_ptr<Input>> inputs;
    std::vector<SegmentReader*> readers;
    std::uint64_t weight = 0, events = 0;
    std::int64_t first_seq = INT64_MAX, last_seq = INT64_MIN;
    for (const std::size_t place : places) {
        inputs.push_back(std::make_unique<Input>(segments[place]));
        readers.push_back(&inputs.back()->reader);
        weight += segments[place].facts.weight;
        events += inputs.back()->reader.rows();
        first_seq = std::min(first_seq, inputs.back()->reader.first_seq());
        last_seq = std::max(last_seq, inputs.back()->reader.last_seq());
    }
    const std::vector<KnownAt> cuts = cuts_between(key.tenant_id, events, first_seq, last_seq);
    cut_segments(
        readers, weight, [&](const Segment& segment, std::uint64_t its_weight) { insert_segment(key, segment, its_weight); },
        check_interrupts, cuts);
    for (const std::size_t place : places) delete_segment(segments[place]);
    return true;
}

}  // namespace tally
