// Asks the rule about each event of a code that a metric with a kind reads: see metric_check.hpp.
#include "core/ingest/metric_check.hpp"

#include <algorithm>

namespace tally {
namespace {

PropertyValue property_of(const Event& event, std::string_view name) {
    const auto found =
        std::lower_bound(event.properties.begin(), event.properties.end(), name,
                         [](const Property& property, std::string_view wanted) { return property.key < wanted; });
    if (found == event.properties.end() || found->key != name) return {};
    return value_of(found->kind, found->text);
}

}  // namespace

std::vector<std::string_view> codes_of(const IngestBatch& batch) {
    std::unordered_set<std::string_view> codes;
    std::string_view last;  // most events of a batch have the code of the one before; no code is empty
    for (const BatchEvent& event : batch.events()) {
        if (event.verdict == Verdict::rejected || event.event->code == last) continue;
        last = event.event->code;
        codes.insert(last);
    }
    return {codes.begin(), codes.end()};
}

void MetricCheck::add(std::string code, MetricDefinition definition) {
    codes_.insert(code);
    MetricRule rule(definition, {}, {});
    metrics_[std::move(code)].push_back({std::move(definition), std::move(rule)});
}

std::string MetricCheck::problem(const Metric& metric, const Event& event) const {
    std::vector<PropertyValue> values;
    std::vector<PathReader> readers(metric.rule.keys().size());  // each keeps the text that it has read
    for (const PropertyKey& key : metric.rule.keys())
        values.push_back(
            value_at(key, readers[values.size()], [&](const std::string& name) { return property_of(event, name); }));
    if (metric.rule.judge(values) != Outcome::counted) return {};
    const ReadNumber number = read_number(values[static_cast<std::size_t>(metric.rule.value_key())]);
    return kind_problem(metric.definition, compare_value(number.value, Decimal::make_small(0, 0)));
}

void MetricCheck::apply(IngestBatch& batch) const {
    if (!metrics_.empty()) reject_by_kind(batch);
    std::string code;
    bool is_read = false;
    for (BatchEvent& event : batch.events()) {
        if (event.verdict == Verdict::rejected) continue;
        if (event.event->code != code) {
            code = event.event->code;
            is_read = codes_.contains(code);
        }
        event.is_unmatched = !is_read;
    }
}

void MetricCheck::reject_by_kind(IngestBatch& batch) const {
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
