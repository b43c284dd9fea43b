// Moments (microseconds since 2000-01-01 00:00 UTC) as ISO 8601 text, independent of every session setting:
// 2024-02-29T12:00:00.000001Z; years beyond 9999 have more digits, years before 1 are negative (-0001 is 2 BC); the
// extremes of int64 are `infinity` and `-infinity` as in PostgreSQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tally {

void append_moment(std::string& out, std::int64_t micros);

// Reads exactly what append_moment writes. Throws Error(invalid_text).
std::int64_t parse_moment(std::string_view text);

}  // namespace tally
