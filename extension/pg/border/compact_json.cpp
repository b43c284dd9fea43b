// SQL face of core/compact_json.
#include "core/base/compact_json.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

// tally_rest._compact(answer json) -> text
TALLY_FUNCTION(compact_json) {
    const text* json = PG_GETARG_TEXT_PP(0);
    return tally::guarded([&]() -> Datum {
        const std::string compact = tally::compact_json(tally::view_of(json));
        return tally::call_pg([&] { return tally::text_datum(compact); });
    });
}
