// Kinds of metrics at the door: which values they take, whatever way the values come in.
//
// The rule (core/metric/rule.hpp) holds for events that a metric counts: those of its code, within its segments, with a number
// under its key. An event without such a number is stored and skipped, as for every metric.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ingest/ingest_batch.hpp"
#include "core/metric/rule.hpp"

namespace tally {

class KindCheck {
public:
    // A metric of kind base or dual that is in use. The first that refuses an event is named.
    void add(std::string code, MetricDefinition definition);

    bool empty() const noexcept { return metrics_.empty(); }

    // Rejects the events of a batch that a metric's kind refuses. Before batch.seal().
    void apply(IngestBatch& batch) const;

private:
    struct Metric {
        MetricDefinition definition;
        MetricRule rule;
    };
    std::string problem(const Metric& metric, const Event& event) const;

    std::unordered_map<std::string, std::vector<Metric>> metrics_;
};

}  // namespace tally
