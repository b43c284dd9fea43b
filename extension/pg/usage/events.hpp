// Events themselves, wherever they lie: recent ones row by row, packed ones out of their segments.
#pragma once

#include <cstdint>
#include <vector>

#include "core/usage/event_search.hpp"

namespace tally {

// Gives every event that the question asks for and the taker wants; the newest segments first, so that a taker of the
// newest events soon wants no more. The caller's right to the tenant has been checked.
void search_events(std::int32_t tenant, const EventQuestion& question, EventTaker& taker);
std::vector<FoundEvent> newest_events(std::int32_t tenant, const EventQuestion& question, std::size_t limit);

}  // namespace tally
