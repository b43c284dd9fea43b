// What is kept of segments between questions: it answers as the segment does, is never asked of the source again, and stays
// within its bound, also while readers hold it.
#include "core/segment/kept_segments.hpp"

#include <gtest/gtest.h>

#include "stored_events.hpp"

namespace tally {
namespace {

class KeptSource final : public SegmentBytes {
public:
    KeptSource(KeptSegments& all, std::int64_t segment, Bytes bytes) : bytes_(bytes), kept_(all.open({1, segment})) {}
    std::size_t size() override { return bytes_.size(); }
    Bytes slice(std::size_t offset, std::size_t length) override {
        ++slices;
        return bytes_.subspan(offset, length);
    }
    KeptSegment* kept() override { return kept_.get(); }
    std::size_t slices = 0;

private:
    Bytes bytes_;
    std::shared_ptr<KeptSegment> kept_;
};

Segment sample(int seed, int events = 3000) {
    StoredEvents stored;
    for (int i = 0; i < events; ++i)
        stored.add("customer" + std::to_string(i % 50), i, i, {stored.number("value", std::to_string(i * seed))});
    return write_segment(stored.events());
}

std::int64_t sum_of(SegmentBytes& source, std::uint32_t begin, std::uint32_t end) {
    SegmentReader reader(source);
    std::vector<std::int64_t> values(end - begin);
    reader.property("value")->read_numbers(begin, end, values.data());
    std::int64_t sum = 0;
    for (const std::int64_t value : values) sum += value;
    return sum;
}

TEST(KeptSegments, WhatWasReadOnceIsNotFetchedAgain) {
    KeptSegments all(std::size_t{1} << 20);
    const Segment segment = sample(7);
    KeptSource first(all, 5, segment.bytes);
    const std::int64_t sum = sum_of(first, 100, 2500);
    EXPECT_GT(first.slices, 1U);
    KeptSource second(all, 5, segment.bytes), other(all, 6, segment.bytes);
    EXPECT_EQ(sum_of(second, 100, 2500), sum);
    EXPECT_EQ(second.slices, 0U);
    EXPECT_EQ(sum_of(other, 100, 2500), sum);
    EXPECT_EQ(other.slices, first.slices);
    EXPECT_EQ(all.segments(), 2U);
    EXPECT_NE(all.open({2, 5}).get(), all.open({1, 5}).get());
}

TEST(KeptSegments, DamagedBytesAreNotKept) {
    KeptSegments all(std::size_t{1} << 20);
    std::vector<std::byte> bytes = sample(7).bytes;
    const std::int64_t sum = [&] {
        SegmentInMemory whole(bytes);
        return sum_of(whole, 2900, 3000);
    }();
    bytes[bytes.size() - 10] ^= std::byte{1};
    KeptSource damaged(all, 1, bytes), again(all, 1, bytes);
    EXPECT_THROW(sum_of(damaged, 2900, 3000), Error);
    EXPECT_THROW(sum_of(again, 2900, 3000), Error);
    bytes[bytes.size() - 10] ^= std::byte{1};
    EXPECT_EQ(sum_of(again, 2900, 3000), sum);
}

TEST(KeptSegments, StaysWithinItsBoundAndReadersKeepTheirs) {
    constexpr std::size_t bound = 60'000;
    KeptSegments all(bound);
    const Segment segment = sample(3);
    KeptSource long_lived(all, 0, segment.bytes);
    { SegmentReader fills(long_lived); }
    sum_of(long_lived, 0, 3000);
    KeptSource held(all, 0, segment.bytes);
    SegmentReader reader(held);
    std::vector<std::int64_t> before(3000), after(3000);
    reader.read_ts(0, 3000, before.data());
    for (std::int64_t id = 1; id <= 200; ++id) {
        KeptSource source(all, id, segment.bytes);
        EXPECT_EQ(sum_of(source, 0, 3000), std::int64_t{3} * 2999 * 1500);
        EXPECT_LE(all.bytes(), bound);
    }
    EXPECT_LT(all.segments(), 20U);
    reader.read_ts(0, 3000, after.data());
    EXPECT_EQ(after, before);
    KeptSource gone(all, 0, segment.bytes);
    EXPECT_EQ(sum_of(gone, 0, 3000), std::int64_t{3} * 2999 * 1500);
    EXPECT_GT(gone.slices, 0U);
}

TEST(KeptSegments, WhatIsUsedOftenStays) {
    KeptSegments all(60'000);
    const Segment segment = sample(3);
    std::size_t fetched = 0;
    for (std::int64_t id = 1; id <= 200; ++id) {
        KeptSource often(all, 0, segment.bytes), once(all, id, segment.bytes);
        sum_of(often, 0, 100);
        sum_of(once, 0, 1000);
        fetched += often.slices;
    }
    EXPECT_LE(fetched, 4U);
}

}  // namespace
}  // namespace tally
