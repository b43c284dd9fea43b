// The state tally.counter_state: how much a counter went up (requests served, bytes sent, a meter's kWh) from its
// readings, which only rise until the counter begins again at 0.
//
// Readings are ordered by (time, seq, value). One below the reading before it is a reset: the counter went up by the
// reading itself; any other went up by the difference. Nothing is extrapolated. Scale = greatest scale of a reading.
//
// A PART is a range of the order whose readings are known to be neighbours: one reading, or many that were joined.
// Parts that do not overlap can be joined in order: n, resets and increase add up, and between the latest reading of
// the one and the first of the other there is one more step. What was joined has forgotten its readings, so nothing can
// be put between them any more. Therefore a running aggregate joins nothing for good: the next row, or another worker,
// may bring a reading in between. It keeps every part, and joins at the end, in order, whatever the plan was.
//
// Order matters in one place: what is finished is one part. With b between a and c, merge_states(merge_states(a, c), b)
// is refused, for a and c were made neighbours; the aggregate merge, which joins once, takes the three in any order.
// Two parts may touch: where the latest reading of one and the first of the other are at the same (time, seq) they are
// in order if the value does not fall, as single readings would be. The same reading in both is counted by n twice and
// adds nothing to increase.
//
// Byte forms after PostgreSQL's 4-byte varlena header. All start with the version word:
//   byte 0 'C', byte 1 version (1), byte 2 form (0 packed, 1 working), byte 3 zero
// PACKED: what is stored, sent and compared; parts one after another in canonical order (compare_parts), at least one.
//   A finished state has exactly one. More stand in a running state that is written out (by an aggregate without final
//   function, or by a node of a cluster for another one), so that it can be read and go on elsewhere. All little-endian
//   (core/base/bytes.hpp):
//   flags: 1 = many readings, 2 = first seq is not 0, 4 = latest seq is not 0
//   8 bytes first time (microseconds since 2000-01-01 00:00 UTC), [2] signed varint first seq, decimal first
//   (core/decimal/decimal.hpp, stored form)
//   [1] varint n, varint resets, decimal increase, 8 bytes latest time, [4] signed varint latest seq, decimal latest
// WORKING: struct CounterWork, native byte order, and `used` bytes of parts as above but in the order of arrival, then
//   room for more; lives inside one running aggregate and is changed in place. While parts came in order and small
//   (core/decimal/decimal.hpp) the header also holds all of them joined, so that the end, and each row of a window, costs
//   nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/bytes.hpp"
#include "core/decimal/decimal.hpp"
#include "core/base/moment.hpp"
#include "core/base/poll.hpp"

