// Parts that enter and leave a moving summary. The rules are described in summary_moving.hpp.
#include "core/summary/summary_moving.hpp"

#include "core/base/invariant.hpp"

namespace tally {

namespace {

Decimal decimal_of(const SmallSlot& slot) noexcept {
    const auto kind = static_cast<DecimalKind>(slot.kind);
    return kind == DecimalKind::small ? Decimal::make_small(slot.coefficient(), slot.scale) : Decimal::make_special(kind);
}

bool can_move(const Summary& part) noexcept {
    return !part.has_moments && !part.sums_only && part.total.kind == DecimalKind::small &&
           part.lowest.kind != DecimalKind::wide && part.highest.kind != DecimalKind::wide;
}

// The total's coefficient and scale with a part added.
bool add_total(SmallSlot& total, int128 coefficient, std::int32_t scale) noexcept {
    int128 sum = total.coefficient();
    std::int32_t sum_scale = total.scale;
    if (!add_small(sum, sum_scale, coefficient, scale)) return false;
    total.set(sum, sum_scale);
    return true;
}

// `sign` is 1 for highest and -1 for lowest. Of equal values the greater scale wins, as in every summary.
void enter(SmallSlot& extreme, std::int64_t& holders, const Decimal& value, int sign) noexcept {
    const int order = holders == 0 ? 1 : sign * compare_value(value, decimal_of(extreme));
    if (order > 0 || (order == 0 && value.scale > extreme.scale)) {
        extreme.set(value.coefficient, value.scale);
        extreme.kind = static_cast<std::uint32_t>(value.kind);
        holders = 1;
    } else if (order == 0 && value.scale == extreme.scale) {
        ++holders;
    }
}

// False where the last holder of an extreme leaves.
bool leave(const SmallSlot& extreme, std::int64_t& holders, const Decimal& value) noexcept {
    return compare_total(value, decimal_of(extreme)) != 0 || --holders > 0;
}

void check(const MovingSummary& moving) noexcept {
    if constexpr (invariants_are_checked) {
        const bool some = moving.n > 0;
        invariant(moving.parts >= 0 && is_consistent(summary_of(moving)), "a moving summary is inconsistent");
        invariant(moving.with_scale >= (moving.parts > 0) && moving.with_scale <= moving.parts &&
                      moving.with_lowest >= some && moving.with_lowest <= moving.parts && moving.with_highest >= some &&
                      moving.with_highest <= moving.parts,
                  "a moving summary has miscounted its extremes");
    }
}

}  // namespace

bool move_in(MovingSummary& moving, const Summary& part) noexcept {
    check(moving);
    MovingSummary next = moving;
    if (!can_move(part) || __builtin_add_overflow(next.n, part.n, &next.n) ||
        !add_total(next.total, part.total.coefficient, part.total.scale))
        return false;
    ++next.parts;
    next.nan_count += part.nan_count;
    next.infinity_count += part.infinity_count;
    next.minus_infinity_count += part.minus_infinity_count;
    next.with_scale = next.total.scale > moving.total.scale ? 1 : moving.with_scale + (part.total.scale == next.total.scale);
    if (part.n > 0) {
        enter(next.lowest, next.with_lowest, part.lowest, -1);
        enter(next.highest, next.with_highest, part.highest, 1);
    }
    moving = next;
    check(moving);
    return true;
}

bool move_out(MovingSummary& moving, const Summary& part) noexcept {
    check(moving);
    MovingSummary next = moving;
    if (!can_move(part) || moving.parts == 0) return false;
    if (--next.parts == 0) {
        moving = MovingSummary{};
        return true;
    }
    next.n -= part.n;
    next.nan_count -= part.nan_count;
    next.infinity_count -= part.infinity_count;
    next.minus_infinity_count -= part.minus_infinity_count;
    if (part.total.scale == next.total.scale && --next.with_scale == 0) return false;
    if (!add_total(next.total, -part.total.coefficient, part.total.scale)) return false;
    if (part.n > 0 &&
        (!leave(next.lowest, next.with_lowest, part.lowest) || !leave(next.highest, next.with_highest, part.highest)))
        return false;
    moving = next;
    check(moving);
    return true;
}

Summary summary_of(const MovingSummary& moving) noexcept {
    Summary summary;
    summary.n = moving.n;
    summary.nan_count = moving.nan_count;
    summary.infinity_count = moving.infinity_count;
    summary.minus_infinity_count = moving.minus_infinity_count;
    summary.total = decimal_of(moving.total);
    summary.lowest = decimal_of(moving.lowest);
    summary.highest = decimal_of(moving.highest);
    return summary;
}

}  // namespace tally
