// Rules of event_check.hpp; the limits stand in event_document.hpp.
#include "core/event/event_check.hpp"

#include <algorithm>
#include <string>

#include "core/base/number_text.hpp"
#include "core/base/rfc3339.hpp"
#include "core/event/erasure.hpp"
#include "core/event/nested_value.hpp"

namespace tally {
namespace {

std::size_t count_characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool holds_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

void check_text(Event& event, std::string_view field, std::string_view text, std::size_t max_characters) {
    if (holds_nul(text)) {
        reject(event, field, std::string(field) + " holds the character U+0000, which cannot be stored");
    } else if (text.size() > max_characters && count_characters(text) > max_characters) {
        reject(event, field,
               std::string(field) + " has " + std::to_string(count_characters(text)) + " characters; at most " +
                   std::to_string(max_characters) + " are allowed");
    }
}

std::string property_field(std::string_view key) {
    return "properties." + shown_name(key);
}

void check_property(Event& event, const Property& property) {
    if (holds_nul(property.key) || holds_nul(property.text)) {
        reject(event, property_field(property.key), "a property holds the character U+0000, which cannot be stored");
        return;
    }
    if (property.key.empty()) {
        reject(event, "properties", "a property has an empty name");
        return;
    }
    if (property.key.size() > max_id_characters && count_characters(property.key) > max_id_characters) {
        reject(event, property_field(property.key),
               "a property name has over " + std::to_string(max_id_characters) + " characters");
        return;
    }
    if (property.kind == PropertyKind::number && number_problem(property.text)) {
        reject(event, property_field(property.key),
               "the number has over " + std::to_string(max_number_digits) + " digits before or after its point");
    }
}

std::string duration_text(std::int64_t microseconds) {
    const std::int64_t seconds = microseconds / 1'000'000;
    if (seconds < 120) return std::to_string(seconds) + " seconds";
    if (seconds < 7200) return std::to_string(seconds / 60) + " minutes";
    if (seconds < 172'800) return std::to_string(seconds / 3600) + " hours";
    return std::to_string(seconds / 86'400) + " days";
}

std::string hex(const Hash128& hash) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : hash) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace

void reject(Event& event, std::string_view field, std::string reason) {
    if (!event.reason.empty()) return;
    event.field = field;
    event.reason = std::move(reason);
}

std::string shown_name(std::string_view name) {
    constexpr std::size_t limit = 64;
    std::size_t end = std::min(name.size(), limit);
    while (end > 0 && end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    std::string shown(name.substr(0, end));
    std::replace(shown.begin(), shown.end(), '\0', '?');
    return shown;
}

void check_fields(Event& event, std::span<Property> properties, bool id_may_be_empty) {
    if (event.event_id.empty() && !id_may_be_empty)
        reject(event, "event_id", "event_id is empty; give each event its own id");
    if (erased_identity(event.event_id))
        reject(event, "event_id", "event_id has the form of an erased one: erased- and 32 hexadecimal digits");
    if (event.code.empty()) reject(event, "code", "code is empty; it names what happened");
    check_text(event, "event_id", event.event_id, max_id_characters);
    check_text(event, "customer_id", event.customer_id, max_id_characters);
    check_text(event, "source", event.source, max_id_characters);
    if (holds_nul(event.code)) reject(event, "code", "code holds the character U+0000, which cannot be stored");
    if (event.code.size() > max_code_bytes) {
        reject(event, "code",
               "code has " + std::to_string(event.code.size()) + " bytes; at most " + std::to_string(max_code_bytes) +
                   " are allowed");
    }
    if (properties.size() > max_properties) {
        reject(event, "properties",
               "there are " + std::to_string(properties.size()) + " properties; at most " + std::to_string(max_properties) +
                   " are allowed");
    }
    std::size_t bytes = 0;
    for (const Property& property : properties) {
        check_property(event, property);
        bytes += property.key.size() + property.text.size();
    }
    if (bytes > max_properties_bytes) {
        reject(event, "properties", "the properties are larger than 1 MiB");
    }
    std::sort(properties.begin(), properties.end(), [](const Property& a, const Property& b) { return a.key < b.key; });
    const auto twice = std::adjacent_find(properties.begin(), properties.end(),
                                          [](const Property& a, const Property& b) { return a.key == b.key; });
    if (twice != properties.end()) reject(event, property_field(twice->key), "the property is given twice");
    event.properties = properties;
}

void check_time(Event& event, const DocumentOptions& options, bool allow_backfilling) {
    const std::int64_t now_microseconds = options.now_microseconds;
    if (!event.has_timestamp) {
        event.ts_microseconds = now_microseconds;
        return;
    }
    const std::int64_t ahead = event.ts_microseconds - now_microseconds;
    if (ahead > max_future_microseconds) {
        reject(event, "timestamp",
               "the timestamp is " + duration_text(ahead) + " in the future (server time " +
                   format_rfc3339(now_microseconds) + "); at most 1 hour is allowed");
    } else if (event.ts_microseconds < 0) {
        reject(event, "timestamp", "the timestamp lies before 1970-01-01T00:00:00Z");
    } else if (event.ts_microseconds < options.retained_from) {
        reject(event, "timestamp",
               "events before " + format_rfc3339(options.retained_from) + " have been dropped, and none is taken any more");
    } else if (-ahead > max_age_microseconds && !allow_backfilling) {
        reject(event, "timestamp",
               "the timestamp is " + duration_text(-ahead) + " old; events older than 24 hours need allow_backfilling");
    }
}

Hash128 event_identity(std::int32_t tenant_id, std::string_view customer_id, std::string_view source,
                       std::string_view event_id, FieldBytes& scratch) {
    scratch.clear();
    scratch.add(std::to_string(tenant_id));
    scratch.add(customer_id);
    scratch.add(source);
    scratch.add(event_id);
    return scratch.hash();
}

Hash128 event_payload(std::string_view code, std::optional<std::int64_t> timestamp, std::span<const Property> properties,
                      const NestedValues& nested, FieldBytes& scratch) {
    scratch.clear();
    scratch.add(code);
    scratch.add(timestamp ? std::to_string(*timestamp) : std::string{});
    for (const Property& property : properties) {
        scratch.add(property.key);
        if (property.kind == PropertyKind::text) {
            scratch.add_tag('s');
            scratch.add(property.text);
            continue;
        }
        if (property.kind == PropertyKind::json) {
            const Hash128& hash = nested.hash_of(property.text);
            scratch.add_tag('j');
            scratch.add({reinterpret_cast<const char*>(hash.data()), hash.size()});
            continue;
        }
        const NumberText number = canonical_number(property.text);
        scratch.add_tag(number.negative ? '-' : '+');
        scratch.add(number.digits);
        scratch.add(std::to_string(number.point));
    }
    return scratch.hash();
}

void set_hashes(Event& event, std::int32_t tenant_id, FieldBytes& scratch, const NestedValues& nested,
                std::deque<std::string>* derived_ids) {
    const std::optional<std::int64_t> sent =
        event.has_timestamp ? std::optional<std::int64_t>(event.ts_microseconds) : std::nullopt;
    event.payload = event_payload(event.code, sent, event.properties, nested, scratch);

    if (event.event_id.empty() && derived_ids) event.event_id = derived_ids->emplace_back(hex(event.payload));
    event.code_hash = hash32(event.code);
    event.customer_hash = hash32(event.customer_id);
    event.identity = event_identity(tenant_id, event.customer_id, event.source, event.event_id, scratch);
}

}  // namespace tally
