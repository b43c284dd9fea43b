// Windows: a range of time cut at the calendar or the clock of a time zone. All instants are Unix microseconds.
//
// Months are counted from the year 0, so that quarters and years lie where people expect them; days from Monday 2001-01-01,
// or from the day of the week before it that weeks are to start on;
// hours and smaller units that a day is made of, by the clock (above an hour: 00:00, 06:00, 12:00, 18:00) or by the time
// since local midnight (a day of 23 hours has 23 windows of an hour); any other width from the first instant of 2001 in
// the zone.
//
// An anchor is a local time from which windows of days or months are counted, both ways. Months are added to it as
// PostgreSQL adds them, each time to the anchor itself: from January 31 to February 29, March 31, April 30 ...
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

// A time zone. A local time is what its clocks show, written as if it were UTC.
class Zone {
public:
    virtual ~Zone() = default;
    virtual std::int64_t to_local(std::int64_t instant) const = 0;
    // An instant at which the clocks show `local`: the last one where they do so twice; where they skip it, the instant at
    // which they would have shown it had they not been changed.
    virtual std::int64_t to_instant(std::int64_t local) const = 0;
};

// The first instant at which the clocks show `local`: a day starts at its first midnight. Where they skip it, as to_instant.
std::int64_t first_instant(std::int64_t local, const Zone& zone);

// A width of one kind of unit: exactly one of the three is greater than 0.
struct WindowWidth {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t microseconds = 0;
};

// Where windows of days or months are counted from, if not from where the calendar says.
struct WindowOrigin {
    std::optional<std::int64_t> anchor;  // a local time in the years 1 to 9999
    int week_start = 0;                  // days after Monday, 0 to 6: of windows of whole weeks without anchor
};

// The width with months of 30 days, years of 365.25 days and days of 24 hours, as PostgreSQL's extract(epoch) reckons.
std::int64_t nominal_microseconds(const WindowWidth& width) noexcept;

inline constexpr std::int64_t max_windows = 100'000;

// Whether the range is cut into more windows than are answered; the others must not be called then.
bool is_cut_too_small(std::int64_t from, std::int64_t to, const WindowWidth& width) noexcept;

// Starts of the windows of [from, to), ascending, the first one `from` itself. Window i ends where i + 1 starts, the last at
// `to`. from < to, both in the years 1 to 9999.
std::vector<std::int64_t> window_starts(std::int64_t from, std::int64_t to, const WindowWidth& width, const Zone& zone,
                                        const WindowOrigin& origin = {});

}  // namespace tally
