// Adding to, merging and subtracting summaries, and their packed form. Formats and rules are described in summary.hpp.
#include "core/base/invariant.hpp"
#include "core/summary/summary_format.hpp"

namespace tally {

using namespace summary_format;

namespace {

void count_up(std::int64_t& counter, std::int64_t by) {
    if (__builtin_add_overflow(counter, by, &counter))
        throw Error(ErrorKind::out_of_range, "more than 2^63 values in a summary");
}

void take_extremes(Summary& into, const Decimal& low, const Decimal& high) noexcept {
    const int below = into.lowest.kind == DecimalKind::none ? -1 : compare_value(low, into.lowest);
    if (below < 0 || (below == 0 && low.scale > into.lowest.scale)) into.lowest = low;
    const int above = into.highest.kind == DecimalKind::none ? 1 : compare_value(high, into.highest);
    if (above > 0 || (above == 0 && high.scale > into.highest.scale)) into.highest = high;
}

void take_first(Summary& into, const Moment& moment, const Decimal& value) noexcept {
    const int order = compare_moment(moment, into.first_moment);
    if (!into.has_moments || order < 0 || (order == 0 && compare_total(value, into.first) < 0)) {
        into.first = value;
        into.first_moment = moment;
    }
}

void take_latest(Summary& into, const Moment& moment, const Decimal& value) noexcept {
    const int order = compare_moment(moment, into.latest_moment);
    if (!into.has_moments || order > 0 || (order == 0 && compare_total(value, into.latest) > 0)) {
        into.latest = value;
        into.latest_moment = moment;
    }
}

// Lowest, highest, first and latest are meaningful only where every part knew them.
void forget_extremes(Summary& summary) noexcept {
    summary.sums_only = true;
    summary.has_moments = false;
    summary.lowest = summary.highest = summary.first = summary.latest = Decimal{};
    summary.first_moment = summary.latest_moment = Moment{};
}

std::int64_t finite_count(const Summary& s) noexcept {
    return s.n - s.nan_count - s.infinity_count - s.minus_infinity_count;
}

// Whether values of the decimal's kind were counted.
bool was_counted(const Summary& s, const Decimal& value) noexcept {
    switch (value.kind) {
        case DecimalKind::nan: return s.nan_count > 0;
        case DecimalKind::infinity: return s.infinity_count > 0;
        case DecimalKind::minus_infinity: return s.minus_infinity_count > 0;
        default: return finite_count(s) > 0;
    }
}

// The kinds that lowest and highest must have, `small` standing for finite.
DecimalKind least_kind(const Summary& s) noexcept {
    if (s.minus_infinity_count > 0) return DecimalKind::minus_infinity;
    if (finite_count(s) > 0) return DecimalKind::small;
    return s.infinity_count > 0 ? DecimalKind::infinity : DecimalKind::nan;
}

DecimalKind greatest_kind(const Summary& s) noexcept {
    if (s.nan_count > 0) return DecimalKind::nan;
    if (s.infinity_count > 0) return DecimalKind::infinity;
    return finite_count(s) > 0 ? DecimalKind::small : DecimalKind::minus_infinity;
}

bool is_of(DecimalKind kind, const Decimal& value) noexcept {
    return kind == DecimalKind::small ? value.finite() : value.kind == kind;
}

}  // namespace

bool is_consistent(const Summary& s) noexcept {
    const bool extremes = s.lowest.kind != DecimalKind::none && s.highest.kind != DecimalKind::none;
    const bool no_extremes = s.lowest.kind == DecimalKind::none && s.highest.kind == DecimalKind::none;
    const bool moments = s.first.kind != DecimalKind::none && s.latest.kind != DecimalKind::none;
    const bool no_moments = s.first.kind == DecimalKind::none && s.latest.kind == DecimalKind::none;
    bool good = s.n >= 0 && s.nan_count >= 0 && s.infinity_count >= 0 && s.minus_infinity_count >= 0 && s.nan_count <= s.n &&
                s.infinity_count <= s.n - s.nan_count && s.minus_infinity_count <= s.n - s.nan_count - s.infinity_count &&
                s.total.finite();
    if (good && finite_count(s) == 0) good = s.total.kind == DecimalKind::small && s.total.coefficient == 0;
    good = good && (s.n > 0 && !s.sums_only ? extremes : no_extremes) && (s.has_moments ? moments : no_moments);
    good = good && !(s.has_moments && (s.n == 0 || s.sums_only));
    if (good && extremes)
        good =
            is_of(least_kind(s), s.lowest) && is_of(greatest_kind(s), s.highest) && compare_value(s.lowest, s.highest) <= 0;
    if (good && moments) {
        const int order = compare_moment(s.first_moment, s.latest_moment);
        good = order < 0 || (order == 0 && compare_total(s.first, s.latest) <= 0);
        for (const Decimal* value : {&s.first, &s.latest})
            good = good && was_counted(s, *value) && compare_value(s.lowest, *value) <= 0 &&
                   compare_value(*value, s.highest) <= 0;
    }
    return good;
}

Summary load_summary(Bytes body, ErrorKind kind_of_error) {
    if (is_working(body) && kind_of_error == ErrorKind::corrupted) return load_working(body);
    ByteReader in(body, "tally.summary", kind_of_error);
    const std::uint8_t kind = in.u8(), found_version = in.u8(), form = in.u8(), flags = in.u8();
    if (kind != magic || form != form_packed) in.fail();
    if (found_version != version) in.fail_version(found_version);
    if ((flags & ~(flag_specials | flag_moments | flag_sums_only)) != 0) in.fail();
    Summary summary;
    const auto count = [&in] {
        const std::uint64_t value = in.varint();
        if (value > INT64_MAX) in.fail();
        return static_cast<std::int64_t>(value);
    };
    summary.has_moments = (flags & flag_moments) != 0;
    summary.sums_only = (flags & flag_sums_only) != 0;
    summary.n = count();
    if ((flags & flag_specials) != 0) {
        summary.nan_count = count();
        summary.infinity_count = count();
        summary.minus_infinity_count = count();
        if (!summary.has_specials()) in.fail();
    }
    summary.total = load_decimal(in);
    if (summary.n > 0 && !summary.sums_only) {
        summary.lowest = load_decimal(in);
        summary.highest = load_decimal(in);
    }
    if (summary.has_moments) {
        summary.first_moment.at = in.i64();
        summary.first_moment.seq = in.signed_varint();
        summary.first = load_decimal(in);
        summary.latest_moment.at = in.i64();
        summary.latest_moment.seq = in.signed_varint();
        summary.latest = load_decimal(in);
    }
    if (!in.done()) in.fail();
    if (!is_consistent(summary)) in.fail();
    if (kind_of_error != ErrorKind::corrupted &&
        !(is_timestamp(summary.first_moment.at) && is_timestamp(summary.latest_moment.at)))
        in.fail("a timestamp in it is out of range");
    return summary;
}

std::size_t packed_bound(const Summary& s) noexcept {
    return 4 + 6 * max_varint_bytes + 2 * 8 + stored_bound(s.total) + stored_bound(s.lowest) + stored_bound(s.highest) +
           stored_bound(s.first) + stored_bound(s.latest);
}

std::size_t pack_summary(const Summary& s, std::byte* start) noexcept {
    const StaysConsistent guard(s);
    ByteWriter out(start);
    out.u8(magic);
    out.u8(version);
    out.u8(form_packed);
    out.u8(static_cast<std::uint8_t>((s.has_specials() ? flag_specials : 0) | (s.has_moments ? flag_moments : 0) |
                                     (s.sums_only ? flag_sums_only : 0)));
    out.varint(static_cast<std::uint64_t>(s.n));
    if (s.has_specials()) {
        out.varint(static_cast<std::uint64_t>(s.nan_count));
        out.varint(static_cast<std::uint64_t>(s.infinity_count));
        out.varint(static_cast<std::uint64_t>(s.minus_infinity_count));
    }
    store_decimal(out, s.total);
    if (s.n > 0 && !s.sums_only) {
        store_decimal(out, s.lowest);
        store_decimal(out, s.highest);
    }
    if (s.has_moments) {
        out.i64(s.first_moment.at);
        out.signed_varint(s.first_moment.seq);
        store_decimal(out, s.first);
        out.i64(s.latest_moment.at);
        out.signed_varint(s.latest_moment.seq);
        store_decimal(out, s.latest);
    }
    return out.size();
}

void add_value(Summary& summary, const Decimal& value, const Moment* moment, std::byte* scratch) {
    const StaysConsistent guard(summary);
    count_up(summary.n, 1);
    switch (value.kind) {
        case DecimalKind::nan: ++summary.nan_count; break;
        case DecimalKind::infinity: ++summary.infinity_count; break;
        case DecimalKind::minus_infinity: ++summary.minus_infinity_count; break;
        default: summary.total = add_finite(summary.total, value, false, scratch);
    }
    if (summary.sums_only) return;
    take_extremes(summary, value, value);
    if (moment == nullptr) return;
    take_first(summary, *moment, value);
    take_latest(summary, *moment, value);
    summary.has_moments = true;
}

void merge_summary(Summary& left, const Summary& right, std::byte* scratch) {
    const StaysConsistent guard(left);
    count_up(left.n, right.n);
    left.nan_count += right.nan_count;
    left.infinity_count += right.infinity_count;
    left.minus_infinity_count += right.minus_infinity_count;
    left.total = add_finite(left.total, right.total, false, scratch);
    if (left.sums_only || right.sums_only) {
        forget_extremes(left);
        return;
    }
    if (right.n == 0) return;
    take_extremes(left, right.lowest, right.highest);
    if (!right.has_moments) return;
    take_first(left, right.first_moment, right.first);
    take_latest(left, right.latest_moment, right.latest);
    left.has_moments = true;
}

void subtract_summary(Summary& left, const Summary& right, std::byte* scratch) {
    left.n -= right.n;
    left.total = add_finite(left.total, right.total, true, scratch);
    left.nan_count -= right.nan_count;
    left.infinity_count -= right.infinity_count;
    left.minus_infinity_count -= right.minus_infinity_count;
    forget_extremes(left);
    if (!is_consistent(left))
        throw Error(ErrorKind::invalid_argument, "the second summary is not a part of the first",
                    "difference(whole, part) needs a part whose values were all counted in the whole.");
}

Decimal total_with_specials(const Summary& s) noexcept {
    if (s.n == 0) return Decimal{};
    if (s.nan_count > 0 || (s.infinity_count > 0 && s.minus_infinity_count > 0))
        return Decimal::make_special(DecimalKind::nan);
    if (s.infinity_count > 0) return Decimal::make_special(DecimalKind::infinity);
    if (s.minus_infinity_count > 0) return Decimal::make_special(DecimalKind::minus_infinity);
    return s.total;
}

}  // namespace tally
