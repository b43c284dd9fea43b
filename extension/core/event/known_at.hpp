// Which events and corrections a reader saw at a cut: those numbered up to the last number given then, but for some that
// were given by then and not to be seen yet, or never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/hash128.hpp"

namespace tally {

// Ranges of numbers, both ends belonging to them: ascending, disjoint, none empty.
class NumberRanges {
public:
    NumberRanges() = default;
    // First and last number of each range, one after the other.
    explicit NumberRanges(std::vector<std::int64_t> edges) : edges_(std::move(edges)) {}

    bool holds(std::int64_t number) const noexcept { return meets(number, number); }
    bool meets(std::int64_t first, std::int64_t last) const noexcept {
        // Past the last edge before `first`: an odd number of them means that it lies within a range.
        const auto from = std::lower_bound(edges_.begin(), edges_.end(), first);
        if ((from - edges_.begin()) % 2 != 0) return true;
        return from != edges_.end() && *from <= last;
    }

private:
    std::vector<std::int64_t> edges_;
};

struct KnownAt {
    Hash128 cut{};  // its id
    std::int64_t last_seq = 0;
    NumberRanges unseen_seqs;
    std::int64_t last_act = 0;
    NumberRanges unseen_acts;

    bool sees_event(std::int64_t seq) const noexcept { return seq <= last_seq && !unseen_seqs.holds(seq); }
    // Whether some of the events from `first` to `last` may be unknown.
    bool hides_from(std::int64_t first, std::int64_t last) const noexcept {
        return last > last_seq || unseen_seqs.meets(first, last);
    }
    bool sees_act(std::int64_t act) const noexcept { return act <= last_act && !unseen_acts.holds(act); }
};

// Which events of a code are not counted: the voided ones, and those that were not known at a cut. Refers to both.
struct LeftOut {
    std::span<const std::int64_t> voided;  // seqs, ascending; of other codes and segments too
    const KnownAt* known = nullptr;        // nullptr: all are known

    bool holds(std::int64_t seq) const noexcept {
        return (known != nullptr && !known->sees_event(seq)) || std::binary_search(voided.begin(), voided.end(), seq);
    }
    // Whether it holds them all, as far as the bounds tell.
    bool holds_all_from(std::int64_t first) const noexcept { return known != nullptr && first > known->last_seq; }
};

}  // namespace tally
