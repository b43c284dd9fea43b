// A summary that values can leave again, for window frames that move over rows (PostgreSQL's moving-aggregate mode).
// It exists only inside one running window aggregate and is never stored.
//
// A part is what enters and leaves as a whole: one value, or one stored summary. n, the counts of specials and the
// total are subtracted exactly. What cannot be subtracted is counted: how many parts have the scale of the total, and
// how many have just the lowest and just the highest (scale included). While some of each remain, the rest is known;
// where the last of them leaves it is not, and move_out says so: the caller then adds up what is left from the
// beginning. Wide decimals, moments and states that hold sums only never enter.
#pragma once

#include "core/summary/summary.hpp"

namespace tally {

struct MovingSummary {
    std::int64_t parts = 0;
    std::int64_t n = 0;
    std::int64_t nan_count = 0;
    std::int64_t infinity_count = 0;
    std::int64_t minus_infinity_count = 0;
    std::int64_t with_scale = 0;    // parts whose total has the scale of total
    std::int64_t with_lowest = 0;   // parts whose lowest is lowest, scale included
    std::int64_t with_highest = 0;  // parts whose highest is highest
    SmallSlot total = {0, 0, 0, static_cast<std::uint32_t>(DecimalKind::small)};
    SmallSlot lowest = {};  // this and the next may hold a special: kind says so
    SmallSlot highest = {};
};
static_assert(alignof(MovingSummary) <= 8 && std::is_trivially_copyable_v<MovingSummary>);

// Both return false, with nothing changed, where they cannot: move_in where the part or the sum is not for this form,
// move_out where what remains is not known. The part of move_out must have been moved in.
bool move_in(MovingSummary& moving, const Summary& part) noexcept;
bool move_out(MovingSummary& moving, const Summary& part) noexcept;

// What is in it: the bytes of its packed form are those that merging the parts gives.
Summary summary_of(const MovingSummary& moving) noexcept;

}  // namespace tally
