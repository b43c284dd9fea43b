// Chunks of segments that a process has read lately, so that the next question does not fetch them again.
//
// A segment never changes and its number is never given twice, so a chunk that was read once is right for ever: nothing
// is ever made invalid. Bounded: `sets` times 4 chunks; within a set the one that was used longest ago makes room.
// Values that are stored again under the same number (a table that was restored) differ in `value`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/bytes.hpp"

namespace tally {

struct ChunkKey {
    std::uint64_t value = 0;  // of the table and number of the stored value; 0 for none
    std::int64_t segment = 0;
    std::uint32_t chunk = 0;  // which of the segment's

    friend bool operator==(const ChunkKey&, const ChunkKey&) = default;
};

class ChunkCache {
public:
    // `sets` is a power of two.
    ChunkCache(std::size_t chunk_bytes, std::size_t sets) : chunk_bytes_(chunk_bytes), sets_(sets) {}

    // The chunk's bytes (the last one of a segment is shorter than chunk_bytes), or empty where it is not kept. They
    // stay until the next put.
    Bytes find(const ChunkKey& key) noexcept {
        for (Entry& entry : set_of(key)) {
            if (!(entry.key == key)) continue;
            entry.used = ++clock_;
            return {entry.bytes.get(), entry.size};
        }
        return {};
    }

    // Keeps a chunk, of at most chunk_bytes.
    void put(const ChunkKey& key, Bytes bytes) {
        Set& set = set_of(key);
        Entry* oldest = &set.front();
        for (Entry& entry : set)
            if (entry.used < oldest->used) oldest = &entry;
        if (!oldest->bytes) oldest->bytes = std::make_unique<std::byte[]>(chunk_bytes_);
        std::copy(bytes.begin(), bytes.end(), oldest->bytes.get());
        oldest->key = key;
        oldest->size = bytes.size();
        oldest->used = ++clock_;
    }

private:
    struct Entry {
        ChunkKey key;
        std::uint64_t used = 0;
        std::size_t size = 0;
        std::unique_ptr<std::byte[]> bytes;
    };
    using Set = std::array<Entry, 4>;

    Set& set_of(const ChunkKey& key) noexcept {
        // Fibonacci hashing; neighbouring chunks of a segment fall into different sets.
        const std::uint64_t mixed =
            (key.value ^ (static_cast<std::uint64_t>(key.segment) << 20) ^ key.chunk) * 0x9E3779B97F4A7C15u;
        return sets_[(mixed >> 32) & (sets_.size() - 1)];
    }

    std::size_t chunk_bytes_;
    std::vector<Set> sets_;
    std::uint64_t clock_ = 0;
};

}  // namespace tally
