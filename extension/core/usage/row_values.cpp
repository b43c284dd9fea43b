// simdjson on demand over a padded copy: numbers keep their digits, they never become a double.
#include "core/usage/row_values.hpp"

#include <simdjson.h>

#include <algorithm>

#include "core/base/error.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view token) {
    while (!token.empty() &&
           (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r'))
        token.remove_suffix(1);
    return token;
}

template <typename Value>
Value get(simdjson::simdjson_result<Value>&& result) {
    Value value;
    if (std::move(result).get(value) != simdjson::SUCCESS)
        throw Error(ErrorKind::corrupted, "the properties of a stored event are no JSON object");
    return value;
}

PropertyValue value_of(ondemand::value value) {
    switch (get(value.type())) {
        case ondemand::json_type::string:
            return {PropertyValue::Kind::text, get(value.get_string())};
        case ondemand::json_type::number:
            return {PropertyValue::Kind::number, trimmed(value.raw_json_token())};
        default:
            return {PropertyValue::Kind::json, {}};
    }
}

}  // namespace

struct RowValues::Parser {
    ondemand::parser parser;
    std::string padded;
};

RowValues::RowValues(std::vector<std::string> keys)
    : keys_(std::move(keys)), values_(keys_.size()), parser_(std::make_unique<Parser>()) {}

RowValues::~RowValues() = default;

std::span<const PropertyValue> RowValues::read(std::string_view json) {
    std::fill(values_.begin(), values_.end(), PropertyValue{});
    if (keys_.empty()) return values_;
    std::string& padded = parser_->padded;
    padded.assign(json);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    ondemand::document document = get(parser_->parser.iterate(padded.data(), json.size(), padded.size()));
    std::size_t missing = keys_.size();
    for (auto member : get(document.get_object())) {
        ondemand::field field = get(std::move(member));
        const std::string_view name = get(field.unescaped_key());
        const auto key = std::find(keys_.begin(), keys_.end(), name);
        if (key == keys_.end()) continue;
        values_[static_cast<std::size_t>(key - keys_.begin())] = value_of(field.value());
        if (--missing == 0) break;  // keys are distinct
    }
    return values_;
}

}  // namespace tally
