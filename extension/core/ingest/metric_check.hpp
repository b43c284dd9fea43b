// What a tenant's metrics have to say about events at the door: which values their kinds take, whatever way the values
// come in, and which codes none of them reads.
//
// The rule (core/metric/rule.hpp) holds for events that a metric counts: those of its code, within its segments, with a
// number under its key. An event without such a number is stored and skipped, as for every metric.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/ingest/ingest_batch.hpp"
#include "core/metric/rule.hpp"

namespace tally {

// The codes of the events of a batch that may be stored, each once: metrics of other codes need not be known.
std::vector<std::string_view> codes_of(const IngestBatch& batch);

class MetricCheck {
public:
    // A metric that is in use reads this code.
    void add(std::string code) { codes_.insert(std::move(code)); }
    // One of kind base or dual. The first that refuses an event is named.
    void add(std::string code, MetricDefinition definition);

    // Rejects the events of a batch that a metric's kind refuses, and marks those whose code no metric reads. Before
    // batch.seal().
    void apply(IngestBatch& batch) const;

private:
    struct Metric {
        MetricDefinition definition;
        MetricRule rule;
    };
    std::string problem(const Metric& metric, const Event& event) const;
    void reject_by_kind(IngestBatch& batch) const;

    std::unordered_set<std::string> codes_;
    std::unordered_map<std::string, std::vector<Metric>> metrics_;
};

}  // namespace tally
