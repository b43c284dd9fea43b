// The gate is passed before anything is read.
#include <algorithm>

#include "pg/border/gate.hpp"
#include "pg/usage/pass.hpp"

#include "pg/usage/ask.hpp"

namespace tally {
namespace {

void count_metric(const MeteredMetric& metric, UsageCount& count, const std::optional<AsOf>& as_of) {
    UsageCount* const counts[] = {&count};
    PassPlaces places;
    if (as_of) places.known = &as_of->known;
    count_events(metric.tenant, metric.code, counts, places);
}

// Anybody can make up such a row: it gives no right to its tenant.
MeteredMetric passed_metric(HeapTupleHeader row) {
    MeteredMetric metric = metric_of_row(row);
    call_pg([&] { tenant_for_caller(metric.tenant); });
    return metric;
}

}  // namespace

MeteredMetric metric_of_caller(FunctionCallInfo fcinfo, int number) {
    const std::int32_t tenant = call_pg([] { return tenant_for_caller(); });
    return metric_of_row(find_metric(tenant, text_argument(fcinfo, number)));
}

MeteredMetric metric_argument(FunctionCallInfo fcinfo, int number) {
    return passed_metric(call_pg([&] {
        if (PG_ARGISNULL(number)) refuse_argument("metric", "metric must not be NULL");
        return PG_GETARG_HEAPTUPLEHEADER(number);
    }));
}

std::vector<MeteredMetric> metrics_argument(FunctionCallInfo fcinfo, int number) {
    Datum* rows = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    call_pg([&] {
        if (PG_ARGISNULL(number)) refuse_argument("metrics", "metrics must not be NULL");
        ArrayType* const array = PG_GETARG_ARRAYTYPE_P(number);
        deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &rows, &nulls, &count);
    });
    std::vector<MeteredMetric> metrics;
    for (int i = 0; i < count; ++i) {
        if (nulls[i]) call_pg([] { refuse_argument("metrics", "metrics must not be NULL"); });
        metrics.push_back(passed_metric(call_pg([&] { return DatumGetHeapTupleHeader(rows[i]); })));
    }
    return metrics;
}

void Asked::name_customers(const std::vector<std::optional<std::string>>& names) {
    for (const std::optional<std::string>& name : names)
        if (name) customers.push_back(*name);
    std::sort(customers.begin(), customers.end());
    customers.erase(std::unique(customers.begin(), customers.end()), customers.end());
    all_customers = customers.empty();
}

MetricCount::MetricCount(const MeteredMetric& metric, const Asked& asked, MemoryLimit limit)
    : rule(metric.definition, asked.filter, asked.group_by.properties),
      count({&rule, windows_argument(asked.range, asked.windows), asked.group_by.by_customer, asked.by_dimensions,
             asked.all_customers, asked.customers, measures_of(metric.definition.aggregation)},
            limit) {}

MetricCount::MetricCount(const MeteredMetric& metric, const Windows& windows, const Measures& measures)
    : rule(metric.definition, {}, {}), count({&rule, windows, false, false, true, {}, measures}, usage_memory()) {}

Counted::Counted(const MeteredMetric& metric, const Asked& asked) : MetricCount(metric, asked, usage_memory()) {
    count_metric(metric, count, asked.as_of);
}

Counted::Counted(const MeteredMetric& metric, const Windows& windows, const Measures& measures,
                 const std::optional<AsOf>& as_of)
    : MetricCount(metric, windows, measures) {
    count_metric(metric, count, as_of);
}

}  // namespace tally
