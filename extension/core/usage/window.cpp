// The arithmetic of windows, as window.hpp says.
#include "core/usage/window.hpp"

#include <algorithm>
#include <chrono>

namespace tally {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t monday = 11'323;  // 2001-01-01 in days since 1970

std::int64_t floor_to(std::int64_t value, std::int64_t unit) noexcept {
    const std::int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

// Months since the year 0 of a local time, and back.
std::int64_t month_of(std::int64_t local) {
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{floor_to(local, day) / day}}};
    return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}
std::int64_t start_of_month(std::int64_t month) {
    const std::int64_t year = floor_to(month, 12) / 12;
    const std::chrono::sys_days first{std::chrono::year{static_cast<int>(year)} /
                                      std::chrono::month{static_cast<unsigned>(month - year * 12 + 1)} / 1};
    return first.time_since_epoch().count() * day;
}

// A local time and that many months later, at most on the last day of the month.
std::int64_t add_months(std::int64_t local, std::int64_t months) {
    using namespace std::chrono;
    const std::int64_t midnight = floor_to(local, day);
    const year_month_day date{sys_days{days{midnight / day}}};
    const std::int64_t first = start_of_month(month_of(local) + months);
    const year_month_day begin{sys_days{days{first / day}}};
    const unsigned last = static_cast<unsigned>(year_month_day_last{begin.year() / begin.month() / std::chrono::last}.day());
    return first + (std::min(static_cast<unsigned>(date.day()), last) - 1) * day + (local - midnight);
}

class Starts {
public:
    Starts(std::int64_t from, std::int64_t to) : from_(from), to_(to), starts_{from} {}

    void add(std::int64_t start) {
        if (start > from_ && start < to_) starts_.push_back(start);
    }

    std::vector<std::int64_t> take() {
        std::sort(starts_.begin(), starts_.end());
        starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
        return std::move(starts_);
    }

private:
    std::int64_t from_, to_;
    std::vector<std::int64_t> starts_;
};

// At local times first, first + step, ... until well after the range.
void add_by_clock(Starts& starts, std::int64_t first, std::int64_t step, std::int64_t last_local, const Zone& zone) {
    for (std::int64_t local = first; local <= last_local + day; local += step) starts.add(first_instant(local, zone));
}

void add_months_from(Starts& starts, std::int64_t anchor, std::int64_t step, std::int64_t local_from,
                     std::int64_t last_local, const Zone& zone) {
    // The month of the range's start may have begun a day before in the anchor's reckoning: one step is begun earlier.
    std::int64_t months = floor_to(month_of(local_from) - month_of(anchor), step) - step;
    for (std::int64_t local; (local = add_months(anchor, months)) <= last_local + day; months += step)
        starts.add(first_instant(local, zone));
}

void add_since_midnight(Starts& starts, std::int64_t local_from, std::int64_t local_to, std::int64_t step,
                        const Zone& zone) {
    const std::int64_t last = std::max(local_from, local_to);
    for (std::int64_t local = floor_to(std::min(local_from, local_to), day); local <= last; local += day) {
        const std::int64_t end = first_instant(local + day, zone);
        for (std::int64_t start = first_instant(local, zone); start < end; start += step) starts.add(start);
    }
}

}  // namespace

std::int64_t first_instant(std::int64_t local, const Zone& zone) {
    const std::int64_t found = zone.to_instant(local);
    std::int64_t first = found;
    // Clocks have been set back by 20 minutes to 3 hours.
    for (const std::int64_t minutes : {20, 30, 40, 60, 90, 120, 180}) {
        const std::int64_t earlier = found - minutes * 60 * second;
        if (zone.to_local(earlier) == local) first = std::min(first, earlier);
    }
    return first;
}

std::int64_t nominal_microseconds(const WindowWidth& width) noexcept {
    const std::int64_t years = width.months / 12, months = width.months % 12;
    return years * (365 * day + 6 * hour) + (months * 30 + width.days) * day + width.microseconds;
}

bool is_cut_too_small(std::int64_t from, std::int64_t to, const WindowWidth& width) noexcept {
    const std::int64_t nominal = nominal_microseconds(width);
    const std::int64_t whole = (to - from) / nominal;
    return whole > max_windows || (whole == max_windows && (to - from) % nominal != 0);
}

std::vector<std::int64_t> window_starts(std::int64_t from, std::int64_t to, const WindowWidth& width, const Zone& zone,
                                        const WindowOrigin& origin) {
    Starts starts(from, to);
    const std::int64_t local_from = zone.to_local(from);
    const std::int64_t local_to = zone.to_local(to);
    const std::int64_t last_local = std::max(local_from, local_to);
    if (width.months > 0) {
        add_months_from(starts, origin.anchor.value_or(start_of_month(0)), width.months, local_from, last_local, zone);
    } else if (width.days > 0) {
        const std::int64_t week = (monday + origin.week_start - (origin.week_start > 0 ? 7 : 0)) * day;
        const std::int64_t anchor = origin.anchor.value_or(week);
        // One step earlier: clocks that are set back around the range's start show an earlier day after it.
        const std::int64_t step = width.days * day;
        add_by_clock(starts, floor_to(local_from - anchor, step) - step + anchor, step, last_local, zone);
    } else if (day % width.microseconds == 0) {
        if (width.microseconds > hour) {
            add_by_clock(starts, floor_to(local_from, day), width.microseconds, last_local, zone);
        } else {
            add_since_midnight(starts, local_from, local_to, width.microseconds, zone);
        }
    } else {
        const std::int64_t first = first_instant(monday * day, zone);
        for (std::int64_t start = first + floor_to(from - first, width.microseconds); start < to;
             start += width.microseconds)
            starts.add(start);
    }
    return starts.take();
}

}  // namespace tally
