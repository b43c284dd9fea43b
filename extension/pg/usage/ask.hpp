// From a call's arguments to an answer: whose metric, what is asked, and the states of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/usage/question.hpp"

#include "pg/usage/arguments.hpp"
#include "pg/usage/as_of.hpp"
#include "pg/usage/metric_row.hpp"

namespace tally {

// The metric that a call names by its id or code, of the tenant that the caller acts for.
MeteredMetric metric_of_caller(FunctionCallInfo fcinfo, int number);

// The metric of a row that a call passes, once the caller's right to its tenant has been checked.
MeteredMetric metric_argument(FunctionCallInfo fcinfo, int number);
std::vector<MeteredMetric> metrics_argument(FunctionCallInfo fcinfo, int number);

// What is asked besides the metric; each kind of call fills what it takes.
struct Asked {
    TimeRange range;
    WindowArguments windows;
    bool all_customers = true;
    std::vector<std::string> customers;
    GroupBy group_by;
    bool by_dimensions = true;
    Filter filter;
    std::optional<AsOf> as_of;

    // Names that are NULL name nobody; without any name all customers are asked for.
    void name_customers(const std::vector<std::optional<std::string>>& names);
};

// A rule and the answer by it, which refers to it; nothing has been read yet.
struct MetricCount {
    MetricCount(const MeteredMetric& metric, const Asked& asked, MemoryLimit limit);
    MetricCount(const MeteredMetric& metric, const Windows& windows, const Measures& measures);  // all events, ungrouped
    MetricCount(const MetricCount&) = delete;
    MetricCount& operator=(const MetricCount&) = delete;

    MetricRule rule;
    UsageCount count;
};

// The same once its events have been read, in a pass of its own.
struct Counted : MetricCount {
    Counted(const MeteredMetric& metric, const Asked& asked);
    Counted(const MeteredMetric& metric, const Windows& windows, const Measures& measures, const std::optional<AsOf>& as_of);
};

}  // namespace tally
