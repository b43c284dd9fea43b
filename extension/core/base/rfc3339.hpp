// Timestamps of RFC 3339, read into microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

// Microseconds since 1970-01-01T00:00:00Z of `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`; a blank or a small letter may
// stand for T, z for Z. Digits after the sixth of the fraction are cut off; second 60 is the next second. Nothing for
// any other text, a date that is not in the calendar, or an offset over 23:59.
std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept;

// The instant as `YYYY-MM-DDTHH:MM:SS.mmmZ` (UTC, milliseconds; microseconds only where there are some).
std::string format_rfc3339(std::int64_t unix_microseconds);

}  // namespace tally
