// A property of an event as the rule reads it.
#pragma once

#include <string_view>

#include "core/event/property.hpp"

namespace tally {

// The content of a string, the digits of a number as sent, or other JSON (booleans, null, objects and arrays) as its text.
struct PropertyValue {
    enum class Kind : std::uint8_t { absent, text, number, json };

    Kind kind = Kind::absent;
    std::string_view text;

    bool is_null() const noexcept { return kind == Kind::json && text == "null"; }
    bool is_boolean() const noexcept { return kind == Kind::json && (text == "true" || text == "false"); }
};

constexpr PropertyValue value_of(PropertyKind kind, std::string_view text) noexcept {
    switch (kind) {
        case PropertyKind::text: return {PropertyValue::Kind::text, text};
        case PropertyKind::number: return {PropertyValue::Kind::number, text};
        case PropertyKind::json: break;
    }
    return {PropertyValue::Kind::json, text};
}

}  // namespace tally
