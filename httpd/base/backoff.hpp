// Waiting times between attempts: doubling from first to last, each drawn from the upper half so that
// several processes do not come back in step.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace tallyd {

class Backoff {
public:
    using Duration = std::chrono::milliseconds;

    Backoff(Duration first, Duration last) noexcept : first_(first), last_(std::max(first, last)), next_(first) {}

    void reset() noexcept { next_ = first_; }

    template <class Random>
    Duration next(Random& random) {
        const Duration whole = next_;
        next_ = std::min(next_ * 2, last_);
        return Duration(std::uniform_int_distribution<Duration::rep>((whole.count() + 1) / 2, whole.count())(random));
    }

private:
    Duration first_;
    Duration last_;
    Duration next_;
};

}  // namespace tallyd
