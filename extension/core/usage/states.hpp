// The states of the groups of one answer: what has been counted and added up so far. Merging two is exact for every
// aggregation, so a total is made of states and never of answers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/metric/definition.hpp"
#include "core/usage/distinct_keys.hpp"
#include "core/usage/limit.hpp"
#include "core/usage/number_slot.hpp"

namespace tally {

// What is kept of the values; events are counted always.
struct Measures {
    bool sum = false;
    bool lowest = false;
    bool highest = false;
    bool latest = false;
    bool distinct = false;
    bool sides = false;  // sums of the values above and below 0

    bool numbers() const noexcept { return sum || lowest || highest || latest || sides; }
};

Measures measures_of(Aggregation aggregation) noexcept;

struct EventCounts {
    std::int64_t matched = 0;  // events that filter and matrix let in
    std::int64_t counted = 0;  // those with a usable value; the others are skipped
};

// The state of one group without its distinct values, to be kept outside of the answer and added to another one later.
// Decimals are views: of the states that answered it, or of whoever made it.
struct KeptState {
    EventCounts counts;
    Decimal sum, positive, negative, lowest, highest, latest;
    std::int64_t latest_ts = 0, latest_seq = 0;
};

class UsageStates {
public:
    explicit UsageStates(const Measures& measures) noexcept : measures_(measures) {}

    const Measures& measures() const noexcept { return measures_; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(counts_.size()); }
    std::uint32_t add_group();

    EventCounts& counts(std::uint32_t group) noexcept { return counts_[group]; }
    const EventCounts& counts(std::uint32_t group) const noexcept { return counts_[group]; }

    // One value. The event's counts are the caller's to raise.
    void add(std::uint32_t group, int128 coefficient, std::int32_t scale, std::int64_t ts, std::int64_t seq);
    void add(std::uint32_t group, const Decimal& value, std::int64_t ts, std::int64_t seq);
    // At most DistinctKeys::most_at_once.
    void add_keys(std::uint32_t group, std::span<const SetKey> keys, MemoryLimit& limit);
    // So many are about to be added: where they are the first, room is made for them at once, if it may be had.
    void expect_keys(std::size_t keys, MemoryLimit& limit);

    // Many values at once, for each measure that is kept.
    void add_sum(std::uint32_t group, int128 coefficient, std::int32_t scale) {
        shelf_.add(sums_[group], coefficient, scale);
    }
    void add_side(std::uint32_t group, int128 coefficient, std::int32_t scale) {
        if (coefficient != 0) shelf_.add(coefficient < 0 ? negative_[group] : positive_[group], coefficient, scale);
    }
    void offer_lowest(std::uint32_t group, const Decimal& value) { shelf_.keep_extreme(lowest_[group], value, -1); }
    void offer_highest(std::uint32_t group, const Decimal& value) { shelf_.keep_extreme(highest_[group], value, 1); }
    void offer_latest(std::uint32_t group, const Decimal& value, std::int64_t ts, std::int64_t seq);

    // What is kept of a group, and adding what was kept of another one: of each only what is measured.
    KeptState kept(std::uint32_t group) const noexcept;
    void add_kept(std::uint32_t group, const KeptState& kept);

    // A group more that is all of them together.
    std::uint32_t add_total();

    // Answers; none where there was no value.
    Decimal sum(std::uint32_t group) const noexcept { return shelf_.value(sums_[group]); }
    Decimal lowest(std::uint32_t group) const noexcept { return shelf_.value(lowest_[group]); }
    Decimal highest(std::uint32_t group) const noexcept { return shelf_.value(highest_[group]); }
    Decimal latest(std::uint32_t group) const noexcept { return shelf_.value(latest_[group].value); }
    Decimal positive(std::uint32_t group) const noexcept { return shelf_.value(positive_[group]); }
    Decimal negative(std::uint32_t group) const noexcept { return shelf_.value(negative_[group]); }
    std::uint64_t distinct(std::uint32_t group) const noexcept { return distinct_[group]; }

    std::size_t bytes_of_group() const noexcept;  // what a group takes
    // What they take beside that: distinct values and wide numbers.
    std::size_t bytes_of_values() const noexcept { return keys_.bytes() + shelf_.bytes(); }

private:
    struct Latest {
        std::int64_t ts = 0;
        std::int64_t seq = 0;
        SmallSlot value = NumberShelf::none();
    };

    Measures measures_;
    NumberShelf shelf_;
    std::vector<EventCounts> counts_;
    std::vector<SmallSlot> sums_, lowest_, highest_, positive_, negative_;
    std::vector<Latest> latest_;
    std::vector<std::uint64_t> distinct_;
    DistinctKeys keys_;
};

}  // namespace tally
