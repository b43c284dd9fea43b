// Rules of header fields: see fields.hpp.
#include "http/fields.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tallyd {

namespace {

constexpr std::size_t kLongestAddress = 63;

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_one_of(char c, const char* set) noexcept {
    return c != '\0' && std::strchr(set, c) != nullptr;
}
char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// ":" and up to five digits, or nothing.
bool is_port(std::string_view text) noexcept {
    if (text.empty()) return true;
    if (text[0] != ':' || text.size() > 6 || !std::all_of(text.begin() + 1, text.end(), is_digit)) return false;
    int port = 0;
    for (const char digit : text.substr(1)) port = port * 10 + (digit - '0');
    return port <= 65535;
}

// What stands between the brackets of an address of IPv6, or of a kind to come.
bool is_literal(std::string_view text) noexcept {
    if (text.empty() || text.size() > kLongestAddress) return false;
    if (lower(text[0]) == 'v') {
        const std::size_t dot = text.find('.');
        if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
        return std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(dot), is_hex) &&
               std::all_of(text.begin() + static_cast<std::ptrdiff_t>(dot) + 1, text.end(),
                           [](char c) { return is_digit(c) || is_letter(c) || is_one_of(c, "-._~!$&'()*+,;=:"); });
    }
    std::array<char, kLongestAddress + 1> address{};
    std::copy(text.begin(), text.end(), address.begin());
    in6_addr parsed{};
    return inet_pton(AF_INET6, address.data(), &parsed) == 1;
}

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view()
                                           : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Where a parameter that begins at `at` ends: the next semicolon outside of quotes, or the end.
std::size_t end_of_parameter(std::string_view text, std::size_t at) noexcept {
    for (bool quoted = false; at < text.size(); ++at) {
        if (text[at] == '"') quoted = !quoted;
        if (quoted && text[at] == '\\') ++at;
        if (!quoted && text[at] == ';') return at;
    }
    return text.size();
}

bool is_utf8_name(std::string_view value) noexcept {
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
        value = trimmed(value.substr(1, value.size() - 2));
    for (const char* known : {"utf-8", "utf8", "us-ascii", "ascii"})
        if (same_word(value, known)) return true;
    return false;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || is_letter(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
    });
}

bool is_host(std::string_view text) noexcept {
    text = trimmed(text);
    if (text.empty()) return true;  // RFC 9112, 3.2: of a target that has no authority
    if (text[0] == '[') {
        const std::size_t end = text.find(']');
        return end != std::string_view::npos && is_literal(text.substr(1, end - 1)) && is_port(text.substr(end + 1));
    }
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (colon == 0 || !is_port(text.substr(colon))) return false;
    for (std::size_t at = 0; at < colon; ++at) {
        const char c = text[at];
        if (c == '%') {
            if (at + 2 >= colon || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
            at += 2;
        } else if (!is_digit(c) && !is_letter(c) && !is_one_of(c, "-._~!$&'()*+;=")) {
            return false;  // a comma would be legal in a name, and is what joins two Hosts
        }
    }
    return true;
}

bool is_foreign_charset(const char* content_type) noexcept {
    if (content_type == nullptr) return false;
    const std::string_view text(content_type);
    for (std::size_t at = end_of_parameter(text, 0); at < text.size();) {
        const std::size_t begin = at + 1;
        at = end_of_parameter(text, begin);
        const std::string_view parameter = text.substr(begin, at - begin);
        const std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos || !same_word(trimmed(parameter.substr(0, equals)), "charset")) continue;
        if (!is_utf8_name(trimmed(parameter.substr(equals + 1)))) return true;
    }
    return false;
}

}  // namespace tallyd
