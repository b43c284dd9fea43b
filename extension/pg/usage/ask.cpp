// The gate is passed before anything is read.
#include <algorithm>

#include "pg/border/gate.hpp"
#include "pg/usage/pass.hpp"

#include "pg/usage/ask.hpp"

namespace tally {
namespace {

void count_metric(const MeteredMetric& metric, UsageCount& count) {
    UsageCount* const counts[] = {&count};
    count_events(metric.tenant, metric.code, counts);
}

}  // namespace

MeteredMetric metric_of_caller(FunctionCallInfo fcinfo, int number) {
    const std::int32_t tenant = call_pg([] { return tenant_for_caller(); });
    return metric_of_row(find_metric(tenant, text_argument(fcinfo, number)));
}

// Anybody can make up such a row: it gives no right to its tenant.
MeteredMetric metric_argument(FunctionCallInfo fcinfo, int number) {
    HeapTupleHeader const row = call_pg([&] { return PG_GETARG_HEAPTUPLEHEADER(number); });
    MeteredMetric metric = metric_of_row(row);
    call_pg([&] { tenant_for_caller(metric.tenant); });
    return metric;
}

void Asked::name_customers(const std::vector<std::optional<std::string>>& names) {
    for (const std::optional<std::string>& name : names)
        if (name) customers.push_back(*name);
    std::sort(customers.begin(), customers.end());
    customers.erase(std::unique(customers.begin(), customers.end()), customers.end());
    all_customers = customers.empty();
}

Counted::Counted(const MeteredMetric& metric, const Asked& asked)
    : rule(metric.definition, asked.filter, asked.group_by.properties),
      count({&rule, windows_argument(asked.range, asked.window, asked.time_zone), asked.group_by.by_customer,
             asked.by_dimensions, asked.all_customers, asked.customers, measures_of(metric.definition.aggregation)},
            usage_memory()) {
    count_metric(metric, count);
}

Counted::Counted(const MeteredMetric& metric, const Windows& windows, const Measures& measures)
    : rule(metric.definition, {}, {}), count({&rule, windows, false, false, true, {}, measures}, usage_memory()) {
    count_metric(metric, count);
}

}  // namespace tally
