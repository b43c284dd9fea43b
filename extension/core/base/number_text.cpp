// Scanner of decimal texts; grammar and limits are documented in number_text.hpp.
#include "core/base/number_text.hpp"

#include <algorithm>

namespace tally {
namespace {

struct Parts {
    bool negative = false;
    std::string_view integer;
    std::string_view fraction;
    std::int64_t exponent = 0;
};

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) noexcept {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    const std::string_view taken = text.substr(0, n);
    text.remove_prefix(n);
    return taken;
}

std::optional<Parts> split(std::string_view text) noexcept {
    Parts parts;
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
        parts.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    parts.integer = take_digits(text);
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        parts.fraction = take_digits(text);
    }
    if (parts.integer.empty() && parts.fraction.empty()) return std::nullopt;
    if (text.empty()) return parts;
    if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
    text.remove_prefix(1);
    bool negative_exponent = false;
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
        negative_exponent = text.front() == '-';
        text.remove_prefix(1);
    }
    const std::string_view exponent = take_digits(text);
    if (exponent.empty() || !text.empty()) return std::nullopt;
    // Saturates: any exponent this large is over the limit of digits whatever the mantissa.
    constexpr std::int64_t saturated = 1'000'000'000;
    for (const char c : exponent) parts.exponent = std::min(parts.exponent * 10 + (c - '0'), saturated);
    if (negative_exponent) parts.exponent = -parts.exponent;
    return parts;
}

}  // namespace

std::optional<NumberProblem> number_problem(std::string_view text) noexcept {
    const std::optional<Parts> parts = split(text);
    if (!parts) return NumberProblem::not_a_number;
    // Zeros written out count too: PostgreSQL's numeric keeps the scale that was written.
    const auto before = static_cast<std::int64_t>(parts->integer.size()) + parts->exponent;
    const auto after = static_cast<std::int64_t>(parts->fraction.size()) - parts->exponent;
    const auto written = static_cast<std::int64_t>(parts->integer.size() + parts->fraction.size());
    if (before > max_number_digits || after > max_number_digits || written > 2 * max_number_digits) {
        return NumberProblem::too_many_digits;
    }
    return std::nullopt;
}

NumberText canonical_number(std::string_view text) {
    NumberText number;
    const std::optional<Parts> parts = split(text);
    if (!parts) return number;
    std::string digits;
    digits.reserve(parts->integer.size() + parts->fraction.size());
    digits.append(parts->integer).append(parts->fraction);
    const std::size_t first = digits.find_first_not_of('0');
    if (first == std::string::npos) return number;
    const std::size_t last = digits.find_last_not_of('0');
    number.negative = parts->negative;
    number.point = static_cast<std::int64_t>(parts->integer.size()) + parts->exponent - static_cast<std::int64_t>(first);
    number.digits = digits.substr(first, last - first + 1);
    return number;
}

std::string plain_number(std::string_view text) {
    const std::optional<Parts> parts = split(text);
    if (!parts) return std::string(text);
    std::string digits;
    digits.append(parts->integer).append(parts->fraction);
    auto point = static_cast<std::int64_t>(parts->integer.size()) + parts->exponent;
    if (point < 0) {
        digits.insert(0, static_cast<std::size_t>(-point), '0');
        point = 0;
    } else if (point > static_cast<std::int64_t>(digits.size())) {
        digits.append(static_cast<std::size_t>(point) - digits.size(), '0');
    }
    const auto whole = static_cast<std::size_t>(point);
    const std::size_t first = std::min(digits.find_first_not_of('0'), whole);
    const bool zero = digits.find_first_not_of('0') == std::string::npos;
    std::string plain(parts->negative && !zero ? "-" : "");
    plain.append(first == whole ? "0" : digits.substr(first, whole - first));
    if (whole < digits.size()) plain.append(".").append(digits, whole);
    return plain;
}

std::string shortest_number(std::string_view text) {
    std::string plain = plain_number(text);
    if (plain.find('.') == std::string::npos) return plain;
    plain.erase(plain.find_last_not_of('0') + 1);
    if (plain.back() == '.') plain.pop_back();
    return plain;
}

bool is_json_number(std::string_view text) noexcept {
    if (!text.empty() && text.front() == '-') text.remove_prefix(1);
    const std::string_view integer = take_digits(text);
    if (integer.empty() || (integer.size() > 1 && integer.front() == '0')) return false;
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        if (take_digits(text).empty()) return false;
    }
    if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
        text.remove_prefix(1);
        if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
        if (take_digits(text).empty()) return false;
    }
    return text.empty();
}

}  // namespace tally
