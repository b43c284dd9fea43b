// Makes segments: many events of one tenant, code and month as the bytes of one value. The form is documented in
// format.hpp.
//
// Lossless: the reader gives every event back to the last digit and byte. The same events give the same bytes, in
// whatever order they are given.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/base/poll.hpp"
#include "core/event/known_at.hpp"
#include "core/event/stored_event.hpp"
#include "core/segment/reader.hpp"

namespace tally {

inline constexpr std::size_t max_segment_events = 65'536;
inline constexpr std::size_t max_segment_weight = std::size_t{64} << 20;

// Fewer events are as soon read row by row: of them no statistics of cuts are kept.
inline constexpr std::size_t least_marked_events = std::size_t{2} * segment_block_rows;

// What an event adds to the size of its segment at most: events are gathered while their weights stay within
// max_segment_weight, which bounds the segment's bytes and the memory that making it takes (about 3 times the weight).
std::size_t event_weight(const StoredEvent& event) noexcept;

// A finished segment, and what its row says beside it.
struct Segment {
    std::vector<std::byte> bytes;
    std::uint32_t events = 0;
    std::int64_t first_ts = 0, last_ts = 0;
    std::int64_t first_seq = 0, last_seq = 0;   // least and greatest
    std::string first_customer, last_customer;  // by bytes
    std::vector<Hash128> imports;               // those that occur, ascending
};

// One segment of these events, in any order: 1 to max_segment_events of them, weighing at most max_segment_weight. Of the
// cuts, in the order of their last seqs, it keeps statistics where there are least_marked_events (format.hpp, marks).
// Throws Error(limit_exceeded) for more, Error(invalid_argument) for none.
Segment write_segment(std::span<const StoredEvent> events, Poll poll = nullptr, std::span<const KnownAt> cuts = {});

}  // namespace tally
