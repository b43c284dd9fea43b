// The rule of rule.hpp.
#include "core/metric/rule.hpp"

#include <algorithm>

#include "core/base/number_text.hpp"

namespace tally {
namespace {

bool has_value(const PropertyValue& value) {
    return value.kind != PropertyValue::Kind::absent && !value.is_null() &&
           !(value.kind == PropertyValue::Kind::text && value.text.empty());
}

}  // namespace

void ValueSet::add(std::string_view text) {
    texts_.emplace(text);
    if (!number_problem(text)) numbers_.insert(shortest_number(text));
}

bool ValueSet::holds(const PropertyValue& value) const {
    switch (value.kind) {
        case PropertyValue::Kind::text: return !value.text.empty() && texts_.contains(value.text);
        case PropertyValue::Kind::number: return !numbers_.empty() && numbers_.contains(shortest_number(value.text));
        case PropertyValue::Kind::json: return value.is_boolean() && texts_.contains(value.text);
        case PropertyValue::Kind::absent: return false;
    }
    return false;
}

MetricRule::MetricRule(const MetricDefinition& definition, const Filter& filter, std::span<const std::string> group_by)
    : aggregation_(definition.aggregation), matrix_type_(definition.matrix.type) {
    set_matrix(definition.matrix);
    const auto add_dimension = [&](const std::string& key, std::string_view field) {
        const int position = position_of(key, field);
        if (std::find(dimensions_.begin(), dimensions_.end(), position) == dimensions_.end())
            dimensions_.push_back(position);
    };
    if (!definition.usage_group_key.empty()) add_dimension(definition.usage_group_key, "usage_group_key");
    for (const std::string& key : group_by) add_dimension(key, "group_by");
    if (aggregation_ != Aggregation::count) value_key_ = position_of(definition.key, "aggregation_key");
    for (const MetricFilter& own : definition.filters) add_condition(own.key, "filters", own.is_negative, own.values);
    for (const Filter::Entry& entry : filter.entries) add_condition(entry.key, "filter", false, entry.values);
}

void MetricRule::add_condition(const std::string& key, std::string_view field, bool is_negative,
                               std::span<const std::string> values) {
    Condition& condition = filters_[static_cast<std::size_t>(position_of(key, field))].emplace_back();
    condition.is_negative = is_negative;
    for (const std::string& value : values) condition.set.add(value);
}

void MetricRule::set_matrix(const SegmentationMatrix& matrix) {
    if (matrix.type == SegmentationMatrix::Type::none) return;
    dimensions_.push_back(position_of(matrix.key1, "segmentation_matrix"));
    matrix_dimensions_ = 1;
    if (matrix.type != SegmentationMatrix::Type::single) {
        dimensions_.push_back(position_of(matrix.key2, "segmentation_matrix"));
        matrix_dimensions_ = 2;
    }
    for (const std::string& value : matrix.values1) matrix_first_.add(value);
    for (const std::string& value : matrix.values2) matrix_second_.add(value);
    for (const auto& [value, list] : matrix.links) {
        Link& link = links_.emplace_back();
        link.first.add(value);
        link.any = list.empty();
        for (const std::string& other : list) link.second.add(other);
    }
}

int MetricRule::position_of(const std::string& key, std::string_view field) {
    const auto found =
        std::find_if(keys_.begin(), keys_.end(), [&](const PropertyKey& known) { return known.text() == key; });
    if (found != keys_.end()) return static_cast<int>(found - keys_.begin());
    keys_.push_back(PropertyKey::parse(key, field));
    filters_.emplace_back();
    return static_cast<int>(keys_.size()) - 1;
}

bool MetricRule::filter_accepts(int key, const PropertyValue& value) const {
    const auto holds = [&](const Condition& condition) {
        return condition.is_negative ? has_value(value) && !condition.set.holds(value) : condition.set.holds(value);
    };
    const std::vector<Condition>& conditions = filters_[static_cast<std::size_t>(key)];
    return std::all_of(conditions.begin(), conditions.end(), holds);
}

bool MetricRule::matrix_accepts(const PropertyValue& first, const PropertyValue& second) const {
    switch (matrix_type_) {
        case SegmentationMatrix::Type::none: return true;
        case SegmentationMatrix::Type::single: return matrix_first_.holds(first);
        case SegmentationMatrix::Type::twofold: return matrix_first_.holds(first) && matrix_second_.holds(second);
        case SegmentationMatrix::Type::linked:
            return std::any_of(links_.begin(), links_.end(), [&](const Link& link) {
                return link.first.holds(first) && (link.any || link.second.holds(second));
            });
    }
    return false;
}

Outcome MetricRule::value_outcome(const PropertyValue& value) const {
    if (aggregation_ == Aggregation::count) return Outcome::counted;
    if (value.kind == PropertyValue::Kind::absent) return Outcome::missing;
    if (value.is_null() || (value.kind == PropertyValue::Kind::text && value.text.empty())) return Outcome::empty;
    if (aggregation_ == Aggregation::count_distinct)
        return value.kind == PropertyValue::Kind::json && !value.is_boolean() ? Outcome::not_a_value : Outcome::counted;
    if (value.kind == PropertyValue::Kind::json || number_problem(value.text)) return Outcome::not_a_number;
    return Outcome::counted;
}

Outcome MetricRule::judge(std::span<const PropertyValue> values) const {
    for (std::size_t key = 0; key < keys_.size(); ++key)
        if (!filter_accepts(static_cast<int>(key), values[key])) return Outcome::filtered;
    const auto dimension = [&](int which) {
        return which < matrix_dimensions_ ? values[static_cast<std::size_t>(dimensions_[static_cast<std::size_t>(which)])]
                                          : PropertyValue{};
    };
    if (matrix_dimensions_ > 0 && !matrix_accepts(dimension(0), dimension(1))) return Outcome::outside_matrix;
    return value_key_ < 0 ? Outcome::counted : value_outcome(values[static_cast<std::size_t>(value_key_)]);
}

std::optional<std::string> value_text(const PropertyValue& value) {
    if (value.kind == PropertyValue::Kind::number) return shortest_number(value.text);
    if ((value.kind == PropertyValue::Kind::text && !value.text.empty()) || value.is_boolean())
        return std::string(value.text);
    return std::nullopt;
}

ReadNumber read_number(const PropertyValue& value) {
    ReadNumber number;
    if (value.kind == PropertyValue::Kind::absent) {
        number.outcome = Outcome::missing;
    } else if (value.is_null() || (value.kind == PropertyValue::Kind::text && value.text.empty())) {
        number.outcome = Outcome::empty;
    } else if (value.kind == PropertyValue::Kind::json || number_problem(value.text)) {
        number.outcome = Outcome::not_a_number;
    } else {
        const std::string plain = plain_number(value.text);
        number.room.resize(plain.size() + 8);
        number.value = parse_decimal(plain, number.room.data());
    }
    return number;
}

bool read_small_number(const PropertyValue& value, std::int64_t& coefficient, std::int32_t& scale) noexcept {
    if (value.kind != PropertyValue::Kind::number && value.kind != PropertyValue::Kind::text) return false;
    std::string_view text = value.text;
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    if (text.empty() || text.size() > 19) return false;
    std::int64_t digits = 0;
    std::int32_t after = -1, count = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') {
            digits = digits * 10 + (c - '0');
            ++count;
            after += after >= 0;
        } else if (c == '.' && after < 0) {
            after = 0;
        } else {
            return false;
        }
    }
    if (count == 0 || count > 18 || after == 0 || text.front() == '.') return false;
    coefficient = negative ? -digits : digits;
    scale = after < 0 ? 0 : after;
    return true;
}

std::string reason_text(Outcome outcome, std::string_view key) {
    const std::string property = "property \"" + std::string(key) + '"';
    switch (outcome) {
        case Outcome::counted: return {};
        case Outcome::filtered: return "left out by a filter";
        case Outcome::outside_matrix: return "outside the segmentation matrix";
        case Outcome::missing: return property + " is missing";
        case Outcome::empty: return property + " is empty";
        case Outcome::not_a_number: return property + " is not a number";
        case Outcome::not_a_value: return property + " is an object or an array";
    }
    return {};
}

std::string kind_problem(const MetricDefinition& definition, int sign) {
    const std::string metric = "metric \"" + definition.name + "\" is of kind ";
    if (definition.kind == MetricKind::base && sign <= 0) return metric + "base: value must be greater than 0";
    if (definition.kind == MetricKind::dual && sign == 0) return metric + "dual: value must not be 0";
    return {};
}

}  // namespace tally
