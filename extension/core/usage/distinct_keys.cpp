// Growing, and the union of all groups.
#include "core/usage/distinct_keys.hpp"

#include <algorithm>

namespace tally {

void DistinctKeys::grow() {
    std::vector<Entry> larger(grown_size());
    for (const Entry& entry : table_)
        if (entry.used != 0) put(larger, entry);
    table_ = std::move(larger);
}

std::uint64_t DistinctKeys::count_over_all_groups() const {
    std::vector<SetKey> keys;
    keys.reserve(count_);
    for (const Entry& entry : table_)
        if (entry.used != 0) keys.push_back(entry.key);
    std::sort(keys.begin(), keys.end());
    return static_cast<std::uint64_t>(std::unique(keys.begin(), keys.end()) - keys.begin());
}

}  // namespace tally
