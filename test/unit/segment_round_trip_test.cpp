// Segments give back every event that was put in, to the last digit and byte, in one order.
#include <gtest/gtest.h>

#include "stored_events.hpp"

namespace tally {
namespace {

void expect_round_trip(StoredEvents& input) {
    const Segment segment = write_segment(input.events());
    ReadBack back(segment.bytes);
    const std::vector<StoredEvent> sorted = input.sorted();
    ASSERT_EQ(back.events.size(), sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) ASSERT_TRUE(same_event(back.events[i], sorted[i])) << "event " << i;
    back.reader.check();
    EXPECT_LE(segment.bytes.size(), max_segment_weight);
}

TEST(SegmentRoundTrip, OneEventWithoutAnything) {
    StoredEvents events;
    events.add("", 0, 1).event_id = "";
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, EveryNumberKeepsItsDigits) {
    const std::string long_number = "1" + std::string(999, '0'), long_fraction = "0." + std::string(999, '0') + "1";
    const std::vector<std::string> numbers = {"0",
                                              "-0",
                                              "0.0",
                                              "-0.0",
                                              "1",
                                              "1.0",
                                              "1.00",
                                              "-1.50",
                                              "1e3",
                                              "1E3",
                                              "1e+3",
                                              "1e-3",
                                              "10e-1",
                                              "0.1",
                                              "0.10",
                                              "999999999999999999",
                                              "1000000000000000000",
                                              "9223372036854775807",
                                              "9223372036854775808",
                                              "-9223372036854775808",
                                              "-9223372036854775809",
                                              "0.000000000000000001",
                                              "0.0000000000000000001",
                                              "0.123456789012345678",
                                              "1.123456789012345678",
                                              "9.2",
                                              "92.5",
                                              long_number,
                                              long_fraction,
                                              "-" + long_number};
    for (const std::string& alone : numbers) {
        StoredEvents events;
        events.add("c", 1, 1, {events.number("n", alone)});
        events.add("c", 1, 2, {events.number("n", alone)});
        expect_round_trip(events);
    }
    StoredEvents together;
    for (std::size_t i = 0; i < 3000; ++i)
        together.add("c" + std::to_string(i % 7), 1, static_cast<std::int64_t>(i),
                     {together.number("n", numbers[i * 31 % numbers.size()])});
    expect_round_trip(together);
}

TEST(SegmentRoundTrip, ATextIsNoNumber) {
    StoredEvents events;
    events.add("c", 1, 1, {events.text("p", "1.0"), events.number("q", "1.0")});
    events.add("c", 2, 2, {events.number("p", "1.0"), events.text("q", "1")});
    events.add("c", 3, 3, {events.json("p", "null"), events.text("q", "null")});
    events.add("c", 4, 4, {events.number("p", "1e0"), events.text("q", "1e0")});
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, TextsOfEveryKind) {
    StoredEvents events;
    std::string all_bytes;
    for (int c = 1; c < 128; ++c) all_bytes += static_cast<char>(c);
    std::int64_t seq = 0;
    for (const std::string& text : {std::string(), std::string("日本語"), std::string("\U0001F600"), all_bytes,
                                    std::string(5000, 'x'), std::string("\"\\")})
        events.add(text, 1, ++seq, {events.text(text.empty() ? "k" : text, text), events.text("other", text)}).source =
            events.keep(text);
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, EventIdsThatLookLikeUuids) {
    StoredEvents events;
    std::int64_t seq = 0;
    for (const char* id :
         {"0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-d9cb-469f-a165-70867728950e", "0f8fad5bd9cb469fa16570867728950e",
          "0f8fad5bd9cb469fa16570867728950E", "0f8fad5b-d9cb-469f-a165-70867728950", "0f8fad5b-d9cb-469f-a165-70867728950g",
          "0f8fad5b+d9cb+469f+a165+70867728950e", "00000000-0000-0000-0000-000000000000", "1", ""})
        events.add("c", 1, ++seq).event_id = id;
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, TimesAtTheEnds) {
    StoredEvents events;
    std::int64_t seq = 0;
    for (const std::int64_t ts : {INT64_MIN, INT64_MIN + 1, std::int64_t{-1}, std::int64_t{0}, INT64_MAX})
        events.add("c", ts, ++seq).received_at = -(ts + 1);
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, TenThousandDifferentKeys) {
    StoredEvents events;
    for (int i = 0; i < 10'000; ++i)
        events.add("c" + std::to_string(i % 100), i, i,
                   {events.number("key" + std::to_string(i), std::to_string(i)), events.text("often", "x"),
                    events.text("seldom" + std::to_string(i % 3000), "y")});
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, TwoHundredAndFiftySixProperties) {
    StoredEvents events;
    for (int i = 0; i < 2000; ++i) {
        std::vector<Property> properties;
        for (int key = 0; key < 256; ++key)
            properties.push_back(events.number("k" + std::to_string(key + i % 20 * 10), std::to_string(i * key)));
        events.add("c", i, i, std::move(properties));
    }
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, MegabytesInOneProperty) {
    StoredEvents events;
    for (int i = 0; i < 40; ++i)
        events.add("c", i, i,
                   {events.text("big", std::string(1 << 20, static_cast<char>('a' + i % 26)) + std::to_string(i))});
    expect_round_trip(events);
}

TEST(SegmentRoundTrip, RandomEventsOfEverySize) {
    std::mt19937_64 random(7);
    for (const int size : {1, 2, 3, 7, 63, 64, 65, 1023, 1024, 1025, 5000}) {
        StoredEvents events;
        for (int i = 0; i < size; ++i) EventGenerator::add(events, random, i);
        expect_round_trip(events);
    }
}

TEST(SegmentRoundTrip, TheOrderOfTheInputDoesNotMatter) {
    std::mt19937_64 random(8);
    StoredEvents events;
    for (int i = 0; i < 3000; ++i) EventGenerator::add(events, random, i);
    const std::vector<std::byte> bytes = write_segment(events.events()).bytes;
    std::shuffle(events.events().begin(), events.events().end(), random);
    EXPECT_EQ(write_segment(events.events()).bytes, bytes);
}

TEST(SegmentRoundTrip, WhatTheRowSaysBesideIt) {
    StoredEvents events;
    events.add("b", 30, 7);
    events.add("a", 50, 9).has_import = true;
    events.events().back().import_id.fill(3);
    events.add("ä", 40, 8);
    const Segment segment = write_segment(events.events());
    EXPECT_EQ(segment.events, 3U);
    EXPECT_EQ(segment.first_ts, 30);
    EXPECT_EQ(segment.last_ts, 50);
    EXPECT_EQ(segment.first_seq, 7);
    EXPECT_EQ(segment.last_seq, 9);
    EXPECT_EQ(segment.first_customer, "a");
    EXPECT_EQ(segment.last_customer, "ä");
    ASSERT_EQ(segment.imports.size(), 1U);
    EXPECT_EQ(segment.imports[0], events.events()[1].import_id);
}

TEST(SegmentRoundTrip, LimitsAreRefused) {
    EXPECT_THROW(write_segment({}), Error);
    StoredEvents events;
    for (std::size_t i = 0; i <= max_segment_events; ++i) events.add("c", 1, static_cast<std::int64_t>(i));
    EXPECT_THROW(write_segment(events.events()), Error);
    events.events().pop_back();
    EXPECT_EQ(write_segment(events.events()).events, max_segment_events);
    StoredEvents large;
    const Property big = large.text("big", std::string(std::size_t{40} << 20, 'x'));
    large.add("c", 1, 1, {big});
    large.add("c", 1, 2, {big});
    EXPECT_THROW(write_segment(large.events()), Error);
}

}  // namespace
}  // namespace tally
