// Cutting and merging keep every event once, in order, within the limits of packing, and no customer in two segments that
// fits into one.
#include "core/segment/cut.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "stored_events.hpp"

namespace tally {
namespace {

struct Part {
    Segment segment;
    std::uint64_t weight;
};

struct Input {
    explicit Input(const Segment& segment) : source(segment.bytes), reader(source) {}
    SegmentInMemory source;
    SegmentReader reader;
};

std::uint64_t weight_of(std::span<const StoredEvent> events) {
    std::uint64_t weight = 0;
    for (const StoredEvent& event : events) weight += event_weight(event);
    return weight;
}

std::vector<Part> cut(std::span<const StoredEvent> events) {
    std::vector<StoredEvent> copy(events.begin(), events.end());
    std::vector<Part> parts;
    cut_events(copy, [&](const Segment& segment, std::uint64_t weight) { parts.push_back({segment, weight}); });
    return parts;
}

std::vector<Part> merge(std::span<const Segment> segments, std::uint64_t weight) {
    std::vector<std::unique_ptr<Input>> inputs;
    std::vector<SegmentReader*> readers;
    for (const Segment& segment : segments)
        readers.push_back(&inputs.emplace_back(std::make_unique<Input>(segment))->reader);
    std::vector<Part> parts;
    cut_segments(readers, weight, [&](const Segment& part, std::uint64_t its) { parts.push_back({part, its}); });
    return parts;
}

// All of them, in order; and each part weighs what it says and no more than it may.
void expect_events(std::span<const Part> parts, std::span<const StoredEvent> expected) {
    std::size_t at = 0;
    for (const Part& part : parts) {
        ReadBack back(part.segment.bytes);
        back.reader.check();
        EXPECT_LE(part.segment.events, max_packed_events);
        EXPECT_LE(part.weight, max_packed_weight);
        EXPECT_EQ(part.weight, weight_of(back.events));
        for (const StoredEvent& event : back.events) {
            ASSERT_LT(at, expected.size());
            ASSERT_TRUE(same_event(event, expected[at])) << "event " << at;
            ++at;
        }
    }
    EXPECT_EQ(at, expected.size());
}

TEST(SegmentCut, SegmentsBecomeOne) {
    std::mt19937_64 random(21);
    StoredEvents all;
    for (int i = 0; i < 6000; ++i) EventGenerator::add(all, random, i);
    std::vector<StoredEvent> split[4];
    for (const StoredEvent& event : all.events()) split[random() % 4].push_back(event);
    std::vector<Segment> segments;
    for (const auto& events : split) segments.push_back(write_segment(events));
    const std::vector<Part> merged = merge(segments, weight_of(all.events()));
    ASSERT_EQ(merged.size(), 1U);
    expect_events(merged, all.sorted());
    EXPECT_EQ(merged[0].segment.bytes, write_segment(all.events()).bytes);
    EXPECT_TRUE(merge({}, 0).empty());
    EXPECT_TRUE(cut({}).empty());
}

TEST(SegmentCut, ManyEventsAreCutBetweenCustomers) {
    StoredEvents all;
    for (int i = 0; i < 150'000; ++i) all.add("c" + std::to_string(i % 1000), i, i);
    std::vector<Segment> segments;
    for (std::size_t begin = 0; begin < 150'000; begin += 50'000)
        segments.push_back(write_segment(std::span(all.events()).subspan(begin, 50'000)));
    const std::vector<Part> merged = merge(segments, weight_of(all.events()));
    ASSERT_EQ(merged.size(), 3U);
    for (std::size_t i = 1; i < merged.size(); ++i)
        EXPECT_LT(merged[i - 1].segment.last_customer, merged[i].segment.first_customer);
    expect_events(merged, all.sorted());
    const std::vector<Part> written = cut(all.events());
    ASSERT_EQ(written.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(written[i].segment.bytes, merged[i].segment.bytes);
}

TEST(SegmentCut, ACustomerThatFitsIntoNoneIsCut) {
    StoredEvents all;
    for (int i = 0; i < 150'000; ++i) all.add(i % 50 == 0 ? "b" : "a", i, i);
    std::vector<Segment> segments;
    for (std::size_t begin = 0; begin < 150'000; begin += 50'000)
        segments.push_back(write_segment(std::span(all.events()).subspan(begin, 50'000)));
    expect_events(merge(segments, weight_of(all.events())), all.sorted());
    expect_events(cut(all.events()), all.sorted());
}

TEST(SegmentCut, BytesAreCutBeforeRows) {
    StoredEvents all;
    for (int i = 0; i < 90; ++i) all.add("c", i, i, {all.text("big", std::to_string(i) + std::string(1 << 20, 'x'))});
    const std::vector<Part> written = cut(all.events());
    EXPECT_GE(written.size(), 3U);
    expect_events(written, all.sorted());
    std::vector<Segment> segments;
    for (const Part& part : written) segments.push_back(part.segment);
    expect_events(merge(segments, weight_of(all.events())), all.sorted());
}

}  // namespace
}  // namespace tally
