// A mean is converted from what it is the quotient of, never from its rounded digits.
#include "pg/usage/state_values.hpp"

#include "pg/border/numeric.hpp"

namespace tally {
namespace {

Decimal whole(std::uint64_t count) {
    return Decimal::make_small(static_cast<int128>(count), 0);
}

}  // namespace

Decimal sum_or_zero(const Decimal& sum) noexcept {
    return sum.kind == DecimalKind::none ? Decimal::make_small(0, 0) : sum;
}

void set_column(Datum& value, bool& is_null, const Decimal& decimal) {
    is_null = decimal.kind == DecimalKind::none;
    value = is_null ? Datum{0} : numeric_from_decimal(decimal);
}

ValueMaker::ValueMaker(const MeteredMetric& metric, const UsageStates& states) : metric_(metric), states_(states) {
    if (metric.conversion_factor) rounding_ = parse_rounding(metric.conversion_rounding);
}

Decimal ValueMaker::value(std::uint32_t group) {
    const Aggregation aggregation = metric_.definition.aggregation;
    if (group == UsageGroups::no_group) {
        const bool is_zero = aggregation == Aggregation::count || aggregation == Aggregation::count_distinct ||
                             aggregation == Aggregation::sum;
        return is_zero ? whole(0) : Decimal{};
    }
    const auto counted = static_cast<std::uint64_t>(states_.counts(group).counted);
    switch (aggregation) {
        case Aggregation::count: return whole(counted);
        case Aggregation::count_distinct: return whole(states_.distinct(group));
        case Aggregation::sum: return sum_or_zero(states_.sum(group));
        case Aggregation::mean: return counted == 0 ? Decimal{} : mean(states_.sum(group), counted, mean_room_);
        case Aggregation::min: return states_.lowest(group);
        case Aggregation::max: return states_.highest(group);
        case Aggregation::latest: return states_.latest(group);
    }
    return {};
}

Decimal ValueMaker::converted(std::uint32_t group, const Decimal& value) {
    if (!metric_.conversion_factor || value.kind == DecimalKind::none) return value;
    const auto factor = static_cast<uint128>(static_cast<std::uint32_t>(*metric_.conversion_factor));
    if (metric_.definition.aggregation != Aggregation::mean) return convert(value, factor, rounding_, converted_room_);
    const auto n = static_cast<uint128>(states_.counts(group).counted);
    return convert(states_.sum(group), n * factor, rounding_, converted_room_);
}

}  // namespace tally
