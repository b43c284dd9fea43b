// Decimal numbers as text: which texts are numbers, and whether two texts are the same number.
//
// Grammar: [+-] digits [. digits] [(e|E) [+-] digits], with at least one digit before the exponent. No blanks, no
// hexadecimal, no underscores, no NaN, no infinity. Limit: at most 1,000 digits before and 1,000 after the point once
// the exponent is written out, so that no text of a few bytes can become a number of a hundred kilobytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

inline constexpr std::int64_t max_number_digits = 1000;

// A number in one canonical form: (-1)^negative * 0.DIGITS * 10^point, DIGITS without leading or trailing zeros; zero
// is {false, "", 0}. Two texts are the same number if and only if these are equal.
struct NumberText {
    bool negative = false;
    std::string digits;
    std::int64_t point = 0;

    bool operator==(const NumberText&) const = default;
};

enum class NumberProblem { not_a_number, too_many_digits };

// Whether `text` is a number within the limit; the problem if it is none. Does not allocate.
std::optional<NumberProblem> number_problem(std::string_view text) noexcept;

// The canonical form of a text that has no number_problem.
NumberText canonical_number(std::string_view text);

// The number written out without exponent, plus sign and superfluous leading zeros, at the scale that PostgreSQL's numeric
// gives it ("1.50e1" is 15.0); of a text that has no number_problem.
std::string plain_number(std::string_view text);

// The one text of a number whatever zeros it was sent with: plain_number without trailing zeros after the point.
std::string shortest_number(std::string_view text);

// Whether `text` follows the narrower grammar of JSON numbers (no plus sign, no leading zeros, digits on both sides).
bool is_json_number(std::string_view text) noexcept;

}  // namespace tally
