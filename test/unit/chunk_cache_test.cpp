// The cache of segments' chunks: what is found is what was put, under all of its key; it stays within its bounds.
#include "core/segment/chunk_cache.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace tally {
namespace {

std::string text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
void put(ChunkCache& cache, const ChunkKey& key, const std::string& bytes) {
    cache.put(key, std::as_bytes(std::span(bytes.data(), bytes.size())));
}

TEST(ChunkCache, FindsWhatWasPutUnderTheWholeKey) {
    ChunkCache cache(8, 64);
    put(cache, {1, 2, 3}, "12345678");
    EXPECT_EQ(text(cache.find({1, 2, 3})), "12345678");
    EXPECT_TRUE(cache.find({1, 2, 4}).empty());
    EXPECT_TRUE(cache.find({1, 3, 3}).empty());  // another segment
    EXPECT_TRUE(cache.find({2, 2, 3}).empty());  // the same number, stored again
    put(cache, {2, 2, 3}, "short");
    EXPECT_EQ(text(cache.find({2, 2, 3})), "short");
    EXPECT_EQ(text(cache.find({1, 2, 3})), "12345678");
}

TEST(ChunkCache, WhatWasUsedLongestAgoMakesRoom) {
    ChunkCache cache(8, 1);
    for (std::uint32_t chunk = 0; chunk < 4; ++chunk) put(cache, {1, 1, chunk}, std::to_string(chunk));
    EXPECT_EQ(text(cache.find({1, 1, 0})), "0");
    put(cache, {1, 1, 4}, "4");
    EXPECT_EQ(text(cache.find({1, 1, 0})), "0");
    EXPECT_TRUE(cache.find({1, 1, 1}).empty());
    EXPECT_EQ(text(cache.find({1, 1, 4})), "4");
}

TEST(ChunkCache, NeverAnswersAnotherChunk) {
    ChunkCache cache(8, 16);
    for (std::uint32_t round = 0; round < 3; ++round)
        for (std::uint32_t chunk = 0; chunk < 500; ++chunk) {
            const ChunkKey key{1 + chunk % 7, chunk % 11, chunk};
            const Bytes found = cache.find(key);
            if (!found.empty()) {
                EXPECT_EQ(text(found), std::to_string(chunk));
            }
            put(cache, key, std::to_string(chunk));
            EXPECT_EQ(text(cache.find(key)), std::to_string(chunk));
        }
}

}  // namespace
}  // namespace tally
