// Reads properties with simdjson's on-demand parser, which leaves numbers as the text that was sent.
#include "core/event/stored_event.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/json_string.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

[[noreturn]] void fail() {
    throw Error(ErrorKind::corrupted, "the properties of a stored event are not a JSON object of distinct names");
}

std::string_view without_blanks(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

}  // namespace

bool stored_before(const StoredEvent& left, const StoredEvent& right) noexcept {
    if (const int order = left.customer_id.compare(right.customer_id); order != 0) return order < 0;
    return left.ts != right.ts ? left.ts < right.ts : left.seq < right.seq;
}

struct PropertiesReader::Parser {
    ondemand::parser parser;
    std::vector<char> padded;
    std::vector<Property> properties;

    void read_object(std::string_view json, TextArena& arena) {
        if (padded.size() < json.size() + simdjson::SIMDJSON_PADDING)
            padded.resize(2 * json.size() + simdjson::SIMDJSON_PADDING);
        if (!json.empty()) std::memcpy(padded.data(), json.data(), json.size());
        ondemand::document document;
        ondemand::object object;
        properties.clear();
        if (parser.iterate(padded.data(), json.size(), padded.size()).get(document) != simdjson::SUCCESS ||
            document.get_object().get(object) != simdjson::SUCCESS)
            fail();
        for (simdjson::simdjson_result<ondemand::field> result : object) {
            ondemand::field member;
            std::string_view key;
            if (std::move(result).get(member) != simdjson::SUCCESS || member.unescaped_key().get(key) != simdjson::SUCCESS)
                fail();
            Property property = read_value(member.value(), arena);
            property.key = arena.keep(key);
            properties.push_back(property);
        }
        const char* rest = nullptr;
        if (document.current_location().get(rest) == simdjson::SUCCESS) fail();
    }

    static Property read_value(ondemand::value value, TextArena& arena) {
        ondemand::json_type type{};
        std::string_view text;
        if (value.type().get(type) != simdjson::SUCCESS) fail();
        if (type == ondemand::json_type::string) {
            if (value.get_string().get(text) != simdjson::SUCCESS) fail();
            return {{}, arena.keep(text), PropertyKind::text};
        }
        if (type == ondemand::json_type::number)
            return {{}, arena.keep(without_blanks(value.raw_json_token())), PropertyKind::number};
        if (simdjson::to_json_string(value).get(text) != simdjson::SUCCESS) fail();
        return {{}, arena.keep(without_blanks(text)), PropertyKind::json};
    }
};

PropertiesReader::PropertiesReader() : parser_(std::make_unique<Parser>()) {}
PropertiesReader::~PropertiesReader() = default;

std::span<const Property> PropertiesReader::read(std::string_view json, TextArena& arena) {
    if (json == "{}") return {};
    parser_->read_object(json, arena);
    std::vector<Property>& found = parser_->properties;
    const auto by_key = [](const Property& left, const Property& right) { return left.key < right.key; };
    if (!std::is_sorted(found.begin(), found.end(), by_key)) std::sort(found.begin(), found.end(), by_key);
    const auto same_key = [](const Property& left, const Property& right) { return left.key == right.key; };
    if (std::adjacent_find(found.begin(), found.end(), same_key) != found.end()) fail();
    const std::span<Property> kept = arena.array<Property>(found.size());
    std::copy(found.begin(), found.end(), kept.begin());
    return kept;
}

void append_properties(std::string& json, std::span<const Property> properties) {
    json += '{';
    for (const Property& property : properties) {
        if (&property != properties.data()) json += ',';
        append_json_string(json, property.key);
        json += ':';
        if (property.kind == PropertyKind::text) {
            append_json_string(json, property.text);
        } else {
            json += property.text;
        }
    }
    json += '}';
}

}  // namespace tally
