// SipHash-2-4 behind the names of hash128.hpp.
#include "core/base/hash128.hpp"

#include "core/distinct/set_key.hpp"

namespace tally {

Hash128 hash128(std::string_view data) noexcept {
    const SetKey hash = siphash128(std::as_bytes(std::span(data)));
    Hash128 result;
    for (std::size_t i = 0; i < 8; ++i) {
        result[i] = static_cast<std::uint8_t>(hash.high >> (56 - 8 * i));
        result[8 + i] = static_cast<std::uint8_t>(hash.low >> (56 - 8 * i));
    }
    return result;
}

std::int32_t hash32(std::string_view data) noexcept {
    const Hash128 full = hash128(data);
    const std::uint32_t bits = (std::uint32_t{full[0]} << 24) | (std::uint32_t{full[1]} << 16) |
                               (std::uint32_t{full[2]} << 8) | std::uint32_t{full[3]};
    return static_cast<std::int32_t>(bits);
}

void FieldBytes::add(std::string_view field) {
    std::uint64_t length = field.size();
    for (int i = 0; i < 8; ++i) {
        bytes_.push_back(static_cast<char>(length & 0xff));
        length >>= 8;
    }
    bytes_.append(field);
}

}  // namespace tally
