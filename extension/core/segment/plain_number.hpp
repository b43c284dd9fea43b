// Numbers as sent that are nothing but a mantissa and a scale: -12.50 is (-1250, 2). Others (1e3, -0, over 18 digits)
// are kept as texts, so that every number comes back to the last digit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/segment/format.hpp"

namespace tally::segment_format {

struct PlainNumber {
    std::int64_t mantissa = 0;
    std::uint8_t scale = 0;
};

constexpr std::array<std::int64_t, max_scale + 1> make_int64_powers() {
    std::array<std::int64_t, max_scale + 1> powers{};
    powers[0] = 1;
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
    return powers;
}

constexpr auto int64_power_of_ten = make_int64_powers();

// Nothing where the text is not exactly what render_number writes for some mantissa below 10^18.
inline std::optional<PlainNumber> plain_number(std::string_view text) noexcept {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    constexpr std::size_t max_digits = 18;
    if (text.empty() || text.size() > max_digits + 2) return std::nullopt;
    std::int64_t mantissa = 0;
    std::size_t digits = 0, point = text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = static_cast<unsigned>(text[i] - '0');
        if (digit > 9) {
            if (text[i] != '.' || point != text.size() || i == 0 || i + 1 == text.size()) return std::nullopt;
            point = i;
            continue;
        }
        mantissa = mantissa * 10 + digit;
        if (++digits > max_digits) return std::nullopt;
    }
    if ((point > 1 && text.front() == '0') || (negative && mantissa == 0)) return std::nullopt;
    const std::size_t scale = point == text.size() ? 0 : text.size() - point - 1;
    if (scale > max_scale) return std::nullopt;
    return PlainNumber{negative ? -mantissa : mantissa, static_cast<std::uint8_t>(scale)};
}

constexpr std::size_t max_rendered_bytes = 24;

// Writes mantissa / 10^scale with all of its digits; returns where the text ends.
inline char* render_number(std::int64_t mantissa, unsigned scale, char* out) noexcept {
    std::array<char, max_rendered_bytes> digits;
    std::uint64_t left = mantissa < 0 ? 0 - static_cast<std::uint64_t>(mantissa) : static_cast<std::uint64_t>(mantissa);
    std::size_t count = 0;
    for (; left > 0 || count <= scale; left /= 10) digits[count++] = static_cast<char>('0' + left % 10);
    if (mantissa < 0) *out++ = '-';
    while (count > 0) {
        *out++ = digits[--count];
        if (count == scale && count > 0) *out++ = '.';
    }
    return out;
}

}  // namespace tally::segment_format
