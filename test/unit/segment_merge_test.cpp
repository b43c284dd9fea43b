// Merging keeps every event once, in order, within the limits.
#include <gtest/gtest.h>

#include <memory>

#include "stored_events.hpp"

namespace tally {
namespace {

struct Input {
    explicit Input(Segment made) : segment(std::move(made)), source(segment.bytes), reader(source) {}
    Segment segment;
    SegmentInMemory source;
    SegmentReader reader;
};

std::vector<Segment> merge(std::span<const std::unique_ptr<Input>> inputs, std::span<const StoredEvent> events,
                           std::span<const std::int64_t> dropped = {}) {
    std::vector<SegmentReader*> readers;
    for (const auto& input : inputs) readers.push_back(&input->reader);
    std::vector<Segment> merged;
    merge_segments(readers, events, dropped, [&merged](Segment&& segment) { merged.push_back(std::move(segment)); });
    return merged;
}

void expect_events(std::span<const Segment> segments, std::span<const StoredEvent> expected) {
    std::size_t at = 0;
    for (const Segment& segment : segments) {
        ReadBack back(segment.bytes);
        back.reader.check();
        for (const StoredEvent& event : back.events) {
            ASSERT_LT(at, expected.size());
            ASSERT_TRUE(same_event(event, expected[at])) << "event " << at;
            ++at;
        }
    }
    EXPECT_EQ(at, expected.size());
}

TEST(SegmentMerge, SegmentsAndEventsBecomeOne) {
    std::mt19937_64 random(21);
    StoredEvents all;
    for (int i = 0; i < 6000; ++i) EventGenerator::add(all, random, i);
    std::vector<StoredEvent> parts[4];
    for (const StoredEvent& event : all.events()) parts[random() % 4].push_back(event);
    std::vector<std::unique_ptr<Input>> inputs;
    for (int i = 0; i < 3; ++i) inputs.push_back(std::make_unique<Input>(write_segment(parts[i])));
    const std::vector<Segment> merged = merge(inputs, parts[3]);
    ASSERT_EQ(merged.size(), 1U);
    expect_events(merged, all.sorted());
    EXPECT_EQ(merged[0].bytes, write_segment(all.events()).bytes);
}

TEST(SegmentMerge, DroppedEventsAreLeftOut) {
    std::mt19937_64 random(22);
    StoredEvents all;
    for (int i = 0; i < 2000; ++i) EventGenerator::add(all, random, i);
    std::vector<std::unique_ptr<Input>> inputs;
    inputs.push_back(std::make_unique<Input>(write_segment(std::span(all.events()).first(1000))));
    const std::vector<std::int64_t> dropped = {0, 5, 999, 1000, 1999, 5000};
    std::vector<StoredEvent> expected;
    for (const StoredEvent& event : all.sorted())
        if (!std::binary_search(dropped.begin(), dropped.end(), event.seq)) expected.push_back(event);
    EXPECT_EQ(expected.size(), 1995U);
    expect_events(merge(inputs, std::span(all.events()).subspan(1000), dropped), expected);
    std::vector<std::int64_t> everything(2000);
    for (std::size_t i = 0; i < everything.size(); ++i) everything[i] = static_cast<std::int64_t>(i);
    EXPECT_TRUE(merge(inputs, {}, everything).empty());
    EXPECT_TRUE(merge({}, {}).empty());
}

TEST(SegmentMerge, ManyEventsAreCutInOrder) {
    StoredEvents all;
    for (int i = 0; i < 150'000; ++i) all.add("c" + std::to_string(i % 1000), i, i);
    std::vector<std::unique_ptr<Input>> inputs;
    for (std::size_t begin = 0; begin < 150'000; begin += 50'000)
        inputs.push_back(std::make_unique<Input>(write_segment(std::span(all.events()).subspan(begin, 50'000))));
    const std::vector<Segment> merged = merge(inputs, {});
    ASSERT_EQ(merged.size(), 3U);
    EXPECT_EQ(merged[0].events, max_segment_events);
    EXPECT_LE(merged[0].last_customer, merged[1].first_customer);
    expect_events(merged, all.sorted());
    std::vector<Segment> written;
    write_segments(all.events(), [&written](Segment&& segment) { written.push_back(std::move(segment)); });
    ASSERT_EQ(written.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(written[i].bytes, merged[i].bytes);
}

TEST(SegmentMerge, BytesAreCutBeforeRows) {
    StoredEvents all;
    for (int i = 0; i < 150; ++i) all.add("c", i, i, {all.text("big", std::to_string(i) + std::string(1 << 20, 'x'))});
    std::vector<Segment> written;
    write_segments(all.events(), [&written](Segment&& segment) { written.push_back(std::move(segment)); });
    ASSERT_EQ(written.size(), 3U);
    expect_events(written, all.sorted());
    std::vector<std::unique_ptr<Input>> inputs;
    for (Segment& segment : written) inputs.push_back(std::make_unique<Input>(std::move(segment)));
    EXPECT_EQ(merge(inputs, {}).size(), 3U);
}

}  // namespace
}  // namespace tally
