// One document of events (JSON) -> checked events, each ready to be stored or rejected with the reason and the field.
//
// The document is parsed once by simdjson. Bad data never throws: what is wrong with one event is that event's
// `reason`, what is wrong with the document as a whole (no JSON, no events, too many) is the document's.
//
// Forms:   array   [event, ...]                                                          (tally.ingest)
//          object  {"events": [event, ...], "allow_backfilling"?, "allow_partial_failures"?}   (REST)
// Event:   {"event_id", "code", "customer_id", "timestamp"?, "properties"?, "source"?}; null means absent; unknown
//          fields are refused by name, because a misspelt field would otherwise be lost in silence. Properties are of any
//          kind of JSON; a property that is null is there, and null.
//
// Identity = hash of the length-prefixed tenant_id (decimal digits), customer_id, source, event_id.
// Payload  = hash of code, timestamp as given (microseconds, or its absence, so that a retry of an event without one is
//            the same event) and the properties sorted by key, numbers by value (1.0 and 1 are the same), strings by
//            content, anything else by what it means (nested_value.hpp): members of an object have no order.
// Both are stored and fixed for ever. A derived event_id is the payload's hash in hexadecimal digits, so that the same
// content of the same customer and source is the same event.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/event/property.hpp"

namespace tally {

inline constexpr std::size_t max_events = 10'000;
inline constexpr std::size_t max_id_characters = 255;
inline constexpr std::size_t max_code_bytes = 512;
inline constexpr std::size_t max_properties = 256;
inline constexpr std::size_t max_properties_bytes = 1 << 20;
inline constexpr std::int64_t max_future_microseconds = 3'600LL * 1'000'000;
inline constexpr std::int64_t max_age_microseconds = 86'400LL * 1'000'000;

enum class DocumentForm { array, object };

struct DocumentOptions {
    DocumentForm form = DocumentForm::array;
    bool allow_backfilling = false;     // events older than 24 hours; an object's own flag replaces it
    std::int64_t now_microseconds = 0;  // the server's clock, Unix microseconds: read once for the whole document
    std::int32_t tenant_id = 0;         // whose events they are: part of their identity
    bool derive_ids = false;            // an event without event_id gets one made from its content
    std::int64_t retained_from = 0;     // events before are not taken, Unix microseconds
};

// The views point into the EventDocument that made them.
struct Event {
    std::string_view event_id, code, customer_id, source;
    std::int64_t ts_microseconds = 0;  // Unix; the document's now where the event has no timestamp
    bool has_timestamp = false;
    std::span<const Property> properties;  // sorted by key, keys distinct
    std::string_view properties_json;      // the object as sent; empty where there is none
    std::int32_t code_hash = 0;
    std::int32_t customer_hash = 0;
    Hash128 identity{};
    Hash128 payload{};
    std::string reason;  // why it is rejected; empty for a good event, and only then the fields above are all set
    std::string field;   // which field is at fault, such as "properties.bytes"
};

class EventDocument {
public:
    // Nothing yet: read() comes first.
    EventDocument();
    // Parses `text` (valid or invalid UTF-8, any content). Throws only std::bad_alloc.
    EventDocument(std::string_view text, const DocumentOptions& options) : EventDocument() { read(text, options); }
    ~EventDocument();
    EventDocument(const EventDocument&) = delete;
    EventDocument& operator=(const EventDocument&) = delete;

    // Parses another text into the same memory: what stood here before is gone. Throws only std::bad_alloc.
    void read(std::string_view text, const DocumentOptions& options);

    const std::vector<Event>& events() const noexcept;
    // Whether good events are stored although others are bad: as an object says, always for an array.
    bool allow_partial_failures() const noexcept;
    // Why the document as a whole is refused (then there are no events); empty if it is not.
    const std::string& reason() const noexcept;
    const std::string& field() const noexcept;

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace tally
