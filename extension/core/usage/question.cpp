// Events one after the other: the road of recent events, and what the columns are tested against.
#include "core/usage/question.hpp"

#include <algorithm>

#include "core/usage/value_cells.hpp"

namespace tally {

UsageCount::UsageCount(const Question& question, MemoryLimit limit)
    : question_(question),
      groups_(question.measures, question.by_dimensions ? question.rule->dimensions().size() : 0, limit) {}

void UsageCount::add(std::string_view customer, std::int64_t ts, std::int64_t seq, std::span<const PropertyValue> values) {
    const MetricRule& rule = *question_.rule;
    const Outcome outcome = rule.judge(values);
    if (outcome == Outcome::filtered || outcome == Outcome::outside_matrix) return;
    const std::uint32_t group = group_for(customer, ts, values);
    EventCounts& counts = groups_.states().counts(group);
    ++counts.matched;
    ++recent_events_;
    if (outcome != Outcome::counted) return;
    ++counts.counted;
    if (rule.value_key() >= 0) add_value(group, values[static_cast<std::size_t>(rule.value_key())], ts, seq);
}

std::uint32_t UsageCount::group_for(std::string_view customer, std::int64_t ts, std::span<const PropertyValue> values) {
    dimension_values_.clear();
    if (question_.by_dimensions) {
        for (const int dimension : question_.rule->dimensions()) {
            const std::optional<std::string> text = value_text(values[static_cast<std::size_t>(dimension)]);
            dimension_values_.push_back(text ? groups_.texts().number_of(*text) : 0);
        }
    }
    return groups_.group_of({question_.windows.window_of(ts),
                             question_.by_customer ? groups_.texts().number_of(customer) : 0,
                             groups_.combination_of(dimension_values_)});
}

void UsageCount::add_value(std::uint32_t group, const PropertyValue& value, std::int64_t ts, std::int64_t seq) {
    UsageStates& states = groups_.states();
    if (states.measures().distinct) {
        const SetKey key = key_of_value(value);
        states.add_keys(group, {&key, 1}, groups_.limit());
        return;
    }
    if (!states.measures().numbers()) return;
    std::int64_t coefficient = 0;
    std::int32_t scale = 0;
    if (read_small_number(value, coefficient, scale)) {
        states.add(group, coefficient, scale, ts, seq);
        return;
    }
    const ReadNumber number = read_number(value);
    groups_.add(group, number.value, ts, seq);
}

}  // namespace tally
