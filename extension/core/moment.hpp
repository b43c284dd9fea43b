// When a value was met: a time and, between equal times, a number that orders them.
#pragma once

#include <cstdint>

namespace tally {

struct Moment {
    std::int64_t at = 0;   // microseconds since 2000-01-01 00:00 UTC
    std::int64_t seq = 0;  // tiebreak between equal moments
};

// <0, 0, >0 as left is before, at or after right.
inline int compare_moment(const Moment& left, const Moment& right) noexcept {
    if (left.at != right.at) return left.at < right.at ? -1 : 1;
    return left.seq < right.seq ? -1 : static_cast<int>(left.seq > right.seq);
}

}  // namespace tally
