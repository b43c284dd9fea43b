// Cuts many events of one tenant, code and month into as few segments as hold them (max_packed_events,
// max_packed_weight), of about equal size, in the order of (customer, ts, seq): so that each customer lies in one of
// them, but one that is cut.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/segment/reader.hpp"
#include "core/segment/tier.hpp"
#include "core/segment/writer.hpp"

namespace tally {

// Takes one segment after the other, and the weight of its events.
using CutTaker = std::function<void(const Segment& segment, std::uint64_t weight)>;

// Sorts the events, in any order, and cuts them. `cuts` are those of the tenant (tally.cut) that write_segment takes.
void cut_events(std::span<StoredEvent> events, const CutTaker& take, Poll poll = nullptr,
                std::span<const KnownAt> cuts = {});

// Merges segments and cuts what they hold; `weight` is that of all of their events. In memory are the events of one of
// the segments that come out, and of those that go in what their readers have loaded.
void cut_segments(std::span<SegmentReader* const> readers, std::uint64_t weight, const CutTaker& take, Poll poll = nullptr,
                  std::span<const KnownAt> cuts = {});

}  // namespace tally
