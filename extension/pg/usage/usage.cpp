// The engine's faces in SQL: usage of a metric in rows, and as one total; of all metrics of a code in one pass.
//
// Who asks passes the gate before anything is read: the tenant that the caller acts for, or the one of the metric that
// is passed.
#include <memory>

#include "pg/usage/pass.hpp"

#include "pg/border/rows.hpp"
#include "pg/usage/ask.hpp"
#include "pg/usage/usage_rows.hpp"
#include "pg/usage/window.hpp"

namespace {

using namespace tally;

void require_one_code(const std::vector<MeteredMetric>& metrics) {
    for (const MeteredMetric& metric : metrics)
        if (metric.tenant != metrics.front().tenant || metric.code != metrics.front().code)
            throw Error(ErrorKind::invalid_argument, "metrics must be of one tenant and read one code",
                        "Ask for those of each code by themselves.", "metrics");
}

// A row (value, converted_value, events, skipped) of all that is asked for.
Datum total_row(FunctionCallInfo fcinfo, const MeteredMetric& metric, Asked& asked) {
    asked.by_dimensions = false;  // groups would be put together again
    Counted counted(metric, asked);
    Datum values[total_columns];
    bool nulls[total_columns];
    total_values(metric, counted.count, values, nulls);
    return call_pg([&] {
        TupleDesc shape = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) elog(ERROR, "a total must return a row");
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
    });
}

}  // namespace

// tally.usage(metric, "from", "to", customer, "window", time_zone, group_by, filter, fill, anchor, week_start,
// start_date, end_date, as_of) -> rows
TALLY_FUNCTION(usage) {
    return guarded([&]() -> Datum {
        MeteredMetric metric = metric_of_caller(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, either_argument(fcinfo, 1, 11, "from", "start_date"),
                                      either_argument(fcinfo, 2, 12, "to", "end_date"));
        asked.name_customers({text_argument(fcinfo, 3)});
        asked.windows = {text_argument(fcinfo, 4), text_argument(fcinfo, 5), text_argument(fcinfo, 10),
                         anchor_argument(fcinfo, 9)};
        asked.group_by = group_by_argument(fcinfo, 6);
        asked.filter = filter_argument(fcinfo, 7);
        asked.as_of = find_as_of(metric.tenant, text_argument(fcinfo, 13));
        metric = metric_as_of(metric, asked.as_of);
        Counted counted(metric, asked);
        ReturnSetInfo* const rows = call_pg([&] { return begin_rows(fcinfo); });
        put_usage_rows(rows, metric, counted.count,
                       {UsageShape::rows, flag_argument(fcinfo, 8), asked.windows.width.has_value()});
        return Datum{0};
    });
}

// tally._usage_of_code(metrics tally.metric[], "from", "to", customers, as_of) -> for each metric its rows and a total
TALLY_FUNCTION(usage_of_code) {
    return guarded([&]() -> Datum {
        std::vector<MeteredMetric> metrics = metrics_argument(fcinfo, 0);
        require_one_code(metrics);
        std::optional<AsOf> as_of;
        if (!metrics.empty()) as_of = find_as_of(metrics.front().tenant, text_argument(fcinfo, 4));
        for (MeteredMetric& metric : metrics) metric = metric_as_of(metric, as_of);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers(texts_argument(fcinfo, 3));
        MemoryPool memory{usage_memory_bytes()};
        std::vector<std::unique_ptr<MetricCount>> answers;
        std::vector<UsageCount*> counts;
        for (const MeteredMetric& metric : metrics) {
            answers.push_back(std::make_unique<MetricCount>(metric, asked, MemoryLimit(&memory)));
            counts.push_back(&answers.back()->count);
        }
        ReturnSetInfo* const rows = call_pg([&] { return begin_rows(fcinfo); });
        if (metrics.empty()) return Datum{0};
        PassPlaces places;
        if (as_of) places.known = &as_of->known;
        count_events(metrics.front().tenant, metrics.front().code, counts, places);
        for (std::size_t i = 0; i < metrics.size(); ++i)
            put_usage_rows(rows, metrics[i], *counts[i],
                           {UsageShape::rows_of_metrics, false, false, static_cast<std::int32_t>(i) + 1});
        return Datum{0};
    });
}

// tally.usage_total(metric, "from", "to", customer, filter, start_date, end_date, as_of) -> (value, converted_value,
// events, skipped)
TALLY_FUNCTION(usage_total) {
    return guarded([&]() -> Datum {
        MeteredMetric metric = metric_of_caller(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, either_argument(fcinfo, 1, 5, "from", "start_date"),
                                      either_argument(fcinfo, 2, 6, "to", "end_date"));
        asked.name_customers({text_argument(fcinfo, 3)});
        asked.filter = filter_argument(fcinfo, 4);
        asked.as_of = find_as_of(metric.tenant, text_argument(fcinfo, 7));
        metric = metric_as_of(metric, asked.as_of);
        return total_row(fcinfo, metric, asked);
    });
}

// tally._metric_total(metric tally.metric, "from", "to", customers, filter) -> (value, converted_value, events, skipped)
TALLY_FUNCTION(metric_total) {
    return guarded([&]() -> Datum {
        const MeteredMetric metric = metric_argument(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers(texts_argument(fcinfo, 3));
        asked.filter = filter_argument(fcinfo, 4);
        return total_row(fcinfo, metric, asked);
    });
}
