// Sealed identities: blocks give back what was put in and tell every damage, filters never deny what is there.
#include "core/identity/sealed_block.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <set>

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"
#include "core/identity/filter.hpp"
#include "core/identity/run.hpp"

namespace tally {
namespace {

Bytes bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::vector<SealedIdentity> random_identities(std::size_t count, unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<SealedIdentity> entries(count);
    for (SealedIdentity& entry : entries) {
        for (std::uint8_t& byte : entry.key) byte = static_cast<std::uint8_t>(random());
        entry.payload = static_cast<std::int64_t>(random());
        entry.month = static_cast<std::uint16_t>(random());
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return entries;
}

TEST(Crc32c, IsTheChecksumOfTheStandard) {
    EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);
    EXPECT_EQ(crc32c({}), 0U);
    EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8A9136AAU);  // RFC 3720, B.4
}

TEST(SealedBlock, FindsWhatItHoldsAndNothingElse) {
    for (const std::size_t count : {0, 1, 2, 72, 300}) {
        const auto entries = random_identities(count, 1);
        std::string block = "before";
        append_block(block, entries);
        const BlockView view(bytes_of(block).subspan(6));
        ASSERT_EQ(view.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(view.at(static_cast<std::uint32_t>(i)), entries[i]);
            EXPECT_EQ(view.find(entries[i].key), entries[i]);
        }
        for (const SealedIdentity& other : random_identities(200, 2)) EXPECT_FALSE(view.find(other.key));
    }
}

TEST(SealedBlock, TellsEveryDamage) {
    const auto entries = random_identities(5, 3);
    std::string block;
    append_block(block, entries);
    for (std::size_t at = 0; at < block.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = block;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            EXPECT_THROW(BlockView{bytes_of(damaged)}, Error) << at;
        }
    for (std::size_t size = 0; size < block.size(); ++size) EXPECT_THROW(BlockView{bytes_of(block).first(size)}, Error);
    EXPECT_THROW(BlockView{bytes_of(block + 'x')}, Error);
}

TEST(SealedBlock, RefusesKeysOutOfOrder) {
    auto entries = random_identities(2, 4);
    std::swap(entries[0], entries[1]);
    std::string block;
    append_block(block, entries);
    EXPECT_THROW(BlockView{bytes_of(block)}, Error);
    entries[1] = entries[0];
    block.clear();
    append_block(block, entries);
    EXPECT_THROW(BlockView{bytes_of(block)}, Error);
}

TEST(SealedBlock, PartsCoverAllKeysInOrder) {
    Hash128 lowest{}, highest;
    highest.fill(0xFF);
    for (const std::uint32_t parts : {1U, 2U, 3U, 7U, 1000U, 694'445U, 4'000'000'000U}) {
        EXPECT_EQ(part_of(lowest, parts), 0U);
        EXPECT_EQ(part_of(highest, parts), parts - 1);
        EXPECT_FALSE(first_key(parts, parts));
        for (const std::uint32_t part : {0U, 1U, parts / 2, parts - 1}) {
            if (part >= parts) continue;
            const Hash128 first = *first_key(part, parts);
            EXPECT_EQ(part_of(first, parts), part);
            if (part == 0) continue;
            Hash128 before = first;
            for (std::size_t i = 16; i-- > 0 && before[i]-- == 0;) continue;
            EXPECT_EQ(part_of(before, parts), part - 1);
        }
    }
}

TEST(SealedBlock, BlocksFitAPageWithFourOnAverage) {
    const auto entries = random_identities(200'000, 5);
    const RunShape shape = run_shape(entries.size());
    EXPECT_EQ(shape.blocks % shape.filters, 0U);
    std::vector<std::size_t> sizes(shape.blocks);
    for (const SealedIdentity& entry : entries) {
        const std::uint32_t block = part_of(entry.key, shape.blocks);
        ++sizes[block];
        EXPECT_EQ(block / (shape.blocks / shape.filters), part_of(entry.key, shape.filters));
    }
    // Largest of some 2,800 Poisson draws; a page takes 300.
    EXPECT_LT(*std::max_element(sizes.begin(), sizes.end()), 150U);
}

TEST(Filter, NeverDeniesAndSeldomErrs) {
    const auto entries = random_identities(5'000, 6);
    FilterBuilder builder;
    for (const SealedIdentity& entry : entries) builder.add(entry.key);
    const std::string filter = builder.take();
    check_filter(bytes_of(filter));
    for (const SealedIdentity& entry : entries) EXPECT_TRUE(may_hold(bytes_of(filter), entry.key));
    int passed = 0;
    for (const SealedIdentity& other : random_identities(100'000, 7)) passed += may_hold(bytes_of(filter), other.key);
    EXPECT_LT(passed, 600);  // 0.3 % are expected
    EXPECT_GT(passed, 0);
    const std::string empty = builder.take();
    for (const SealedIdentity& entry : entries) EXPECT_FALSE(may_hold(bytes_of(empty), entry.key));
}

TEST(Filter, TellsDamage) {
    FilterBuilder builder;
    builder.add(random_identities(1, 8)[0].key);
    const std::string filter = builder.take();
    for (std::size_t at = 0; at < filter.size(); at += at < 8 ? 1 : 97) {
        std::string damaged = filter;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        if (at >= 1 && at < 4) continue;  // zero bytes that nobody reads
        EXPECT_THROW(check_filter(bytes_of(damaged)), Error) << at;
    }
    EXPECT_THROW(check_filter(bytes_of(filter).first(100)), Error);
}

TEST(Runs, OfWhichAThirdIsForgottenAreMergedWithAllNewerOnes) {
    using Sizes = std::vector<std::uint64_t>;
    EXPECT_EQ(runs_to_empty({}, {}), 0U);
    EXPECT_EQ(runs_to_empty(Sizes{5, 100}, Sizes{0, 0}), 0U);
    EXPECT_EQ(runs_to_empty(Sizes{5, 100}, Sizes{0, 33}), 0U);
    EXPECT_EQ(runs_to_empty(Sizes{5, 100}, Sizes{0, 34}), 2U);
    EXPECT_EQ(runs_to_empty(Sizes{9, 100, 1000}, Sizes{3, 0, 333}), 1U);
    EXPECT_EQ(runs_to_empty(Sizes{9, 100, 1000}, Sizes{9, 0, 1000}), 3U);
}

TEST(Runs, AreMergedSoThatFewMustBeLookedInto) {
    EXPECT_EQ(runs_to_merge({}), 0U);
    EXPECT_EQ(runs_to_merge(std::vector<std::uint64_t>{5}), 0U);
    EXPECT_EQ(runs_to_merge(std::vector<std::uint64_t>{5, 5}), 2U);
    EXPECT_EQ(runs_to_merge(std::vector<std::uint64_t>{5, 100}), 0U);
    EXPECT_EQ(runs_to_merge(std::vector<std::uint64_t>{5, 5, 20, 1000}), 3U);
    // A hundred million identities sealed 250,000 at a time: how many runs there are, and how often each is written.
    std::vector<std::uint64_t> runs;
    std::size_t most = 0;
    std::uint64_t written = 0;
    for (int seal = 0; seal < 400; ++seal) {
        runs.insert(runs.begin(), 250'000);
        if (const std::size_t count = runs_to_merge(runs); count != 0) {
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < count; ++i) sum += runs[i];
            runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(count));
            runs.insert(runs.begin(), sum);
            written += sum;
        }
        most = std::max(most, runs.size());
    }
    EXPECT_LE(most, 7U);
    EXPECT_LE(written / 100'000'000, 12U);
    std::cout << "runs " << most << ", rewritten " << static_cast<double>(written) / 1e8 << " times\n";
}

}  // namespace
}  // namespace tally
