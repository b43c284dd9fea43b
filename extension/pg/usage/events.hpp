// Events themselves, wherever they lie: recent ones row by row, packed ones out of their segments.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/usage/event_search.hpp"

namespace tally {

// Gives every event that the question asks for and the taker wants; the newest segments first, so that a taker of the
// newest events soon wants no more. The caller's right to the tenant has been checked.
void search_events(std::int32_t tenant, const EventQuestion& question, EventTaker& taker);
// Of recent ones alone, and the segments that may hold others, each open for as long as the visit lasts.
void search_recent(std::int32_t tenant, const EventQuestion& question, EventTaker& taker);
void visit_segments(std::int32_t tenant, const EventQuestion& question,
                    const std::function<void(SegmentReader& segment, std::string_view code)>& visit);
std::vector<FoundEvent> newest_events(std::int32_t tenant, const EventQuestion& question, std::size_t limit,
                                      MemoryLimit memory);

}  // namespace tally
