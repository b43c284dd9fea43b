// An accepted event as it is stored, wherever it lies: in a row of recent_event or in a segment. Its tenant and code
// are its place's. Everything is a view: the memory is the row's, the segment reader's or an arena's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/hash128.hpp"
#include "core/base/text_arena.hpp"
#include "core/event/property.hpp"

namespace tally {

struct StoredEvent {
    std::string_view customer_id, source, event_id;
    std::int64_t ts = 0;           // Unix microseconds
    std::int64_t received_at = 0;  // Unix microseconds
    std::int64_t seq = 0;
    bool has_import = false;
    Hash128 import_id{};                   // all zeros where has_import is false
    std::span<const Property> properties;  // sorted by the bytes of their keys, keys distinct
};

// The order of events in segments: customer (bytes), ts, seq.
bool stored_before(const StoredEvent& left, const StoredEvent& right) noexcept;

// Reads the properties of recent rows: the JSON text of one object, as it was accepted. Keep one for many rows: it
// reuses its buffers.
class PropertiesReader {
public:
    PropertiesReader();
    ~PropertiesReader();
    PropertiesReader(const PropertiesReader&) = delete;
    PropertiesReader& operator=(const PropertiesReader&) = delete;

    // The properties of the object, sorted by key; keys, texts and the array itself lie in `arena`. Strings are
    // unescaped, numbers keep the digits that were sent, anything else keeps its JSON text without outer blanks. Throws
    // Error(corrupted) where `json` is no object, or names a key twice: neither is ever accepted.
    std::span<const Property> read(std::string_view json, TextArena& arena);

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

// Appends the properties as a compact JSON object, keys in the order in which they stand: read() gives them back.
void append_properties(std::string& json, std::span<const Property> properties);

}  // namespace tally
