// The state tally.distinct_set: the exact set of distinct values, each kept as a key of 8 or 16 bytes
// (core/distinct/set_key.hpp).
//
// Byte forms after PostgreSQL's 4-byte varlena header. All start with the version word:
//   byte 0 'D', byte 1 version (1), byte 2 form (SetForm), byte 3 kind of value (SetKind), + 128 where keys are wide
// PACKED: what is stored, sent and compared; canonical, so equal sets have equal bytes; all little-endian. 4 bytes
// count, then either
//   keys: in strictly ascending order; narrow = 8 bytes `high` (`low` is 0), wide = 8 bytes high, 8 bytes low. A set of
//     numbers is narrow unless a number is no 64-bit integer.
//   bits: 8 bytes base (a multiple of 64), then words of 8 bytes; bit b of word w is the narrow key base + 64 * w + b.
//     First and last word are not zero. This form is taken exactly where it is shorter: words + 1 < count.
// WORKING: struct SetWork and keys or words behind it, native byte order; lives inside one running aggregate (and on
// its
//   way between parallel workers of one server) and is changed in place.
//   keys: first `count` keys in strictly ascending order, then `waiting` keys as they came, which may repeat each other
//     and those before; settle() sorts and merges them in. There is room for at least half as many waiting keys as
//     there are sorted ones, so a key is sorted once and merged a few times at most, and all of it walks memory
//     forward: a new key costs the same in ten thousand small sets as in one large set, where a hash table would wait
//     for memory at each. No choice of keys makes it slower than sorting.
//   bits: `room` words from `base` on. Integers that lie close together (most ids do) take an eighth of a byte to a few
//     bytes each. A set goes over to bits where they are shorter, and back where they would be more than twice as long.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/base/bytes.hpp"
#include "core/decimal/decimal.hpp"
#include "core/distinct/set_key.hpp"

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
    other = 11  // any other type (pg/value_key.cpp says how)
};
constexpr unsigned set_kind_count = 12;
std::string_view kind_name(SetKind kind) noexcept;

// Kinds whose keys are never narrow.
constexpr bool always_wide(SetKind kind) noexcept {
    return kind == SetKind::text || kind == SetKind::bytes || kind == SetKind::uuid || kind == SetKind::other;
}

constexpr std::uint32_t max_narrow_values = 67'108'864;  // as keys: 512 MB
constexpr std::uint32_t max_wide_values = 33'554'432;
constexpr std::uint32_t max_words = 67'108'863;  // as bits: up to 2^32 - 64 values

// Throws Error(limit_exceeded) where that many are too many for a set of keys.
void require_key_count(bool wide, std::uint64_t count);

enum class SetForm : std::uint8_t { packed_keys = 0, working_keys = 1, packed_bits = 2, working_bits = 3 };

struct SetWork {
    std::uint32_t varlena_header;  // PostgreSQL's; unused where the set is part of a larger object
    std::uint32_t word;
    std::uint32_t count;    // keys: how many are sorted
    std::uint32_t waiting;  // keys: how many stand behind them
    std::uint32_t room;     // keys or words in all
    std::uint32_t unused;
    std::uint64_t base;  // bits: the key of the first
};
static_assert(sizeof(SetWork) == 32 && std::is_trivially_copyable_v<SetWork>);

// A set in any form, read only; its keys or words need no alignment.
struct SetView {
    SetKind kind = SetKind::other;
    SetForm form = SetForm::packed_keys;
    bool wide = false;
    std::uint32_t count = 0;    // of different values, but for those that wait
    std::uint32_t waiting = 0;  // keys only
    std::uint32_t words = 0;    // bits only
    std::uint64_t base = 0;     // bits only
    const std::byte* data = nullptr;

    bool working() const noexcept { return form == SetForm::working_keys || form == SetForm::working_bits; }
    bool bits() const noexcept { return form == SetForm::packed_bits || form == SetForm::working_bits; }
    std::size_t key_size() const noexcept { return wide ? 16 : 8; }
    std::uint64_t word_at(std::size_t place) const noexcept {
        if (!working()) return little_u64(data + 8 * place);
        std::uint64_t word;
        std::memcpy(&word, data + 8 * place, sizeof word);
        return word;
    }
    SetKey key_at(std::size_t place) const noexcept {
        return wide ? SetKey{word_at(2 * place), word_at(2 * place + 1)} : SetKey{word_at(place), 0};
    }
};

// Calls use(key) for each key in ascending order, then for each that waits.
template <typename Use>
void for_each_key(const SetView& set, Use use) {
    if (!set.bits()) {
        const std::size_t all = std::size_t{set.count} + set.waiting;
        for (std::size_t i = 0; i < all; ++i) use(set.key_at(i));
        return;
    }
    for (std::size_t i = 0; i < set.words; ++i)
        for (std::uint64_t left = set.word_at(i); left != 0; left &= left - 1)
            use(SetKey{set.base + 64 * i + static_cast<unsigned>(std::countr_zero(left)), 0});
}

// Reads any form; checks the frame, not each key. Throws Error(corrupted).
SetView load_set(Bytes body);

