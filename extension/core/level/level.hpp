// The state tally.level_state: the changes of a level (seats, gigabytes, open orders) over time, by two exact sums that
// do not depend on the order of the changes: the integral of the level from `from` to `to` is
//   start * (to - from) + sum(delta) * to - sum(delta * at)        for changes with from <= at <= to.
//
// Two byte forms after PostgreSQL's 4-byte varlena header. Both start with the version word:
//   byte 0 'L', byte 1 version (1), byte 2 form (0 packed, 1 working), byte 3 zero
// PACKED: what is stored, sent and compared; canonical, so equal states have equal bytes; all little-endian
// (core/base/bytes.hpp):
//   varint n                       changes counted
//   decimal sum of delta, decimal sum of delta * at (core/decimal/decimal.hpp, stored form)
//   [n > 0] 8 bytes first, 8 bytes last     the earliest and the latest `at`, microseconds since 2000-01-01 00:00 UTC
// WORKING: struct LevelWork, native byte order; lives inside one running aggregate and is changed in place; both sums
// must
//   be small (core/decimal/decimal.hpp). A state with a wide sum goes on in packed form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/bytes.hpp"
#include "core/decimal/decimal.hpp"

namespace tally {

struct Level {
    std::int64_t n = 0;
    Decimal change = Decimal::make_small(0, 0);  // sum of delta: the level at the end, less the level at the start
    Decimal moment = Decimal::make_small(0, 0);  // sum of delta * at
    std::int64_t first = 0;
    std::int64_t last = 0;
};

struct LevelWork {
    std::uint32_t varlena_header;  // PostgreSQL's
    std::uint32_t word;
    std::int64_t n;
    SmallSlot change;
    SmallSlot moment;
    std::int64_t first;
    std::int64_t last;
};
static_assert(sizeof(LevelWork) == 80 && std::is_trivially_copyable_v<LevelWork>);

bool is_working_level(Bytes body) noexcept;

// False where the parts contradict each other.
bool is_consistent(const Level& level) noexcept;
bool is_consistent(const LevelWork& work) noexcept;

// True where the working form can hold it; `work` keeps its varlena_header.
bool to_working(const Level& level, LevelWork& work) noexcept;

// In place. False, with nothing changed, where the slow road (add_change, merge_level) is needed.
bool change_in_place(LevelWork& work, int128 coefficient, std::int32_t scale, std::int64_t at) noexcept;
bool merge_in_place(LevelWork& work, const Level& right) noexcept;

// Reads either form; wide decimals point into `body`. Throws Error(kind_of_error); the working form is refused for any
// kind but `corrupted`.
Level load_level(Bytes body, ErrorKind kind_of_error = ErrorKind::corrupted);

// Writes them; `out` has level_bound(level) bytes. Returns the bytes written.
std::size_t level_bound(const Level& level) noexcept;
std::size_t store_level(const Level& level, std::byte* out) noexcept;

// Adds a change of `delta`, which must be finite, at a finite moment: throws Error(invalid_argument) for others.
// `scratch` has level_scratch_bytes(level, delta) bytes.
std::size_t level_scratch_bytes(const Level& level, const Decimal& delta) noexcept;
void add_change(Level& level, const Decimal& delta, std::int64_t at, std::byte* scratch);

// left := both together. `scratch` has merge_scratch_bytes(left, right) bytes.
std::size_t merge_scratch_bytes(const Level& left, const Level& right) noexcept;
void merge_level(Level& left, const Level& right, std::byte* scratch);

// Throws Error(invalid_argument) unless from < to and every change is within [from, to] or all are at or before `from`.
void require_within(const Level& level, std::int64_t from, std::int64_t to);

// JSON text: {"n":2,"change":"5","moment":"...","first":"2024-01-01T00:00:00Z","last":"..."}.
std::string level_to_text(const Level& level);
Level level_from_text(std::string_view text, std::byte* scratch);  // text.size() + 16 bytes; throws Error(invalid_text)

}  // namespace tally
