// The cuts (sql/install/60-usage/cut.sql) of which segments that are being made keep statistics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/event/known_at.hpp"
#include "core/event/stored_event.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// Those of a tenant, and of all tenants, that see some of so many events with seqs in [first, last], but not all by their
// numbers; so many of the newest as a segment has room for, the oldest first. Where the events are too few for statistics
// nothing is looked up. SPI must be connected.
std::vector<KnownAt> cuts_between(std::int32_t tenant_id, std::uint64_t events, std::int64_t first_seq,
                                  std::int64_t last_seq);

// Of these events.
std::vector<KnownAt> cuts_among(std::int32_t tenant_id, std::span<const StoredEvent> events);

}  // namespace tally
