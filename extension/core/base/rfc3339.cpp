// RFC 3339 timestamps by std::chrono's civil calendar.
#include "core/base/rfc3339.hpp"

#include <chrono>

namespace tally {
namespace {

// Reads fixed-width fields off the front of a text; any mismatch makes the whole reading fail.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    int digits(std::size_t width) noexcept {
        int value = 0;
        if (rest_.size() < width) return fail();
        for (std::size_t i = 0; i < width; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return fail();
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(width);
        return value;
    }

    char one_of(std::string_view allowed) noexcept {
        if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) return static_cast<char>(fail());
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    // The fraction in microseconds; 0 where there is none.
    std::int64_t fraction() noexcept {
        if (rest_.empty() || rest_.front() != '.') return 0;
        rest_.remove_prefix(1);
        std::int64_t microseconds = 0;
        int count = 0;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            if (count < 6) microseconds = microseconds * 10 + (rest_.front() - '0');
            ++count;
            rest_.remove_prefix(1);
        }
        if (count == 0) return fail();
        for (; count < 6; ++count) microseconds *= 10;
        return microseconds;
    }

    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return rest_.empty(); }

private:
    int fail() noexcept {
        ok_ = false;
        rest_ = {};
        return 0;
    }

    std::string_view rest_;
    bool ok_ = true;
};

// Whether the first second of a month of UTC begins then. A leap second comes just before one and nowhere else, whatever the
// offset that it is written with (RFC 3339, 5.7); it is taken for the second after it.
bool begins_month(std::int64_t unix_seconds) noexcept {
    if (unix_seconds % 86400 != 0) return false;
    return std::chrono::year_month_day{std::chrono::sys_days{std::chrono::days{unix_seconds / 86400}}}.day() ==
           std::chrono::day{1};
}

}  // namespace

std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
    Reader reader(text);
    const int year = reader.digits(4);
    reader.one_of("-");
    const int month = reader.digits(2);
    reader.one_of("-");
    const int day = reader.digits(2);
    reader.one_of("Tt ");
    const int hour = reader.digits(2);
    reader.one_of(":");
    const int minute = reader.digits(2);
    reader.one_of(":");
    const int second = reader.digits(2);
    const std::int64_t microseconds = reader.fraction();
    const char zone = reader.one_of("Zz+-");
    int offset_minutes = 0;
    if (zone == '+' || zone == '-') {
        const int offset_hour = reader.digits(2);
        reader.one_of(":");
        const int offset_minute = reader.digits(2);
        if (offset_hour > 23 || offset_minute > 59) return std::nullopt;
        offset_minutes = (zone == '-' ? -1 : 1) * (offset_hour * 60 + offset_minute);
    }
    if (!reader.ok() || !reader.at_end() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - std::int64_t{offset_minutes} * 60;
    if (second == 60 && !begins_month(seconds)) return std::nullopt;
    return seconds * 1'000'000 + microseconds;
}

std::string format_rfc3339(std::int64_t unix_microseconds) {
    const std::chrono::microseconds since_epoch{unix_microseconds};
    const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
    const std::chrono::year_month_day date{std::chrono::sys_days{days}};
    const std::int64_t milliseconds = (since_epoch - days).count() / 1000;
    std::string text;
    const auto append = [&text](std::int64_t value, std::size_t width) {
        const std::string digits = std::to_string(value);
        if (digits.size() < width) text.append(width - digits.size(), '0');
        text += digits;
    };
    append(int{date.year()}, 4);
    text += '-';
    append(unsigned{date.month()}, 2);
    text += '-';
    append(unsigned{date.day()}, 2);
    text += 'T';
    append(milliseconds / 3'600'000, 2);
    text += ':';
    append(milliseconds / 60'000 % 60, 2);
    text += ':';
    append(milliseconds / 1000 % 60, 2);
    text += '.';
    append(milliseconds % 1000, 3);
    if (const std::int64_t rest = (since_epoch - days).count() % 1000; rest != 0) append(rest, 3);
    text += 'Z';
    return text;
}

}  // namespace tally
