// Exact decimals: a 128-bit coefficient with a scale while at most 37 digits are needed, base-10000 digits beyond;
// never a double. A value knows its display scale as PostgreSQL's numeric does (1.10 is 110 at scale 2).
//
// Canonical form: a finite value is `small` exactly when |coefficient| < 10^37 at its scale, else `wide`; a wide value
// has neither leading nor trailing zero groups. So equal (value, scale) pairs have equal representations, whatever the
// road.
//
// Wide digits are groups of four decimal digits, 16-bit little-endian and unaligned, most significant first; the first
// group weighs 10000^weight. They are viewed, never owned: memory belongs to the caller.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/bytes.hpp"

namespace tally {

enum class DecimalKind : std::uint8_t { none = 0, small = 1, wide = 2, nan = 3, infinity = 4, minus_infinity = 5 };

constexpr int decimal_small_digits = 37;
constexpr int decimal_max_scale = 16383;   // PostgreSQL's NUMERIC_DSCALE_MAX
constexpr int decimal_max_weight = 32800;  // a sum of 2^63 greatest numerics still fits; numeric itself ends at 32767
constexpr int decimal_min_weight = -4097;  // 16383 digits after the point
constexpr unsigned decimal_base = 10000;

namespace detail {
constexpr std::array<int128, 39> make_powers() {
    std::array<int128, 39> powers{};
    powers[0] = 1;
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
    return powers;
}
}  // namespace detail

constexpr std::array<int128, 39> power_of_ten = detail::make_powers();

constexpr bool fits_small(int128 coefficient) noexcept {
    return coefficient < power_of_ten[decimal_small_digits] && coefficient > -power_of_ten[decimal_small_digits];
}

struct Decimal {
    DecimalKind kind = DecimalKind::none;
    bool negative = false;              // wide only
    std::int32_t scale = 0;             // digits shown after the point
    int128 coefficient = 0;             // small: value = coefficient / 10^scale
    std::int32_t weight = 0;            // wide only
    std::uint32_t group_count = 0;      // wide only
    const std::byte* groups = nullptr;  // wide only

    static Decimal make_small(int128 coefficient, std::int32_t scale) noexcept {
        Decimal result;
        result.kind = DecimalKind::small;
        result.scale = scale;
        result.coefficient = coefficient;
        return result;
    }
    static Decimal make_special(DecimalKind kind) noexcept {
        Decimal result;
        result.kind = kind;
        return result;
    }
    bool finite() const noexcept { return kind == DecimalKind::small || kind == DecimalKind::wide; }
    unsigned group(std::uint32_t index) const noexcept {
        return std::to_integer<unsigned>(groups[2 * index]) | std::to_integer<unsigned>(groups[2 * index + 1]) << 8;
    }
};

// A small decimal in a working state: 24 bytes without a 16-byte alignment.
struct SmallSlot {
    std::uint64_t low;
    std::int64_t high;
    std::int32_t scale;
    std::uint32_t kind;  // DecimalKind; small unless the state says otherwise

