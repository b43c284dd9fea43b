// CRC-32C (Castagnoli; RFC 3720, B.4): the checksum of stored blocks. By the processor's instruction where it has one, by
// tables elsewhere; both give the same.
#pragma once

#include <cstdint>

#include "core/base/bytes.hpp"

namespace tally {

// The checksum of `bytes`; crc32c("123456789") is 0xE3069283.
std::uint32_t crc32c(Bytes bytes) noexcept;

}  // namespace tally