// Reads packed bytes that a client made and checks every key. Throws Error(kind_of_error): invalid_binary or
// invalid_text.
SetView load_sent_set(Bytes body, ErrorKind kind_of_error);

// No key may wait for these three.
bool set_contains(const SetView& set, const SetKey& key) noexcept;

// Bytes of the packed form after the varlena header, and writing it (`out` must not overlap the set).
std::size_t packed_size(const SetView& set) noexcept;
void pack_set(const SetView& set, std::byte* out) noexcept;

// The first 8 bytes of the packed form: word and count.
constexpr std::size_t packed_header = 8;
void pack_set_header(SetKind kind, SetForm form, bool wide, std::uint32_t count, std::byte* out) noexcept;

// The version word of a working form, as SetWork holds it.
std::uint32_t working_word(SetKind kind, SetForm form, bool wide) noexcept;

// Where `work`, `size` bytes in all, is a whole working form of aligned memory.
bool is_working_set(const SetWork& work, std::size_t size) noexcept;

// Whether the keys of a working form are in order, as far as they are said to be. For assert builds: looks at all of them.
bool is_consistent(const SetWork& work) noexcept;

// A working form's shape; bytes() is its size with header.
struct SetShape {
    SetKind kind;
    SetForm form;
    bool wide;
    std::uint32_t room;
    std::uint64_t base;
    std::size_t bytes() const noexcept { return sizeof(SetWork) + std::size_t{room} * (wide ? 16 : 8); }
    friend bool operator==(const SetShape&, const SetShape&) = default;
};
SetShape shape_of(const SetWork& work) noexcept;

// The shape of a new set of keys that gets `count` of them. Throws Error(limit_exceeded) beyond max_..._values.
SetShape shape_for_keys(SetKind kind, bool wide, std::uint64_t count);

// The shape in which the settled `work` goes on so that it can take `key`, and others after it; or all of `more`, which
// is settled and of the same kind. Its own shape where that will do. Throws Error(limit_exceeded).
SetShape next_shape(const SetWork& work, const SetKey& key);
SetShape merged_shape(const SetWork& work, const SetView& more);

// Makes `work` (shape.bytes() of memory) an empty set of that shape; varlena_header is left to the caller.
void start_work(SetWork& work, const SetShape& shape) noexcept;

SetKind kind_of(const SetWork& work) noexcept;
SetView view_of(const SetWork& work) noexcept;

inline std::uint64_t* words_of(SetWork& work) noexcept {
    return reinterpret_cast<std::uint64_t*>(&work + 1);
}

// Adds a key; among keys it waits. False, with nothing changed, where the set must first get another shape.
bool add_key(SetWork& work, const SetKey& key) noexcept;

// The same for a set whose form is known.
inline bool add_to_narrow_keys(SetWork& work, std::uint64_t high) noexcept {
    const std::size_t place = std::size_t{work.count} + work.waiting;
    if (place >= work.room) return false;
    words_of(work)[place] = high;
    ++work.waiting;
    return true;
}
inline bool add_to_bits(SetWork& work, std::uint64_t high) noexcept {
    const std::uint64_t place = high - work.base;
    if (place / 64 >= work.room) return false;
    words_of(work)[place / 64] |= std::uint64_t{1} << (place % 64);
    return true;
}

// Sorts and merges the keys that wait. `scratch`: settle_scratch_bytes(work), aligned to 8. Throws
// Error(limit_exceeded), with all of it done, where more values have come than a set may have.
std::size_t settle_scratch_bytes(const SetWork& work) noexcept;
void settle(SetWork& work, std::byte* scratch);

// Adds all of the settled `more`, of the same kind, without sorting: few keys wait. False, with nothing changed, where
// they do not fit or are many.
bool add_set(SetWork& work, const SetView& more) noexcept;

// Merges all of the settled `more` into the settled `work`, which has merged_shape(work, more). `scratch`:
// merge_scratch_bytes(work, more), aligned to 8. Throws Error(limit_exceeded), with nothing changed, where both
// together are too many: how many they share is known only here.
std::size_t merge_scratch_bytes(const SetWork& work, const SetView& more) noexcept;
void merge_set(SetWork& work, const SetView& more, std::byte* scratch);

// Throws Error(invalid_argument) unless sets (or values) of both kinds can be put together.
void require_same_kind(SetKind left, SetKind right);

// Key of a number: bijective for 64-bit integers and for decimals of at most 18 digits, hashed beyond.
SetKey key_of_decimal(const Decimal& value, std::byte* scratch) noexcept;
std::size_t key_scratch_bytes(const Decimal& value) noexcept;

// Text form: {"kind":"text","count":2,"keys":"<base64 of the packed keys>"}, or for bits
// {"kind":"number","count":9,"base":"<decimal>","bits":"<base64 of the packed words>"}.
std::size_t set_text_bound(const SetView& set) noexcept;
std::size_t set_to_text(const SetView& packed, char* out) noexcept;

// Reads it into packed form, which load_sent_set must still check; `out` has text.size() + 16 bytes. Returns the bytes
// written. Throws Error(invalid_text).
std::size_t set_from_text(std::string_view text, std::byte* out);

}  // namespace tally
