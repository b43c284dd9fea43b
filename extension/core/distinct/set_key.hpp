// The keys by which tally.distinct_set tells values apart. They are stored on disk: nothing here may ever change.
//
// Values of at most 8 bytes, texts and byte strings of at most 15 bytes, and uuids go through bijections, so two
// different values never share a key. Longer ones are hashed to 128 bits by SipHash-2-4 with the fixed key below: among
// n of them the chance that any two collide is below n^2 / 2^129 (10^9 values: 1.5e-21). SipHash rather than a faster
// hash, because values come from customers: for XXH3 and its like colliding inputs can be computed, and a collision is
// an uncounted value.
#pragma once

#include <bit>
#include <cstring>

#include "core/base/bytes.hpp"

namespace tally {

struct SetKey {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    bool zero() const noexcept { return (high | low) == 0; }
    friend bool operator==(const SetKey&, const SetKey&) = default;
    friend bool operator<(const SetKey& left, const SetKey& right) noexcept {
        return left.high != right.high ? left.high < right.high : left.low < right.low;
    }
};

inline void store_u64(std::byte* bytes, std::uint64_t value) noexcept {
    if constexpr (std::endian::native != std::endian::little) value = __builtin_bswap64(value);
    std::memcpy(bytes, &value, sizeof value);
}

// A bijection of 64 bits that spreads neighbours (the finalizer of MurmurHash3 after an offset).
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCDU;
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53U;
    return x ^ x >> 33;
}

// A bijection of 128 bits: two rounds of a Feistel network.
constexpr SetKey mix128(std::uint64_t first, std::uint64_t second) noexcept {
    second ^= mix64(first);
    first ^= mix64(second + 0xD6E8FEB86659FD93U);
    return {first, second};
}

constexpr std::uint64_t set_hash_key0 = 0x20796C6C61746770U;  // "pgtally " read as little-endian
constexpr std::uint64_t set_hash_key1 = 0x74636E6974736964U;  // "distinct"

// SipHash-2-4 with 128 bits of output.
inline SetKey siphash128(Bytes bytes, std::uint64_t k0 = set_hash_key0, std::uint64_t k1 = set_hash_key1) noexcept {
    std::uint64_t v0 = 0x736F6D6570736575U ^ k0;
    std::uint64_t v1 = 0x646F72616E646F6DU ^ k1 ^ 0xEE;
    std::uint64_t v2 = 0x6C7967656E657261U ^ k0;
    std::uint64_t v3 = 0x7465646279746573U ^ k1;
    const auto round = [&]() noexcept {
        v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
        v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
        v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
    };
    const auto absorb = [&](std::uint64_t word) noexcept {
        v3 ^= word;
        round(), round();
        v0 ^= word;
    };
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) absorb(little_u64(bytes.data() + at));
    std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
    for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) last |= static_cast<std::uint64_t>(bytes[at]) << shift;
    absorb(last);
    v2 ^= 0xEE;
    round(), round(), round(), round();
    const std::uint64_t first = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xDD;
    round(), round(), round(), round();
    return {first, v0 ^ v1 ^ v2 ^ v3};
}

// Key of a value that is 64 bits: in the order of the integers, so that those that lie close together have close keys.
constexpr SetKey key_of_integer(std::int64_t value) noexcept {
    return {static_cast<std::uint64_t>(value) ^ std::uint64_t{1} << 63, 0};
}

// Key of a value that is exactly 16 bytes (uuid).
inline SetKey key_of_block(const std::byte* block) noexcept {
    return mix128(little_u64(block), little_u64(block + 8));
}

// Key of a byte string of any length. A short one is a block of 16 bytes: its own, zeros, and last its length; these are put
// together from words that overlap, as copying so few bytes takes longer than the rest.
inline SetKey key_of_bytes(Bytes bytes) noexcept {
    const std::size_t size = bytes.size();
    if (size > 15) return siphash128(bytes);
    const std::byte* const at = bytes.data();
    std::uint64_t first = 0, second = std::uint64_t{size} << 56;
    if (size > 8) {
        first = little_u64(at);
        second |= little_u64(at + size - 8) >> (8 * (16 - size));
    } else if (size == 8) {
        first = little_u64(at);
    } else if (size >= 4) {
        first = little_u32(at) | std::uint64_t{little_u32(at + size - 4)} << (8 * (size - 4));
    } else {
        for (std::size_t i = 0; i < size; ++i) first |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    }
    return mix128(first, second);
}

}  // namespace tally
