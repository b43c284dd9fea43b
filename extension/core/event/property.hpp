// A property of an event.
#pragma once

#include <cstdint>
#include <string_view>

namespace tally {

// What a property's text is: the content of a string, the digits of a number as sent, or the JSON text of anything else as
// sent: booleans, null, objects and arrays.
enum class PropertyKind : std::uint8_t { text, number, json };

struct Property {
    std::string_view key;
    std::string_view text;
    PropertyKind kind = PropertyKind::text;
};

}  // namespace tally
