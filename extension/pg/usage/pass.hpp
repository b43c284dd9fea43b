// One pass over the events of a code: wherever they lie, each is read once, and every question asked of them gets it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/usage/question.hpp"

namespace tally {

// The memory that states may take: eight times what PostgreSQL allows a hash table before it spills (64 MB by default);
// states do not spill.
MemoryLimit usage_memory();

// All questions have the same range and the same customers. The caller's right to the tenant has been checked.
void count_events(std::int32_t tenant, std::string_view code, std::span<UsageCount* const> counts);

}  // namespace tally
