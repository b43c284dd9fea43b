// The state tally.distinct_set: the exact set of distinct values, each kept as a key of 8 or 16 bytes
// (core/set_key.hpp).
//
// Two byte forms after PostgreSQL's 4-byte varlena header. Both start with the version word:
//   byte 0 'D', byte 1 version (1), byte 2 form (0 packed, 1 working), byte 3 kind of value (SetKind), + 128 where keys
//   are wide
// PACKED: what is stored, sent and compared; canonical, so equal sets have equal bytes. 4 bytes count (little-endian),
// then
//   the keys in strictly ascending order: narrow = 8 bytes `high` (`low` is 0), wide = 8 bytes high, 8 bytes low,
//   little-endian. A set of numbers is narrow unless a number is no 64-bit integer.
// WORKING: struct SetWork and its slots, native byte order; lives inside one running aggregate (and on its way between
//   parallel workers of one server) and is changed in place. An open-addressing table with linear probing whose home
//   slot is high * home / 2^64: it grows with the key, and a run is kept in order, so the whole table is sorted by key:
//   packing needs no sort, merging and growing walk memory forward. An all-zero slot is empty (the all-zero key has a
//   flag instead), the last slot always is. At most 70 % of the home slots are filled; growth doubles. Large tables end
//   with a ring of keys that wait: their slots are being fetched into the cache while the executor brings the next
//   rows. Waiting keys may repeat each other and the table; settle() brings them in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/bytes.hpp"
#include "core/decimal.hpp"
#include "core/set_key.hpp"

namespace tally {

// What is in a set. Sets of different kinds never merge. Numbers are never renumbered: they are on disk.
enum class SetKind : std::uint8_t {
    number = 1,  // smallint, integer, bigint, numeric, oid: equal where the numbers are equal
    text = 2,    // text, varchar, char(n) without trailing blanks, name, enum labels
    bytes = 3,   // bytea
    uuid = 4,
    boolean = 5,
    date = 6,
    timestamp = 7,
    timestamptz = 8,
    floating = 9,  // real, double precision: -0 = 0, NaN = NaN
    time = 10,
    other = 11  // any other type, by two seeded 64-bit hashes of its own hash operator class
};
constexpr unsigned set_kind_count = 12;
std::string_view kind_name(SetKind kind) noexcept;

constexpr std::uint32_t max_narrow_values = 67'108'864;  // 512 MB of keys
constexpr std::uint32_t max_wide_values = 33'554'432;

struct SetWork {
    std::uint32_t varlena_header;  // PostgreSQL's
    std::uint32_t word;
    std::uint32_t count;
    std::uint32_t home;   // slots that a key can be at home in
    std::uint32_t slots;  // all slots, the empty last one included
    std::uint32_t has_zero;
    std::uint32_t ring;     // room for waiting keys behind the slots
    std::uint32_t waiting;  // how many there are, not in `count`
};
static_assert(sizeof(SetWork) == 32 && std::is_trivially_copyable_v<SetWork>);

// A set in either form, read only; keys point into its bytes and need no alignment.
struct SetView {
    SetKind kind = SetKind::other;
    bool wide = false;
    bool working = false;
    bool has_zero = false;
    std::uint32_t count = 0;
    std::uint32_t slots = 0;  // packed: count
    std::uint32_t waiting = 0;
    const std::byte* keys = nullptr;

    std::size_t key_size() const noexcept { return wide ? 16 : 8; }
    SetKey key_at(std::uint32_t slot) const noexcept {
        const std::byte* const at = keys + slot * key_size();
        if (!working) return {load_u64(at), wide ? load_u64(at + 8) : 0};
        SetKey key;
        std::memcpy(&key, at, key_size());
        return key;
    }
};

// Calls use(key) for each key in ascending order, then for each that waits.
template <typename Use>
void for_each_key(const SetView& set, Use use) {
    if (set.has_zero) use(SetKey{});
    for (std::uint32_t i = 0; i < set.slots + set.waiting; ++i) {
        const SetKey key = set.key_at(i);
        if (!set.working || !key.zero()) use(key);
    }
}

// Reads either form; checks the frame, not each key. Throws Error(corrupted).
SetView load_set(Bytes body);

// Reads packed bytes that a client made and checks every key. Throws Error(kind_of_error): invalid_binary or
// invalid_text.
SetView load_sent_set(Bytes body, ErrorKind kind_of_error);

// The set must be settled for these three.
bool set_contains(const SetView& set, const SetKey& key) noexcept;

// Bytes of the packed form after the varlena header, and writing it (`out` must not overlap the set).
std::size_t packed_size(const SetView& set) noexcept;
void pack_set(const SetView& set, std::byte* out) noexcept;

// Where `work`, `size` bytes in all, is a whole working form of aligned memory.
bool is_working_set(const SetWork* work, std::size_t size) noexcept;

// A table's shape; bytes() is its size with header.
struct SetShape {
    SetKind kind;
    bool wide;
    std::uint32_t home;
    std::uint32_t slots;
    std::uint32_t ring() const noexcept { return slots < 2048 ? 0 : 32; }
    std::size_t bytes() const noexcept { return sizeof(SetWork) + (std::size_t{slots} + ring()) * (wide ? 16 : 8); }
};

// The shape of a new table for `count` values. Throws Error(limit_exceeded) beyond max_..._values.
SetShape shape_for(SetKind kind, bool wide, std::uint64_t count);

// The shape in which `work` goes on after add_key said full.
SetShape grown_shape(const SetWork& work, const SetKey& key);

// Makes `work` (shape.bytes() of zeroed memory) an empty table of that shape; varlena_header is left to the caller.
void start_work(SetWork& work, const SetShape& shape) noexcept;

enum class Added { present, added, full };

// Adds in place. `full` with nothing changed: go on in a table of grown_shape.
Added add_key(SetWork& work, const SetKey& key) noexcept;

// The same, but in a large table the key may wait.
Added add_key_soon(SetWork& work, const SetKey& key) noexcept;

// Brings in the keys that wait; false where some still do because the table is full.
bool settle(SetWork& work) noexcept;

SetKind kind_of(const SetWork& work) noexcept;
SetView view_of(const SetWork& work) noexcept;

// Adds all keys of `from`, which `into` has been shaped for. False if a crowded run met the table's end: widen and
// repeat.
bool add_all(SetWork& into, const SetView& from) noexcept;

// Throws Error(invalid_argument) unless sets (or values) of both kinds can be put together.
void require_same_kind(SetKind left, SetKind right);

// Key of a number: bijective for 64-bit integers and for decimals of at most 18 digits, hashed beyond.
SetKey key_of_decimal(const Decimal& value, std::byte* scratch) noexcept;
std::size_t key_scratch_bytes(const Decimal& value) noexcept;

// Text form: {"kind":"text","count":2,"keys":"<base64 of the packed keys>"}.
std::size_t set_text_bound(const SetView& set) noexcept;
std::size_t set_to_text(const SetView& set, char* out) noexcept;

// Reads it into packed form, which load_sent_set must still check; `out` has text.size() + 8 bytes. Returns the bytes
// written. Throws Error(invalid_text).
std::size_t set_from_text(std::string_view text, std::byte* out);

}  // namespace tally
