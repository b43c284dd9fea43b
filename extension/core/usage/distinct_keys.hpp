// Distinct values by group: pairs of a group and the key of a value (core/distinct/set_key.hpp), each once.
#pragma once

#include <cstdint>
#include <vector>

#include "core/distinct/set_key.hpp"

namespace tally {

class DistinctKeys {
public:
    DistinctKeys() = default;
    DistinctKeys(const DistinctKeys&) = delete;  // its address is part of where things lie
    DistinctKeys& operator=(const DistinctKeys&) = delete;

    // True where the pair is new.
    bool add(std::uint32_t group, const SetKey& key) {
        if (2 * (count_ + 1) > table_.size()) grow();
        return put(table_, {key, group, 1}) && ++count_ != 0;
    }

    // How many values there are in all groups together.
    std::uint64_t count_over_all_groups() const;

    std::size_t bytes() const noexcept { return table_.size() * sizeof(Entry); }
    std::size_t bytes_when_grown() const noexcept { return grown_size() * sizeof(Entry); }
    bool is_full() const noexcept { return 2 * (count_ + 1) > table_.size(); }

private:
    struct Entry {
        SetKey key;
        std::uint32_t group = 0;
        std::uint32_t used = 0;
    };

    bool put(std::vector<Entry>& table, const Entry& entry) const noexcept {
        const std::size_t mask = table.size() - 1;
        // Keys of short texts can be computed backwards: where they come to lie depends on this table's address too,
        // which who sends them does not know.
        const auto seed = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this));
        std::size_t slot = mix64(entry.key.high ^ seed ^ std::uint64_t{entry.group} << 40) & mask;
        for (; table[slot].used != 0; slot = (slot + 1) & mask)
            if (table[slot].key == entry.key && table[slot].group == entry.group) return false;
        table[slot] = entry;
        return true;
    }
    // Small tables grow by more at a time: most of the time of a few thousand values would be copying them.
    std::size_t grown_size() const noexcept {
        constexpr std::size_t least = 1024, small = 65'536;
        return table_.empty() ? least : table_.size() < small ? 4 * table_.size() : 2 * table_.size();
    }
    void grow();

    std::vector<Entry> table_;
    std::size_t count_ = 0;
};

}  // namespace tally
