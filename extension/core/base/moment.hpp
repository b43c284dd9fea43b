// When a value was met: a time and, between equal times, a number that orders them.
#pragma once

#include <cstdint>

namespace tally {

struct Moment {
    std::int64_t at = 0;   // microseconds since 2000-01-01 00:00 UTC
    std::int64_t seq = 0;  // tiebreak between equal moments
};

constexpr std::int64_t least_timestamp = -211'813'488'000'000'000;  // 4714-11-24 BC
constexpr std::int64_t end_timestamp = 9'223'371'331'200'000'000;   // the end of the year 294276

// Whether PostgreSQL can show the time. Its own timestamps all are so; bytes and texts that a client sends may not be.
constexpr bool is_timestamp(std::int64_t at) noexcept {
    return at == INT64_MIN || at == INT64_MAX || (at >= least_timestamp && at < end_timestamp);
}

// <0, 0, >0 as left is before, at or after right.
inline int compare_moment(const Moment& left, const Moment& right) noexcept {
    if (left.at != right.at) return left.at < right.at ? -1 : 1;
    return left.seq < right.seq ? -1 : static_cast<int>(left.seq > right.seq);
}

}  // namespace tally
