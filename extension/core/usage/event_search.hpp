// Looking for events themselves: which of them a question asks for, in rows and in segments, and the newest of them.
//
// The order is that of (ts, seq), newest first; a page begins behind a place in that order. Voided events are found
// too: whoever shows them says so.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/stored_event.hpp"
#include "core/segment/reader.hpp"

namespace tally {

struct EventQuestion {
    std::optional<std::string> code, customer, source, event_id;
    std::optional<Hash128> import_id;
    std::optional<std::string> needle;  // lower case (ASCII): part of the id, the code or a property
    std::int64_t from = std::numeric_limits<std::int64_t>::min();
    std::int64_t to = std::numeric_limits<std::int64_t>::max();
    // Only events before this place.
    std::optional<std::int64_t> before_ts;
    std::int64_t before_seq = 0;

    bool holds(std::int64_t ts, std::int64_t seq) const noexcept {
        if (ts < from || ts >= to) return false;
        return !before_ts || ts < *before_ts || (ts == *before_ts && seq < before_seq);
    }
    // The first moment that is too late for any event of the answer.
    std::int64_t end() const noexcept { return before_ts && *before_ts < to ? *before_ts + 1 : to; }
};

// Whether everything but customer and code is as asked; properties are looked at for the needle only.
bool is_asked_for(const EventQuestion& question, std::string_view code, const StoredEvent& event);

// Gets the events that were found.
class EventTaker {
public:
    virtual ~EventTaker() = default;
    // Whether an event of this place would still be taken; events before `oldest()` would not.
    virtual bool wants(std::int64_t ts, std::int64_t seq) const noexcept = 0;
    virtual std::int64_t oldest() const noexcept = 0;
    // `properties` is the object as JSON text.
    virtual void take(std::string_view code, const StoredEvent& event, std::string_view properties) = 0;
};

struct FoundEvent {
    std::string code, customer_id, source, event_id, properties;
    std::int64_t ts = 0, received_at = 0, seq = 0;
    bool has_import = false;
    Hash128 import_id{};
};

// Keeps the newest `limit` events.
class NewestEvents final : public EventTaker {
public:
    explicit NewestEvents(std::size_t limit) : limit_(limit) {}

    bool wants(std::int64_t ts, std::int64_t seq) const noexcept override;
    std::int64_t oldest() const noexcept override;
    void take(std::string_view code, const StoredEvent& event, std::string_view properties) override;

    // All of them, newest first; the object is empty then.
    std::vector<FoundEvent> release();

private:
    std::size_t limit_;
    std::vector<FoundEvent> heap_;  // the oldest is on top
};

// Gives what a segment has of the answer. `code` is the segment's.
void search_segment(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker);

}  // namespace tally
