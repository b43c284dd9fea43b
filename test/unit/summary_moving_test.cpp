// core/summary_moving: whatever enters and leaves, the state is the one that adding up what is inside gives.
#include "core/summary/summary_moving.hpp"

#include <gtest/gtest.h>

#include "random_summary.hpp"

namespace {

using namespace tally;
using namespace tally_test;

Summary one(Decimal value) {
    Summary part;
    std::byte scratch[64];
    add_value(part, value, nullptr, scratch);
    return part;
}
Summary one(int128 coefficient, std::int32_t scale) {
    return one(Decimal::make_small(coefficient, scale));
}

std::string text_of(const MovingSummary& moving) {
    return summary_to_text(summary_of(moving));
}

MovingSummary moving_over(std::initializer_list<Summary> parts) {
    MovingSummary moving;
    for (const Summary& part : parts) EXPECT_TRUE(move_in(moving, part));
    return moving;
}

// Few different values of few scales, so that extremes have copies; sometimes a special or nothing.
Summary random_part(std::mt19937_64& random, bool single) {
    Summary part;
    std::byte scratch[64];
    for (std::size_t values = single ? 1 : random() % 4; values > 0; --values) {
        const auto scale = static_cast<std::int32_t>(random() % 3);
        Decimal value = Decimal::make_small(static_cast<std::int64_t>(random() % 7 - 3) * power_of_ten[scale], scale);
        if (random() % 4 == 0) value.coefficient += 1;
        if (random() % 30 == 0) value = Decimal::make_special(static_cast<DecimalKind>(3 + random() % 3));
        add_value(part, value, nullptr, scratch);
    }
    return part;
}

TEST(MovingSummary, FramesAreWhatAddingThemUpGives) {
    std::mt19937_64 random(1);
    for (const bool single : {true, false}) {
        int known = 0, unknown = 0;
        for (int round = 0; round < 200; ++round) {
            std::vector<Summary> parts(200);
            for (Summary& part : parts) part = random_part(random, single);
            MovingSummary moving;
            std::size_t head = 0, tail = 0;
            while (tail < parts.size()) {
                const bool leaving = head < tail && tail - head > random() % 40;
                if (leaving && move_out(moving, parts[head])) {
                    ++head, ++known;
                } else if (leaving) {
                    ++unknown;
                    moving = MovingSummary{};
                    for (std::size_t i = ++head; i < tail; ++i) ASSERT_TRUE(move_in(moving, parts[i]));
                } else {
                    ASSERT_TRUE(move_in(moving, parts[tail++]));
                }
                Summary expected;
                std::byte scratch[128];
                for (std::size_t i = head; i < tail; ++i) merge_summary(expected, parts[i], scratch);
                ASSERT_EQ(packed(summary_of(moving)), packed(expected));
                ASSERT_EQ(moving.parts, static_cast<std::int64_t>(tail - head));
            }
        }
        EXPECT_GT(known, 5000) << single;
        EXPECT_GT(unknown, 1000) << single;
    }
}

TEST(MovingSummary, TheLastHolderOfAnExtremeCannotLeave) {
    MovingSummary moving = moving_over({one(1, 0), one(1, 0), one(2, 0), one(3, 0), one(3, 0)});
    EXPECT_TRUE(move_out(moving, one(1, 0)));
    EXPECT_TRUE(move_out(moving, one(3, 0)));
    EXPECT_EQ(text_of(moving), R"({"n":3,"total":"6","lowest":"1","highest":"3"})");
    const MovingSummary before = moving;
    EXPECT_FALSE(move_out(moving, one(1, 0)));
    EXPECT_FALSE(move_out(moving, one(3, 0)));
    EXPECT_EQ(std::memcmp(&before, &moving, sizeof moving), 0);
    EXPECT_TRUE(move_out(moving, one(2, 0)));
    EXPECT_EQ(text_of(moving), R"({"n":2,"total":"4","lowest":"1","highest":"3"})");
}

TEST(MovingSummary, TheLastHolderOfTheGreatestScaleCannotLeave) {
    MovingSummary moving = moving_over({one(0, 0), one(150, 2), one(9, 0), one(250, 2), one(2, 0), one(50, 1)});
    EXPECT_TRUE(move_out(moving, one(150, 2)));
    EXPECT_EQ(text_of(moving), R"({"n":5,"total":"18.50","lowest":"0","highest":"9"})");
    EXPECT_FALSE(move_out(moving, one(250, 2)));
    EXPECT_TRUE(move_out(moving, one(50, 1)));
    EXPECT_EQ(text_of(moving), R"({"n":4,"total":"13.50","lowest":"0","highest":"9"})");
    // of equal extremes the greater scale is shown as long as one of that scale is there
    moving = moving_over({one(10, 1), one(1, 0), one(10, 1), one(100, 2), one(200, 2), one(2, 0), one(200, 2)});
    EXPECT_TRUE(move_out(moving, one(10, 1)));
    EXPECT_TRUE(move_out(moving, one(1, 0)));
    EXPECT_FALSE(move_out(moving, one(100, 2)));
    EXPECT_TRUE(move_out(moving, one(200, 2)));
    EXPECT_EQ(text_of(moving), R"({"n":4,"total":"6.00","lowest":"1.00","highest":"2.00"})");
}

TEST(MovingSummary, SpecialsLeaveAsTheyCame) {
    const Summary nan = one(Decimal::make_special(DecimalKind::nan));
    const Summary infinity = one(Decimal::make_special(DecimalKind::infinity));
    MovingSummary moving = moving_over({nan, one(1, 0), infinity, nan, one(2, 0)});
    EXPECT_TRUE(move_out(moving, nan));
    EXPECT_TRUE(move_out(moving, infinity));
    EXPECT_EQ(text_of(moving), R"({"n":3,"total":"3","nan":1,"lowest":"1","highest":"NaN"})");
    EXPECT_FALSE(move_out(moving, nan));
}

TEST(MovingSummary, WhenAllHaveLeftItIsNew) {
    const MovingSummary fresh;
    MovingSummary moving = moving_over({one(123, 2)});
    EXPECT_TRUE(move_out(moving, one(123, 2)));
    EXPECT_EQ(std::memcmp(&fresh, &moving, sizeof moving), 0);
    EXPECT_FALSE(move_out(moving, one(123, 2)));
}

TEST(MovingSummary, RefusesWhatItCannotHold) {
    Memory memory;
    Summary timed, sums_only = one(1, 0);
    const Moment moment{1, 2};
    add_value(timed, Decimal::make_small(1, 0), &moment, nullptr);
    subtract_summary(sums_only, Summary{}, memory.get(64));
    const std::string digits(60, '7');
    const Summary wide = one(parse_decimal(digits, memory.get(digits.size() + 8)));
    const int128 huge = power_of_ten[36] * 9;  // two of them are wide
    MovingSummary moving = moving_over({one(huge, 0), one(1, 0)});
    const MovingSummary before = moving;
    for (const Summary& part : {timed, sums_only, wide, one(huge, 0)})
        EXPECT_FALSE(move_in(moving, part)) << summary_to_text(part);
    for (const Summary& part : {timed, sums_only, wide}) EXPECT_FALSE(move_out(moving, part)) << summary_to_text(part);
    EXPECT_EQ(std::memcmp(&before, &moving, sizeof moving), 0);
}

TEST(MovingSummary, WhatRemainsMayBeTooWide) {
    const int128 huge = power_of_ten[36] * 9;
    MovingSummary moving = moving_over({one(-huge, 0), one(huge, 0), one(-huge, 0), one(huge, 0), one(huge, 0)});
    EXPECT_FALSE(move_out(moving, one(-huge, 0)));
    EXPECT_TRUE(move_out(moving, one(huge, 0)));
}

}  // namespace
