// Asks the rule about each event of a code that such a metric reads: see kind_check.hpp.
#include "core/ingest/kind_check.hpp"

#include <algorithm>

namespace tally {
namespace {

PropertyValue value_of(const Event& event, std::string_view key) {
    const auto found = std::lower_bound(event.properties.begin(), event.properties.end(), key,
                                        [](const Property& property, std::string_view wanted) { return property.key < wanted; });
    if (found == event.properties.end() || found->key != key) return {};
    return value_of(found->kind, found->text);
}

}  // namespace

void KindCheck::add(std::string code, MetricDefinition definition) {
    MetricRule rule(definition, {}, {});
    metrics_[std::move(code)].push_back({std::move(definition), std::move(rule)});
}

std::string KindCheck::problem(const Metric& metric, const Event& event) const {
    std::vector<PropertyValue> values;
    for (const std::string& key : metric.rule.keys()) values.push_back(value_of(event, key));
    if (metric.rule.judge(values) != Outcome::counted) return {};
    const ReadNumber number = read_number(values[static_cast<std::size_t>(metric.rule.value_key())]);
    return kind_problem(metric.definition, compare_value(number.value, Decimal::make_small(0, 0)));
}

void KindCheck::apply(IngestBatch& batch) const {
    const std::span<BatchEvent> events = batch.events();
    std::string code;
    for (std::size_t at = 0; at < events.size(); ++at) {
        if (events[at].verdict == Verdict::rejected) continue;
        const Event& event = *events[at].event;
        code = event.code;
        const auto readers = metrics_.find(code);
        if (readers == metrics_.end()) continue;
        for (const Metric& metric : readers->second) {
            std::string why = problem(metric, event);
            if (why.empty()) continue;
            batch.reject(at, std::move(why), "properties." + metric.definition.key);
            break;
        }
    }
}

}  // namespace tally
