// Keys of decimal numbers; see set_key.hpp for what a key promises.
#include "core/distinct/set_key.hpp"

#include "core/distinct/distinct_set.hpp"

namespace tally {

std::size_t key_scratch_bytes(const Decimal& value) noexcept {
    return 8 + (value.kind == DecimalKind::wide ? 2 * std::size_t{value.group_count} : small_groups_bytes);
}

SetKey key_of_decimal(const Decimal& value, std::byte* scratch) noexcept {
    constexpr std::uint64_t hashed = std::uint64_t{1} << 63;
    if (!value.finite()) return {mix64(static_cast<std::uint64_t>(value.kind)), hashed - 1};
    if (value.kind == DecimalKind::small) {
        const auto fits = [](int128 number) { return number >= INT64_MIN && number <= INT64_MAX; };
        int128 large = value.coefficient;
        std::int32_t scale = large == 0 ? 0 : value.scale;
        while (!fits(large) && scale > 0 && large % 10 == 0) large /= 10, --scale;
        if (fits(large)) {
            auto coefficient = static_cast<std::int64_t>(large);
            while (scale > 0 && coefficient % 10 == 0) coefficient /= 10, --scale;
            return {key_of_integer(coefficient).high, static_cast<std::uint64_t>(scale)};
        }
    }
    std::byte room[small_groups_bytes];
    const Groups groups = to_groups(value, room);
    ByteWriter out(scratch);
    out.u8(groups.negative ? 1 : 0);
    for (int shift = 0; shift < 32; shift += 8)
        out.u8(static_cast<std::uint8_t>(static_cast<std::uint32_t>(groups.weight) >> shift));
    out.put(Bytes(groups.groups, 2 * std::size_t{groups.count}));
    SetKey key = siphash128(Bytes(scratch, out.size()));
    key.low |= hashed;
    return key;
}

}  // namespace tally
