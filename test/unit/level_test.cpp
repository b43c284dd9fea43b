// core/level: exact products, every road gives the same bytes, text and packed forms, hostile bytes.
#include "core/level/level.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "core/base/moment.hpp"

namespace {

using namespace tally;

class Memory {
public:
    std::byte* get(std::size_t size) { return kept_.emplace_back(size + 1).data(); }

private:
    std::deque<std::vector<std::byte>> kept_;
};

std::string print(const Decimal& value) {
    std::string out;
    append_text(out, value);
    return out;
}

std::vector<std::byte> packed(const Level& level) {
    std::vector<std::byte> bytes(level_bound(level));
    bytes.resize(store_level(level, bytes.data()));
    return bytes;
}

void add(Level& level, const Decimal& delta, std::int64_t at, Memory& memory) {
    add_change(level, delta, at, memory.get(level_scratch_bytes(level, delta)));
}

Decimal random_delta(std::mt19937_64& random, bool wide, Memory& memory) {
    if (!wide || random() % 3 != 0)
        return Decimal::make_small(static_cast<std::int64_t>(random()) >> random() % 60,
                                   static_cast<std::int32_t>(random() % 6));
    const std::string text =
        (random() % 2 ? "-" : "") + std::to_string(random() | 1) + std::string(random() % 40, '9') + ".0625";
    return parse_decimal(text, memory.get(text.size() + 8));
}

TEST(Decimal, MultipliesByIntegersAsRepeatedAdditionDoes) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 3000; ++round) {
        Memory memory;
        const Decimal value = random_delta(random, true, memory);
        const auto left = static_cast<std::int64_t>(random()) / 4 >> random() % 60,
                   right = static_cast<std::int64_t>(random()) / 4 >> random() % 60;
        std::byte room[small_groups_bytes];
        const std::size_t bytes = multiply_bound(to_groups(value, room).count);
        const Decimal a = multiply(value, left, memory.get(bytes)), b = multiply(value, right, memory.get(bytes));
        const Decimal sum = multiply(value, left + right, memory.get(bytes));
        ASSERT_EQ(print(add_finite(a, b, false, memory.get(add_bound(a, b)))), print(sum));
        ASSERT_EQ(compare_total(multiply(value, 1, memory.get(bytes)), value), 0);
        ASSERT_EQ(print(multiply(value, -1, memory.get(bytes))),
                  print(add_finite(Decimal::make_small(0, 0), value, true, memory.get(100 + bytes))));
    }
    Memory memory;
    EXPECT_EQ(print(multiply(Decimal::make_small(-power_of_ten[36], 36), INT64_MIN, memory.get(64))),
              "9223372036854775808." + std::string(36, '0'));
}

TEST(Level, RandomSplitsInAnyOrderAndInPlaceGiveTheSameBytes) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 400; ++round) {
        Memory memory;
        const bool wide = round % 2 == 0;
        std::vector<std::pair<Decimal, std::int64_t>> changes;
        for (std::size_t i = 1 + random() % 40; i > 0; --i)
            changes.emplace_back(random_delta(random, wide, memory),
                                 static_cast<std::int64_t>(random() >> 8) - (std::int64_t{1} << 54));
        Level whole;
        LevelWork work{};
        bool in_place = false;
        for (const auto& [delta, at] : changes) {
            add(whole, delta, at, memory);
            in_place =
                in_place && delta.kind == DecimalKind::small && change_in_place(work, delta.coefficient, delta.scale, at);
            if (!in_place) in_place = to_working(whole, work);
            if (!in_place) continue;
            const Bytes body(reinterpret_cast<const std::byte*>(&work) + 4, sizeof work - 4);
            ASSERT_TRUE(is_working_level(body));
            ASSERT_EQ(packed(load_level(body)), packed(whole));
        }
        std::shuffle(changes.begin(), changes.end(), random);
        std::vector<Level> parts(1 + random() % 5);
        for (const auto& [delta, at] : changes) add(parts[random() % parts.size()], delta, at, memory);
        Level merged;
        for (const Level& part : parts) {
            LevelWork other{};
            if (to_working(merged, other) && merge_in_place(other, part)) {
                merged = load_level(Bytes(reinterpret_cast<const std::byte*>(&other) + 4, sizeof other - 4));
            } else {
                merge_level(merged, part, memory.get(merge_scratch_bytes(merged, part)));
            }
        }
        ASSERT_EQ(packed(merged), packed(whole));
    }
}

TEST(Level, RoundTripsAndHostileInput) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 2000; ++round) {
        Memory memory;
        Level level;
        for (std::size_t i = random() % 5; i > 0; --i)
            add(level, random_delta(random, true, memory), static_cast<std::int64_t>(random() >> 10), memory);
        const std::vector<std::byte> bytes = packed(level);
        ASSERT_EQ(packed(load_level(bytes)), bytes);
        std::string text = level_to_text(level);
        ASSERT_EQ(packed(level_from_text(text, memory.get(text.size() + 16))), bytes);
        std::vector<std::byte> hostile = bytes;
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        try {
            ASSERT_EQ(packed(load_level(hostile, ErrorKind::invalid_binary)), hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_binary);
        }
        text[random() % text.size()] = static_cast<char>(random());
        try {
            level_from_text(text, memory.get(text.size() + 16));
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_text);
        }
    }
    Memory memory;
    Level future;
    add(future, Decimal::make_small(1, 0), end_timestamp, memory);
    EXPECT_THROW(load_level(packed(future), ErrorKind::invalid_binary), Error);
    Level level;
    std::byte scratch[200];
    EXPECT_THROW(add_change(level, Decimal::make_special(DecimalKind::nan), 0, scratch), Error);
    EXPECT_THROW(add_change(level, Decimal::make_small(1, 0), INT64_MAX, scratch), Error);
    EXPECT_THROW(require_within(level, 5, 5), Error);
}

}  // namespace
