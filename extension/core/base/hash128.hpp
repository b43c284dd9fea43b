// 128-bit hashes of events that are written to disk and therefore fixed for ever: SipHash-2-4 with the key of
// set_key.hpp, in big-endian byte order. Not a faster hash such as XXH3, for which colliding inputs can be computed: ids
// come from customers.
// Collision bound: n values give a collision with probability below n^2 / 2^129 (n = 10^12: 2 * 10^-15).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tally {

using Hash128 = std::array<std::uint8_t, 16>;

// Hash of the bytes of `data`.
Hash128 hash128(std::string_view data) noexcept;

// First 32 bits of hash128, as the signed integer that PostgreSQL stores.
std::int32_t hash32(std::string_view data) noexcept;

// Collects fields so that no two different lists of fields give the same bytes: each field is preceded by its length.
class FieldBytes {
public:
    void add(std::string_view field);
    void add_tag(char tag) { bytes_.push_back(tag); }
    Hash128 hash() const noexcept { return hash128(bytes_); }
    void clear() noexcept { bytes_.clear(); }

private:
    std::string bytes_;
};

}  // namespace tally
