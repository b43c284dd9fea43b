// Windows of time as the engine uses them: which window a moment lies in, and where that window ends.
//
// Either a list of starts, of which the last window ends at the end of the range, or windows of one width without an
// end, which may be many millions: only those in which something happened take memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tally {

class Windows {
public:
    // [starts[0], starts[1]), ..., [starts.back(), end): ascending, at least one. Window 0 is the first.
    Windows(std::vector<std::int64_t> starts, std::int64_t end) : starts_(std::move(starts)), end_(end) {}

    // Window -1 is everything before `origin`; window n >= 0 is [origin + n * width, origin + (n + 1) * width), up to
    // `end`.
    static Windows of_width(std::int64_t origin, std::int64_t width, std::int64_t end) {
        Windows windows({std::numeric_limits<std::int64_t>::min()}, end);
        windows.origin_ = origin;
        windows.width_ = width;
        return windows;
    }

    std::int64_t from() const noexcept { return starts_.front(); }
    std::int64_t to() const noexcept { return end_; }
    bool holds(std::int64_t ts) const noexcept { return ts >= from() && ts < end_; }
    bool is_one() const noexcept { return width_ == 0 && starts_.size() == 1; }
    std::size_t count() const noexcept { return starts_.size(); }  // of a list

    // Of a moment that the range holds.
    std::int64_t window_of(std::int64_t ts) const noexcept {
        if (width_ != 0) return ts < origin_ ? -1 : (ts - origin_) / width_;
        if (starts_.size() == 1) return 0;
        return std::upper_bound(starts_.begin(), starts_.end(), ts) - starts_.begin() - 1;
    }
    std::int64_t start_of(std::int64_t window) const noexcept {
        if (width_ != 0) return window < 0 ? from() : origin_ + window * width_;
        return starts_[static_cast<std::size_t>(window)];
    }
    // The first moment that is no longer in it.
    std::int64_t end_of(std::int64_t window) const noexcept {
        if (width_ != 0) return std::min(end_, origin_ + (window + 1) * width_);
        const auto next = static_cast<std::size_t>(window) + 1;
        return next < starts_.size() ? starts_[next] : end_;
    }

private:
    std::vector<std::int64_t> starts_;
    std::int64_t end_;
    std::int64_t origin_ = 0;
    std::int64_t width_ = 0;  // 0: a list
};

}  // namespace tally
