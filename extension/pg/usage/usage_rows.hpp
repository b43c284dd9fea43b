// The rows of a usage answer: states turned into values, written into the caller's tuplestore one after the other.
#pragma once

#include "core/usage/answer.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

// What the SQL types say: (window_start, window_end, customer_id, dimensions, value, converted_value, events, skipped);
// `_usage_of_code` has the place of the metric and is_total in front.
enum class UsageShape { rows, rows_of_metrics };

struct UsageRowsOptions {
    UsageShape shape = UsageShape::rows;
    bool fill = false;
    bool has_window = false;
    std::int32_t place = 0;  // of the metric
};

// Puts all rows, into what begin_rows (pg/border/rows.hpp) made. Has the total as its last unless rows alone are wanted.
void put_usage_rows(ReturnSetInfo* info, const MeteredMetric& metric, UsageCount& count, const UsageRowsOptions& options);

// Value, converted value, events, skipped of everything together.
constexpr int total_columns = 4;
void total_values(const MeteredMetric& metric, UsageCount& count, Datum* values, bool* nulls);

}  // namespace tally
