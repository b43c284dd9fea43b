// Sealed identities: what is kept for ever of events whose identity is no longer recent, dense and only read.
//
// A run is a set of identities sorted by key and cut into parts of equal width of the key space. Keys are SipHash outputs
// and so uniform: part = floor(first 64 bits of the key * parts / 2^64), which needs no directory and no search. A run has
// two kinds of parts: blocks hold the identities, filters (core/identity/filter.hpp) say which keys surely are not there.
//
// BLOCK, all little-endian but the keys, whose bytes stand as they are:
//   byte 0 version (1), byte 1 zero, bytes 2-3 entries n, bytes 4-7 CRC-32C of what follows (n is covered by the length)
//   n keys of 16 bytes in strictly ascending order of their bytes, n payloads of 8 bytes, n months of 2 bytes
// A damaged block throws Error(corrupted); hostile bytes do so too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/hash128.hpp"

namespace tally {

struct SealedIdentity {
    Hash128 key{};
    std::int64_t payload = 0;
    std::uint16_t month = 0;  // months since January 1970

    friend bool operator==(const SealedIdentity&, const SealedIdentity&) = default;
};

inline constexpr std::size_t block_header_bytes = 8;
inline constexpr std::size_t block_entry_bytes = 26;

// In which of `parts` a key lies.
std::uint32_t part_of(const Hash128& key, std::uint32_t parts) noexcept;

// The first key that lies in `part`: parts are half-open ranges of keys. Part = parts gives the end of all keys, as nullopt.
std::optional<Hash128> first_key(std::uint32_t part, std::uint32_t parts) noexcept;

// Appends the block of these identities, which are in ascending order of their keys, at most 65,535.
void append_block(std::string& out, std::span<const SealedIdentity> entries);

// A block, checked, to be searched or read. The bytes must outlive it.
class BlockView {
public:
    explicit BlockView(Bytes block);

    std::uint32_t size() const noexcept { return count_; }
    SealedIdentity at(std::uint32_t place) const noexcept;
    std::optional<SealedIdentity> find(const Hash128& key) const noexcept;

private:
    const std::byte* keys_;
    std::uint32_t count_;
};

}  // namespace tally
