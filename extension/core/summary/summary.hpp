// The state tally.summary: n, exact sum, lowest, highest, first and latest of a set of decimals; mergeable in any
// order.
//
// Two byte forms, both after PostgreSQL's 4-byte varlena header. Both start with the version word:
//   byte 0 'S', byte 1 version (1), byte 2 form (0 packed, 1 working), byte 3 flags of the packed form (0 when working)
// PACKED: what is stored, sent and compared; canonical, so equal states have equal bytes. Integers are little-endian
// (core/base/bytes.hpp), decimals in the stored form of core/decimal/decimal.hpp:
//   flags: 1 = specials present, 2 = moments present, 4 = sums only (made by difference: no lowest ... latest)
//   varint n                          values counted, NaN and infinities included
//   [specials] varint x 3             how many of them were NaN, Infinity, -Infinity (at least one > 0)
//   decimal total                     sum of the finite values; scale = greatest scale among them
//   [n > 0, not sums only] decimal lowest, decimal highest
//   [moments] 8 bytes first_at, signed varint first_seq, decimal first, the same for latest
//     moments are microseconds since 2000-01-01 00:00 UTC, the extremes being -infinity and infinity
// WORKING: struct SummaryWork, native byte order; lives inside one running aggregate (and on its way between parallel
//   workers of one server) and is changed in place; finite values must be small (core/decimal/decimal.hpp). A state that
// meets
//   a wide value goes on in packed form. It is packed before it can be stored.
//
// Order rules, total so that every plan gives the same state: latest = greatest (moment, seq, value, scale), first =
// least; of values equal but for the scale (1.0 and 1.00) lowest and highest keep the greater scale. Specials follow
// PostgreSQL: NaN is the highest value; total is NaN after NaN or after both infinities.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/bytes.hpp"
#include "core/decimal/decimal.hpp"
#include "core/base/moment.hpp"

namespace tally {

struct Summary {
    std::int64_t n = 0;
    std::int64_t nan_count = 0;
    std::int64_t infinity_count = 0;
    std::int64_t minus_infinity_count = 0;
    bool has_moments = false;
    bool sums_only = false;
    Decimal total = Decimal::make_small(0, 0);  // of the finite values
    Decimal lowest;
    Decimal highest;
    Decimal first;
    Decimal latest;
    Moment first_moment;
    Moment latest_moment;

    bool has_specials() const noexcept { return (nan_count | infinity_count | minus_infinity_count) != 0; }
};

struct SummaryWork {
    std::uint32_t varlena_header;  // PostgreSQL's
    std::uint32_t word;
    std::int64_t n;
    std::int64_t nan_count;
    std::int64_t infinity_count;
    std::int64_t minus_infinity_count;
    SmallSlot total;
    SmallSlot lowest;  // this and the next three may hold a special: kind says so
    SmallSlot highest;
    SmallSlot first;
    SmallSlot latest;
    Moment first_moment;
    Moment latest_moment;
    std::uint64_t flags;  // as in the packed form
};
static_assert(sizeof(SummaryWork) == 200 && std::is_trivially_copyable_v<SummaryWork>);

constexpr std::size_t summary_varlena_header = 4;

// The version word of the working form as the native integer that has its four bytes in memory order.
constexpr std::uint32_t summary_working_word = std::endian::native == std::endian::little ? 0x00010153 : 0x53010100;

// True where `body` (the bytes after the varlena header) is in working form, which is then whole.
inline bool is_working(Bytes body) noexcept {
    std::uint32_t word = 0;
    if (body.size() != sizeof(SummaryWork) - summary_varlena_header) return false;
    std::memcpy(&word, body.data(), sizeof word);
    return word == summary_working_word;
}

// Reads either form; wide decimals point into `body`. Throws Error(kind_of_error) for bytes that are no summary; for
// any kind but `corrupted` (bytes that a client sent) the working form is refused too.
Summary load_summary(Bytes body, ErrorKind kind_of_error = ErrorKind::corrupted);

// Writes the packed form; `out` has packed_bound(summary) bytes. Returns the bytes written.
std::size_t packed_bound(const Summary& summary) noexcept;
std::size_t pack_summary(const Summary& summary, std::byte* out) noexcept;

// True where the working form can hold it; `work` keeps its varlena_header.
bool to_working(const Summary& summary, SummaryWork& work) noexcept;

// Adds one value in place. False, with nothing changed, where the slow road (add_value) is needed: a wide or special
// value, a sum beyond 37 digits, or a special met before.
bool add_in_place(SummaryWork& work, int128 coefficient, std::int32_t scale, const Moment* moment) noexcept;

// Merges in place, on the same conditions.
bool merge_in_place(SummaryWork& work, const Summary& right) noexcept;

// The same for a packed state, read straight into place. False, with nothing changed, also where a coefficient needs
// more than 64 bits or a scale is above 127, and for everything that load_summary would refuse.
bool merge_packed_in_place(SummaryWork& work, Bytes body) noexcept;

// The slow road for any value. A wide total points into `scratch` (add_bound(summary.total, value) bytes).
void add_value(Summary& summary, const Decimal& value, const Moment* moment, std::byte* scratch);

// left := both together. `scratch` has add_bound(left.total, right.total) bytes.
void merge_summary(Summary& left, const Summary& right, std::byte* scratch);

// left := left without right: n and total only. Throws Error(invalid_argument) where right cannot be a part of left.
void subtract_summary(Summary& left, const Summary& right, std::byte* scratch);

// The sum that PostgreSQL's sum() would give: special where specials were met. none where n = 0.
Decimal total_with_specials(const Summary& summary) noexcept;

// Text form: a JSON object, decimals as strings, moments in ISO 8601 UTC.
std::string summary_to_text(const Summary& summary);

// Reads it. Wide decimals point into `scratch`: text_scratch_bytes(text.size()). Throws Error(invalid_text).
constexpr std::size_t text_scratch_bytes(std::size_t text_size) {
    return text_size + 5 * 8;
}
Summary summary_from_text(std::string_view text, std::byte* scratch);

// False where the parts contradict each other.
bool is_consistent(const Summary& summary) noexcept;
bool is_consistent(const SummaryWork& work) noexcept;

}  // namespace tally
