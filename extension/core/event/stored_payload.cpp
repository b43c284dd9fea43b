// See stored_payload.hpp. Values that are neither strings nor numbers are copied to where simdjson may read past their end.
#include "core/event/stored_payload.hpp"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/event_check.hpp"
#include "core/event/nested_value.hpp"

namespace tally {

struct PayloadReader::Buffers {
    FieldBytes scratch;
    NestedValues nested;
    std::vector<Property> properties;
    std::string texts;

    // The properties, those of nested values with texts that `nested` has read.
    std::span<const Property> read_nested(std::span<const Property> sent) {
        const auto is_nested = [](const Property& property) { return property.kind == PropertyKind::json; };
        if (std::none_of(sent.begin(), sent.end(), is_nested)) return sent;
        nested.clear();
        texts.clear();
        properties.assign(sent.begin(), sent.end());
        std::size_t bytes = 0;
        for (const Property& property : properties)
            if (is_nested(property)) bytes += property.text.size() + simdjson::SIMDJSON_PADDING;
        texts.reserve(bytes);  // they stay where they are
        for (Property& property : properties) {
            if (!is_nested(property)) continue;
            const std::size_t begin = texts.size(), length = property.text.size();
            texts.append(property.text).append(simdjson::SIMDJSON_PADDING, ' ');
            property.text = std::string_view(texts).substr(begin, length);
            std::string problem;
            if (!nested.read(property.text, length + simdjson::SIMDJSON_PADDING, problem) || !problem.empty())
                throw Error(ErrorKind::corrupted, "a property of a stored event is no value that is ever accepted");
        }
        return properties;
    }
};

PayloadReader::PayloadReader() : buffers_(std::make_unique<Buffers>()) {}
PayloadReader::~PayloadReader() = default;

StoredPayload PayloadReader::read(std::string_view code, const StoredEvent& event) {
    const std::span<const Property> properties = buffers_->read_nested(event.properties);
    const auto hash = [&](std::optional<std::int64_t> time) {
        return event_payload(code, time, properties, buffers_->nested, buffers_->scratch);
    };
    return {hash(event.ts), hash(std::nullopt)};
}

}  // namespace tally
