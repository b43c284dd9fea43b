// SQL's face of unit conversion (core/usage/conversion.hpp).
#include <vector>

#include "core/usage/conversion.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/border/values.hpp"

namespace {

// A whole number up to max_divisor.
tally::uint128 divisor_of(const tally::Decimal& value) {
    if (value.kind != tally::DecimalKind::small || value.scale != 0 || value.coefficient < 0 ||
        static_cast<tally::uint128>(value.coefficient) > tally::max_divisor)
        throw tally::Error(tally::ErrorKind::invalid_argument, "a conversion divides by whole numbers");
    return static_cast<tally::uint128>(value.coefficient);
}

}  // namespace

// tally._convert(value numeric, factor numeric, rounding text) -> numeric; a NULL rounding leaves the value as it is
TALLY_FUNCTION(convert) {
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    if (PG_ARGISNULL(2)) return PG_GETARG_DATUM(0);
    if (PG_ARGISNULL(1)) PG_RETURN_NULL();
    const tally::Decimal value = tally::decimal_from_numeric(PG_GETARG_DATUM(0));
    const tally::Decimal factor = tally::decimal_from_numeric(PG_GETARG_DATUM(1));
    const text* rounding = PG_GETARG_TEXT_PP(2);
    return tally::guarded([&]() -> Datum {
        std::vector<std::byte> room;
        const tally::Decimal converted =
            tally::convert(value, divisor_of(factor), tally::parse_rounding(tally::view_of(rounding)), room);
        return tally::call_pg([&] { return tally::numeric_from_decimal(converted); });
    });
}
