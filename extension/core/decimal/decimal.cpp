// Exact decimals beyond 37 digits, their order, text and stored form. Formats are described in decimal.hpp.
#include "core/decimal/decimal.hpp"

#include <algorithm>
#include <bit>

namespace tally {

namespace {

void put_group(std::byte* groups, std::size_t index, unsigned value) noexcept {
    groups[2 * index] = static_cast<std::byte>(value & 0xFF);
    groups[2 * index + 1] = static_cast<std::byte>(value >> 8);
}

unsigned get_group(const std::byte* groups, std::size_t index) noexcept {
    return std::to_integer<unsigned>(groups[2 * index]) | std::to_integer<unsigned>(groups[2 * index + 1]) << 8;
}

int digits_of(unsigned group) noexcept {
    return group >= 1000 ? 4 : group >= 100 ? 3 : group >= 10 ? 2 : 1;
}

// The group that weighs 10000^weight, 0 outside the stored ones.
unsigned group_at(const Groups& value, std::int32_t weight) noexcept {
    const std::int32_t index = value.weight - weight;
    return index < 0 || index >= static_cast<std::int32_t>(value.count)
               ? 0
               : get_group(value.groups, static_cast<std::size_t>(index));
}

int compare_magnitude(const Groups& left, const Groups& right) noexcept {
    if (left.count == 0 || right.count == 0) return static_cast<int>(left.count != 0) - static_cast<int>(right.count != 0);
    if (left.weight != right.weight) return left.weight < right.weight ? -1 : 1;
    const std::uint32_t common = std::min(left.count, right.count);
    for (std::uint32_t i = 0; i < common; ++i) {
        const unsigned l = get_group(left.groups, i);
        const unsigned r = get_group(right.groups, i);
        if (l != r) return l < r ? -1 : 1;
    }
    return left.count == right.count ? 0 : left.count < right.count ? -1 : 1;
}

int order_of_kind(DecimalKind kind) noexcept {
    switch (kind) {
        case DecimalKind::minus_infinity: return 0;
        case DecimalKind::infinity: return 2;
        case DecimalKind::nan: return 3;
        default: return 1;
    }
}

std::int32_t lowest_weight(const Groups& value) noexcept {
    return value.weight - static_cast<std::int32_t>(value.count) + 1;
}

// Weights that the sum of both may touch, one group of carry included.
struct Range {
    std::int32_t top;
    std::int32_t bottom;
    std::size_t count() const noexcept { return static_cast<std::size_t>(top - bottom + 1); }
};

Range sum_range(const Groups& left, const Groups& right) noexcept {
    if (left.count == 0) return {right.weight + 1, lowest_weight(right)};
    if (right.count == 0) return {left.weight + 1, lowest_weight(left)};
    return {std::max(left.weight, right.weight) + 1, std::min(lowest_weight(left), lowest_weight(right))};
}

}  // namespace

Groups to_groups(const Decimal& value, std::byte* room) noexcept {
    if (value.kind == DecimalKind::wide) return {value.negative, value.weight, value.group_count, value.groups};
    const bool negative = value.coefficient < 0;
    uint128 rest = negative ? -static_cast<uint128>(value.coefficient) : static_cast<uint128>(value.coefficient);
    unsigned reversed[12];
    std::uint32_t count = 0;
    std::int32_t bottom = -((value.scale + 3) / 4);  // weight of the lowest group
    if (const int odd = value.scale % 4; odd != 0) {
        const auto unit = static_cast<uint128>(power_of_ten[static_cast<std::size_t>(odd)]);
        reversed[count++] =
            static_cast<unsigned>(rest % unit) * static_cast<unsigned>(power_of_ten[static_cast<std::size_t>(4 - odd)]);
        rest /= unit;
    }
    for (; rest != 0; rest /= decimal_base) reversed[count++] = static_cast<unsigned>(rest % decimal_base);
    std::uint32_t skipped = 0;
    while (skipped < count && reversed[skipped] == 0) ++skipped, ++bottom;
    while (count > skipped && reversed[count - 1] == 0) --count;
    for (std::uint32_t i = count; i > skipped; --i) put_group(room, count - i, reversed[i - 1]);
    const std::uint32_t kept = count - skipped;
    return {negative, kept == 0 ? 0 : bottom + static_cast<std::int32_t>(kept) - 1, kept, room};
}

Decimal from_groups(bool negative, std::int32_t weight, std::int32_t scale, const std::byte* groups,
                    std::uint32_t group_count) noexcept {
    while (group_count > 0 && get_group(groups, 0) == 0) groups += 2, --group_count, --weight;
    while (group_count > 0 && get_group(groups, group_count - 1) == 0) --group_count;
    if (group_count == 0) return Decimal::make_small(0, scale);
    if (4 * weight + scale + digits_of(get_group(groups, 0)) <= decimal_small_digits) {
        int128 coefficient = 0;
        for (std::uint32_t i = 0; i + 1 < group_count; ++i) coefficient = coefficient * decimal_base + get_group(groups, i);
        const unsigned last = get_group(groups, group_count - 1);
        // the last group's lowest digit stands for 10^(4 * its weight); the coefficient's for 10^-scale
        const std::int32_t shift = 4 * (weight - static_cast<std::int32_t>(group_count) + 1) + scale;
        if (shift >= 0) {
            coefficient = (coefficient * decimal_base + last) * power_of_ten[static_cast<std::size_t>(shift)];
        } else {
            // numeric never holds digits beyond its scale: the digits cut off here are zeros, at most three
            const int cut = std::min(-shift, 4);
            coefficient = coefficient * power_of_ten[static_cast<std::size_t>(4 - cut)] +
                          last / static_cast<unsigned>(power_of_ten[static_cast<std::size_t>(cut)]);
        }
        return Decimal::make_small(negative ? -coefficient : coefficient, scale);
    }
    Decimal result;
    result.kind = DecimalKind::wide;
    result.negative = negative;
    result.scale = scale;
    result.weight = weight;
    result.group_count = group_count;
    result.groups = groups;
    return result;
}

int compare_value(const Decimal& left, const Decimal& right) noexcept {
    if (left.kind == DecimalKind::small && right.kind == DecimalKind::small)
        return compare_small(left.coefficient, left.scale, right.coefficient, right.scale);
    if (!left.finite() || !right.finite()) return order_of_kind(left.kind) - order_of_kind(right.kind);
    std::byte left_room[small_groups_bytes];
    std::byte right_room[small_groups_bytes];
    const Groups l = to_groups(left, left_room);
    const Groups r = to_groups(right, right_room);
    if (l.count != 0 && r.count != 0 && l.negative != r.negative) return l.negative ? -1 : 1;
    const int magnitude = compare_magnitude(l, r);
    return (l.count != 0 ? l.negative : r.negative) ? -magnitude : magnitude;
}

int compare_total(const Decimal& left, const Decimal& right) noexcept {
    const int order = compare_value(left, right);
    return order != 0 ? order : left.scale < right.scale ? -1 : static_cast<int>(left.scale > right.scale);
}

std::size_t add_bound(const Decimal& left, const Decimal& right) noexcept {
    std::byte left_room[small_groups_bytes];
    std::byte right_room[small_groups_bytes];
    const Groups l = to_groups(left, left_room);
    const Groups r = to_groups(right, right_room);
    return l.count == 0 && r.count == 0 ? 0 : 2 * sum_range(l, r).count();
}

Decimal add_finite(const Decimal& left, const Decimal& right, bool subtract, std::byte* scratch) {
    if (left.kind == DecimalKind::small && right.kind == DecimalKind::small) {
        int128 sum = left.coefficient;
        std::int32_t scale = left.scale;
        if (add_small(sum, scale, subtract ? -right.coefficient : right.coefficient, right.scale))
            return Decimal::make_small(sum, scale);
    }
    const std::int32_t scale = std::max(left.scale, right.scale);
    std::byte left_room[small_groups_bytes];
    std::byte right_room[small_groups_bytes];
    Groups a = to_groups(left, left_room);
    Groups b = to_groups(right, right_room);
    if (subtract) b.negative = !b.negative;
    if (a.count == 0 && b.count == 0) return Decimal::make_small(0, scale);
    const Range range = sum_range(a, b);
    const bool same_sign = a.count == 0 || b.count == 0 || a.negative == b.negative;
    if (compare_magnitude(a, b) < 0) std::swap(a, b);
    int carry = 0;
    for (std::size_t i = range.count(); i > 0; --i) {
        const std::int32_t weight = range.top - static_cast<std::int32_t>(i) + 1;
        const int right_group = static_cast<int>(group_at(b, weight));
        int digit = static_cast<int>(group_at(a, weight)) + carry + (same_sign ? right_group : -right_group);
        carry = digit >= static_cast<int>(decimal_base) ? 1 : digit < 0 ? -1 : 0;
        digit -= carry * static_cast<int>(decimal_base);
        put_group(scratch, i - 1, static_cast<unsigned>(digit));
    }
    const Decimal sum = from_groups(a.negative, range.top, scale, scratch, static_cast<std::uint32_t>(range.count()));
    if (sum.kind == DecimalKind::wide && sum.weight > decimal_max_weight)
        throw Error(ErrorKind::out_of_range, "value overflows numeric format");
    return sum;
}

Decimal multiply(const Decimal& value, std::int64_t factor, std::byte* scratch) {
    std::byte room[small_groups_bytes];
    const Groups groups = to_groups(value, room);
    const std::uint64_t magnitude = factor < 0 ? -static_cast<std::uint64_t>(factor) : static_cast<std::uint64_t>(factor);
    constexpr std::uint32_t more = 6;  // groups of a 64-bit factor, and one
    uint128 carry = 0;
    for (std::uint32_t i = groups.count; i > 0; --i) {
        carry += static_cast<uint128>(get_group(groups.groups, i - 1)) * magnitude;
        put_group(scratch, i - 1 + more, static_cast<unsigned>(carry % decimal_base));
        carry /= decimal_base;
    }
    for (std::uint32_t i = more; i > 0; --i, carry /= decimal_base)
        put_group(scratch, i - 1, static_cast<unsigned>(carry % decimal_base));
    const Decimal product = from_groups(groups.negative != (factor < 0), groups.weight + static_cast<std::int32_t>(more),
                                        value.scale, scratch, groups.count + more);
    if (product.kind == DecimalKind::wide && product.weight > decimal_max_weight)
        throw Error(ErrorKind::out_of_range, "value overflows numeric format");
    return product;
}

void append_text(std::string& out, const Decimal& value) {
    switch (value.kind) {
        case DecimalKind::none: return;
        case DecimalKind::nan: out += "NaN"; return;
        case DecimalKind::infinity: out += "Infinity"; return;
        case DecimalKind::minus_infinity: out += "-Infinity"; return;
        default: break;
    }
    std::byte room[small_groups_bytes];
    const Groups parts = to_groups(value, room);
    if (parts.negative && parts.count != 0) out += '-';
    const auto put4 = [&out](unsigned group, int digits) {
        static constexpr unsigned units[] = {1000, 100, 10, 1};
        for (int i = 0; i < digits; ++i) out += static_cast<char>('0' + group / units[i] % 10);
    };
    if (parts.count == 0 || parts.weight < 0) {
        out += '0';
    } else {
        const unsigned first = group_at(parts, parts.weight);
        out += std::to_string(first);
        for (std::int32_t weight = parts.weight - 1; weight >= 0; --weight) put4(group_at(parts, weight), 4);
    }
    if (value.scale == 0) return;
    out += '.';
    std::int32_t weight = -1;
    for (std::int32_t left = value.scale; left > 0; left -= 4, --weight) put4(group_at(parts, weight), std::min(left, 4));
}

void append_json(std::string& out, const Decimal& value) {
    if (value.kind == DecimalKind::none) {
        out += "null";
        return;
    }
    out += '"';
    append_text(out, value);
    out += '"';
}

Decimal parse_decimal(std::string_view text, std::byte* scratch) {
    if (text == "NaN") return Decimal::make_special(DecimalKind::nan);
    if (text == "Infinity") return Decimal::make_special(DecimalKind::infinity);
    if (text == "-Infinity") return Decimal::make_special(DecimalKind::minus_infinity);
    const auto bad = [] { return Error(ErrorKind::invalid_text, "malformed decimal number in a state"); };
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::size_t scale = point == text.size() ? 0 : text.size() - point - 1;
    if (point == 0 || (point != text.size() && scale == 0)) throw bad();
    if (scale > decimal_max_scale || point > 4 * (decimal_max_weight + 1))
        throw Error(ErrorKind::invalid_text, "decimal number in a state has too many digits");
    // pad the integer part in front and the fraction behind to whole groups
    const std::size_t lead = (4 - point % 4) % 4;
    const std::size_t whole = (point + lead) / 4;
    const std::size_t count = whole + (scale + 3) / 4;
    const auto digit_at = [&](std::size_t place) -> unsigned {
        if (place < lead) return 0;
        std::size_t index = place - lead;
        if (index >= point) ++index;  // step over the point
        if (index >= text.size()) return 0;
        if (text[index] < '0' || text[index] > '9') throw bad();
        return static_cast<unsigned>(text[index] - '0');
    };
    for (std::size_t i = 0; i < count; ++i) {
        unsigned group = 0;
        for (std::size_t k = 0; k < 4; ++k) group = group * 10 + digit_at(4 * i + k);
        put_group(scratch, i, group);
    }
    return from_groups(negative, static_cast<std::int32_t>(whole) - 1, static_cast<std::int32_t>(scale), scratch,
                       static_cast<std::uint32_t>(count));
}

namespace {
constexpr std::uint8_t tag_nan = 32, tag_infinity = 33, tag_minus_infinity = 34, tag_wide = 48, tag_wide_negative = 49;

int minimal_bytes(int128 value) noexcept {
    int bytes = 0;
    while (value != 0 && value != -1) value >>= 8, ++bytes;
    return bytes;
}
}  // namespace

std::size_t stored_bound(const Decimal& value) noexcept {
    return 1 + 17 + 3 * max_varint_bytes + (value.kind == DecimalKind::wide ? 2 * std::size_t{value.group_count} : 0);
}

void store_decimal(ByteWriter& out, const Decimal& value) noexcept {
    switch (value.kind) {
        case DecimalKind::nan: out.u8(tag_nan); return;
        case DecimalKind::infinity: out.u8(tag_infinity); return;
        case DecimalKind::minus_infinity: out.u8(tag_minus_infinity); return;
        case DecimalKind::wide:
            out.u8(value.negative ? tag_wide_negative : tag_wide);
            out.varint(static_cast<std::uint64_t>(value.scale));
            out.signed_varint(value.weight);
            out.varint(value.group_count);
            out.put(Bytes(value.groups, 2 * std::size_t{value.group_count}));
            return;
        default: break;
    }
    // one byte more where the top bit of the minimal bytes would not show the sign
    int length = minimal_bytes(value.coefficient);
    if (value.coefficient == 0) {
        length = 0;
    } else if (length == 0 || ((value.coefficient >> (8 * length - 1)) & 1) != (value.coefficient < 0 ? 1 : 0)) {
        ++length;
    }
    out.u8(static_cast<std::uint8_t>(length));
    for (int i = 0; i < length; ++i) out.u8(static_cast<std::uint8_t>(static_cast<uint128>(value.coefficient) >> (8 * i)));
    out.varint(static_cast<std::uint64_t>(value.scale));
}

Decimal load_decimal(ByteReader& in) {
    const auto refuse = [&in] { in.fail("a decimal number in it is malformed"); };
    const std::uint8_t tag = in.u8();
    if (tag <= 8 && in.left() >= 9) {  // nearly always: a small value, not at the very end
        const int unused = 64 - 8 * tag;
        const auto raw = in.peek_u64();
        const std::int64_t value = tag == 0 ? 0 : static_cast<std::int64_t>(raw << unused) >> unused;
        const bool padded =
            tag == 1 ? value == 0 : tag > 1 && static_cast<std::int64_t>(raw << (unused + 8)) >> (unused + 8) == value;
        in.take(tag);
        const std::uint64_t scale = in.varint();
        if (scale > decimal_max_scale || padded) refuse();
        return Decimal::make_small(value, static_cast<std::int32_t>(scale));
    }
    if (tag == tag_nan) return Decimal::make_special(DecimalKind::nan);
    if (tag == tag_infinity) return Decimal::make_special(DecimalKind::infinity);
    if (tag == tag_minus_infinity) return Decimal::make_special(DecimalKind::minus_infinity);
    if (tag <= 16) {
        uint128 coefficient = 0;
        int shift = 0;
        std::uint8_t last = 0, before = 0;
        for (const std::byte byte : in.take(tag)) {
            before = last;
            last = std::to_integer<std::uint8_t>(byte);
            coefficient |= static_cast<uint128>(last) << shift;
            shift += 8;
        }
        if (tag > 0 && tag < 16 && last >= 0x80) coefficient |= ~uint128{0} << shift;
        const bool padded = (last == 0 && before < 0x80) || (last == 0xFF && before >= 0x80 && tag > 1);
        const std::uint64_t scale = in.varint();
        if (scale > decimal_max_scale || (tag > 0 && padded) || !fits_small(static_cast<int128>(coefficient))) refuse();
        return Decimal::make_small(static_cast<int128>(coefficient), static_cast<std::int32_t>(scale));
    }
    if (tag != tag_wide && tag != tag_wide_negative) refuse();
    const std::uint64_t scale = in.varint();
    const std::int64_t weight = in.signed_varint();
    const std::uint64_t count = in.varint();
    if (scale > decimal_max_scale || weight > decimal_max_weight || weight < decimal_min_weight || count == 0 ||
        count > decimal_max_weight - decimal_min_weight)
        refuse();
    const Bytes groups = in.take(2 * count);
    for (std::size_t i = 0; i < count; ++i)
        if (get_group(groups.data(), i) >= decimal_base) refuse();
    const Decimal result = from_groups(tag == tag_wide_negative, static_cast<std::int32_t>(weight),
                                       static_cast<std::int32_t>(scale), groups.data(), static_cast<std::uint32_t>(count));
    // canonical: nothing stripped, not small, no digit beyond the scale
    const std::int64_t lowest = 4 * (weight - static_cast<std::int64_t>(count) + 1);
    unsigned last = get_group(groups.data(), count - 1);
    std::int64_t lowest_digit = lowest;
    while (last != 0 && last % 10 == 0) last /= 10, ++lowest_digit;
    if (result.kind != DecimalKind::wide || result.group_count != count || result.groups != groups.data() ||
        -lowest_digit > static_cast<std::int64_t>(scale))
        refuse();
    return result;
}

}  // namespace tally
