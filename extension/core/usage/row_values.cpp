// simdjson on demand over a padded copy: numbers keep their digits, they never become a double.
#include "core/usage/row_values.hpp"

#include <simdjson.h>

#include <algorithm>

#include "core/base/error.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view token) {
    while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r'))
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
        case ondemand::json_type::string: return {PropertyValue::Kind::text, get(value.get_string())};
        case ondemand::json_type::number: return {PropertyValue::Kind::number, trimmed(value.raw_json_token())};
        default: return {PropertyValue::Kind::json, trimmed(get(simdjson::to_json_string(value)))};
    }
}

}  // namespace

struct RowValues::Parser {
    ondemand::parser parser;
    std::string padded;
};

RowValues::RowValues(std::vector<PropertyKey> keys)
    : keys_(std::move(keys)), readers_(keys_.size()), values_(keys_.size()), parser_(std::make_unique<Parser>()) {
    for (const PropertyKey& key : keys_) {
        const std::size_t property = add_name(key.property());
        places_.push_back({key.may_be_name() ? add_name(key.text()) : property, property});
    }
    properties_.resize(names_.size());
}

std::size_t RowValues::add_name(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
    names_.push_back(name);
    return names_.size() - 1;
}

RowValues::~RowValues() = default;

PropertyValue RowValues::value_of_key(std::size_t key) {
    const PropertyValue& property = properties_[places_[key].property];
    if (!keys_[key].is_path()) return property;
    return value_at(keys_[key], readers_[key], [&](const std::string& name) {
        return &name == &keys_[key].text() ? properties_[places_[key].named] : property;
    });
}

std::span<const PropertyValue> RowValues::read(std::string_view json) {
    if (keys_.empty()) return values_;
    std::fill(properties_.begin(), properties_.end(), PropertyValue{});
    std::string& padded = parser_->padded;
    padded.assign(json);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    ondemand::document document = get(parser_->parser.iterate(padded.data(), json.size(), padded.size()));
    std::size_t missing = names_.size();
    for (auto member : get(document.get_object())) {
        ondemand::field field = get(std::move(member));
        const std::string_view name = get(field.unescaped_key());
        const auto wanted = std::find(names_.begin(), names_.end(), name);
        if (wanted == names_.end()) continue;
        properties_[static_cast<std::size_t>(wanted - names_.begin())] = value_of(field.value());
        if (--missing == 0) break;  // names are distinct
    }
    for (std::size_t key = 0; key < keys_.size(); ++key) values_[key] = value_of_key(key);
    return values_;
}

}  // namespace tally
