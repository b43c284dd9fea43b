// Decimals in slots of 24 bytes: small ones in place, wide ones (more than 37 digits) on a shelf behind.
#pragma once

#include <deque>
#include <vector>

#include "core/decimal/decimal.hpp"

namespace tally {

class NumberShelf {
public:
    static SmallSlot none() noexcept { return {0, 0, 0, static_cast<std::uint32_t>(DecimalKind::none)}; }
    static bool is_none(const SmallSlot& slot) noexcept {
        return slot.kind == static_cast<std::uint32_t>(DecimalKind::none);
    }
    static bool is_small(const SmallSlot& slot) noexcept {
        return slot.kind == static_cast<std::uint32_t>(DecimalKind::small);
    }

    // The value; none for an empty slot. A wide one is valid until the slot changes.
    Decimal value(const SmallSlot& slot) const noexcept;

    void set(SmallSlot& slot, const Decimal& value);

    // slot += value, exact; an empty slot counts as 0.
    void add(SmallSlot& slot, int128 coefficient, std::int32_t scale) {
        if (is_none(slot)) slot.set(0, 0);
        int128 sum = slot.coefficient();
        std::int32_t common = slot.scale;
        if (is_small(slot) && add_small(sum, common, coefficient, scale)) {
            slot.set(sum, common);
        } else {
            add_wide(slot, Decimal::make_small(coefficient, scale));
        }
    }
    void add(SmallSlot& slot, const Decimal& value) {
        if (value.kind == DecimalKind::none) return;
        if (value.kind == DecimalKind::small) return add(slot, value.coefficient, value.scale);
        if (is_none(slot)) slot.set(0, 0);
        add_wide(slot, value);
    }

    // The greatest value (sign 1) or the least (sign -1) stays; of equal ones that with the most digits after the
    // point.
    void keep_extreme(SmallSlot& slot, const Decimal& value, int sign);

    std::size_t bytes() const noexcept { return wide_.size() * sizeof(Wide) + digit_bytes_; }  // of wide numbers

private:
    struct Wide {
        Decimal value;
        std::vector<std::byte> groups;
    };

    void add_wide(SmallSlot& slot, const Decimal& value);

    std::deque<Wide> wide_;
    std::size_t digit_bytes_ = 0;
};

}  // namespace tally
