// Adding to, merging and subtracting summaries, and their byte forms. Formats and rules are described in summary.hpp.
#include "core/summary.hpp"

#include <bit>
#include <cstring>

namespace tally {

namespace {

constexpr std::uint8_t magic = 'S';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t flag_specials = 1;
constexpr std::uint8_t flag_moments = 2;
constexpr std::uint8_t flag_sums_only = 4;

constexpr std::uint32_t working_word = [] {
    // the four bytes of the version word as the native integer that has them in memory order
    constexpr std::uint32_t little = magic | version << 8 | form_working << 16;
    return std::endian::native == std::endian::little ? little : __builtin_bswap32(little);
}();

Error bad_state() {
    return Error(ErrorKind::corrupted, "malformed tally.summary state");
}

Decimal slot_value(const SmallSlot& slot) {
    const auto kind = static_cast<DecimalKind>(slot.kind);
    if (kind == DecimalKind::small) {
        if (slot.scale < 0 || slot.scale > decimal_max_scale || !fits_small(slot.coefficient())) throw bad_state();
        return Decimal::make_small(slot.coefficient(), slot.scale);
    }
    if (slot.kind > static_cast<std::uint32_t>(DecimalKind::minus_infinity) || kind == DecimalKind::wide)
        throw bad_state();
    return Decimal::make_special(kind);
}

bool fill_slot(SmallSlot& slot, const Decimal& value) noexcept {
    if (value.kind == DecimalKind::wide) return false;
    slot.set(value.coefficient, value.scale);
    slot.kind = static_cast<std::uint32_t>(value.kind);
    return true;
}

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

Summary load_working(Bytes body) {
    SummaryWork work;
    std::memcpy(reinterpret_cast<std::byte*>(&work) + summary_varlena_header, body.data(), body.size());
    Summary summary;
    summary.n = work.n;
    summary.nan_count = work.nan_count;
    summary.infinity_count = work.infinity_count;
    summary.minus_infinity_count = work.minus_infinity_count;
    summary.has_moments = (work.flags & flag_moments) != 0;
    summary.sums_only = (work.flags & flag_sums_only) != 0;
    summary.total = slot_value(work.total);
    summary.lowest = slot_value(work.lowest);
    summary.highest = slot_value(work.highest);
    summary.first = slot_value(work.first);
    summary.latest = slot_value(work.latest);
    summary.first_moment = work.first_moment;
    summary.latest_moment = work.latest_moment;
    if (!is_consistent(summary)) throw bad_state();
    return summary;
}

}  // namespace

bool is_working(Bytes body) noexcept {
    std::uint32_t word = 0;
    if (body.size() != sizeof(SummaryWork) - summary_varlena_header) return false;
    std::memcpy(&word, body.data(), sizeof word);
    return word == working_word;
}

bool is_consistent(const Summary& s) noexcept {
    const bool extremes = s.lowest.kind != DecimalKind::none && s.highest.kind != DecimalKind::none;
    const bool no_extremes = s.lowest.kind == DecimalKind::none && s.highest.kind == DecimalKind::none;
    const bool moments = s.first.kind != DecimalKind::none && s.latest.kind != DecimalKind::none;
    const bool no_moments = s.first.kind == DecimalKind::none && s.latest.kind == DecimalKind::none;
    bool good = s.n >= 0 && s.nan_count >= 0 && s.infinity_count >= 0 && s.minus_infinity_count >= 0 &&
                s.nan_count <= s.n && s.infinity_count <= s.n - s.nan_count &&
                s.minus_infinity_count <= s.n - s.nan_count - s.infinity_count && s.total.finite();
    if (good && s.n == s.nan_count + s.infinity_count + s.minus_infinity_count)
        good = s.total.kind == DecimalKind::small && s.total.coefficient == 0;
    good = good && (s.n > 0 && !s.sums_only ? extremes : no_extremes) && (s.has_moments ? moments : no_moments);
    good = good && !(s.has_moments && (s.n == 0 || s.sums_only));
    if (good && extremes) good = compare_value(s.lowest, s.highest) <= 0;
    if (good && moments) {
        const int order = compare_moment(s.first_moment, s.latest_moment);
        good = order < 0 || (order == 0 && compare_total(s.first, s.latest) <= 0);
        for (const Decimal* value : {&s.first, &s.latest})
            good = good && compare_value(s.lowest, *value) <= 0 && compare_value(*value, s.highest) <= 0;
    }
    return good;
}

Summary load_summary(Bytes body, ErrorKind kind_of_error) {
    if (is_working(body) && kind_of_error == ErrorKind::corrupted) return load_working(body);
    ByteReader in(body, kind_of_error);
    const std::uint8_t kind = in.u8(), found_version = in.u8(), form = in.u8(), flags = in.u8();
    if (kind != magic || form != form_packed) in.fail("malformed tally.summary state");
    if (found_version != version)
        throw Error(kind_of_error, "tally.summary state of unknown version " + std::to_string(found_version),
                    "It was written by a newer version of pgtally.");
    if ((flags & ~(flag_specials | flag_moments | flag_sums_only)) != 0) in.fail("malformed tally.summary state");
    Summary summary;
    const auto count = [&in] {
        const std::uint64_t value = in.varint();
        if (value > INT64_MAX) in.fail("malformed tally.summary state");
        return static_cast<std::int64_t>(value);
    };
    summary.has_moments = (flags & flag_moments) != 0;
    summary.sums_only = (flags & flag_sums_only) != 0;
    summary.n = count();
    if ((flags & flag_specials) != 0) {
        summary.nan_count = count();
        summary.infinity_count = count();
        summary.minus_infinity_count = count();
        if (!summary.has_specials()) in.fail("malformed tally.summary state");
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
    if (!in.done()) in.fail("malformed tally.summary state");
    if (!is_consistent(summary)) in.fail("malformed tally.summary state");
    return summary;
}

std::size_t packed_bound(const Summary& s) noexcept {
    return 4 + 6 * max_varint_bytes + 2 * 8 + stored_bound(s.total) + stored_bound(s.lowest) + stored_bound(s.highest) +
           stored_bound(s.first) + stored_bound(s.latest);
}

std::size_t pack_summary(const Summary& s, std::byte* start) noexcept {
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

bool to_working(const Summary& s, SummaryWork& work) noexcept {
    if (!fill_slot(work.total, s.total) || !fill_slot(work.lowest, s.lowest) || !fill_slot(work.highest, s.highest) ||
        !fill_slot(work.first, s.first) || !fill_slot(work.latest, s.latest))
        return false;
    work.word = working_word;
    work.n = s.n;
    work.nan_count = s.nan_count;
    work.infinity_count = s.infinity_count;
    work.minus_infinity_count = s.minus_infinity_count;
    work.first_moment = s.first_moment;
    work.latest_moment = s.latest_moment;
    work.flags = (s.has_specials() ? flag_specials : 0U) | (s.has_moments ? flag_moments : 0U) |
                 (s.sums_only ? flag_sums_only : 0U);
    return true;
}

namespace {

// -1, 0, 1 as the value is below, equal to, above the slot; equal values are told apart by scale only where asked.
inline int against(const SmallSlot& slot, int128 coefficient, std::int32_t scale) noexcept {
    return compare_small(coefficient, scale, slot.coefficient(), slot.scale);
}

inline int against_total(const SmallSlot& slot, int128 coefficient, std::int32_t scale) noexcept {
    const int order = against(slot, coefficient, scale);
    return order != 0 ? order : scale < slot.scale ? -1 : static_cast<int>(scale > slot.scale);
}

inline void take_lowest(SummaryWork& work, int128 coefficient, std::int32_t scale) noexcept {
    const int order = against(work.lowest, coefficient, scale);
    if (order < 0 || (order == 0 && scale > work.lowest.scale)) work.lowest.set(coefficient, scale);
}

inline void take_highest(SummaryWork& work, int128 coefficient, std::int32_t scale) noexcept {
    const int order = against(work.highest, coefficient, scale);
    if (order > 0 || (order == 0 && scale > work.highest.scale)) work.highest.set(coefficient, scale);
}

void move_moments(SummaryWork& work, int128 coefficient, std::int32_t scale, const Moment& moment) noexcept {
    if ((work.flags & flag_moments) == 0) {
        work.flags |= flag_moments;
        work.first.set(coefficient, scale);
        work.latest.set(coefficient, scale);
        work.first_moment = work.latest_moment = moment;
        return;
    }
    const int after = compare_moment(moment, work.latest_moment);
    if (after > 0 || (after == 0 && against_total(work.latest, coefficient, scale) > 0)) {
        work.latest.set(coefficient, scale);
        work.latest_moment = moment;
    }
    const int before = compare_moment(moment, work.first_moment);
    if (before < 0 || (before == 0 && against_total(work.first, coefficient, scale) < 0)) {
        work.first.set(coefficient, scale);
        work.first_moment = moment;
    }
}

}  // namespace

bool add_in_place(SummaryWork& work, int128 coefficient, std::int32_t scale, const Moment* moment) noexcept {
    if (work.n <= 0 || work.n == INT64_MAX || (work.flags & (flag_specials | flag_sums_only)) != 0) return false;
    int128 sum = work.total.coefficient();
    std::int32_t sum_scale = work.total.scale;
    if (!add_small(sum, sum_scale, coefficient, scale)) return false;
    work.total.set(sum, sum_scale);
    ++work.n;
    take_lowest(work, coefficient, scale);
    take_highest(work, coefficient, scale);
    if (moment != nullptr) move_moments(work, coefficient, scale, *moment);
    return true;
}

bool merge_in_place(SummaryWork& work, const Summary& right) noexcept {
    const auto wide_or_special = [](const Decimal& value) { return value.kind > DecimalKind::small; };
    std::int64_t n = 0;
    if (work.n <= 0 || right.n <= 0 || (work.flags & (flag_specials | flag_sums_only)) != 0 || right.has_specials() ||
        right.sums_only || wide_or_special(right.total) || wide_or_special(right.lowest) ||
        wide_or_special(right.highest) || wide_or_special(right.first) || wide_or_special(right.latest) ||
        __builtin_add_overflow(work.n, right.n, &n))
        return false;
    int128 sum = work.total.coefficient();
    std::int32_t sum_scale = work.total.scale;
    if (!add_small(sum, sum_scale, right.total.coefficient, right.total.scale)) return false;
    work.total.set(sum, sum_scale);
    work.n = n;
    take_lowest(work, right.lowest.coefficient, right.lowest.scale);
    take_highest(work, right.highest.coefficient, right.highest.scale);
    if (right.has_moments) {
        move_moments(work, right.first.coefficient, right.first.scale, right.first_moment);
        move_moments(work, right.latest.coefficient, right.latest.scale, right.latest_moment);
    }
    return true;
}

void add_value(Summary& summary, const Decimal& value, const Moment* moment, std::byte* scratch) {
    count_up(summary.n, 1);
    switch (value.kind) {
        case DecimalKind::nan:
            ++summary.nan_count;
            break;
        case DecimalKind::infinity:
            ++summary.infinity_count;
            break;
        case DecimalKind::minus_infinity:
            ++summary.minus_infinity_count;
            break;
        default:
            summary.total = add_finite(summary.total, value, false, scratch);
    }
    if (summary.sums_only) return;
    take_extremes(summary, value, value);
    if (moment == nullptr) return;
    take_first(summary, *moment, value);
    take_latest(summary, *moment, value);
    summary.has_moments = true;
}

void merge_summary(Summary& left, const Summary& right, std::byte* scratch) {
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
