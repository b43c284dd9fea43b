// The engine's faces in SQL: usage of a metric in rows, and as one total.
//
// Who asks passes the gate before anything is read: the tenant that the caller acts for, or the one of the metric that
// is passed.
#include "pg/usage/ask.hpp"
#include "pg/usage/usage_rows.hpp"

namespace {

using namespace tally;

Datum answer_rows(FunctionCallInfo fcinfo, const MeteredMetric& metric, const Asked& asked, bool fill,
                  UsageShape shape) {
    Counted counted(metric, asked);
    put_usage_rows(fcinfo, metric, counted.count, {shape, fill, asked.window.has_value()});
    return Datum{0};
}

}  // namespace

// tally.usage(metric, "from", "to", customer, "window", time_zone, group_by, filter, fill) -> rows
TALLY_FUNCTION(usage) {
    return guarded([&]() -> Datum {
        const MeteredMetric metric = metric_of_caller(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers({text_argument(fcinfo, 3)});
        asked.window = text_argument(fcinfo, 4);
        asked.time_zone = text_argument(fcinfo, 5);
        asked.group_by = group_by_argument(fcinfo, 6);
        asked.filter = filter_argument(fcinfo, 7);
        return answer_rows(fcinfo, metric, asked, flag_argument(fcinfo, 8), UsageShape::rows);
    });
}

// tally._usage(metric tally.metric, "from", "to", customers, "window", time_zone, group_by, filter, fill) -> rows and a
// total
TALLY_FUNCTION(usage_with_total) {
    return guarded([&]() -> Datum {
        const MeteredMetric metric = metric_argument(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers(texts_argument(fcinfo, 3));
        asked.window = text_argument(fcinfo, 4);
        asked.time_zone = text_argument(fcinfo, 5);
        asked.group_by = group_by_argument(fcinfo, 6);
        asked.filter = filter_argument(fcinfo, 7);
        return answer_rows(fcinfo, metric, asked, flag_argument(fcinfo, 8), UsageShape::rows_and_total);
    });
}

// tally.usage_total(metric, "from", "to", customer, filter) -> (value, converted_value, events, skipped)
TALLY_FUNCTION(usage_total) {
    return guarded([&]() -> Datum {
        const MeteredMetric metric = metric_of_caller(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers({text_argument(fcinfo, 3)});
        asked.filter = filter_argument(fcinfo, 4);
        asked.by_dimensions = false;  // groups would be put together again
        Counted counted(metric, asked);
        Datum values[total_columns];
        bool nulls[total_columns];
        total_values(metric, counted.count, values, nulls);
        return call_pg([&] {
            TupleDesc shape = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
                elog(ERROR, "usage_total must return a row");
            return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
        });
    });
}
