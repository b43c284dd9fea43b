// Public identifiers as Meteroid makes them: prefix + base62 of a UUID.
//
// Format: the 128-bit number of the UUID (big-endian) is rotated left by 67 bits and written in base 62 with the digits
// 0-9 A-Z a-z, most significant first, without padding (so 1 to 22 digits). The rotation moves the random bits of a
// UUIDv7 to the front, so that ids made in one millisecond do not look alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

using UuidBytes = std::array<std::uint8_t, 16>;

// "bm_" and a UUID -> "bm_7n42DGM5Tflk9n8mt7Fhc7".
std::string encode_public_id(std::string_view prefix, const UuidBytes& uuid);

// The UUID of an id with this prefix, or of a bare UUID in its usual text form; nothing for any other text.
std::optional<UuidBytes> decode_public_id(std::string_view prefix, std::string_view text);

// A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, 12 bits of the fraction of that millisecond (so that ids
// made by one clock sort by time of creation), 62 of the given 64 random bits.
UuidBytes make_uuid7(std::int64_t unix_microseconds, std::uint64_t random_bits);

}  // namespace tally
