// Groups of an answer: (window, customer, dimension values) -> the number of a state. Customers and values are numbers
// of texts in a pool, 0 where there is none; the values of all dimensions together are one number, a combination.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/usage/limit.hpp"
#include "core/usage/states.hpp"
#include "core/usage/text_pool.hpp"
#include "core/usage/tuple_numbers.hpp"

namespace tally {

struct GroupKey {
    std::int64_t window = 0;
    std::uint32_t customer = 0;
    std::uint32_t combination = 0;

    friend bool operator==(const GroupKey&, const GroupKey&) = default;
};

class UsageGroups {
public:
    UsageGroups(const Measures& measures, std::size_t dimensions, MemoryLimit limit);

    static constexpr std::uint32_t no_group = UINT32_MAX;

    TextPool& texts() noexcept { return texts_; }
    const TextPool& texts() const noexcept { return texts_; }
    UsageStates& states() noexcept { return states_; }
    const UsageStates& states() const noexcept { return states_; }
    MemoryLimit& limit() noexcept { return limit_; }

    std::size_t dimensions() const noexcept { return dimensions_; }
    // The combination of these values, one for each dimension.
    std::uint32_t combination_of(std::span<const std::uint32_t> values);
    std::span<const std::uint32_t> values_of(std::uint32_t combination) const noexcept { return tuples_.tuple(combination); }
    std::uint32_t combinations() const noexcept { return tuples_.size(); }

    // The group, made where it is new. Throws Error(limit_exceeded).
    std::uint32_t group_of(const GroupKey& key);
    std::uint32_t find(const GroupKey& key) const noexcept;  // no_group where it is not there
    std::span<const GroupKey> keys() const noexcept { return keys_; }

    // Adds a value of any size. Throws Error(limit_exceeded) where the numbers of all groups become too long.
    void add(std::uint32_t group, const Decimal& value, std::int64_t ts, std::int64_t seq) {
        states_.add(group, value, ts, seq);
        if (value.kind == DecimalKind::wide) limit_.require(states_.bytes_of_values());
    }

private:
    void grow();

    std::size_t dimensions_;
    MemoryLimit limit_;
    TextPool texts_;
    UsageStates states_;
    std::vector<GroupKey> keys_;        // by group
    std::vector<std::uint32_t> table_;  // open addressing; group + 1, 0 = free
    TupleNumbers tuples_;               // the combinations
};

}  // namespace tally
