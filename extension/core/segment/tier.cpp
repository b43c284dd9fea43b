// See tier.hpp.
#include "core/segment/tier.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace tally {
namespace {

using Places = std::vector<std::size_t>;

// Less than half of the goal, so that what is cut into two is full on both sides, though a customer is not cut.
constexpr std::uint32_t full_events = packed_events_goal / 2 - packed_events_goal / 16;

bool is_full(const TierSegment& segment) noexcept {
    return segment.events >= full_events || segment.weight >= max_packed_weight / 2;
}

bool of_one_customer(const TierSegment& segment) noexcept {
    return segment.first_customer == segment.last_customer;
}

// Whether `other` covers what lies just behind the start of `segment`. Segments that only meet in a customer (one that
// was cut) do not cover each other; those of one single customer are told apart by time.
bool covers_start(const TierSegment& other, const TierSegment& segment) noexcept {
    if (!of_one_customer(other)) {
        return other.last_customer > segment.first_customer &&
               (of_one_customer(segment) ? other.first_customer < segment.first_customer
                                         : other.first_customer <= segment.first_customer);
    }
    return of_one_customer(segment) && other.first_customer == segment.first_customer &&
           other.first_ts <= segment.first_ts && segment.first_ts < other.last_ts;
}

// As many of `places` from the front as one merge may take.
void keep_within_limits(std::span<const TierSegment> segments, Places& places) {
    std::uint64_t events = 0, weight = 0;
    std::size_t count = 0;
    for (; count < std::min(places.size(), max_merge_segments); ++count) {
        events += segments[places[count]].events;
        weight += segments[places[count]].weight;
        if (events > max_merge_events || weight > max_merge_weight) break;
    }
    places.resize(count);
    if (count < 2) places.clear();
}

Places merge_of_small(std::span<const TierSegment> segments, const TierPolicy& policy) {
    std::array<std::size_t, 16> class_sizes{};
    const auto class_of = [&](std::size_t place) { return std::bit_width(segments[place].events | 1U) / 2U; };
    Places small;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (is_full(segments[i])) continue;
        small.push_back(i);
        ++class_sizes[class_of(i)];
    }
    std::stable_sort(small.begin(), small.end(), [&](auto a, auto b) { return segments[a].events < segments[b].events; });
    for (std::size_t wanted = 0; wanted < class_sizes.size(); ++wanted) {
        if (class_sizes[wanted] < policy.small_fan_in) continue;
        // Those that are smaller still come along: they are cheap.
        std::erase_if(small, [&](auto place) { return class_of(place) > wanted; });
        keep_within_limits(segments, small);
        return small;
    }
    return {};
}

// As many small ones at once as will go: each is then merged with full ones once.
Places all_small(std::span<const TierSegment> segments) {
    Places small;
    for (std::size_t i = 0; i < segments.size(); ++i)
        if (!is_full(segments[i])) small.push_back(i);
    keep_within_limits(segments, small);
    return small;
}

// Of the segments at `among`: the ones that cover the most covered place, if they are more than `depth`.
Places deepest(std::span<const TierSegment> segments, const Places& among, std::size_t depth) {
    Places found;
    for (const std::size_t start : among) {
        Places covering;
        for (const std::size_t other : among)
            if (other == start || covers_start(segments[other], segments[start])) covering.push_back(other);
        if (covering.size() > depth && covering.size() > found.size()) found = std::move(covering);
    }
    return found;
}

Places merge_by_customers(std::span<const TierSegment> segments, const TierPolicy& policy) {
    Places among;
    for (std::size_t i = 0; i < segments.size(); ++i)
        if (policy.as_few_as_possible || is_full(segments[i])) among.push_back(i);
    Places found = deepest(segments, among, policy.full_depth);
    // The widest ones gain most from being cut. Wide is what covers the starts of many.
    std::vector<std::size_t> width(segments.size());
    for (const std::size_t place : found)
        for (const std::size_t other : among) width[place] += covers_start(segments[place], segments[other]) ? 1 : 0;
    std::stable_sort(found.begin(), found.end(), [&](auto a, auto b) { return width[a] > width[b]; });
    keep_within_limits(segments, found);
    return found;
}

}  // namespace

std::vector<std::size_t> next_merge(std::span<const TierSegment> segments, const TierPolicy& policy) {
    Places small = policy.as_few_as_possible ? all_small(segments) : merge_of_small(segments, policy);
    return small.empty() ? merge_by_customers(segments, policy) : small;
}

}  // namespace tally
