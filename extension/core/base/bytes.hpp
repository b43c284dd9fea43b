// Reading and writing the explicit little-endian bytes of stored states, with every read bounds-checked.
//
// Varint: 7 bits a byte, lowest first, high bit = more follow, at most 10 bytes and never longer than needed (so that
// equal values have equal bytes). Signed varints are zigzag-coded. Fixed-width integers are little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "core/base/error.hpp"

namespace tally {

using Bytes = std::span<const std::byte>;
using int128 = __int128;
using uint128 = unsigned __int128;

// The 8 bytes at `from`, wherever they lie, as a little-endian integer.
inline std::uint64_t little_u64(const std::byte* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

// The 4 bytes at `from`, likewise.
inline std::uint32_t little_u32(const std::byte* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

// Takes values from the front of a byte string; throws where the bytes end too early or are not canonical:
// Error(corrupted) for stored bytes, or the kind that is asked for (invalid_binary for bytes that a client sent).
class ByteReader {
public:
    explicit ByteReader(Bytes bytes, const char* type, ErrorKind kind = ErrorKind::corrupted) noexcept
        : at_(bytes.data()), end_(bytes.data() + bytes.size()), type_(type), kind_(kind) {}

    // "malformed TYPE state: WHY".
    [[noreturn]] void fail(const char* why = nullptr) const {
        std::string message = std::string("malformed ") + type_ + " state";
        if (why != nullptr) message += std::string(": ") + why;
        throw Error(kind_, message);
    }

    [[noreturn]] void fail_version(unsigned version) const {
        throw Error(kind_, std::string(type_) + " state of unknown version " + std::to_string(version),
                    "It was written by a newer version of pgtally.");
    }

    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    bool done() const noexcept { return at_ == end_; }

    Bytes take(std::size_t count) {
        if (count > left()) fail("it is cut short");
        const Bytes taken(at_, count);
        at_ += count;
        return taken;
    }
    // The next 8 bytes as a little-endian integer without taking them; at least 8 must be left.
    std::uint64_t peek_u64() const noexcept { return little_u64(at_); }
    std::uint8_t u8() {
        if (at_ == end_) fail("it is cut short");
        return static_cast<std::uint8_t>(*at_++);
    }
    std::int64_t i64() {
        std::uint64_t value = 0;
        int shift = 0;
        for (const std::byte byte : take(8)) {
            value |= static_cast<std::uint64_t>(byte) << shift;
            shift += 8;
        }
        return static_cast<std::int64_t>(value);
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::uint8_t byte = u8();
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if ((byte & 0x80) == 0) {
                if (byte == 0 && shift != 0) break;
                return value;
            }
        }
        fail("an integer in it is malformed");
    }
    std::int64_t signed_varint() {
        const std::uint64_t coded = varint();
        return static_cast<std::int64_t>(coded >> 1) ^ -static_cast<std::int64_t>(coded & 1);
    }

private:
    const std::byte* at_;
    const std::byte* end_;
    const char* type_;
    ErrorKind kind_;
};

// Appends to memory that the caller has made large enough (each state type says how large by a `..._bound` function).
class ByteWriter {
public:
    explicit ByteWriter(std::byte* start) noexcept : start_(start), at_(start) {}

    std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - start_); }

    void put(Bytes bytes) noexcept {
        for (const std::byte byte : bytes) *at_++ = byte;
    }
    void u8(std::uint8_t value) noexcept { *at_++ = static_cast<std::byte>(value); }
    void i64(std::int64_t value) noexcept {
        for (int shift = 0; shift < 64; shift += 8)
            u8(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> shift));
    }
    void varint(std::uint64_t value) noexcept {
        for (; value >= 0x80; value >>= 7) u8(static_cast<std::uint8_t>(value | 0x80));
        u8(static_cast<std::uint8_t>(value));
    }
    void signed_varint(std::int64_t value) noexcept {
        varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }

private:
    std::byte* start_;
    std::byte* at_;
};

constexpr std::size_t max_varint_bytes = 10;

}  // namespace tally
