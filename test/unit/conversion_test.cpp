// Means and unit conversion: what PostgreSQL's numeric computes, to the last digit. Random values stand in
// test/sql/conversion.sql.
#include "core/usage/conversion.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.hpp"

namespace tally {
namespace {

std::string shown(const Decimal& value) {
    std::string text;
    append_text(text, value);
    return text;
}

std::string converted(std::string_view value, uint128 divisor, Rounding rounding) {
    std::vector<std::byte> scratch(value.size() + 8);
    std::vector<std::byte> room;
    return shown(convert(parse_decimal(value, scratch.data()), divisor, rounding, room));
}

std::string mean_of(std::string_view total, std::uint64_t count) {
    std::vector<std::byte> scratch(total.size() + 8);
    std::vector<std::byte> room;
    return shown(mean(parse_decimal(total, scratch.data()), count, room));
}

TEST(Conversion, RoundsTheExactQuotient) {
    struct Case {
        const char* value;
        std::uint64_t divisor;
        const char *up, *down, *nearest, *half, *decile, *none;
    };
    const Case cases[] = {
        {"0", 7, "0", "0", "0", "0", "0", "0"},
        {"25", 10, "3", "2", "3", "2.5", "2.5", "2.5"},
        {"-25", 10, "-2", "-3", "-3", "-2.5", "-2.5", "-2.5"},
        {"24", 10, "3", "2", "2", "2.5", "2.4", "2.4"},
        {"-24", 10, "-2", "-3", "-2", "-2.5", "-2.4", "-2.4"},
        {"26", 10, "3", "2", "3", "2.5", "2.6", "2.6"},
        {"10", 3, "4", "3", "3", "3.5", "3.3", "3.3333333333333333"},
        {"-10", 3, "-3", "-4", "-3", "-3.5", "-3.3", "-3.3333333333333333"},
        {"5", 4, "2", "1", "1", "1.5", "1.3", "1.25"},
        {"0.05", 1, "1", "0", "0", "0", "0.1", "0.05"},
        {"-0.05", 1, "0", "-1", "0", "0", "-0.1", "-0.05"},
        {"0.15", 1, "1", "0", "0", "0", "0.2", "0.15"},
        {"1", 1024, "1", "0", "0", "0", "0", "0.0009765625"},
        {"123456789012345678901", 1024, "120563270519868828", "120563270519868827", "120563270519868827",
         "120563270519868827", "120563270519868827.1", "120563270519868827.0517578125"},
        {"99999999999999999999999999.999999999", 1, "100000000000000000000000000", "99999999999999999999999999",
         "100000000000000000000000000", "100000000000000000000000000", "100000000000000000000000000",
         "99999999999999999999999999.999999999"},
        {"20000000000000000000000000000001", 2, "10000000000000000000000000000001", "10000000000000000000000000000000",
         "10000000000000000000000000000001", "10000000000000000000000000000000.5", "10000000000000000000000000000000.5",
         "10000000000000000000000000000000.5"},
        {"9999", 1, "9999", "9999", "9999", "9999", "9999", "9999"},
        {"10.00", 2, "5", "5", "5", "5", "5", "5"},
        {"10000000000000000000000000000000000000000.50", 1, "10000000000000000000000000000000000000001",
         "10000000000000000000000000000000000000000", "10000000000000000000000000000000000000001",
         "10000000000000000000000000000000000000000.5", "10000000000000000000000000000000000000000.5",
         "10000000000000000000000000000000000000000.5"}};
    for (const Case& one : cases) {
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::up), one.up) << one.value;
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::down), one.down) << one.value;
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::nearest), one.nearest) << one.value;
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::nearest_half), one.half) << one.value;
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::nearest_decile), one.decile) << one.value;
        EXPECT_EQ(converted(one.value, one.divisor, Rounding::none), one.none) << one.value;
    }
}

TEST(Conversion, DividesByCountsTimesFactors) {
    const uint128 large = uint128{9'223'372'036'854'775'807} * 2'147'483'647;
    EXPECT_LT(large, max_divisor);
    EXPECT_EQ(converted("1", large, Rounding::up), "1");
    EXPECT_EQ(converted("19807040619342712359383728129", large, Rounding::none), "1");
    EXPECT_EQ(converted("-19807040619342712359383728130", large, Rounding::down), "-2");
    EXPECT_EQ(converted("9903520309671356179691864064", large, Rounding::nearest), "0");
    EXPECT_EQ(converted("9903520309671356179691864065", large, Rounding::nearest), "1");
}

TEST(Conversion, LeavesWhatIsNotFinite) {
    std::vector<std::byte> room;
    EXPECT_EQ(convert(Decimal::make_special(DecimalKind::nan), 3, Rounding::up, room).kind, DecimalKind::nan);
    EXPECT_EQ(mean(Decimal::make_special(DecimalKind::infinity), 3, room).kind, DecimalKind::infinity);
    EXPECT_EQ(convert(Decimal{}, 3, Rounding::none, room).kind, DecimalKind::none);
}

TEST(Conversion, ByZeroIsAnError) {
    for (const Rounding rounding : {Rounding::up, Rounding::nearest_half, Rounding::none})
        EXPECT_THROW(converted("1", 0, rounding), Error);
    EXPECT_THROW(mean_of("1", 0), Error);
}

TEST(Conversion, NamesOfRoundings) {
    EXPECT_EQ(parse_rounding("UP"), Rounding::up);
    EXPECT_EQ(parse_rounding("DOWN"), Rounding::down);
    EXPECT_EQ(parse_rounding("NEAREST"), Rounding::nearest);
    EXPECT_EQ(parse_rounding("NEAREST_HALF"), Rounding::nearest_half);
    EXPECT_EQ(parse_rounding("NEAREST_DECILE"), Rounding::nearest_decile);
    EXPECT_EQ(parse_rounding("NONE"), Rounding::none);
    EXPECT_THROW(parse_rounding("up"), Error);
}

TEST(Mean, HasTheDigitsOfNumeric) {
    const struct {
        const char* total;
        std::uint64_t count;
        const char* mean;
    } cases[] = {{"0", 3, "0"},
                 {"1", 3, "0.33333333333333333333"},
                 {"2", 3, "0.66666666666666666667"},
                 {"-2", 3, "-0.66666666666666666667"},
                 {"10", 4, "2.5"},
                 {"0.10", 3, "0.03333333333333333333"},
                 {"100000", 7, "14285.714285714286"},
                 {"123456789012345678901234567890.12", 7, "17636684144620811271604938270.02"},
                 {"0.000000000000000000001", 3, "0.0000000000000000000003333333333333333333"},
                 {"1000000000000000000000000000000", 9999, "100010001000100010001000100"},
                 {"5", 1, "5"},
                 {"1.50", 1, "1.5"},
                 {"12345", 1000000007, "0.000012344999913585000605"},
                 {"99990000", 9999, "10000"},
                 {"99980000", 9999, "9998.9998999899989999"}};
    for (const auto& one : cases) EXPECT_EQ(mean_of(one.total, one.count), one.mean) << one.total << " / " << one.count;
}

}  // namespace
}  // namespace tally
