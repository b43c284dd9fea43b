// Times of events as SQL reads and writes them: RFC 3339.
#include "core/base/rfc3339.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

// tally._parse_timestamp(value text) -> timestamptz: RFC 3339, NULL for any other text
TALLY_FUNCTION(parse_timestamp) {
    const text* value = PG_GETARG_TEXT_PP(0);
    const auto instant = tally::parse_rfc3339(tally::view_of(value));
    if (!instant) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(*instant - tally::unix_to_postgres_epoch);
}

// tally_rest._timestamp(at timestamptz) -> text: RFC 3339 in UTC
TALLY_FUNCTION(format_timestamp) {
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
    if (TIMESTAMP_NOT_FINITE(at)) PG_RETURN_NULL();
    return tally::guarded([&]() -> Datum {
        const std::string shown = tally::format_rfc3339(at + tally::unix_to_postgres_epoch);
        return tally::call_pg([&] { return tally::text_datum(shown); });
    });
}
