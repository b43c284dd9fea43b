// core/counter: the increase against a step-by-step sum, every order and split gives the same bytes, ranges that
// overlap or touch, limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "counter_work.hpp"

namespace {

using namespace tally;
using namespace tally::test;

std::string print(const Decimal& value) {
    std::string out;
    append_text(out, value);
    return out;
}

bool before(const Reading& left, const Reading& right) {
    const int order = compare_moment(left.moment, right.moment);
    return order != 0 ? order < 0 : compare_total(left.value, right.value) < 0;
}

// The same by the definition, one step at a time.
Buffer by_steps(std::vector<Reading> readings, Memory& memory) {
    std::sort(readings.begin(), readings.end(), before);
    Counter whole = reading_of(readings[0].value, readings[0].moment);
    whole.n = static_cast<std::int64_t>(readings.size());
    for (std::size_t i = 1; i < readings.size(); ++i) {
        const Decimal &last = readings[i - 1].value, &value = readings[i].value;
        Decimal step = value;
        if (compare_value(value, last) < 0) {
            ++whole.resets;
        } else {
            step = add_finite(value, last, true, memory.get(add_bound(value, last)));
        }
        whole.increase = add_finite(whole.increase, step, false, memory.get(add_bound(whole.increase, step)));
        whole.increase = add_finite(whole.increase, Decimal::make_small(0, last.scale), false,
                                    memory.get(add_bound(whole.increase, step) + 100));
    }
    whole.latest = readings.back().value;
    whole.latest_moment = readings.back().moment;
    return packed(whole);
}

TEST(Counter, ReadingsInAnyOrderGiveTheStepByStepIncrease) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 600; ++round) {
        Memory memory;
        std::vector<Reading> readings = random_readings(random, 1 + random() % 60, round % 2 == 0, memory);
        const Buffer expected = by_steps(readings, memory);
        for (int order = 0; order < 3; ++order) {
            if (order == 1) std::sort(readings.begin(), readings.end(), before);
            if (order == 2) std::shuffle(readings.begin(), readings.end(), random);
            Work work;
            for (const Reading& reading : readings) {
                work.append(reading_of(reading.value, reading.moment));
                ASSERT_TRUE(is_working_counter(work.get(), work.size()));
            }
            if (order == 1 && round % 2 == 1) {
                ASSERT_EQ(work.get().joined, 1U);  // small and in order: nothing is sorted
            }
            ASSERT_EQ(packed(finish(view_of(work.get()), memory)), expected);
            ASSERT_EQ(packed(finish(load_counter(work.body()), memory)), expected);
            // put in order once, it is what it was
            const Counter whole = finish(view_of(work.get()), memory);
            if (settle_work(work.get(), packed_parts(view_of(work.get()).parts), whole)) {
                ASSERT_EQ(work.get().joined, 1U);
                ASSERT_EQ(packed(finish(view_of(work.get()), memory)), expected);
                work.get().joined = 0;
                ASSERT_EQ(packed(finish(view_of(work.get()), memory)), expected);
            }
        }
    }
}

TEST(Counter, RandomSplitsMergedInAnyOrderGiveTheSameBytes) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 600; ++round) {
        Memory memory;
        std::vector<Reading> readings = random_readings(random, 1 + random() % 60, round % 2 == 0, memory);
        const Buffer expected = by_steps(readings, memory);
        // running states of workers may hold any rows
        std::vector<Work> workers(1 + random() % 4);
        for (const Reading& reading : readings)
            workers[random() % workers.size()].append(reading_of(reading.value, reading.moment));
        Work gathered;
        for (Work& worker : workers)
            if (!worker.empty()) gathered.append(load_counter(worker.body()));
        ASSERT_EQ(packed(finish(view_of(gathered.get()), memory)), expected);
        // a running state written out goes on elsewhere
        const Buffer written = packed_parts(view_of(gathered.get()).parts);
        ASSERT_EQ(from_text(counter_to_text(written, never)), written);
        ASSERT_EQ(packed(finish(load_counter(written, ErrorKind::invalid_binary), memory)), expected);
        // finished states hold ranges
        std::sort(readings.begin(), readings.end(), before);
        std::vector<Buffer> ranges;
        for (std::size_t at = 0; at < readings.size();) {
            Work range;
            for (std::size_t left = 1 + random() % 20; left > 0 && at < readings.size(); --left, ++at)
                range.append(reading_of(readings[at].value, readings[at].moment));
            ranges.push_back(packed(finish(view_of(range.get()), memory)));
        }
        std::shuffle(ranges.begin(), ranges.end(), random);
        Work merged;
        for (const Buffer& range : ranges) merged.append(load_counter(range));
        ASSERT_EQ(packed(finish(view_of(merged.get()), memory)), expected);
    }
}

