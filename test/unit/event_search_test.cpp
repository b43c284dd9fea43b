// The newest events of a question, out of segments, are those that looking at each event gives.
#include "core/usage/event_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "core/segment/writer.hpp"
#include "stored_events.hpp"

namespace tally {
namespace {

std::vector<std::int64_t> seqs_of(const std::vector<FoundEvent>& events) {
    std::vector<std::int64_t> seqs;
    for (const FoundEvent& event : events) seqs.push_back(event.seq);
    return seqs;
}

EventQuestion random_question(std::mt19937_64& random) {
    EventQuestion question;
    if (random() % 3 == 0) question.customer = "c" + std::to_string(random() % 6);
    if (random() % 3 == 0) question.source = random() % 2 == 0 ? "web" : "";
    if (random() % 3 == 0) question.from = static_cast<std::int64_t>(random() % 500);
    if (random() % 3 == 0) question.to = static_cast<std::int64_t>(random() % 1000);
    if (random() % 3 == 0) question.needle = random() % 2 == 0 ? "eu" : "id-1";
    if (random() % 5 == 0) question.event_id = "id-" + std::to_string(random() % 3000);
    if (random() % 3 == 0) {
        question.before_ts = static_cast<std::int64_t>(random() % 1000);
        question.before_seq = static_cast<std::int64_t>(random() % 3000);
    }
    return question;
}

TEST(EventSearch, FindsTheNewestThatAreAskedFor) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 60; ++round) {
        StoredEvents parts[2];
        const std::int64_t count = 1 + static_cast<std::int64_t>(random() % 3000);
        for (std::int64_t seq = 1; seq <= count; ++seq) {
            StoredEvents& part = parts[random() % 2];
            StoredEvent& event = part.add("c" + std::to_string(random() % 5), static_cast<std::int64_t>(random() % 1000),
                                          seq, {part.text("Region", random() % 4 == 0 ? "EU-west" : "us")});
            if (random() % 2 == 0) event.source = "web";
        }
        for (int ask = 0; ask < 10; ++ask) {
            const EventQuestion question = random_question(random);
            const std::size_t limit = random() % 4 == 0 ? 1 : 1 + random() % 150;
            NewestEvents found(limit), expected(limit);
            Segment written[2];
            for (std::uint32_t number = 0; number < 2; ++number) {
                StoredEvents& part = parts[number];
                if (part.events().empty()) continue;
                written[number] = write_segment(part.events());
                SegmentInMemory source(written[number].bytes);
                SegmentReader segment(source);
                search_segment(segment, "call", question, found, number);
                for (const StoredEvent& event : part.events())
                    if ((!question.customer || event.customer_id == *question.customer) &&
                        is_asked_for(question, "call", event))
                        expected.take("call", event, {});
            }
            for (const EventPlace& place : found.places()) {
                SegmentInMemory source(written[place.segment].bytes);
                SegmentReader segment(source);
                make_events(segment, "call", {&place, 1}, found);
            }
            ASSERT_EQ(seqs_of(found.release()), seqs_of(expected.release())) << "round " << round << " ask " << ask;
        }
    }
}

TEST(EventSearch, NeedlesAreFoundInIdsOfAnyForm) {
    for (const bool with_text : {false, true}) {
        StoredEvents events;
        events.add("c", 1, 1, {}).event_id = "0190c0ff-ee00-7000-8000-000000000001";
        events.add("c", 2, 2, {}).event_id = "0190c0ffee0070008000000000000002";
        events.add("c", 3, 3, {}).event_id = with_text ? "order-Q7" : "0190c0ff-ee00-7000-8000-000000000003";
        const Segment written = write_segment(events.events());
        SegmentInMemory source(written.bytes);
        SegmentReader segment(source);
        EXPECT_EQ(segment.has_text_ids(), with_text);
        const auto found = [&](const char* needle) {
            NewestEvents newest(10);
            EventQuestion question;
            question.needle = needle;
            search_segment(segment, "call", question, newest);
            return newest.places().size();
        };
        EXPECT_EQ(found("c0ff-ee"), with_text ? 1U : 2U);
        EXPECT_EQ(found("c0ffee"), 1U);
        EXPECT_EQ(found("order-q7"), with_text ? 1U : 0U);
        EXPECT_EQ(found("zz"), 0U);
    }
}

// Of many texts in one piece: wherever it lies in them, and in none where it only begins in one and ends in the next.
TEST(EventSearch, NeedlesAreFoundInOneOfManyTexts) {
    StoredEvents events;
    for (int i = 0; i < 400; ++i)
        events.add("c", i, i + 1,
                   {events.text("k", "User-" + std::to_string(1000 + i) + (i % 7 == 0 ? "-of-Some-length" : ""))});
    const Segment written = write_segment(events.events());
    SegmentInMemory source(written.bytes);
    SegmentReader segment(source);
    const auto found = [&](const std::string& needle) {
        NewestEvents newest(1000);
        EventQuestion question;
        question.needle = needle;
        search_segment(segment, "call", question, newest);
        return newest.places().size();
    };
    for (int i = 0; i < 400; ++i) EXPECT_EQ(found("user-" + std::to_string(1000 + i)), 1U) << i;
    EXPECT_EQ(found("-OF-some-lengt"), 0U);  // needles come in lower case
    EXPECT_EQ(found("-of-some-length"), 58U);
    EXPECT_EQ(found("ser-1"), 400U);
    EXPECT_EQ(found("1001user"), 0U);
    EXPECT_EQ(found("user-1001-of"), 0U);
}

// Several segments side by side, a block each in turn: nothing that a search still finds is newer than it says.
TEST(EventSearch, BlocksComeNewestFirst) {
    StoredEvents events;
    for (std::int64_t i = 0; i < 5000; ++i) events.add("c" + std::to_string(i / 700), i, i + 1, {});
    const Segment written = write_segment(events.events());
    SegmentInMemory source(written.bytes);
    SegmentReader segment(source);
    NewestEvents newest(10);
    const EventQuestion question;
    SegmentSearch search(segment, "call", question, newest, 0);
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    std::size_t blocks = 0;
    for (; search.has_next() && search.next_ts() >= newest.oldest(); ++blocks) {
        EXPECT_LE(search.next_ts(), before);
        before = search.next_ts();
        search.search_next();
    }
    EXPECT_EQ(blocks, 1U);  // the others hold older ones
    std::vector<std::int64_t> times;
    for (const EventPlace& place : newest.places()) times.push_back(place.ts);
    std::sort(times.begin(), times.end());
    EXPECT_EQ(times.front(), 4990);
    EXPECT_EQ(times.back(), 4999);
}

TEST(EventSearch, NeedlesAreFoundInAnyCase) {
    StoredEvents events;
    events.add("c", 1, 1, {events.text("k", "Some TEXT")});
    EventQuestion question;
    for (const char* needle : {"e te", "id-1", "cal", "text"}) {
        question.needle = needle;
        EXPECT_TRUE(is_asked_for(question, "Call", events.events().front())) << needle;
    }
    question.needle = "k";
    EXPECT_FALSE(is_asked_for(question, "Call", events.events().front()));
}

}  // namespace
}  // namespace tally
