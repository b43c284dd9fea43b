// What glue files share about plain values: texts as views and back, and the distance of the two epochs.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/border/prelude.hpp"

namespace tally {

// Microseconds from PostgreSQL's epoch (2000) to Unix' (1970): Unix = PostgreSQL + this.
inline constexpr std::int64_t unix_to_postgres_epoch =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY * 1'000'000;

// The bytes of a detoasted text; valid as long as it is.
inline std::string_view view_of(const text* value) {
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// A new text. Calls PostgreSQL: inside call_pg where C++ objects are alive.
inline Datum text_datum(std::string_view value) {
    return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

// Raises 22004 where one of the first `count` arguments is NULL: for functions that cannot be STRICT.
inline void require_arguments(FunctionCallInfo fcinfo, int count) {
    for (int i = 0; i < count; ++i)
        if (PG_ARGISNULL(i))
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                            errmsg("argument %d of %s() must not be NULL", i + 1, get_func_name(fcinfo->flinfo->fn_oid))));
}

// Whether two texts are the same but for the case of ASCII letters, whatever the locale.
inline bool same_but_for_case(const char* a, const char* b) {
    for (; *a != '\0' && *b != '\0'; ++a, ++b)
        if (pg_ascii_tolower(static_cast<unsigned char>(*a)) != pg_ascii_tolower(static_cast<unsigned char>(*b)))
            return false;
    return *a == *b;
}

}  // namespace tally
