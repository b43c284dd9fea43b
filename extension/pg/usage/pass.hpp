// One pass over the events of a code: wherever they lie, each is read once, and every question asked of them gets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/event/known_at.hpp"
#include "core/usage/question.hpp"

namespace tally {

// The memory that states may take: eight times what PostgreSQL allows a hash table before it spills (64 MB by default);
// states do not spill.
std::size_t usage_memory_bytes();
MemoryLimit usage_memory();

// Which places a pass reads: all, unless somebody has counted some of them already.
struct PassPlaces {
    bool recent_events = true;
    // Only these segments, or all but those; numbers, ascending.
    std::optional<std::span<const std::int64_t>> only_segments;
    std::span<const std::int64_t> but_segments;
    // The voided seqs of the code in the range, where the caller has read them in the same snapshot.
    std::optional<std::span<const std::int64_t>> voided;
    // As of a cut: only events and corrections that were known then.
    const KnownAt* known = nullptr;
    // The range begins at the retention edge that the caller has read: nobody is told that it has moved on since.
    bool begins_at_edge = false;
};

// All questions have the same range and the same customers. The caller's right to the tenant has been checked.
void count_events(std::int32_t tenant, std::string_view code, std::span<UsageCount* const> counts,
                  const PassPlaces& places = {});

}  // namespace tally
