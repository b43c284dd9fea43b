// The working form of tally.summary: read, made, and changed in place. Formats and rules are described in summary.hpp.
#include <algorithm>

#include "core/base/invariant.hpp"
#include "core/summary/summary_format.hpp"

namespace tally {

using namespace summary_format;

namespace {

// False for a slot that no working form has.
bool read_slot(const SmallSlot& slot, Decimal& value) noexcept {
    const auto kind = static_cast<DecimalKind>(slot.kind);
    value = kind == DecimalKind::small ? Decimal::make_small(slot.coefficient(), slot.scale) : Decimal::make_special(kind);
    if (kind == DecimalKind::small)
        return slot.scale >= 0 && slot.scale <= decimal_max_scale && fits_small(slot.coefficient());
    return kind != DecimalKind::wide && slot.kind <= static_cast<std::uint32_t>(DecimalKind::minus_infinity);
}

std::uint64_t flags_of(const Summary& s) noexcept {
    return (s.has_specials() ? flag_specials : 0U) | (s.has_moments ? flag_moments : 0U) |
           (s.sums_only ? flag_sums_only : 0U);
}

// False for a state that is inconsistent.
bool read_working(const SummaryWork& work, Summary& summary) noexcept {
    summary.n = work.n;
    summary.nan_count = work.nan_count;
    summary.infinity_count = work.infinity_count;
    summary.minus_infinity_count = work.minus_infinity_count;
    summary.has_moments = (work.flags & flag_moments) != 0;
    summary.sums_only = (work.flags & flag_sums_only) != 0;
    summary.first_moment = work.first_moment;
    summary.latest_moment = work.latest_moment;
    return read_slot(work.total, summary.total) && read_slot(work.lowest, summary.lowest) &&
           read_slot(work.highest, summary.highest) && read_slot(work.first, summary.first) &&
           read_slot(work.latest, summary.latest) && work.flags == flags_of(summary) && is_consistent(summary);
}

bool fill_slot(SmallSlot& slot, const Decimal& value) noexcept {
    if (value.kind == DecimalKind::wide) return false;
    slot.set(value.coefficient, value.scale);
    slot.kind = static_cast<std::uint32_t>(value.kind);
    return true;
}

// A decimal of a packed state as nearly all are.
struct QuickDecimal {
    std::int64_t coefficient;
    std::int32_t scale;
};

// The two halves of a packed state that holds nothing else; the names are those of Summary.
struct QuickValues {
    std::int64_t n;
    QuickDecimal total, lowest, highest;
};
struct QuickMoments {
    Moment first_moment, latest_moment;
    QuickDecimal first, latest;
};

// Reads such a state without exceptions. Every function answers false where the bytes end too early, are not canonical
// or hold something else; load_summary then says what it is. There must be 16 bytes in all.
class QuickReader {
public:
    explicit QuickReader(Bytes bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    std::uint32_t word() noexcept {
        const auto value = static_cast<std::uint32_t>(little_u64(at_));
        at_ += 4;
        return value;
    }
    bool varint(std::uint64_t& value) noexcept {
        value = 0;
        for (int shift = 0; shift < 63 && at_ != end_; shift += 7) {
            const auto byte = std::to_integer<std::uint8_t>(*at_++);
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return byte != 0 || shift == 0;
        }
        return false;
    }
    bool moment(Moment& moment) noexcept {
        std::uint64_t coded = 0;
        if (left() < 8) return false;
        moment.at = static_cast<std::int64_t>(little_u64(at_));
        at_ += 8;
        if (!varint(coded)) return false;
        moment.seq = static_cast<std::int64_t>(coded >> 1) ^ -static_cast<std::int64_t>(coded & 1);
        return true;
    }
    bool decimal(QuickDecimal& value) noexcept {
        if (left() < 2) return false;
        const auto length = std::to_integer<unsigned>(*at_++);
        if (length > 8 || left() <= length) return false;
        value.coefficient = 0;
        if (length != 0) {
            // eight bytes that end where the coefficient ends, or near the front eight that begin where it begins
            const unsigned unused = 64 - 8 * length;
            const std::uint64_t bytes = left() >= 8 ? little_u64(at_) << unused : little_u64(at_ + length - 8);
            const bool padded = static_cast<std::uint64_t>((static_cast<std::int64_t>(bytes) >> 55) + 1) <= 1;
            if (padded) return false;
            value.coefficient = static_cast<std::int64_t>(bytes) >> unused;
            at_ += length;
        }
        value.scale = std::to_integer<std::int32_t>(*at_++);
        return value.scale < 0x80;
    }
    bool values(QuickValues& values) noexcept {
        std::uint64_t n = 0;
        if (!varint(n) || n == 0) return false;
        values.n = static_cast<std::int64_t>(n);
        return decimal(values.total) && decimal(values.lowest) && decimal(values.highest);
    }
    bool moments(QuickMoments& moments) noexcept {
        return moment(moments.first_moment) && decimal(moments.first) && moment(moments.latest_moment) &&
               decimal(moments.latest);
    }
    bool done() const noexcept { return at_ == end_; }

private:
    std::ptrdiff_t left() const noexcept { return end_ - at_; }

    const std::byte* at_;
    const std::byte* end_;
};

inline int compare(const QuickDecimal& left, const QuickDecimal& right) noexcept {
    if (left.scale != right.scale) return compare_small(left.coefficient, left.scale, right.coefficient, right.scale);
    return left.coefficient < right.coefficient ? -1 : static_cast<int>(left.coefficient > right.coefficient);
}

constexpr auto unit_of = [] {
    std::array<std::int64_t, 19> units{};
    for (std::size_t i = 0; i < units.size(); ++i) units[i] = static_cast<std::int64_t>(power_of_ten[i]);
    return units;
}();

// The coefficient at a scale that is not less; false where 64 bits cannot hold it.
inline bool coefficient_at(const QuickDecimal& value, std::int32_t scale, std::int64_t& coefficient) noexcept {
    const auto digits = static_cast<std::size_t>(scale - value.scale);
    return digits < unit_of.size() && !__builtin_mul_overflow(value.coefficient, unit_of[digits], &coefficient);
}

// Whether first and latest lie between lowest and highest; at one scale where 64 bits allow it, since that is faster.
inline bool within(const QuickValues& v, const QuickMoments& m) noexcept {
    const std::int32_t scale = std::max({v.lowest.scale, v.highest.scale, m.first.scale, m.latest.scale});
    std::int64_t lowest, highest, first, latest;
    if (coefficient_at(v.lowest, scale, lowest) && coefficient_at(v.highest, scale, highest) &&
        coefficient_at(m.first, scale, first) && coefficient_at(m.latest, scale, latest))
        return lowest <= first && first <= highest && lowest <= latest && latest <= highest;
    return compare(v.lowest, m.first) <= 0 && compare(m.first, v.highest) <= 0 && compare(v.lowest, m.latest) <= 0 &&
           compare(m.latest, v.highest) <= 0;
}

// What is_consistent asks of a state with moments.
inline bool consistent(const QuickValues& v, const QuickMoments& m) noexcept {
    const int order = compare_moment(m.first_moment, m.latest_moment);
    if (order > 0) return false;
    const int values = order < 0 ? -1 : compare(m.first, m.latest);
    return (values < 0 || (values == 0 && m.first.scale <= m.latest.scale)) && within(v, m);
}

// Below, a Value is anything with a coefficient and a scale: SmallValue, QuickDecimal, a Decimal that is small.
struct SmallValue {
    int128 coefficient;
    std::int32_t scale;
};

// -1, 0, 1 as the value is below, equal to, above the slot; equal values are told apart by scale only where asked.
template <typename Value>
int against(const SmallSlot& slot, const Value& value) noexcept {
    return compare_small(value.coefficient, value.scale, slot.coefficient(), slot.scale);
}

template <typename Value>
int against_total(const SmallSlot& slot, const Value& value) noexcept {
    const int order = against(slot, value);
    return order != 0 ? order : value.scale < slot.scale ? -1 : static_cast<int>(value.scale > slot.scale);
}

template <typename Value>
void take_extremes(SummaryWork& work, const Value& low, const Value& high) noexcept {
    const int below = against(work.lowest, low);
    if (below < 0 || (below == 0 && low.scale > work.lowest.scale)) work.lowest.set(low.coefficient, low.scale);
    const int above = against(work.highest, high);
    if (above > 0 || (above == 0 && high.scale > work.highest.scale)) work.highest.set(high.coefficient, high.scale);
}

template <typename Value>
void take_moments(SummaryWork& work, const Value& first, const Moment& first_moment, const Value& latest,
                  const Moment& latest_moment) noexcept {
    const bool started = (work.flags & flag_moments) != 0;
    const int before = started ? compare_moment(first_moment, work.first_moment) : -1;
    if (before < 0 || (before == 0 && against_total(work.first, first) < 0)) {
        work.first.set(first.coefficient, first.scale);
        work.first_moment = first_moment;
    }
    const int after = started ? compare_moment(latest_moment, work.latest_moment) : 1;
    if (after > 0 || (after == 0 && against_total(work.latest, latest) > 0)) {
        work.latest.set(latest.coefficient, latest.scale);
        work.latest_moment = latest_moment;
    }
    work.flags |= flag_moments;
}

// Whether the state takes part in what happens in place: values counted, all of them finite, extremes known.
bool plain(const SummaryWork& work) noexcept {
    return work.n > 0 && (work.flags & (flag_specials | flag_sums_only)) == 0;
}

// n, total and extremes of a consistent state (Summary or QuickValues) with values, all finite and small.
template <typename Values>
bool merge_values(SummaryWork& work, const Values& right) noexcept {
    std::int64_t n = 0;
    int128 sum = work.total.coefficient();
    std::int32_t sum_scale = work.total.scale;
    if (!plain(work) || __builtin_add_overflow(work.n, right.n, &n) ||
        !add_small(sum, sum_scale, right.total.coefficient, right.total.scale))
        return false;
    work.total.set(sum, sum_scale);
    work.n = n;
    take_extremes(work, right.lowest, right.highest);
    return true;
}

bool merge_quickly(SummaryWork& work, Bytes body) noexcept {
    constexpr std::uint32_t packed_word = magic | version << 8 | form_packed << 16;
    QuickReader in(body);
    QuickValues values;
    const std::uint32_t word = in.word();
    if (word == packed_word)
        return in.values(values) && in.done() && compare(values.lowest, values.highest) <= 0 && merge_values(work, values);
    QuickMoments moments;
    if (word != (packed_word | flag_moments << 24) || !in.values(values) || !in.moments(moments) || !in.done() ||
        !consistent(values, moments) || !merge_values(work, values))
        return false;
    take_moments(work, moments.first, moments.first_moment, moments.latest, moments.latest_moment);
    return true;
}

}  // namespace

Summary summary_format::load_working(Bytes body) {
    SummaryWork work;
    std::memcpy(reinterpret_cast<std::byte*>(&work) + summary_varlena_header, body.data(), body.size());
    Summary summary;
    if (!read_working(work, summary)) throw Error(ErrorKind::corrupted, "malformed tally.summary state");
    return summary;
}

bool is_consistent(const SummaryWork& work) noexcept {
    Summary summary;
    return work.word == summary_working_word && read_working(work, summary);
}

bool to_working(const Summary& s, SummaryWork& work) noexcept {
    const StaysConsistent guard(s);
    if (!fill_slot(work.total, s.total) || !fill_slot(work.lowest, s.lowest) || !fill_slot(work.highest, s.highest) ||
        !fill_slot(work.first, s.first) || !fill_slot(work.latest, s.latest))
        return false;
    work.word = summary_working_word;
    work.n = s.n;
    work.nan_count = s.nan_count;
    work.infinity_count = s.infinity_count;
    work.minus_infinity_count = s.minus_infinity_count;
    work.first_moment = s.first_moment;
    work.latest_moment = s.latest_moment;
    work.flags = flags_of(s);
    return true;
}

bool add_in_place(SummaryWork& work, int128 coefficient, std::int32_t scale, const Moment* moment) noexcept {
    const StaysConsistent guard(work);
    int128 sum = work.total.coefficient();
    std::int32_t sum_scale = work.total.scale;
    if (!plain(work) || work.n == INT64_MAX || !add_small(sum, sum_scale, coefficient, scale)) return false;
    const SmallValue value{coefficient, scale};
    work.total.set(sum, sum_scale);
    ++work.n;
    take_extremes(work, value, value);
    if (moment != nullptr) take_moments(work, value, *moment, value, *moment);
    return true;
}

bool merge_in_place(SummaryWork& work, const Summary& right) noexcept {
    const StaysConsistent guard(work);
    const auto wide_or_special = [](const Decimal& value) { return value.kind > DecimalKind::small; };
    if (right.n <= 0 || right.has_specials() || right.sums_only || wide_or_special(right.total) ||
        wide_or_special(right.lowest) || wide_or_special(right.highest) || wide_or_special(right.first) ||
        wide_or_special(right.latest))
        return false;
    if (!merge_values(work, right)) return false;
    if (right.has_moments) take_moments(work, right.first, right.first_moment, right.latest, right.latest_moment);
    return true;
}

bool merge_packed_in_place(SummaryWork& work, Bytes body) noexcept {
    const StaysConsistent guard(work);
    constexpr std::size_t enough = 16, before = 8;  // for QuickReader
    if (body.size() >= enough) return merge_quickly(work, body);
    if (body.size() < sizeof(std::uint32_t)) return false;
    std::byte padded[before + enough] = {};
    std::memcpy(padded + before, body.data(), body.size());
    return merge_quickly(work, Bytes(padded + before, body.size()));
}

}  // namespace tally
