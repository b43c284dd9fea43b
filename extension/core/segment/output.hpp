// The bytes of a segment while it is made: blocks one after the other, each with its size and checksum.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/crc32c.hpp"
#include "core/segment/format.hpp"

namespace tally::segment_format {

inline void append_u32(std::vector<std::byte>& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
}

inline void append_u64(std::vector<std::byte>& out, std::uint64_t value) {
    append_u32(out, static_cast<std::uint32_t>(value));
    append_u32(out, static_cast<std::uint32_t>(value >> 32));
}

inline void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
    out.push_back(static_cast<std::byte>(value));
}

inline void append_bytes(std::vector<std::byte>& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

class BlockOutput {
public:
    // What is appended until end_block() is one block.
    std::vector<std::byte>& bytes() noexcept { return bytes_; }
    void end_block() {
        const Bytes block = Bytes(bytes_).subspan(begin_);
        blocks_.push_back({static_cast<std::uint32_t>(block.size()), crc32c(block)});
        begin_ = bytes_.size();
    }
    std::span<const BlockExtent> blocks() const noexcept { return blocks_; }

private:
    std::vector<std::byte> bytes_;
    std::vector<BlockExtent> blocks_;
    std::size_t begin_ = 0;
};

}  // namespace tally::segment_format
