// The rare roads of number_slot.hpp. A place on the shelf stays its slot's: `low` is its number.
#include "core/usage/number_slot.hpp"

namespace tally {

Decimal NumberShelf::value(const SmallSlot& slot) const noexcept {
    if (is_none(slot)) return Decimal{};
    if (is_small(slot)) return Decimal::make_small(slot.coefficient(), slot.scale);
    return wide_[slot.low].value;
}

void NumberShelf::set(SmallSlot& slot, const Decimal& value) {
    if (value.kind == DecimalKind::small) {
        slot.set(value.coefficient, value.scale);
        return;
    }
    std::vector<std::byte> groups(value.groups, value.groups + 2 * std::size_t{value.group_count});
    if (slot.kind != static_cast<std::uint32_t>(DecimalKind::wide)) {
        slot = {wide_.size(), 0, 0, static_cast<std::uint32_t>(DecimalKind::wide)};
        wide_.emplace_back();
    }
    Wide& wide = wide_[slot.low];
    digit_bytes_ += groups.size() - wide.groups.size();
    wide.groups = std::move(groups);
    wide.value = value;
    wide.value.groups = wide.groups.data();
}

void NumberShelf::add_wide(SmallSlot& slot, const Decimal& value) {
    const Decimal left = this->value(slot);
    std::vector<std::byte> scratch(add_bound(left, value));
    set(slot, add_finite(left, value, false, scratch.data()));
}

void NumberShelf::keep_extreme(SmallSlot& slot, const Decimal& value, int sign) {
    if (!is_none(slot)) {
        const Decimal kept = this->value(slot);
        const int order = compare_value(value, kept);
        if (order == 0 ? value.scale <= kept.scale : order * sign < 0) return;
    }
    set(slot, value);
}

}  // namespace tally
