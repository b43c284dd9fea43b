// core/counter: text and packed forms go round, texts that contradict themselves and hostile bytes are refused in every
// form.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "counter_work.hpp"

namespace {

using namespace tally;
using namespace tally::test;

TEST(CounterBytes, TextThatContradictsItselfIsRefused) {
    const auto text = [](const char* n, const char* resets, const char* increase, const char* first, const char* latest,
                         const char* latest_at) {
        return std::string(R"({"n":)") + n + R"(,"resets":)" + resets + R"(,"increase":")" + increase + R"(","first":")" +
               first + R"(","first_at":"2024-01-02T00:00:00Z","latest":")" + latest + R"(","latest_at":")" + latest_at +
               "\"}";
    };
    EXPECT_NO_THROW(from_text(text("3", "1", "7", "5", "2", "2024-01-03T00:00:00Z")));
    EXPECT_NO_THROW(from_text(text("3", "0", "2", "5", "7", "2024-01-03T00:00:00Z")));
    // sums beyond 37 digits are checked to the last one
    const std::string nines(40, '9'), tiny = "0." + std::string(50, '0') + "1";
    for (const char* last : {"1", "2"}) {
        const std::string wide = text("3", "0", tiny.c_str(), nines.c_str(),
                                      (nines + "." + std::string(50, '0') + last).c_str(), "2024-01-03T00:00:00Z");
        if (*last == '1') {
            EXPECT_NO_THROW(from_text(wide));
        } else {
            EXPECT_THROW(from_text(wide), Error);
        }
    }
    for (
        const std::string& bad :
        {text("0", "0", "0", "5", "5", "2024-01-02T00:00:00Z"),
         text("1", "0", "0", "5", "5", "2024-01-02T00:00:00Z"),
         text("3", "3", "7", "5", "2", "2024-01-03T00:00:00Z"),
         text("3", "-1", "7", "5", "2", "2024-01-03T00:00:00Z"),
         text("3", "1", "1", "5", "2", "2024-01-03T00:00:00Z"),
         text("3", "0", "3", "5", "7", "2024-01-03T00:00:00Z"),
         text("3", "0", "2", "7", "5", "2024-01-03T00:00:00Z"),
         text("3", "1", "7", "5", "2", "2024-01-01T00:00:00Z"),
         text("3", "1", "7", "5", "2", "2024-01-02T00:00:00Z"),
         text("3", "1", "7", "5.00", "2", "2024-01-03T00:00:00Z"),
         text("3", "1", "-7", "5", "2", "2024-01-03T00:00:00Z"),
         text("3", "1", "7", "-5", "2", "2024-01-03T00:00:00Z"),
         text("3", "1", "NaN", "5", "2", "2024-01-03T00:00:00Z"),
         text("3", "1", "7", "5", "2", "infinity"),
         std::string(R"({"n":1,"first":"1"})"),
         std::string(R"({"n":1,"n":1})"),
         std::string("{}"),
         std::string(),
         std::string(R"({"parts":[{"n":1,"first":"1","first_at":"2024-01-02T00:00:00Z"}]})"),
         std::string(
             R"({"parts":[{"n":1,"first":"1","first_at":"2024-01-02T00:00:00Z"},{"n":1,"first":"1","first_at":"2024-01-01T00:00:00Z"}]})"),
         std::string(R"({"parts":[]})"),
         std::string(R"({"n":1,"first":"1","first_at":"2024-01-02T00:00:00Z","latest_seq":1})")}) {
        try {
            from_text(bad);
            ADD_FAILURE() << bad;
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::invalid_text) << bad;
        }
    }
}

// What is accepted must be usable without reading outside memory; sanitizers watch.
void use(Bytes body, ErrorKind kind) {
    Memory memory;
    try {
        finish(load_counter(body, kind), memory);
    } catch (const Error& error) {
        ASSERT_NE(error.kind(), ErrorKind::invalid_text);
    }
}

TEST(CounterBytes, TimesThatPostgresCannotShowAreRefusedFromClients) {
    const auto sent = [](std::int64_t first, std::int64_t latest) {
        Work work;
        for (const std::int64_t at : {first, latest}) work.append(reading_of(Decimal::make_small(1, 0), {at, 0}));
        load_counter(packed_parts(view_of(work.get()).parts), ErrorKind::invalid_binary);
    };
    EXPECT_NO_THROW(sent(least_timestamp, end_timestamp - 1));
    EXPECT_THROW(sent(least_timestamp - 1, 0), Error);
    EXPECT_THROW(sent(0, end_timestamp), Error);
}

TEST(CounterBytes, RoundTripsAndHostileBytes) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 2000; ++round) {
        Memory memory;
        Work work;
        for (const Reading& reading : random_readings(random, 1 + random() % 6, true, memory))
            work.append(reading_of(reading.value, reading.moment));
        const Counter whole = finish(view_of(work.get()), memory);
        const Buffer bytes = packed(whole);
        ASSERT_EQ(packed(load_counter(bytes, ErrorKind::invalid_binary).whole), bytes);
        std::string text = counter_to_text(bytes, never);
        ASSERT_EQ(from_text(text), bytes);
        Buffer hostile = random() % 2 ? bytes : packed_parts(view_of(work.get()).parts);
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        if (random() % 4 == 0) hostile.resize(random() % hostile.size());
        try {
            const CounterView view = load_counter(hostile, ErrorKind::invalid_binary);
            ASSERT_EQ(packed_parts(view.parts), hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_binary);
        }
        use(hostile, ErrorKind::corrupted);
        text[random() % text.size()] = static_cast<char>(random());
        try {
            from_text(text);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_text);
        }
        // the working form as stored bytes, and changed in place where it looks sound
        const Bytes body = work.body();
        const std::size_t header = std::min(body.size(), sizeof(CounterWork) + 40);
        for (int i = 0; i < 3; ++i) work.bytes()[8 + random() % (header - 4)] = static_cast<std::byte>(random());
        use(body, ErrorKind::corrupted);
        use(body.first(random() % body.size()), ErrorKind::corrupted);
        if (is_working_counter(work.get(), work.size())) {
            std::byte room[small_reading_bound];
            append_parts(work.get(), work.size(), Work::view_of_part(small_reading(77, 3, {5, 5}), room));
            use(work.body(), ErrorKind::corrupted);
        }
    }
}

}  // namespace
