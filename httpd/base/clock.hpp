// The clock that deadlines are told by: it never goes back.
#pragma once

#include <chrono>
#include <cstdint>

namespace tallyd {

using Clock = std::chrono::steady_clock;

inline std::chrono::milliseconds to_milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace tallyd
