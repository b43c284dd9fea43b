// Which months share a partition of tally.segment: one partition a month for the last two years, one a year before
// that, and one a decade before the last ten years. So whatever months events name there are a few dozen.
//
// A month is a number: months since January 1970 (UTC), before which no event lies. What exists is never changed: a new
// partition takes of its year or decade what no other has.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tally {

// Half-open.
struct MonthRange {
    std::int32_t begin = 0, end = 0;

    bool holds(std::int32_t month) const noexcept { return begin <= month && month < end; }
    friend bool operator==(const MonthRange&, const MonthRange&) = default;
};

// The month of a time (Unix microseconds), and the first moment of a month.
std::int32_t month_of(std::int64_t unix_microseconds) noexcept;
std::int64_t month_begin(std::int32_t month) noexcept;

// The partition that is to be made for `month`, which none of `existing` (in any order) holds.
MonthRange partition_for(std::int32_t month, std::int32_t current_month, std::span<const MonthRange> existing) noexcept;

// "2026-11-01": how a month's first day is written.
std::string month_text(std::int32_t month);

// segment_2026_11, segment_2024_01_to_2024_12.
std::string partition_name(const MonthRange& range);

}  // namespace tally
