// What is asked of the engine, and the answer as it grows: events in, one after the other or by columns, states out.
//
// A question is one metric's: its rule (with the filter and the groups of whoever asks), windows of time, and
// customers. Several questions about events of one code are answered in one pass: each gets every event.
#pragma once

#include <string>
#include <vector>

#include "core/metric/rule.hpp"
#include "core/usage/groups.hpp"
#include "core/usage/windows.hpp"

namespace tally {

struct Question {
    const MetricRule* rule = nullptr;
    Windows windows;
    bool by_customer = false;
    bool by_dimensions = true;  // false: one group of all dimension values
    bool all_customers = true;
    std::vector<std::string> customers;  // where not all: ascending, each once
    Measures measures;                   // at least what the aggregation needs
};

// An answer in the making. Only what the rule says is counted; nothing here decides which events count.
class UsageCount {
public:
    UsageCount(const Question& question, MemoryLimit limit);

    const Question& question() const noexcept { return question_; }
    UsageGroups& groups() noexcept { return groups_; }
    const UsageGroups& groups() const noexcept { return groups_; }

    // One recent event of the code, not voided, whose ts the windows hold and whose customer is wanted. `values` are
    // those of the rule's keys.
    void add(std::string_view customer, std::int64_t ts, std::int64_t seq, std::span<const PropertyValue> values);

    // How many of the events that filter and matrix let in were recent ones; all others come out of segments.
    std::int64_t recent_events() const noexcept { return recent_events_; }

private:
    std::uint32_t group_for(std::string_view customer, std::int64_t ts, std::span<const PropertyValue> values);
    void add_value(std::uint32_t group, const PropertyValue& value, std::int64_t ts, std::int64_t seq);

    Question question_;
    UsageGroups groups_;
    std::vector<std::uint32_t> dimension_values_;
    std::int64_t recent_events_ = 0;
};

}  // namespace tally
