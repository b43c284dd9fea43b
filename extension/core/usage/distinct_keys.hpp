// Distinct values by group: pairs of a group and the key of a value (core/distinct/set_key.hpp), each once.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "core/distinct/set_key.hpp"

namespace tally {

class DistinctKeys {
public:
    DistinctKeys() = default;
    DistinctKeys(const DistinctKeys&) = delete;  // its address is part of where things lie
    DistinctKeys& operator=(const DistinctKeys&) = delete;

    // Most of the time of many values is waiting for the memory where they lie, so that of several is fetched together.
    static constexpr std::size_t most_at_once = 32;

    // How many of the pairs of the group and these keys (at most most_at_once) are new.
    std::uint64_t add(std::uint32_t group, std::span<const SetKey> keys) {
        if (is_full(keys.size())) grow();
        for (const SetKey& key : keys) __builtin_prefetch(&table_[slot_of(group, key, table_.size())], 1);
        const std::size_t before = count_;
        for (const SetKey& key : keys) count_ += put(table_, {key, group, 1}) ? 1U : 0U;
        return count_ - before;
    }

    // Makes room for so many, where there are none yet: growing would put each of them in its place again and again.
    void begin_with(std::size_t keys) { table_.resize(size_for(keys)); }
    std::size_t bytes_for(std::size_t keys) const noexcept { return size_for(keys) * sizeof(Entry); }
    bool is_empty() const noexcept { return count_ == 0; }

    // How many values there are in all groups together.
    std::uint64_t count_over_all_groups() const;

    std::size_t bytes() const noexcept { return table_.size() * sizeof(Entry); }
    std::size_t bytes_when_grown() const noexcept { return grown_size() * sizeof(Entry); }
    // Whether so many more make it grow; growing once is enough for most_at_once.
    bool is_full(std::size_t more) const noexcept { return 2 * (count_ + more) > table_.size(); }

private:
    struct Entry {
        SetKey key;
        std::uint32_t group = 0;
        std::uint32_t used = 0;
    };

    // Keys of short texts can be computed backwards: where they come to lie depends on this table's address too, which who
    // sends them does not know.
    std::size_t slot_of(std::uint32_t group, const SetKey& key, std::size_t slots) const noexcept {
        const auto seed = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this));
        return mix64(key.high ^ seed ^ std::uint64_t{group} << 40) & (slots - 1);
    }
    bool put(std::vector<Entry>& table, const Entry& entry) const noexcept {
        const std::size_t mask = table.size() - 1;
        std::size_t slot = slot_of(entry.group, entry.key, table.size());
        for (; table[slot].used != 0; slot = (slot + 1) & mask)
            if (table[slot].key == entry.key && table[slot].group == entry.group) return false;
        table[slot] = entry;
        return true;
    }
    static std::size_t size_for(std::size_t keys) noexcept { return std::bit_ceil(std::max(2 * keys, least_size)); }
    // Small tables grow by more at a time: most of the time of a few thousand values would be copying them.
    std::size_t grown_size() const noexcept {
        constexpr std::size_t small = 65'536;
        return table_.empty() ? least_size : table_.size() < small ? 4 * table_.size() : 2 * table_.size();
    }
    void grow();

    static constexpr std::size_t least_size = 1024;
    std::vector<Entry> table_;
    std::size_t count_ = 0;
};

}  // namespace tally
