// Readings and parts of counters: what they mean, how two are joined, and their bytes. Rules and formats are described
// in counter.hpp; lists of parts are in counter_parts.cpp.
#include "core/counter/counter.hpp"

#include <algorithm>

namespace tally {

namespace {

constexpr std::uint8_t flag_many = 1;
constexpr std::uint8_t flag_first_seq = 2;
constexpr std::uint8_t flag_latest_seq = 4;

bool is_amount(const Decimal& value) noexcept {
    return value.kind == DecimalKind::small ? value.coefficient >= 0 : value.kind == DecimalKind::wide && !value.negative;
}

bool same(const Decimal& left, const Decimal& right) noexcept {
    return compare_total(left, right) == 0;
}

// Whether sum = left + right; none is negative. Group by group, so that no memory is needed.
bool is_sum(const Decimal& sum, const Decimal& left, const Decimal& right) noexcept {
    int128 total = left.coefficient;
    std::int32_t scale = left.scale;
    if (sum.kind == DecimalKind::small && left.kind == DecimalKind::small && right.kind == DecimalKind::small &&
        add_small(total, scale, right.coefficient, right.scale))
        return compare_small(total, scale, sum.coefficient, sum.scale) == 0;
    std::byte rooms[3][small_groups_bytes];
    const Groups numbers[] = {to_groups(left, rooms[0]), to_groups(right, rooms[1]), to_groups(sum, rooms[2])};
    std::int32_t top = decimal_min_weight;
    std::int32_t bottom = decimal_max_weight;
    for (const Groups& number : numbers) {
        if (number.count == 0) continue;
        top = std::max(top, number.weight);
        bottom = std::min(bottom, number.weight - static_cast<std::int32_t>(number.count) + 1);
    }
    const auto group_at = [](const Groups& number, std::int32_t weight) -> unsigned {
        const std::int64_t index = std::int64_t{number.weight} - weight;
        if (index < 0 || index >= std::int64_t{number.count}) return 0;
        const std::byte* const group = number.groups + 2 * index;
        return std::to_integer<unsigned>(group[0]) | std::to_integer<unsigned>(group[1]) << 8;
    };
    unsigned carry = 0;
    for (std::int32_t weight = bottom; weight <= top + 1; ++weight) {
        const unsigned group = group_at(numbers[0], weight) + group_at(numbers[1], weight) + carry;
        if (group % decimal_base != group_at(numbers[2], weight)) return false;
        carry = group / decimal_base;
    }
    return true;
}

int compare_reading(const Moment& left_moment, const Decimal& left, const Moment& right_moment,
                    const Decimal& right) noexcept {
    const int order = compare_moment(left_moment, right_moment);
    return order != 0 ? order : compare_value(left, right);
}

// What is left of `left` and `right` but their increase: counts and ends. False where there are too many readings.
bool join_ends(Counter& left, const Counter& right, bool reset) noexcept {
    std::int64_t n = 0;
    if (__builtin_add_overflow(left.n, right.n, &n)) return false;
    left.n = n;
    left.resets += right.resets + (reset ? 1 : 0);  // fewer than readings
    // of readings equal but for the scale the first has the lesser scale and the latest the greater, in whatever order
    if (right.first.scale < left.first.scale &&
        compare_reading(right.first_moment, right.first, left.first_moment, left.first) == 0)
        left.first = right.first;
    if (right.latest.scale >= left.latest.scale ||
        compare_reading(right.latest_moment, right.latest, left.latest_moment, left.latest) != 0)
        left.latest = right.latest;
    left.latest_moment = right.latest_moment;
    return true;
}

Counter make_reading(const Decimal& value, const Moment& moment) noexcept {
    Counter reading;
    reading.n = 1;
    reading.increase = Decimal::make_small(0, value.scale);
    reading.first = reading.latest = value;
    reading.first_moment = reading.latest_moment = moment;
    return reading;
}

}  // namespace

bool is_good_time(std::int64_t at) noexcept {
    return at != INT64_MAX && at != INT64_MIN;
}

bool is_consistent(const Counter& c) noexcept {
    if (c.n < 1 || c.resets < 0 || c.resets >= c.n || !is_amount(c.increase) || !is_amount(c.first) ||
        !is_amount(c.latest) || !is_good_time(c.first_moment.at) || !is_good_time(c.latest_moment.at))
        return false;
    const int moments = compare_moment(c.first_moment, c.latest_moment);
    const int values = compare_value(c.first, c.latest);
    if (c.n == 1) return moments == 0 && same(c.first, c.latest) && same(c.increase, Decimal::make_small(0, c.first.scale));
    if (moments > 0 || (moments == 0 && c.resets != 0) || c.increase.scale < std::max(c.first.scale, c.latest.scale))
        return false;
    if (c.resets != 0) return compare_value(c.increase, c.latest) >= 0;
    return values <= 0 && is_sum(c.latest, c.first, c.increase);
}

Counter small_reading(int128 coefficient, std::int32_t scale, const Moment& moment) noexcept {
    return make_reading(Decimal::make_small(coefficient, scale), moment);
}

Counter reading_of(const Decimal& value, const Moment& moment) {
    constexpr const char* hint = "A counter only rises, and begins again at 0. For values that fall use tally.level.";
    if (!value.finite()) throw Error(ErrorKind::invalid_argument, "a counter cannot read NaN or infinity");
    if (!is_amount(value)) throw Error(ErrorKind::invalid_argument, "a counter cannot read a negative value", hint);
    if (!is_good_time(moment.at)) throw Error(ErrorKind::invalid_argument, "a counter cannot be read at an infinite time");
    return make_reading(value, moment);
}

bool in_order(const Counter& left, const Counter& right) noexcept {
    return compare_reading(left.latest_moment, left.latest, right.first_moment, right.first) <= 0;
}

bool join_small(Counter& left, const Counter& right) noexcept {
    const auto small = [](const Decimal& value) { return value.kind == DecimalKind::small; };
    if (!small(left.increase) || !small(left.latest) || !small(right.increase) || !small(right.first) ||
        !small(right.latest))
        return false;
    int128 sum = left.increase.coefficient;
    std::int32_t scale = left.increase.scale;
    const bool reset =
        compare_small(right.first.coefficient, right.first.scale, left.latest.coefficient, left.latest.scale) < 0;
    if ((!reset && !add_small(sum, scale, -left.latest.coefficient, left.latest.scale)) ||
        !add_small(sum, scale, right.first.coefficient, right.first.scale) ||
        !add_small(sum, scale, right.increase.coefficient, right.increase.scale) || !join_ends(left, right, reset))
        return false;
    left.increase = Decimal::make_small(sum, scale);
    return true;
}

void join_counter(Counter& left, const Counter& right, JoinScratch& scratch) {
    const auto area = [&scratch] {
        scratch.second = !scratch.second;
        return scratch.areas + (scratch.second ? join_area_bytes : 0);
    };
    const bool reset = compare_value(right.first, left.latest) < 0;
    Decimal sum = left.increase;
    if (!reset) sum = add_finite(sum, left.latest, true, area());
    sum = add_finite(sum, right.first, false, area());
    sum = add_finite(sum, right.increase, false, area());
    if (!join_ends(left, right, reset)) throw Error(ErrorKind::out_of_range, "more than 2^63 readings of a counter");
    left.increase = sum;
}

std::size_t part_bound(const Counter& part) noexcept {
    const std::size_t reading = 1 + 8 + max_varint_bytes + stored_bound(part.first);
    return part.n == 1 ? reading
                       : reading + 3 * max_varint_bytes + 8 + stored_bound(part.increase) + stored_bound(part.latest);
}

std::size_t store_part(const Counter& part, std::byte* start) noexcept {
    ByteWriter out(start);
    const bool many = part.n > 1;
    out.u8(static_cast<std::uint8_t>((many ? flag_many : 0) | (part.first_moment.seq != 0 ? flag_first_seq : 0) |
                                     (many && part.latest_moment.seq != 0 ? flag_latest_seq : 0)));
    out.i64(part.first_moment.at);
    if (part.first_moment.seq != 0) out.signed_varint(part.first_moment.seq);
    store_decimal(out, part.first);
    if (!many) return out.size();
    out.varint(static_cast<std::uint64_t>(part.n));
    out.varint(static_cast<std::uint64_t>(part.resets));
    store_decimal(out, part.increase);
    out.i64(part.latest_moment.at);
    if (part.latest_moment.seq != 0) out.signed_varint(part.latest_moment.seq);
    store_decimal(out, part.latest);
    return out.size();
}

Counter load_part(ByteReader& in) {
    const auto refuse = [&in] { in.fail(); };
    const std::uint8_t flags = in.u8();
    const bool many = (flags & flag_many) != 0;
    if (flags > (flag_many | flag_first_seq | flag_latest_seq) || (!many && (flags & flag_latest_seq) != 0)) refuse();
    const auto moment = [&](std::uint8_t flag) {
        Moment read;
        read.at = in.i64();
        if ((flags & flag) == 0) return read;
        read.seq = in.signed_varint();
        if (read.seq == 0) refuse();
        return read;
    };
    const Moment first_moment = moment(flag_first_seq);
    Counter part = make_reading(load_decimal(in), first_moment);
    if (many) {
        const std::uint64_t n = in.varint();
        const std::uint64_t resets = in.varint();
        if (n < 2 || n > INT64_MAX || resets >= n) refuse();
        part.n = static_cast<std::int64_t>(n);
        part.resets = static_cast<std::int64_t>(resets);
        part.increase = load_decimal(in);
        part.latest_moment = moment(flag_latest_seq);
        part.latest = load_decimal(in);
    }
    if (many ? !is_consistent(part) : !is_amount(part.first) || !is_good_time(first_moment.at)) refuse();
    return part;
}

}  // namespace tally