namespace tally {

// One part. Of one reading: first = latest, and increase is 0.
struct Counter {
    std::int64_t n = 0;
    std::int64_t resets = 0;
    Decimal increase = Decimal::make_small(0, 0);
    Decimal first;
    Decimal latest;
    Moment first_moment;
    Moment latest_moment;
};

// False where the parts contradict each other.
bool is_consistent(const Counter& counter) noexcept;

// A reading that is surely good: small, not negative, at a finite time.
Counter small_reading(int128 coefficient, std::int32_t scale, const Moment& moment) noexcept;
bool is_good_time(std::int64_t at) noexcept;

// Any other: throws Error(invalid_argument) unless it is finite, not negative and at a finite time.
Counter reading_of(const Decimal& value, const Moment& moment);

// Whether all of `left` is at or before all of `right`, in (time, seq, value).
bool in_order(const Counter& left, const Counter& right) noexcept;

// left := both joined; they must be in order. False, with nothing changed, where the slow road is needed: a wide value
// or sum, or more than 2^63 readings.
bool join_small(Counter& left, const Counter& right) noexcept;

// The slow road. Wide sums live in one of two areas of `scratch`, which take turns.
struct JoinScratch {
    std::byte* areas = nullptr;  // join_scratch_bytes
    bool second = false;
};
constexpr std::size_t join_area_bytes = 2 * (decimal_max_weight - decimal_min_weight + 4);
constexpr std::size_t join_scratch_bytes = 2 * join_area_bytes;
void join_counter(Counter& left, const Counter& right, JoinScratch& scratch);

// Bytes of one part. load_part throws the reader's error.
std::size_t part_bound(const Counter& part) noexcept;
constexpr std::size_t small_reading_bound = 1 + 8 + max_varint_bytes + 1 + 16 + max_varint_bytes;
std::size_t store_part(const Counter& part, std::byte* out) noexcept;
Counter load_part(ByteReader& in);

struct CounterWork {
    std::uint32_t varlena_header;  // PostgreSQL's
    std::uint32_t word;
    std::uint32_t used;    // bytes of parts behind the header
    std::uint32_t joined;  // 1 where what follows is all parts joined
    std::int64_t n;
    std::int64_t resets;
    SmallSlot increase;
    SmallSlot first;
    SmallSlot latest;
    Moment first_moment;
    Moment latest_moment;
};
static_assert(sizeof(CounterWork) == 136 && std::is_trivially_copyable_v<CounterWork>);

// Parts in either form, read only. A packed state of one part has them joined, and so may a working one in place.
struct CounterView {
    Bytes parts;
    bool working = false;
    bool joined = false;
    Counter whole;  // where joined
};

// Reads either form; wide decimals point into `body`. Checks the frame; parts are checked when they are read. What the
// header of a working form says of them is not believed: who knows who wrote it. Throws Error(kind_of_error); for any
// kind but `corrupted` (bytes that a client sent) every part is checked too, and the working form is refused.
CounterView load_counter(Bytes body, ErrorKind kind_of_error = ErrorKind::corrupted);

// Where `work`, `size` bytes in all, is a whole working form of aligned memory that may be changed.
bool is_working_counter(const CounterWork& work, std::size_t size) noexcept;
void start_work(CounterWork& work) noexcept;

// The state that the running aggregate itself made: its header is believed.
CounterView view_of(const CounterWork& work) noexcept;

// Appends in place. False, with nothing changed, where there is no room: go on in grown_size bytes.
bool append_parts(CounterWork& work, std::size_t size, const CounterView& more) noexcept;

// Size of a working form that has room for what is used and for more. Throws Error(limit_exceeded) beyond 1 GB.
constexpr std::size_t max_counter_bytes = 0x3FFFFFFF;
std::size_t grown_size(std::size_t used, std::size_t more);

// Where a part is, for sorting. Parts are the bytes of one view throughout.
struct PartPlace {
    std::int64_t at;
    std::int64_t seq;
    std::uint32_t offset;
};
constexpr std::size_t least_part_bytes = 1 + 8 + 2;

// Checks each part and writes where it is; `room` is for parts.size() / least_part_bytes of them. Returns how many
// there are. Throws Error(corrupted).
std::size_t find_parts(Bytes parts, PartPlace* room, Poll poll);

// Puts the places into canonical order by merging the runs that are in order already: rows of a parallel or
// synchronized scan come in few of them. `spare` has room for as many.
void sort_parts(Bytes parts, std::span<PartPlace> places, PartPlace* spare, Poll poll);

// All of them joined, into `whole`. Without scratch false where the slow road is needed; with it (join_scratch_bytes,
// where a wide sum lives on) always true. Throws Error(invalid_argument) where two overlap.
bool join_parts(Bytes parts, std::span<const PartPlace> places, std::byte* scratch, Counter& whole, Poll poll);

// Writes the packed form: of one part (`out` has counter_bound bytes), or of all parts in the order of their places
// (packed_head_bytes + the size of the parts). Returns the bytes written.
constexpr std::size_t packed_head_bytes = 4;
void store_packed_head(std::byte* out) noexcept;
std::size_t counter_bound(const Counter& counter) noexcept;
std::size_t store_counter(const Counter& counter, std::byte* out) noexcept;
std::size_t store_parts(Bytes parts, std::span<const PartPlace> places, std::byte* out, Poll poll);

// The parts of a working form in the order of their places, and joined: what it is stays the same. `sorted` is what
// store_parts wrote. False where the whole is wide.
bool settle_work(CounterWork& work, Bytes sorted, const Counter& whole) noexcept;

// JSON text, described in counter_text.cpp. `packed` is a packed form. Throws Error(limit_exceeded) beyond 1 GB.
std::string counter_to_text(Bytes packed, Poll poll);

// Reads it into packed form: `out` has text.size() + text_slack bytes, `scratch` too. Returns the bytes written. Throws
// Error(invalid_text).
constexpr std::size_t text_slack = 64;
std::size_t counter_from_text(std::string_view text, std::byte* out, std::byte* scratch);

// The canonical order of two parts: first, then latest reading, then scales and the rest; 0 for equal ones only.
int compare_parts(Bytes left, Bytes right);

}  // namespace tally