    int128 coefficient() const noexcept { return static_cast<int128>(high) << 64 | low; }
    void set(int128 value, std::int32_t value_scale) noexcept {
        low = static_cast<std::uint64_t>(value);
        high = static_cast<std::int64_t>(value >> 64);
        scale = value_scale;
        kind = static_cast<std::uint32_t>(DecimalKind::small);
    }
};

// Multiplies by 10^digits; false (value untouched) where the result would not be small.
inline bool scale_up(int128& coefficient, std::int32_t digits) noexcept {
    if (coefficient == 0) return true;
    if (digits > decimal_small_digits) return false;
    const int128 bound = power_of_ten[static_cast<std::size_t>(decimal_small_digits - digits)];
    if (coefficient >= bound || coefficient <= -bound) return false;
    coefficient *= power_of_ten[static_cast<std::size_t>(digits)];
    return true;
}

// Adds (addend, addend_scale) to (sum, scale); the result has the greater scale. False (sum untouched) where it would
// not be small.
inline bool add_small(int128& sum, std::int32_t& scale, int128 addend, std::int32_t addend_scale) noexcept {
    int128 left = sum;
    std::int32_t common = scale;
    if (addend_scale < common) {
        if (!scale_up(addend, common - addend_scale)) return false;
    } else if (addend_scale > common) {
        if (!scale_up(left, addend_scale - common)) return false;
        common = addend_scale;
    }
    left += addend;
    if (!fits_small(left)) return false;
    sum = left;
    scale = common;
    return true;
}

// <0, 0, >0 as left is less than, equal to or greater than right in value.
inline int compare_small(int128 left, std::int32_t left_scale, int128 right, std::int32_t right_scale) noexcept {
    if (left_scale < right_scale) {
        // what cannot be scaled up is 10^37 or more at the common scale: larger than any small value
        if (!scale_up(left, right_scale - left_scale)) return left < 0 ? -1 : 1;
    } else if (right_scale < left_scale) {
        if (!scale_up(right, left_scale - right_scale)) return right < 0 ? 1 : -1;
    }
    return left < right ? -1 : static_cast<int>(left > right);
}

// Order of PostgreSQL's numeric: -Infinity < finite < Infinity < NaN; display scale is not looked at. Neither may be
// none.
int compare_value(const Decimal& left, const Decimal& right) noexcept;

// compare_value, then scale: a total order of representations.
int compare_total(const Decimal& left, const Decimal& right) noexcept;

// Bytes of scratch memory that add_finite may need.
std::size_t add_bound(const Decimal& left, const Decimal& right) noexcept;

// left + right, or left - right where `subtract`; both finite. Scale = the greater of both. Wide results point into
// `scratch` (add_bound bytes). Throws Error(out_of_range) beyond decimal_max_weight.
Decimal add_finite(const Decimal& left, const Decimal& right, bool subtract, std::byte* scratch);

// value * factor, exact, with the scale of value; value must be finite. A wide result points into `scratch`, which has
// multiply_bound(groups of value) bytes.
constexpr std::size_t multiply_bound(std::size_t group_count) noexcept {
    return 2 * (group_count + 6);
}
Decimal multiply(const Decimal& value, std::int64_t factor, std::byte* scratch);

// Makes the canonical Decimal of base-10000 groups (little-endian, see above): strips zero groups and narrows if it
// fits.
Decimal from_groups(bool negative, std::int32_t weight, std::int32_t scale, const std::byte* groups,
                    std::uint32_t group_count) noexcept;

// The same value as base-10000 groups without leading and trailing zero groups; `room` (24 bytes) is used for small
// values.
struct Groups {
    bool negative;
    std::int32_t weight;
    std::uint32_t count;
    const std::byte* groups;
};
Groups to_groups(const Decimal& value, std::byte* room) noexcept;
constexpr std::size_t small_groups_bytes = 24;

// Text as PostgreSQL writes it: -12.340, NaN, Infinity, -Infinity. Appended to `out`.
void append_text(std::string& out, const Decimal& value);

// The same as a JSON string, as amounts stand in answers and statements; null where there is none.
void append_json(std::string& out, const Decimal& value);

// Reads what append_text writes (no exponent, no blanks). Wide values point into `scratch`, text.size() + 8 bytes.
// Throws Error(invalid_text).
Decimal parse_decimal(std::string_view text, std::byte* scratch);

// Stored form: tag byte, then for small (tag = 0..16, bytes of the minimal two's complement) those bytes and varint
// scale; tags 32, 33, 34 = NaN, Infinity, -Infinity; 48, 49 = wide positive, negative: varint scale, signed varint
// weight, varint group count, groups.
std::size_t stored_bound(const Decimal& value) noexcept;
void store_decimal(ByteWriter& out, const Decimal& value) noexcept;
Decimal load_decimal(ByteReader& in);

}  // namespace tally
