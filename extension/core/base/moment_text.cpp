// ISO 8601 text of moments; see moment_text.hpp. Calendar arithmetic: proleptic Gregorian, eras of 400 years.
#include "core/base/moment_text.hpp"

#include <charconv>
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/base/moment.hpp"

namespace tally {

namespace {

constexpr std::int64_t micros_per_day = 86'400'000'000;
constexpr std::int64_t epoch_days = 730'425;  // 2000-01-01 counted from 0000-03-01
constexpr std::int64_t days_per_era = 146'097;

struct Date {
    std::int64_t year;
    unsigned month, day;
};

Date date_of(std::int64_t days_since_2000) noexcept {
    const std::int64_t days = days_since_2000 + epoch_days;
    const std::int64_t era = (days >= 0 ? days : days - (days_per_era - 1)) / days_per_era;
    const auto day_of_era = static_cast<unsigned>(days - era * days_per_era);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned shifted = (5 * day_of_year + 2) / 153;  // months from March
    const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * shifted + 2) / 5 + 1};
}

std::int64_t days_of(const Date& date) noexcept {
    const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = static_cast<unsigned>(year - era * 400);
    const unsigned day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * days_per_era + static_cast<std::int64_t>(day_of_era) - epoch_days;
}

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
    const std::string digits = std::to_string(value);
    if (digits.size() < width) out.append(width - digits.size(), '0');
    out += digits;
}

[[noreturn]] void bad_moment() {
    throw Error(ErrorKind::invalid_text, "malformed timestamp in a state");
}

std::uint64_t take_number(std::string_view& text, std::size_t least, std::size_t most) {
    std::size_t length = 0;
    while (length < text.size() && length < most && text[length] >= '0' && text[length] <= '9') ++length;
    if (length < least) bad_moment();
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + length, value);
    text.remove_prefix(length);
    return value;
}

void take_char(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) bad_moment();
    text.remove_prefix(1);
}

}  // namespace

void append_moment(std::string& out, std::int64_t micros) {
    if (micros == INT64_MAX || micros == INT64_MIN) {
        out += micros == INT64_MAX ? "infinity" : "-infinity";
        return;
    }
    std::int64_t days = micros / micros_per_day;
    std::int64_t rest = micros % micros_per_day;
    if (rest < 0) rest += micros_per_day, --days;
    const Date date = date_of(days);
    if (date.year < 0) out += '-';
    append_padded(out, static_cast<std::uint64_t>(std::llabs(date.year)), 4);
    out += '-';
    append_padded(out, date.month, 2);
    out += '-';
    append_padded(out, date.day, 2);
    out += 'T';
    const auto seconds = static_cast<std::uint64_t>(rest / 1'000'000);
    append_padded(out, seconds / 3600, 2);
    out += ':';
    append_padded(out, seconds / 60 % 60, 2);
    out += ':';
    append_padded(out, seconds % 60, 2);
    if (rest % 1'000'000 != 0) {
        out += '.';
        append_padded(out, static_cast<std::uint64_t>(rest % 1'000'000), 6);
    }
    out += 'Z';
}

std::int64_t parse_moment(std::string_view text) {
    if (text == "infinity") return INT64_MAX;
    if (text == "-infinity") return INT64_MIN;
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    Date date{};
    date.year = static_cast<std::int64_t>(take_number(text, 4, 6));
    if (negative) date.year = -date.year;
    take_char(text, '-');
    date.month = static_cast<unsigned>(take_number(text, 2, 2));
    take_char(text, '-');
    date.day = static_cast<unsigned>(take_number(text, 2, 2));
    take_char(text, 'T');
    const auto hour = take_number(text, 2, 2);
    take_char(text, ':');
    const auto minute = take_number(text, 2, 2);
    take_char(text, ':');
    const auto second = take_number(text, 2, 2);
    std::uint64_t fraction = 0;
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        fraction = take_number(text, 6, 6);
    }
    take_char(text, 'Z');
    if (!text.empty() || date.month < 1 || date.month > 12 || hour > 23 || minute > 59 || second > 59) bad_moment();
    const std::int64_t days = days_of(date);
    const Date again = date_of(days);  // refuses 30 February
    if (again.year != date.year || again.month != date.month || again.day != date.day) bad_moment();
    std::int64_t micros = 0;
    const auto of_day = static_cast<std::int64_t>(((hour * 60 + minute) * 60 + second) * 1'000'000 + fraction);
    // negative days: count from the day's end, so that the least moment does not overflow half way
    const bool before = days < 0;
    if (__builtin_mul_overflow(before ? days + 1 : days, micros_per_day, &micros) ||
        __builtin_add_overflow(micros, before ? of_day - micros_per_day : of_day, &micros) || micros == INT64_MAX ||
        micros == INT64_MIN || !is_timestamp(micros))
        bad_moment();
    return micros;
}

}  // namespace tally
