// Long division by groups of four digits, from the first group down to where the result is cut off.
#include "core/usage/conversion.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

namespace tally {
namespace {

// As PostgreSQL's numeric chooses the scale of a quotient (NUMERIC_MIN_SIG_DIGITS and _MAX_DISPLAY_SCALE).
constexpr std::int32_t least_digits = 16;
constexpr std::int32_t most_scale = 1000;

// A quotient by a 32-bit divisor that ends at all ends within so many digits after the value's own.
constexpr std::int32_t digits_until_end = 31;

constexpr unsigned powers[] = {1, 10, 100, 1000, 10000};

// The magnitude of a quotient down to the group that holds the last wanted digit.
struct Quotient {
    std::int32_t weight;  // of the first group, which is 0: room for a carry
    std::vector<std::uint16_t> groups;
    bool rest;  // whether anything is left below the last group
};

unsigned group_of(const Groups& value, std::int32_t weight) noexcept {
    const std::int32_t index = value.weight - weight;
    if (index < 0 || index >= static_cast<std::int32_t>(value.count)) return 0;
    const std::byte* const at = value.groups + 2 * index;
    return std::to_integer<unsigned>(at[0]) | std::to_integer<unsigned>(at[1]) << 8;
}

// Word holds divisor * 10000.
template <typename Word>
Quotient divide(const Groups& value, Word divisor, std::int32_t bottom) {
    const std::int32_t top = std::max(value.weight, bottom);
    Quotient quotient{top + 1, {}, false};
    quotient.groups.reserve(static_cast<std::size_t>(top - bottom + 2));
    quotient.groups.push_back(0);
    Word rest = 0;
    for (std::int32_t weight = top; weight >= bottom; --weight) {
        rest = rest * decimal_base + group_of(value, weight);
        quotient.groups.push_back(static_cast<std::uint16_t>(rest / divisor));
        rest %= divisor;
    }
    const std::int32_t lowest = value.weight - static_cast<std::int32_t>(value.count) + 1;
    quotient.rest = rest != 0 || (value.count != 0 && lowest < bottom);
    return quotient;
}

Quotient divide_down_to(const Groups& value, uint128 divisor, std::int32_t bottom) {
    if (divisor == 0) throw Error(ErrorKind::out_of_range, "division by zero");
    if (divisor >> 50 == 0) return divide<std::uint64_t>(value, static_cast<std::uint64_t>(divisor), bottom);
    return divide<uint128>(value, divisor, bottom);
}

enum class Cut : std::uint8_t { up, down, nearest };

struct Cutoff {
    Quotient quotient;
    bool exact;
};

// The quotient at a scale: digits beyond it are cut off, and the rest decides as `cut` says.
Cutoff divide_at_scale(const Groups& value, uint128 divisor, std::int32_t scale, Cut cut) {
    Cutoff result{divide_down_to(value, divisor, -(scale / 4) - 1), true};
    std::vector<std::uint16_t>& groups = result.quotient.groups;
    const unsigned unit = powers[4 - scale % 4];  // of the last wanted digit in the last group
    const unsigned beyond = groups.back() % unit;
    result.exact = beyond == 0 && !result.quotient.rest;
    groups.back() = static_cast<std::uint16_t>(groups.back() - beyond);
    const bool away = cut == Cut::nearest ? beyond * 2 >= unit : !result.exact && value.negative == (cut == Cut::down);
    if (!away) return result;
    unsigned carry = unit;
    for (std::size_t i = groups.size(); carry != 0; --i) {
        carry += groups[i - 1];
        groups[i - 1] = static_cast<std::uint16_t>(carry % decimal_base);
        carry /= decimal_base;
    }
    return result;
}

// Digits after the point that are needed to show it.
std::int32_t shortest_scale(const Quotient& quotient) noexcept {
    for (std::size_t i = quotient.groups.size(); i > 0; --i) {
        const std::int32_t weight = quotient.weight - static_cast<std::int32_t>(i) + 1;
        unsigned group = quotient.groups[i - 1];
        if (weight >= 0) return 0;
        if (group == 0) continue;
        std::int32_t zeros = 0;
        for (; group % 10 == 0; group /= 10) ++zeros;
        return -4 * weight - zeros;
    }
    return 0;
}

Decimal decimal_of(const Quotient& quotient, bool negative, std::vector<std::byte>& room) {
    room.resize(2 * quotient.groups.size());
    for (std::size_t i = 0; i < quotient.groups.size(); ++i) {
        room[2 * i] = static_cast<std::byte>(quotient.groups[i] & 0xFF);
        room[2 * i + 1] = static_cast<std::byte>(quotient.groups[i] >> 8);
    }
    return from_groups(negative, quotient.weight, shortest_scale(quotient), room.data(),
                       static_cast<std::uint32_t>(quotient.groups.size()));
}

// select_div_scale of numeric.c, for a value shown at `scale` and a whole divisor.
std::int32_t division_scale(const Groups& value, std::int32_t scale, uint128 divisor) noexcept {
    std::int32_t divisor_weight = 0;
    for (; divisor >= decimal_base; divisor /= decimal_base) ++divisor_weight;
    const unsigned first = value.count == 0 ? 0 : group_of(value, value.weight);
    std::int32_t weight = (value.count == 0 ? 0 : value.weight) - divisor_weight;
    if (first <= static_cast<unsigned>(divisor)) --weight;
    return std::min(std::max({least_digits - 4 * weight, scale, 0}), most_scale);
}

// As numeric divides, without zeros at the end.
Decimal divide_as_numeric(const Groups& value, std::int32_t scale, uint128 divisor, std::vector<std::byte>& room) {
    const Cutoff result = divide_at_scale(value, divisor, division_scale(value, scale, divisor), Cut::nearest);
    return decimal_of(result.quotient, value.negative, room);
}

Decimal convert_unrounded(const Groups& value, std::int32_t scale, uint128 divisor, std::vector<std::byte>& room) {
    const std::int32_t longest = division_scale(value, scale + digits_until_end, divisor);
    const Cutoff result = divide_at_scale(value, divisor, longest, Cut::nearest);
    if (result.exact) return decimal_of(result.quotient, value.negative, room);
    return divide_as_numeric(value, scale, divisor, room);
}

// To the nearest multiple of 1 / parts, where parts is 2 or 10.
Decimal convert_to_parts(const Decimal& value, std::int64_t parts, uint128 divisor, std::vector<std::byte>& room) {
    std::byte small_room[small_groups_bytes];
    std::vector<std::byte> product(multiply_bound(to_groups(value, small_room).count));
    const Decimal multiple = multiply(value, parts, product.data());
    const Groups groups = to_groups(multiple, small_room);
    const Cutoff whole = divide_at_scale(groups, divisor, 0, Cut::nearest);
    std::byte whole_room[small_groups_bytes];
    std::vector<std::byte> wide_room;
    const Groups count = to_groups(decimal_of(whole.quotient, groups.negative, wide_room), whole_room);
    return decimal_of(divide_at_scale(count, static_cast<uint128>(parts), 1, Cut::nearest).quotient, groups.negative, room);
}

}  // namespace

Rounding parse_rounding(std::string_view name) {
    if (name == "UP") return Rounding::up;
    if (name == "DOWN") return Rounding::down;
    if (name == "NEAREST") return Rounding::nearest;
    if (name == "NEAREST_HALF") return Rounding::nearest_half;
    if (name == "NEAREST_DECILE") return Rounding::nearest_decile;
    if (name == "NONE") return Rounding::none;
    throw Error(ErrorKind::corrupted, "a metric's conversion_rounding is none that tally.metric takes");
}

Decimal convert(const Decimal& value, uint128 divisor, Rounding rounding, std::vector<std::byte>& room) {
    if (!value.finite()) return value;
    if (rounding == Rounding::nearest_half) return convert_to_parts(value, 2, divisor, room);
    if (rounding == Rounding::nearest_decile) return convert_to_parts(value, 10, divisor, room);
    std::byte small_room[small_groups_bytes];
    const Groups groups = to_groups(value, small_room);
    if (rounding == Rounding::none) return convert_unrounded(groups, value.scale, divisor, room);
    const Cut cut = rounding == Rounding::up ? Cut::up : rounding == Rounding::down ? Cut::down : Cut::nearest;
    return decimal_of(divide_at_scale(groups, divisor, 0, cut).quotient, groups.negative, room);
}

Decimal mean(const Decimal& total, std::uint64_t count, std::vector<std::byte>& room) {
    if (!total.finite()) return total;
    std::byte small_room[small_groups_bytes];
    return divide_as_numeric(to_groups(total, small_room), total.scale, count, room);
}

}  // namespace tally
