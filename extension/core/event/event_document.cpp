// Walks an event document with simdjson's on-demand parser, which leaves numbers as the text that was sent (a double
// would lose digits). The document's form and the events' rules are documented in event_document.hpp and
// event_check.hpp.
#include "core/event/event_document.hpp"

#include <simdjson.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "core/base/number_text.hpp"
#include "core/base/rfc3339.hpp"
#include "core/event/event_check.hpp"
#include "core/event/nested_value.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

enum class Reading { ok, absent, wrong_type, bad_unicode, malformed };

// Structural errors end the document; any other error concerns one value only.
bool is_structural(simdjson::error_code error) {
    switch (error) {
        case simdjson::SUCCESS:
        case simdjson::INCORRECT_TYPE:
        case simdjson::STRING_ERROR: return false;
        default: return true;
    }
}

Reading read_string(ondemand::value value, std::string_view& text) {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return Reading::malformed;
    if (type == ondemand::json_type::null) {
        bool null = false;
        if (value.is_null().get(null) != simdjson::SUCCESS || !null) return Reading::malformed;
        return Reading::absent;
    }
    if (type != ondemand::json_type::string) return Reading::wrong_type;
    const simdjson::error_code error = value.get_string().get(text);
    if (error == simdjson::SUCCESS) return Reading::ok;
    return is_structural(error) ? Reading::malformed : Reading::bad_unicode;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

}  // namespace

struct EventDocument::Parser {
    void read(std::string_view text, const DocumentOptions& document_options) {
        options = document_options;
        json.reserve(text.size() + simdjson::SIMDJSON_PADDING);
        json.assign(text);
        events.clear();
        properties.clear();
        derived_ids.clear();
        nested.clear();
        reason.clear();
        field.clear();
        backfilling = options.allow_backfilling;
        partial_failures = options.form == DocumentForm::array;
        if (!read_document()) {
            events.clear();
            return;
        }
        for (Event& event : events) {
            if (event.reason.empty()) check_time(event, options, backfilling);
            if (event.reason.empty())
                set_hashes(event, options.tenant_id, scratch, nested, options.derive_ids ? &derived_ids : nullptr);
        }
    }

    bool refuse(std::string_view where, std::string why) {
        if (reason.empty()) {
            field = where;
            reason = std::move(why);
        }
        return false;
    }

    bool malformed() {
        const char* location = nullptr;
        std::string where;
        if (document.current_location().get(location) == simdjson::SUCCESS && location > json.data() &&
            location <= json.data() + json.size()) {
            where = " near byte " + std::to_string(location - json.data());
        }
        return refuse("", "the body is not valid JSON" + where);
    }

    bool read_document() {
        const simdjson::padded_string_view padded(json.data(), json.size(), json.size() + simdjson::SIMDJSON_PADDING);
        if (parser.iterate(padded).get(document) != simdjson::SUCCESS) {
            return refuse("", json.size() == 0 ? "the body is empty" : "the body is not valid JSON, or not valid UTF-8");
        }
        ondemand::json_type type{};
        if (document.type().get(type) != simdjson::SUCCESS) return malformed();
        if (options.form == DocumentForm::array) {
            ondemand::array array;
            if (type != ondemand::json_type::array) return refuse("", "the events must be a JSON array");
            if (document.get_array().get(array) != simdjson::SUCCESS) return malformed();
            return read_events(array) && read_end();
        }
        ondemand::object object;
        if (type != ondemand::json_type::object) {
            return refuse("", "the body must be a JSON object such as {\"events\": [...]}");
        }
        if (document.get_object().get(object) != simdjson::SUCCESS) return malformed();
        return read_envelope(object) && read_end();
    }

    bool read_end() {
        const char* location = nullptr;
        if (document.current_location().get(location) == simdjson::SUCCESS) {
            return refuse("", "there is text after the end of the JSON document");
        }
        return true;
    }