Counter part(const std::string& text) {
    static Memory memory;
    const Buffer bytes = from_text(text);
    std::byte* const kept = memory.get(bytes.size());
    std::memcpy(kept, bytes.data(), bytes.size());
    return load_counter(Bytes(kept, bytes.size())).whole;
}

std::string merged(std::initializer_list<Counter> parts) {
    Memory memory;
    Work work;
    for (const Counter& one : parts) work.append(one);
    try {
        return counter_to_text(packed(finish(view_of(work.get()), memory)), never);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
        EXPECT_STRNE(error.hint(), "");
        return error.what();
    }
}

TEST(Counter, RangesThatOverlapAreRefusedAndThoseThatTouchAreNot) {
    const Counter day = part(
        R"({"n":3,"resets":0,"increase":"5","first":"2","first_at":"2024-01-01T00:00:00Z","latest":"7","latest_at":"2024-01-02T00:00:00Z"})");
    const Counter within = part(R"({"n":1,"first":"5","first_at":"2024-01-01T12:00:00Z"})");
    EXPECT_EQ(merged({day, within}),
              "a counter from 2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z and the reading at 2024-01-01T12:00:00Z overlap");
    EXPECT_EQ(merged({within, day}), merged({day, within}));
    EXPECT_EQ(merged({day, day}),
              "a counter from 2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z and a counter from "
              "2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z overlap");
    // at the very time of its end: the same, a greater or a later one is in order, a lesser one is not
    const Counter same = part(R"({"n":1,"first":"7.00","first_at":"2024-01-02T00:00:00Z"})");
    const Counter greater = part(R"({"n":1,"first":"8","first_at":"2024-01-02T00:00:00Z"})");
    const Counter lesser = part(R"({"n":1,"first":"6","first_at":"2024-01-02T00:00:00Z"})");
    const Counter later = part(R"({"n":1,"first":"6","first_at":"2024-01-02T00:00:00Z","first_seq":1})");
    const std::string head = R"({"n":4,"resets":)", first = R"(,"first":"2","first_at":"2024-01-01T00:00:00Z","latest":)",
                      at = R"(,"latest_at":"2024-01-02T00:00:00Z")";
    EXPECT_EQ(merged({same, day}), head + R"(0,"increase":"5.00")" + first + R"("7.00")" + at + "}");
    EXPECT_EQ(merged({day, same}), merged({same, day}));
    EXPECT_EQ(merged({greater, day}), head + R"(0,"increase":"6")" + first + R"("8")" + at + "}");
    EXPECT_EQ(merged({later, day}), head + R"(1,"increase":"11")" + first + R"("6")" + at + R"(,"latest_seq":1})");
    EXPECT_EQ(merged({lesser, day})
                  .find("a counter from 2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z and the reading at 2024-01-02"),
              0U);
    EXPECT_EQ(
        merged({part(R"({"n":1,"first":"2.0","first_at":"2024-01-01T00:00:00Z"})"), day}),
        R"({"n":4,"resets":0,"increase":"5.0","first":"2","first_at":"2024-01-01T00:00:00Z","latest":"7","latest_at":"2024-01-02T00:00:00Z"})");
    // the one place where order matters: what was joined has no place for what lies between
    const Counter early = part(R"({"n":1,"first":"1","first_at":"2023-01-01T00:00:00Z"})");
    const Counter middle = part(R"({"n":1,"first":"3","first_at":"2023-06-01T00:00:00Z"})");
    EXPECT_EQ(merged({early, day, middle}), merged({middle, early, day}));
    Counter joined = early;
    ASSERT_TRUE(join_small(joined, day));
    EXPECT_EQ(merged({joined, middle}),
              "a counter from 2023-01-01T00:00:00Z to 2024-01-02T00:00:00Z and the reading at 2023-06-01T00:00:00Z overlap");
}

