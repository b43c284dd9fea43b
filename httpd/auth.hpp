// Keys as clients present them. tallyd never judges a key: it hands the key's SHA-256 to SQL with every request,
// so a revocation works on the very next one.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace tallyd {

using KeyHash = std::array<unsigned char, 32>;

// The key in an Authorization header: "Bearer <key>", scheme without case. nullopt: missing or malformed.
std::optional<std::string_view> bearer_key(std::string_view header) noexcept;

KeyHash hash_key(std::string_view key);

}  // namespace tallyd
