// States turned into numerics: the value of a metric's aggregation, and the value in the metric's unit.
#pragma once

#include "core/usage/groups.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

// A Datum that may be NULL.
struct Value {
    Datum datum = 0;
    bool is_null = true;
};

inline Value value_of(Datum datum) {
    return {datum, false};
}

// NULL where there is none; `sum_of` gives 0 then. Both call PostgreSQL.
Value value_of(const Decimal& value);
Datum sum_of(const Decimal& value);

class ValueMaker {
public:
    ValueMaker(const MeteredMetric& metric, const UsageStates& states);

    // Of a group; of no_group the value of nothing: 0 for COUNT, SUM and COUNT_DISTINCT, NULL for the others. Calls PostgreSQL.
    Value value(std::uint32_t group) const;

    // `value` divided by the metric's factor and rounded; itself where there is no factor. Calls PostgreSQL.
    Value converted(std::uint32_t group, const Value& value);

private:
    Value mean(std::uint32_t group) const;
    Value convert(Datum value, Datum factor);

    const MeteredMetric& metric_;
    const UsageStates& states_;
    FmgrInfo convert_{};
    Datum rounding_ = 0;
};

}  // namespace tally
