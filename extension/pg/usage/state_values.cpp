// Division and rounding are numeric's own, so that a mean is avg(numeric) to the last digit.
#include "pg/usage/state_values.hpp"

#include "pg/border/numeric.hpp"
#include "pg/border/values.hpp"

namespace tally {

Value value_of(const Decimal& value) {
    if (value.kind == DecimalKind::none) return {};
    return value_of(numeric_from_decimal(value));
}

Datum sum_of(const Decimal& value) {
    return value.kind == DecimalKind::none ? numeric_of(0) : numeric_from_decimal(value);
}

ValueMaker::ValueMaker(const MeteredMetric& metric, const UsageStates& states) : metric_(metric), states_(states) {
    if (!metric.conversion_factor) return;
    call_pg([&] {
        const Oid types[] = {NUMERICOID, NUMERICOID, TEXTOID};
        List* const name = list_make2(makeString(pstrdup("tally")), makeString(pstrdup("_convert")));
        fmgr_info(LookupFuncName(name, 3, types, false), &convert_);
        rounding_ = text_datum(metric.conversion_rounding);
    });
}

Value ValueMaker::value(std::uint32_t group) const {
    const bool nothing = group == UsageGroups::no_group;
    switch (metric_.definition.aggregation) {
        case Aggregation::count: return value_of(numeric_of(nothing ? 0 : states_.counts(group).counted));
        case Aggregation::count_distinct:
            return value_of(numeric_of(nothing ? 0 : static_cast<std::int64_t>(states_.distinct(group))));
        case Aggregation::sum: return value_of(nothing ? numeric_of(0) : sum_of(states_.sum(group)));
        case Aggregation::mean: return nothing ? Value{} : mean(group);
        case Aggregation::min: return nothing ? Value{} : value_of(states_.lowest(group));
        case Aggregation::max: return nothing ? Value{} : value_of(states_.highest(group));
        case Aggregation::latest: return nothing ? Value{} : value_of(states_.latest(group));
    }
    return {};
}

Value ValueMaker::mean(std::uint32_t group) const {
    const std::int64_t n = states_.counts(group).counted;
    if (n == 0) return {};
    const Datum quotient = DirectFunctionCall2(numeric_div, sum_of(states_.sum(group)), numeric_of(n));
    return value_of(DirectFunctionCall1(numeric_trim_scale, quotient));
}

Value ValueMaker::converted(std::uint32_t group, const Value& value) {
    if (!metric_.conversion_factor || value.is_null) return value;
    const Datum factor = numeric_of(*metric_.conversion_factor);
    if (metric_.definition.aggregation != Aggregation::mean) return convert(value.datum, factor);
    // Not the mean, which is rounded, but what it is the quotient of.
    const Datum n = numeric_of(states_.counts(group).counted);
    return convert(sum_of(states_.sum(group)), DirectFunctionCall2(numeric_mul, n, factor));
}

Value ValueMaker::convert(Datum value, Datum factor) {
    LOCAL_FCINFO(call, 3);
    InitFunctionCallInfoData(*call, &convert_, 3, DEFAULT_COLLATION_OID, nullptr, nullptr);
    call->args[0] = {value, false};
    call->args[1] = {factor, false};
    call->args[2] = {rounding_, false};
    const Datum result = FunctionCallInvoke(call);
    return {result, call->isnull};
}

}  // namespace tally
