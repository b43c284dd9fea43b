// Keys as clients present them: see auth.hpp.
#include "auth.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <strings.h>

#include <stdexcept>

namespace tallyd {

namespace {

constexpr std::size_t kLongestKey = 512;

// RFC 6750: b64token
bool token_character(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
}

}  // namespace

std::optional<std::string_view> bearer_key(std::string_view header) noexcept {
    constexpr std::string_view kScheme = "Bearer";
    if (header.size() <= kScheme.size() || strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0)
        return std::nullopt;
    header.remove_prefix(kScheme.size());
    if (header.front() != ' ') return std::nullopt;
    while (header.starts_with(' ')) header.remove_prefix(1);
    while (header.ends_with(' ') || header.ends_with('\t')) header.remove_suffix(1);
    if (header.empty() || header.size() > kLongestKey) return std::nullopt;
    for (const char c : header)
        if (!token_character(c)) return std::nullopt;
    return header;
}

KeyHash hash_key(std::string_view key) {
    KeyHash hash;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, key.data(), key.size(), hash.data()) < 0)
        throw std::runtime_error("SHA-256 is not available in GnuTLS");
    return hash;
}

}  // namespace tallyd
