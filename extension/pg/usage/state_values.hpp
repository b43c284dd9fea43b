// States turned into values: of a metric's aggregation, and in the metric's unit of sale.
#pragma once

#include <vector>

#include "core/usage/conversion.hpp"
#include "core/usage/groups.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

// Values are none where SQL shows NULL. Wide ones are valid until the same function is called again.
class ValueMaker {
public:
    ValueMaker(const MeteredMetric& metric, const UsageStates& states);

    // Of a group; of no_group the value of nothing: 0 for COUNT, SUM and COUNT_DISTINCT, none for the others.
    Decimal value(std::uint32_t group);

    // `value` divided by the metric's factor and rounded; itself where there is no factor.
    Decimal converted(std::uint32_t group, const Decimal& value);

private:
    const MeteredMetric& metric_;
    const UsageStates& states_;
    Rounding rounding_ = Rounding::none;
    std::vector<std::byte> mean_room_, converted_room_;
};

// 0 where there is none.
Decimal sum_or_zero(const Decimal& sum) noexcept;

// A numeric, or NULL where there is none. Calls PostgreSQL.
void set_column(Datum& value, bool& is_null, const Decimal& decimal);

}  // namespace tally
