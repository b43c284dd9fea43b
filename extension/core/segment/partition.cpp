// See partition.hpp.
#include "core/segment/partition.hpp"

#include <algorithm>
#include <chrono>

namespace tally {
namespace {

constexpr std::int32_t months_by_month = 24;
constexpr std::int32_t months_by_year = 120;

constexpr std::int32_t floor_to(std::int32_t month, std::int32_t width) noexcept {
    return month - month % width;
}

// 1970 begins a decade, so years and decades are multiples.
MonthRange wanted_range(std::int32_t month, std::int32_t current_month) noexcept {
    const MonthRange decade{floor_to(month, 120), floor_to(month, 120) + 120};
    if (decade.end <= current_month - months_by_year) return decade;
    const MonthRange year{floor_to(month, 12), floor_to(month, 12) + 12};
    if (year.end <= current_month - months_by_month) return year;
    return {month, month + 1};
}

void append_digits(std::string& text, std::int32_t number, std::size_t digits) {
    const std::string plain = std::to_string(number);
    if (plain.size() < digits) text.append(digits - plain.size(), '0');
    text += plain;
}

// "2026-11" with another separator.
std::string year_month(std::int32_t month, char separator) {
    std::string text;
    append_digits(text, 1970 + month / 12, 4);
    text += separator;
    append_digits(text, month % 12 + 1, 2);
    return text;
}

}  // namespace

std::int32_t month_of(std::int64_t unix_microseconds) noexcept {
    using namespace std::chrono;
    const year_month_day day{floor<days>(sys_time<microseconds>{microseconds{unix_microseconds}})};
    return (static_cast<int>(day.year()) - 1970) * 12 + static_cast<std::int32_t>(static_cast<unsigned>(day.month())) - 1;
}

std::int64_t month_begin(std::int32_t month) noexcept {
    using namespace std::chrono;
    const sys_days first = year{1970 + month / 12} / std::chrono::month{static_cast<unsigned>(month % 12) + 1} / 1;
    return duration_cast<microseconds>(first.time_since_epoch()).count();
}

MonthRange partition_for(std::int32_t month, std::int32_t current_month, std::span<const MonthRange> existing) noexcept {
    MonthRange range = wanted_range(month, current_month);
    for (const MonthRange& other : existing) {
        if (other.end <= month) range.begin = std::max(range.begin, other.end);
        else range.end = std::min(range.end, other.begin);
    }
    return range;
}

std::string month_text(std::int32_t month) {
    return year_month(month, '-') + "-01";
}

std::string partition_name(const MonthRange& range) {
    if (range.end == range.begin + 1) return "segment_" + year_month(range.begin, '_');
    return "segment_" + year_month(range.begin, '_') + "_to_" + year_month(range.end - 1, '_');
}

}  // namespace tally
