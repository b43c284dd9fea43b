// An open-addressing table, at most half full. Without dimensions there is one combination: 0.
#include "core/usage/groups.hpp"

#include <algorithm>

#include "core/distinct/set_key.hpp"

namespace tally {
namespace {

constexpr std::size_t first_slots = 16;

std::uint64_t hash_of(const GroupKey& key) noexcept {
    return mix64(static_cast<std::uint64_t>(key.window) * 0x9E3779B97F4A7C15U ^
                 (std::uint64_t{key.customer} << 32 | key.combination));
}

}  // namespace

UsageGroups::UsageGroups(const Measures& measures, std::size_t dimensions, MemoryLimit limit)
    : dimensions_(dimensions), limit_(limit), states_(measures), table_(first_slots), tuples_(dimensions) {
    if (dimensions_ == 0) tuples_.number_of({});
}

std::uint32_t UsageGroups::combination_of(std::span<const std::uint32_t> values) {
    if (dimensions_ == 0) return 0;
    const std::uint32_t known = tuples_.size();
    const std::uint32_t combination = tuples_.number_of(values);
    if (combination == known && known % 1024 == 1023) limit_.require(tuples_.bytes() + texts_.bytes());
    return combination;
}

std::uint32_t UsageGroups::find(const GroupKey& key) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t slot = hash_of(key) & mask;
    for (; table_[slot] != 0; slot = (slot + 1) & mask)
        if (keys_[table_[slot] - 1] == key) return table_[slot] - 1;
    return no_group;
}

std::uint32_t UsageGroups::group_of(const GroupKey& key) {
    const std::uint32_t known = find(key);
    if (known != no_group) return known;
    if (2 * (keys_.size() + 1) > table_.size()) grow();
    const std::uint32_t group = states_.add_group();
    keys_.push_back(key);
    const std::size_t mask = table_.size() - 1;
    std::size_t slot = hash_of(key) & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = group + 1;
    return group;
}

void UsageGroups::grow() {
    const std::size_t slots = 2 * table_.size();
    limit_.require(slots * sizeof(std::uint32_t) + slots / 2 * (sizeof(GroupKey) + states_.bytes_of_group()) +
                   texts_.bytes() + tuples_.bytes() + states_.bytes_of_values());
    std::vector<std::uint32_t> larger(slots);
    for (std::uint32_t group = 0; group < keys_.size(); ++group) {
        std::size_t slot = hash_of(keys_[group]) & (slots - 1);
        while (larger[slot] != 0) slot = (slot + 1) & (slots - 1);
        larger[slot] = group + 1;
    }
    table_ = std::move(larger);
}

}  // namespace tally