    bool read_envelope(ondemand::object object) {
        bool has_events = false;
        std::vector<std::string> seen;
        for (simdjson::simdjson_result<ondemand::field> result : object) {
            ondemand::field member;
            std::string_view key;
            if (std::move(result).get(member) != simdjson::SUCCESS) return malformed();
            if (member.unescaped_key().get(key) != simdjson::SUCCESS) return malformed();
            if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
                return refuse(key, "\"" + std::string(key) + "\" is given twice");
            }
            seen.emplace_back(key);
            if (key == "events") {
                ondemand::array array;
                const simdjson::error_code error = member.value().get_array().get(array);
                if (error == simdjson::INCORRECT_TYPE) return refuse("events", "events must be an array");
                if (error != simdjson::SUCCESS) return malformed();
                has_events = true;
                if (!read_events(array)) return false;
            } else if (key == "allow_backfilling") {
                if (!read_flag(member.value(), "allow_backfilling", backfilling)) return false;
            } else if (key == "allow_partial_failures") {
                if (!read_flag(member.value(), "allow_partial_failures", partial_failures)) return false;
            } else {
                return refuse(shown_name(key), "unknown field \"" + shown_name(key) +
                                                   "\"; allowed are events, allow_backfilling and allow_partial_failures");
            }
        }
        return has_events || refuse("events", "events is missing");
    }

    bool read_flag(ondemand::value value, std::string_view name, bool& flag) {
        bool null = false;
        if (value.is_null().get(null) == simdjson::SUCCESS && null) return true;
        const simdjson::error_code error = value.get_bool().get(flag);
        if (error == simdjson::SUCCESS) return true;
        return refuse(name, std::string(name) + " must be true or false");
    }

    bool read_events(ondemand::array array) {
        // Properties of all events lie in one vector; spans are set when it has stopped growing.
        std::vector<std::pair<std::size_t, std::size_t>> extents;
        for (simdjson::simdjson_result<ondemand::value> result : array) {
            ondemand::value value;
            if (std::move(result).get(value) != simdjson::SUCCESS) return malformed();
            if (events.size() == max_events) {
                return refuse("events", "there are more than " + std::to_string(max_events) +
                                            " events; send them in several requests");
            }
            const std::size_t first = properties.size();
            if (!read_event(value, events.emplace_back())) return malformed();
            extents.emplace_back(first, properties.size() - first);
        }
        if (events.empty()) return refuse("events", "events is empty; send 1 to " + std::to_string(max_events));
        for (std::size_t i = 0; i < events.size(); ++i) {
            if (!events[i].reason.empty()) continue;
            check_fields(events[i], std::span<Property>(properties).subspan(extents[i].first, extents[i].second),
                         options.derive_ids);
        }
        return true;
    }

    // False only where the document itself is broken.
    bool read_event(ondemand::value value, Event& event) {
        ondemand::object object;
        const simdjson::error_code error = value.get_object().get(object);
        if (error == simdjson::INCORRECT_TYPE) {
            reject(event, "", "an event must be a JSON object");
            return true;
        }
        if (error != simdjson::SUCCESS) return false;
        EventFields seen;
        for (simdjson::simdjson_result<ondemand::field> result : object) {
            ondemand::field member;
            std::string_view key;
            if (std::move(result).get(member) != simdjson::SUCCESS) return false;
            if (member.unescaped_key().get(key) != simdjson::SUCCESS) return false;
            if (!read_member(event, seen, key, member.value())) return false;
        }
        if (!seen.event_id && !options.derive_ids) reject(event, "event_id", "event_id is missing");
        if (!seen.code) reject(event, "code", "code is missing");
        if (!seen.customer_id) {
            reject(event, "customer_id", "customer_id is missing; send \"\" for an event that belongs to no customer");
        }
        return true;
    }

    struct EventFields {
        bool event_id = false, code = false, customer_id = false, source = false, timestamp = false, properties = false;
    };

    bool read_member(Event& event, EventFields& seen, std::string_view key, ondemand::value value) {
        if (key == "event_id") return read_text(event, key, value, seen.event_id, event.event_id);
        if (key == "code") return read_text(event, key, value, seen.code, event.code);
        if (key == "customer_id") return read_text(event, key, value, seen.customer_id, event.customer_id);
        if (key == "source") return read_text(event, key, value, seen.source, event.source);
        if (key == "timestamp") return read_timestamp(event, value, seen.timestamp);
        if (key == "properties") return read_properties(event, value, seen.properties);
        reject(event, shown_name(key),
               "unknown field; an event has event_id, code, customer_id, timestamp, properties and source");
        return true;
    }

    bool read_text(Event& event, std::string_view name, ondemand::value value, bool& seen, std::string_view& text) {
        std::string_view read;
        const Reading reading = read_string(value, read);
        if (reading == Reading::malformed) return false;
        if (seen) reject(event, name, std::string(name) + " is given twice");
        if (reading == Reading::wrong_type)
            reject(
                event, name,
                std::string(name) + " must be a string" + (name == "timestamp" ? " such as \"2024-01-31T13:45:00Z\"" : ""));
        if (reading == Reading::bad_unicode) reject(event, name, std::string(name) + " holds a bad escape sequence");
        if (reading == Reading::ok) {
            seen = true;
            text = read;
        }
        return true;
    }

    bool read_timestamp(Event& event, ondemand::value value, bool& seen) {
        std::string_view text;
        if (!read_text(event, "timestamp", value, seen, text)) return false;
        if (text.empty()) return true;  // absent, null or empty: now
        const std::optional<std::int64_t> instant = parse_rfc3339(text);
        if (!instant) {
            reject(event, "timestamp",
                   "the timestamp is not RFC 3339; write it like 2024-01-31T13:45:00Z or 2024-01-31T13:45:00.123+01:00");
            return true;
        }
        event.ts_microseconds = *instant;
        event.has_timestamp = true;
        return true;
    }

    bool read_properties(Event& event, ondemand::value value, bool& seen) {
        if (seen) reject(event, "properties", "properties is given twice");
        seen = true;
        bool null = false;
        if (value.is_null().get(null) == simdjson::SUCCESS && null) return true;
        ondemand::object object;
        const simdjson::error_code error = value.get_object().get(object);
        if (error == simdjson::INCORRECT_TYPE) {
            reject(event, "properties", "properties must be a JSON object");
            return true;
        }
        if (error != simdjson::SUCCESS) return false;
        const char* begin = nullptr;
        if (document.current_location().get(begin) != simdjson::SUCCESS) return false;
        while (*begin != '{') --begin;  // the parser stands behind the brace, at the first member
        for (simdjson::simdjson_result<ondemand::field> result : object) {
            ondemand::field member;
            Property property;
            if (std::move(result).get(member) != simdjson::SUCCESS) return false;
            if (member.unescaped_key().get(property.key) != simdjson::SUCCESS) return false;
            if (!read_property(event, member.value(), property)) return false;
        }
        // The parser stands at what follows the object.
        const char* end = nullptr;
        if (document.current_location().get(end) != simdjson::SUCCESS) return false;
        while (end[-1] != '}') --end;
        event.properties_json = {begin, static_cast<std::size_t>(end - begin)};
        return true;
    }

    bool read_property(Event& event, ondemand::value value, Property property) {
        ondemand::json_type type{};
        if (value.type().get(type) != simdjson::SUCCESS) return false;
        const auto name = [&property] { return "properties." + shown_name(property.key); };
        if (type == ondemand::json_type::number) {
            property.kind = PropertyKind::number;
            property.text = trimmed(value.raw_json_token());
            if (!is_json_number(property.text)) return false;
            properties.push_back(property);
            return true;
        }
        if (type != ondemand::json_type::string) {
            std::string problem;
            if (!read_nested(value, property, problem)) return false;
            if (!problem.empty()) reject(event, name(), std::move(problem));
            properties.push_back(property);
            return true;
        }
        const Reading reading = read_string(value, property.text);
        if (reading == Reading::malformed) return false;
        if (reading == Reading::bad_unicode) {
            reject(event, name(), "the property holds a bad escape sequence");
        } else {
            properties.push_back(property);
        }
        return true;
    }

    // The parser passes over such a value by its brackets alone: what stands between them is read on its own.
    bool read_nested(ondemand::value value, Property& property, std::string& problem) {
        property.kind = PropertyKind::json;
        if (simdjson::to_json_string(value).get(property.text) != simdjson::SUCCESS) return false;
        property.text = trimmed(property.text);
        const auto readable = static_cast<std::size_t>(json.data() + json.capacity() - property.text.data());
        return nested.read(property.text, readable, problem);
    }

    DocumentOptions options;
    std::string json;  // with room behind it for the parser to read on
    FieldBytes scratch;
    NestedValues nested;
    ondemand::parser parser;
    ondemand::document document;
    std::vector<Event> events;
    std::vector<Property> properties;
    std::deque<std::string> derived_ids;  // events point at these
    bool backfilling = false;
    bool partial_failures = false;
    std::string reason;
    std::string field;
};

EventDocument::EventDocument() : parser_(std::make_unique<Parser>()) {}
EventDocument::~EventDocument() = default;

void EventDocument::read(std::string_view text, const DocumentOptions& options) {
    parser_->read(text, options);
}

const std::vector<Event>& EventDocument::events() const noexcept {
    return parser_->events;
}
bool EventDocument::allow_partial_failures() const noexcept {
    return parser_->partial_failures;
}
const std::string& EventDocument::reason() const noexcept {
    return parser_->reason;
}
const std::string& EventDocument::field() const noexcept {
    return parser_->field;
}

}  // namespace tally
