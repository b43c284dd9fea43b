// SQL's face of the rule (core/metric/rule.hpp) for values that come one by one.
#include "core/metric/rule.hpp"
#include "core/usage/row_values.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"
#include "pg/usage/arguments.hpp"

// tally._kind_problem(metric tally.metric, value numeric) -> text: NULL where the metric's kind takes the value
TALLY_FUNCTION(kind_problem) {
    HeapTupleHeader metric = PG_GETARG_HEAPTUPLEHEADER(0);
    const tally::Decimal value = tally::decimal_from_numeric(PG_GETARG_DATUM(1));
    return tally::guarded([&]() -> Datum {
        const int sign = tally::compare_value(value, tally::Decimal::make_small(0, 0));
        const std::string problem = tally::kind_problem(tally::definition_of_row(metric), sign);
        if (problem.empty()) PG_RETURN_NULL();
        return tally::call_pg([&] { return tally::text_datum(problem); });
    });
}

// tally._matches(filter jsonb, properties json) -> boolean: whether the filter lets such an event in
TALLY_FUNCTION(matches) {
    using namespace tally;
    return guarded([&]() -> Datum {
        if (PG_ARGISNULL(1)) PG_RETURN_NULL();
        const MetricRule rule(MetricDefinition{}, filter_argument(fcinfo, 0), {});
        RowValues values(rule.keys());
        const std::string_view properties = call_pg([&] { return view_of(PG_GETARG_TEXT_PP(1)); });
        PG_RETURN_BOOL(rule.judge(values.read(properties)) == Outcome::counted);
    });
}

// tally._key_problem(key text) -> text: why a text is no key of a property or a path; NULL where it is one
TALLY_FUNCTION(key_problem) {
    return tally::guarded([&]() -> Datum {
        std::string problem;
        (void)tally::PropertyKey::read(tally::call_pg([&] { return tally::view_of(PG_GETARG_TEXT_PP(0)); }), problem);
        if (problem.empty()) PG_RETURN_NULL();
        return tally::call_pg([&] { return tally::text_datum(problem); });
    });
}
