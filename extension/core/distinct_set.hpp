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
// WORKING: struct SetWork and room for keys, native byte order; lives inside one running aggregate (and on its way
//   between parallel workers of one server) and is changed in place. First `count` keys in strictly ascending order,
//   then `waiting` keys as they came, which may repeat each other and those before; settle() sorts and merges them in.
//   There is room for at least half as many waiting keys as there are sorted ones, so a key is sorted once and merged a
//   few times at most, and all of it walks memory forward: a new key costs the same in ten thousand small sets as in
//   one large set, where a hash table would wait for memory at each. No choice of keys makes it slower than sorting.
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

// Kinds whose keys are never narrow.
constexpr bool always_wide(SetKind kind) noexcept {
    return kind == SetKind::text || kind == SetKind::bytes || kind == SetKind::uuid || kind == SetKind::other;
}

constexpr std::uint32_t max_narrow_values = 67'108'864;  // 512 MB of keys
constexpr std::uint32_t max_wide_values = 33'554'432;

struct SetWork {
    std::uint32_t varlena_header;  // PostgreSQL's; unused where the table is part of a larger object
    std::uint32_t word;
    std::uint32_t count;    // sorted keys
    std::uint32_t waiting;  // keys behind them
    std::uint32_t room;     // for how many keys in all
    std::uint32_t unused;
};
static_assert(sizeof(SetWork) == 24 && std::is_trivially_copyable_v<SetWork>);

// A set in either form, read only; keys point into its bytes and need no alignment.
struct SetView {
    SetKind kind = SetKind::other;
    bool wide = false;
    bool working = false;
    std::uint32_t count = 0;
    std::uint32_t waiting = 0;
    const std::byte* keys = nullptr;

    std::size_t key_size() const noexcept { return wide ? 16 : 8; }
    SetKey key_at(std::size_t place) const noexcept {
        const std::byte* const at = keys + place * key_size();
        if (!working) return {load_u64(at), wide ? load_u64(at + 8) : 0};
        SetKey key;
        std::memcpy(&key, at, key_size());
        return key;
    }
};

// Calls use(key) for each key in ascending order, then for each that waits.
template <typename Use>
void for_each_key(const SetView& set, Use use) {
    const std::size_t all = std::size_t{set.count} + set.waiting;
    for (std::size_t i = 0; i < all; ++i) use(set.key_at(i));
}

// Reads either form; checks the frame, not each key. Throws Error(corrupted).
SetView load_set(Bytes body);

// Reads packed bytes that a client made and checks every key. Throws Error(kind_of_error): invalid_binary or
// invalid_text.
SetView load_sent_set(Bytes body, ErrorKind kind_of_error);

// No key may wait for these three.
bool set_contains(const SetView& set, const SetKey& key) noexcept;

// Bytes of the packed form after the varlena header, and writing it (`out` must not overlap the set).
std::size_t packed_size(const SetView& set) noexcept;
void pack_set(const SetView& set, std::byte* out) noexcept;
void pack_set_header(const SetView& set, std::byte* out) noexcept;  // its first 8 bytes

// The version word of a working form, as SetWork holds it.
std::uint32_t working_word(SetKind kind, bool wide) noexcept;

// Where `work`, `size` bytes in all, is a whole working form of aligned memory.
bool is_working_set(const SetWork& work, std::size_t size) noexcept;

// A working form's shape; bytes() is its size with header.
struct SetShape {
    SetKind kind;
    bool wide;
    std::uint32_t room;
    std::size_t bytes() const noexcept { return sizeof(SetWork) + std::size_t{room} * (wide ? 16 : 8); }
    friend bool operator==(const SetShape&, const SetShape&) = default;
};

// The shape of a new working form that gets `count` sorted keys. Throws Error(limit_exceeded) beyond max_..._values.
SetShape shape_for(SetKind kind, bool wide, std::uint64_t count);

// The shape in which a settled `work` goes on: its own, unless keys are to be wide or it has too little room for keys
// that wait. Throws Error(limit_exceeded) beyond max_..._values.
SetShape next_shape(const SetWork& work, bool wide);

// Makes `work` (shape.bytes() of memory) an empty set of that shape; varlena_header is left to the caller.
void start_work(SetWork& work, const SetShape& shape) noexcept;

SetShape shape_of(const SetWork& work) noexcept;
SetKind kind_of(const SetWork& work) noexcept;
SetView view_of(const SetWork& work) noexcept;

// Adds a key, which waits. False, with nothing changed, where there is no room or keys must become wide.
bool add_key(SetWork& work, const SetKey& key) noexcept;
inline bool add_narrow_key(SetWork& work, std::uint64_t high) noexcept {
    const std::size_t place = std::size_t{work.count} + work.waiting;
    if (place >= work.room) return false;
    std::memcpy(reinterpret_cast<std::byte*>(&work + 1) + 8 * place, &high, 8);
    ++work.waiting;
    return true;
}

// Sorts and merges the keys that wait. `scratch`: settle_scratch_bytes(work), aligned to 8.
std::size_t settle_scratch_bytes(const SetWork& work) noexcept;
void settle(SetWork& work, std::byte* scratch) noexcept;

// Adds all keys of `from` to the settled `into`, whose keys are as wide. Sorted ones are merged at once: `into` needs
// room for into.count + from.count + from.waiting keys; what waits in `from` waits afterwards in `into`. `scratch`:
// merge_scratch_bytes(from), aligned to 8.
std::size_t merge_scratch_bytes(const SetView& from, bool wide) noexcept;
void merge_set(SetWork& into, const SetView& from, std::byte* scratch) noexcept;

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
