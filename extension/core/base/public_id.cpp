// Base62 and UUID text, both directions; the format is documented in public_id.hpp.
#include "core/base/public_id.hpp"

#include <algorithm>

namespace tally {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr int rotation = 67;

Uint128 to_number(const UuidBytes& uuid) {
    Uint128 number = 0;
    for (const std::uint8_t byte : uuid) number = (number << 8) | byte;
    return number;
}

UuidBytes to_bytes(Uint128 number) {
    UuidBytes uuid;
    for (std::size_t i = uuid.size(); i-- > 0; number >>= 8) uuid[i] = static_cast<std::uint8_t>(number & 0xff);
    return uuid;
}

std::optional<Uint128> from_base62(std::string_view text) {
    if (text.empty() || text.size() > 22) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;  // one number, one id
    Uint128 number = 0;
    for (const char c : text) {
        const std::size_t digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        constexpr Uint128 largest = ~Uint128{0};
        if (number > (largest - digit) / 62) return std::nullopt;
        number = number * 62 + digit;
    }
    return number;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<UuidBytes> from_uuid_text(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    UuidBytes uuid;
    std::size_t byte = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') return std::nullopt;
            ++i;
            continue;
        }
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        uuid[byte++] = static_cast<std::uint8_t>(high * 16 + low);
        i += 2;
    }
    return uuid;
}

}  // namespace

std::string encode_public_id(std::string_view prefix, const UuidBytes& uuid) {
    Uint128 number = to_number(uuid);
    number = (number << rotation) | (number >> (128 - rotation));
    std::string reversed;
    do {
        reversed.push_back(digits[static_cast<std::size_t>(number % 62)]);
        number /= 62;
    } while (number != 0);
    std::reverse(reversed.begin(), reversed.end());
    return std::string(prefix) + reversed;
}

std::optional<UuidBytes> decode_public_id(std::string_view prefix, std::string_view text) {
    if (!text.starts_with(prefix)) return from_uuid_text(text);
    const std::optional<Uint128> rotated = from_base62(text.substr(prefix.size()));
    if (!rotated) return std::nullopt;
    return to_bytes((*rotated >> rotation) | (*rotated << (128 - rotation)));
}

UuidBytes make_uuid7(std::int64_t unix_microseconds, std::uint64_t random_bits) {
    const auto milliseconds = static_cast<std::uint64_t>(unix_microseconds / 1000);
    const auto fraction = static_cast<std::uint64_t>(unix_microseconds % 1000) * 4096 / 1000;
    const std::uint64_t high = (milliseconds << 16) | 0x7000 | fraction;
    const std::uint64_t low = (random_bits & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
    return to_bytes((Uint128{high} << 64) | low);
}

}  // namespace tally
