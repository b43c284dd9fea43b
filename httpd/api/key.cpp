// Keys as clients present them: see key.hpp.
#include "api/key.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <strings.h>

#include <stdexcept>

namespace tallyd {

namespace {

constexpr std::size_t kLongestKey = 512;

// RFC 6750: b64token
bool token_character(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~' || c == '+' || c == '/' || c == '=';
}

bool is_key(std::string_view text) noexcept {
    if (text.empty() || text.size() > kLongestKey) return false;
    for (const char c : text)
        if (!token_character(c)) return false;
    return true;
}

// What follows the scheme; nullopt: another scheme.
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) noexcept {
    if (header.size() <= scheme.size() || strncasecmp(header.data(), scheme.data(), scheme.size()) != 0) return std::nullopt;
    header.remove_prefix(scheme.size());
    if (header.front() != ' ') return std::nullopt;
    while (header.starts_with(' ')) header.remove_prefix(1);
    while (header.ends_with(' ') || header.ends_with('\t')) header.remove_suffix(1);
    return header;
}

int base64_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// RFC 4648, padding and all. Not GnuTLS's, which skips what is no base64.
std::optional<std::string> decode_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    text.remove_suffix(padding);
    std::string out;
    unsigned bits = 0;
    int held = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFFF;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out += static_cast<char>(bits >> held & 0xFF);
    }
    return out;
}

std::optional<std::string> basic_key(std::string_view encoded) {
    if (encoded.size() > 4 * kLongestKey) return std::nullopt;
    const auto pair = decode_base64(encoded);
    if (!pair) return std::nullopt;
    const std::size_t colon = pair->find(':');
    if (colon == std::string::npos) return std::nullopt;
    std::string user = pair->substr(0, colon);
    const std::string_view password = std::string_view(*pair).substr(colon + 1);
    if (!is_key(user) || (!password.empty() && password != user)) return std::nullopt;
    return user;
}

}  // namespace

std::optional<std::string> authorization_key(std::string_view header) {
    if (const auto token = after_scheme(header, "Bearer"))
        return is_key(*token) ? std::optional<std::string>(*token) : std::nullopt;
    if (const auto encoded = after_scheme(header, "Basic")) return basic_key(*encoded);
    return std::nullopt;
}

void PresentedKeys::add(std::string_view key) {
    const KeyHash hash = hash_key(key);
    if (hash_ && gnutls_memcmp(hash_->data(), hash.data(), hash.size()) != 0) differ_ = true;
    hash_ = hash;
}

KeyHash hash_key(std::string_view key) {
    KeyHash hash;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, key.data(), key.size(), hash.data()) < 0)
        throw std::runtime_error("SHA-256 is not available in GnuTLS");
    return hash;
}

}  // namespace tallyd
