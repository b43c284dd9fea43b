// SQL face of core/compact_json.
#include "core/compact_json.hpp"

#include "pg/boundary.hpp"

// tally_rest._compact(answer json) -> text
TALLY_FUNCTION(compact_json) {
    const text* json = PG_GETARG_TEXT_PP(0);
    return tally::guarded([&]() -> Datum {
        const std::string compact =
            tally::compact_json({VARDATA_ANY(json), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(json))});
        return tally::call_pg([&] {
            return PointerGetDatum(cstring_to_text_with_len(compact.data(), static_cast<int>(compact.size())));
        });
    });
}
