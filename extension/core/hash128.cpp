// XXH3-128 behind the names of hash128.hpp.
#include "core/hash128.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tally {

Hash128 hash128(std::string_view data) noexcept {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data.data(), data.size()));
    Hash128 result;
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = canonical.digest[i];
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
