// Looking for events themselves: which of them a question asks for, in rows and in segments, and the newest of them.
//
// The order is that of (ts, seq), newest first; a page begins behind a place in that order. Voided events are found
// too: whoever shows them says so.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/stored_event.hpp"
#include "core/segment/reader.hpp"
#include "core/event/known_at.hpp"
#include "core/usage/limit.hpp"

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
    // Only events that were known at a cut; nullptr: all are known.
    const KnownAt* known = nullptr;
    // Only events that were not known at a cut, and of those that were these seqs, ascending; nullptr: all.
    const KnownAt* unknown = nullptr;
    std::span<const std::int64_t> also;

    bool holds(std::int64_t ts, std::int64_t seq) const noexcept {
        if (ts < from || ts >= to || (known != nullptr && !known->sees_event(seq))) return false;
        if (unknown != nullptr && unknown->sees_event(seq) && !std::binary_search(also.begin(), also.end(), seq))
            return false;
        return !before_ts || ts < *before_ts || (ts == *before_ts && seq < before_seq);
    }
    // Whether events with seqs from `first` to `last` may be in the answer.
    bool may_hold_seqs(std::int64_t first, std::int64_t last) const noexcept {
        if (unknown == nullptr || unknown->hides_from(first, last)) return true;
        const auto from_first = std::lower_bound(also.begin(), also.end(), first);
        return from_first != also.end() && *from_first <= last;
    }
    // The first moment that is too late for any event of the answer.
    std::int64_t end() const noexcept { return before_ts && *before_ts < to ? *before_ts + 1 : to; }
};

// Whether everything but customer and code is as asked; properties are looked at for the needle only.
bool is_asked_for(const EventQuestion& question, std::string_view code, const StoredEvent& event);

// Where an event of a segment lies: whoever keeps only some of what is found keeps this, and has those events made in
// the end.
struct EventPlace {
    std::int64_t ts = 0, seq = 0;
    std::uint32_t segment = 0;  // a number that the search was given for it
    std::uint32_t row = 0;
};

// Gets the events that were found.
class EventTaker {
public:
    virtual ~EventTaker() = default;
    // Whether an event of this place would still be taken; events before `oldest()` would not.
    virtual bool wants(std::int64_t ts, std::int64_t seq) const noexcept = 0;
    virtual std::int64_t oldest() const noexcept = 0;
    // `properties` is the object as JSON text.
    virtual void take(std::string_view code, const StoredEvent& event, std::string_view properties) = 0;
    // Whether places of segments are enough for now, and such a place.
    virtual bool takes_places() const noexcept { return false; }
    virtual void take_place(const EventPlace&) {}
};

struct FoundEvent {
    std::string code, customer_id, source, event_id, properties;
    std::int64_t ts = 0, received_at = 0, seq = 0;
    bool has_import = false;
    Hash128 import_id{};
};

// Keeps the newest `limit` events: rows as they are, of segments the places until they are known to stay.
class NewestEvents final : public EventTaker {
public:
    explicit NewestEvents(std::size_t limit, MemoryLimit memory = MemoryLimit(SIZE_MAX)) : limit_(limit), memory_(memory) {}

    bool wants(std::int64_t ts, std::int64_t seq) const noexcept override;
    std::int64_t oldest() const noexcept override;
    void take(std::string_view code, const StoredEvent& event, std::string_view properties) override;
    bool takes_places() const noexcept override { return true; }
    void take_place(const EventPlace& place) override;

    // When all has been searched: the places that stayed, by segment and row, for take_made().
    std::vector<EventPlace> places() const;
    void take_made(std::string_view code, const StoredEvent& event, std::string_view properties);

    // All of them, newest first; the object is empty then.
    std::vector<FoundEvent> release();

private:
    static constexpr std::uint32_t in_segment = UINT32_MAX;
    struct Kept {
        EventPlace place;
        std::uint32_t event = in_segment;  // of events_
    };
    static bool is_newer(const Kept& left, const Kept& right) noexcept;
    // Makes room for one more; answers the place in events_ that became free, if one did.
    std::uint32_t make_room();
    void push(const Kept& kept);
    // Throws Error(limit_exceeded).
    FoundEvent copy_of(std::string_view code, const StoredEvent& event, std::string_view properties);

    std::size_t limit_;
    MemoryLimit memory_;
    std::size_t bytes_ = 0;   // of events_ and made_
    std::vector<Kept> heap_;  // the oldest is on top
    std::vector<FoundEvent> events_, made_;
};

// Searches a segment block by block, newest first, so that several can be searched side by side.
class SegmentSearch {
public:
    // `code` is the segment's, `number` what places call it. Everything given must outlive it.
    SegmentSearch(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker,
                  std::uint32_t number);
    ~SegmentSearch();
    SegmentSearch(const SegmentSearch&) = delete;
    SegmentSearch& operator=(const SegmentSearch&) = delete;

    bool has_next() const noexcept;
    // No event that is still to be found is newer.
    std::int64_t next_ts() const noexcept;
    void search_next();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Gives all that a segment has of the answer. `code` is the segment's, `number` what places call it.
void search_segment(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker,
                    std::uint32_t number = 0);

// Makes the events of `places`, which lie in this segment by ascending rows, and gives them to `newest`.
void make_events(SegmentReader& segment, std::string_view code, std::span<const EventPlace> places, NewestEvents& newest);

}  // namespace tally