TEST(Counter, RefusesReadingsThatAreNone) {
    for (const auto kind : {DecimalKind::nan, DecimalKind::infinity, DecimalKind::minus_infinity})
        EXPECT_THROW(reading_of(Decimal::make_special(kind), {}), Error);
    EXPECT_THROW(reading_of(Decimal::make_small(-1, 5), {}), Error);
    EXPECT_THROW(reading_of(Decimal::make_small(1, 0), {INT64_MAX, 0}), Error);
    EXPECT_THROW(reading_of(Decimal::make_small(1, 0), {INT64_MIN, 0}), Error);
    Memory memory;
    const std::string digits = "-1" + std::string(50, '0');
    EXPECT_THROW(reading_of(parse_decimal(digits, memory.get(100)), {}), Error);
    EXPECT_EQ(reading_of(Decimal::make_small(0, 0), {}).n, 1);
}

TEST(Counter, HoldsTheGreatestNumbersAndCountsToTheirEnd) {
    Memory memory;
    const std::string digits(131072, '9');
    const Decimal greatest = parse_decimal(digits + "." + std::string(16383, '9'), memory.get(150000));
    Work work;
    for (int i = 0; i < 3; ++i) {
        work.append(reading_of(greatest, {2 * i, 0}));
        work.append(reading_of(Decimal::make_small(0, 0), {2 * i + 1, 0}));
    }
    const Counter whole = finish(view_of(work.get()), memory);
    EXPECT_EQ(whole.resets, 3);
    EXPECT_EQ(print(whole.increase), "1" + digits + "." + std::string(16382, '9') + "8");
    Counter many = part(
        R"({"n":9223372036854775807,"resets":0,"increase":"0","first":"2","first_at":"2024-01-01T00:00:00Z","latest":"2","latest_at":"2024-01-01T00:00:00Z"})");
    const Counter again = many;
    EXPECT_FALSE(join_small(many, again));
    JoinScratch scratch{memory.get(join_scratch_bytes)};
    EXPECT_THROW(join_counter(many, again, scratch), Error);
    try {
        grown_size(max_counter_bytes - sizeof(CounterWork), 1);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::limit_exceeded);
    }
    EXPECT_EQ(grown_size(max_counter_bytes - sizeof(CounterWork), 0), max_counter_bytes);
}

TEST(Counter, LongLoopsAskWhetherToStop) {
    Work work;
    std::mt19937_64 random(4);
    for (int i = 0; i < 70000; ++i) work.append(small_reading(i, 0, {static_cast<std::int64_t>(random() % 1000000), 0}));
    struct Stop {};
    const Poll stop = [] { throw Stop{}; };
    const Bytes parts = view_of(work.get()).parts;
    std::vector<PartPlace> places(70000), spare(70000);
    EXPECT_THROW(find_parts(parts, places.data(), stop), Stop);
    ASSERT_EQ(find_parts(parts, places.data(), never), 70000U);
    EXPECT_THROW(sort_parts(parts, places, spare.data(), stop), Stop);
    places = places_of(parts);
    Counter whole;
    EXPECT_THROW(join_parts(parts, places, nullptr, whole, stop), Stop);
    Buffer out(packed_head_bytes + parts.size());
    EXPECT_THROW(store_parts(parts, places, out.data(), stop), Stop);
    store_parts(parts, places, out.data(), never);
    EXPECT_NO_THROW(load_counter(out, ErrorKind::invalid_binary));  // in order
    EXPECT_THROW(counter_to_text(out, stop), Stop);
}

}  // namespace
