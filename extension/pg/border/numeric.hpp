// PostgreSQL's numeric read from and written to its stored bytes without a copy (the format is the same from 9.1 to
// 18).
//
// After the varlena header stands a 16-bit word: 11.. .... = NaN (1100), Infinity (1101), -Infinity (1111);
//   10sd dddd dwww wwww = short form: sign, 6 bits of display scale, 7 bits of weight (two's complement);
//   0sdd dddd dddd dddd = long form: sign, 14 bits of display scale, and a 16-bit weight follows.
// Then base-10000 digits, 16 bits each in native order, most significant first, the first weighing 10000^weight.
#pragma once

#include "core/decimal/decimal.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

// The value behind a numeric Datum: detoasted if need be (that may palloc), else viewed in place. A wide value points
// into the Datum's memory. Raises an error for bytes that are no numeric.
Decimal decimal_from_numeric(Datum numeric);

// Reads a numeric of at most 9 digit groups that is surely small; false where decimal_from_numeric is needed. Never
// palloc's and never raises an error.
inline bool small_from_numeric(Datum numeric, int128& coefficient, std::int32_t& scale) noexcept;

// Makes a numeric Datum in the current memory context. Raises 22003 beyond numeric's range.
Datum numeric_from_decimal(const Decimal& value);

inline Datum numeric_of(std::int64_t value) {
    return DirectFunctionCall1(int8_numeric, Int64GetDatum(value));
}

// Microseconds from one moment to a later one, as numeric: the difference of two int64 may need 65 bits.
inline Datum micros_between(std::int64_t from, std::int64_t to) {
    return DirectFunctionCall2(numeric_sub, numeric_of(to), numeric_of(from));
}

namespace numeric_format {

constexpr unsigned special_mask = 0xC000;
constexpr unsigned long_negative = 0x4000;
constexpr unsigned short_form = 0x8000;
constexpr unsigned short_negative = 0x2000;
constexpr unsigned short_scale_shift = 7;
constexpr unsigned short_scale_max = 0x3F;
constexpr unsigned short_weight_mask = 0x3F;
constexpr unsigned short_weight_sign = 0x40;
constexpr unsigned nan_word = 0xC000;
constexpr unsigned infinity_word = 0xD000;
constexpr unsigned minus_infinity_word = 0xF000;
constexpr int weight_max = 32767;

inline std::uint16_t word_at(const char* bytes) noexcept {
    std::uint16_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

}  // namespace numeric_format

inline bool small_from_numeric(Datum numeric, int128& coefficient, std::int32_t& scale) noexcept {
    namespace format = numeric_format;
    const char* const pointer = DatumGetPointer(numeric);
    if (VARATT_IS_EXTERNAL(pointer) || VARATT_IS_COMPRESSED(pointer)) return false;
    const char* bytes = VARDATA_ANY(pointer);
    const std::size_t size = VARSIZE_ANY_EXHDR(pointer);
    if (size < 2 || size > 20 || size % 2 != 0) return false;
    const unsigned header = format::word_at(bytes);
    if ((header & format::special_mask) != format::short_form) return false;
    const int display_scale = static_cast<int>(header >> format::short_scale_shift & format::short_scale_max);
    const int weight =
        static_cast<int>(header & format::short_weight_mask) - static_cast<int>(header & format::short_weight_sign);
    const int count = static_cast<int>(size / 2) - 1;
    scale = display_scale;
    if (count == 0) {
        coefficient = 0;
        return true;
    }
    // the coefficient has at most 4 * (weight + 1) + scale digits
    if (4 * (weight + 1) + display_scale > decimal_small_digits || count > weight + 1 + (display_scale + 3) / 4)
        return false;
    int shift = 4 * (weight - count + 1) + display_scale;
    const auto magnitude = [&]() -> int128 {
        bytes += 2;
        std::uint64_t head = 0;
        int index = 0;
        const int whole = shift < 0 ? count - 1 : count;
        for (; index < whole && index < 4; ++index) head = head * decimal_base + format::word_at(bytes + 2 * index);
        int128 value = head;
        for (; index < whole; ++index) value = value * decimal_base + format::word_at(bytes + 2 * index);
        if (shift >= 0) return value * power_of_ten[static_cast<std::size_t>(shift)];
        return value * power_of_ten[static_cast<std::size_t>(4 + shift)] +
               format::word_at(bytes + 2 * index) / static_cast<unsigned>(power_of_ten[static_cast<std::size_t>(-shift)]);
    };
    coefficient = magnitude();
    if ((header & format::short_negative) != 0) coefficient = -coefficient;
    return true;
}

}  // namespace tally
