// Accepted events as rows of tally.recent_event.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/hash128.hpp"
#include "pg/ingest/store_table.hpp"

namespace tally {

// An event to be stored. The views must outlive the call.
struct EventRow {
    std::int32_t code_hash = 0;
    std::int32_t customer_hash = 0;
    std::int64_t ts = 0;  // Unix microseconds
    std::int64_t seq = 0;
    std::string_view code, customer_id, source, event_id, properties;
};

// What all events of a call share.
struct EventOrigin {
    std::int32_t generation = 0;  // pg/segment/generation.hpp
    std::int32_t tenant_id = 0;
    std::int64_t received_at = 0;  // Unix microseconds
    const Hash128* import_id = nullptr;
};

// Rows are put in this many at a time.
inline constexpr std::size_t event_rows_at_once = 1000;

StoreTable open_event_table();

// The next numbers of events. Nobody else gets any of them.
void take_event_numbers(std::span<std::int64_t> numbers);

// Stores up to event_rows_at_once events, numbered in their order. `key_order`: their places in the order of
// (code_hash, customer_hash, ts, place), in which the index gets them.
void store_events(StoreTable& table, const EventOrigin& origin, std::span<const EventRow> rows,
                  std::span<const std::uint32_t> key_order);

}  // namespace tally
