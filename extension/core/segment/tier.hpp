// Which segments of one tenant, code and month are merged next, so that a customer's question opens few of them, and
// each event is written again only a few times.
//
// SMALL segments are merged by size: classes are powers of four, and as many of a class as `small_fan_in` become one of
// a higher class. FULL ones (about half of what a segment takes) are merged where too many of them cover one customer:
// the widest of those give as many segments again, but cut by customers, so that one customer is covered by one. So
// events go through at most 8 sizes, and then through log4 of the number of full segments.
// Merges are bounded by events and their weight, whatever there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tally {

struct TierSegment {
    std::uint32_t events = 0;
    std::uint64_t weight = 0;                        // of its events: event_weight() of writer.hpp
    std::string_view first_customer, last_customer;  // by bytes
    std::int64_t first_ts = 0, last_ts = 0;
};

struct TierPolicy {
    std::size_t small_fan_in;  // so many of one size are merged
    std::size_t full_depth;    // so many full ones may cover a customer
    bool as_few_as_possible;   // sizes do not matter: no two segments may cover a customer
};

inline constexpr TierPolicy busy_month{4, 4, false};   // events are coming in
inline constexpr TierPolicy quiet_month{2, 1, false};  // it is over: late events still may
inline constexpr TierPolicy tidy_month{2, 1, true};    // somebody asked for it

// What packing puts into a segment at most: less weight than a segment may have, so that packing stays within its
// memory.
inline constexpr std::uint32_t max_packed_events = 65'536;
inline constexpr std::uint32_t packed_events_goal = 60'000;  // so that the customer at a cut need not be cut himself
inline constexpr std::uint64_t max_packed_weight = std::uint64_t{32} << 20;
// What one merge takes at most.
inline constexpr std::uint32_t max_merge_events = 4 * max_packed_events;
inline constexpr std::size_t max_merge_segments = 256;
inline constexpr std::uint64_t max_merge_weight = 3 * max_packed_weight;

// Places of those to be merged now, at least two; none: all is well. Repeated until then it ends, if what each merge
// gives is cut evenly into as few as hold it, and covers no customer twice but the one that is cut.
std::vector<std::size_t> next_merge(std::span<const TierSegment> segments, const TierPolicy& policy);

}  // namespace tally
