// Months share partitions: every month lies in exactly one, and there are few, in whatever order months come up.
#include "core/segment/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace tally {
namespace {

constexpr std::int32_t month(int year, int number) {
    return (year - 1970) * 12 + number - 1;
}

TEST(Partition, MonthsAreThoseOfUtc) {
    EXPECT_EQ(month_of(0), 0);
    EXPECT_EQ(month_of(month_begin(month(2024, 3))), month(2024, 3));
    EXPECT_EQ(month_of(month_begin(month(2024, 3)) - 1), month(2024, 2));
    EXPECT_EQ(month_text(month(2026, 9)), "2026-09-01");
}

TEST(Partition, RecentMonthsStandAloneAndOldOnesShare) {
    const std::int32_t now = month(2026, 11);
    EXPECT_EQ(partition_for(now, now, {}), (MonthRange{now, now + 1}));
    EXPECT_EQ(partition_for(now + 1, now, {}), (MonthRange{now + 1, now + 2}));
    EXPECT_EQ(partition_for(month(2024, 1), now, {}), (MonthRange{month(2024, 1), month(2024, 2)}));
    EXPECT_EQ(partition_for(month(2023, 12), now, {}), (MonthRange{month(2023, 1), month(2024, 1)}));
    EXPECT_EQ(partition_for(month(1999, 5), now, {}), (MonthRange{month(1990, 1), month(2000, 1)}));
}

TEST(Partition, TakesWhatNoOtherHas) {
    const std::vector<MonthRange> existing{{month(2020, 3), month(2020, 4)}, {month(2020, 9), month(2020, 10)}};
    EXPECT_EQ(partition_for(month(2020, 5), month(2026, 11), existing), (MonthRange{month(2020, 4), month(2020, 9)}));
    EXPECT_EQ(partition_for(month(2020, 1), month(2026, 11), existing), (MonthRange{month(2020, 1), month(2020, 3)}));
    EXPECT_EQ(partition_for(month(2020, 12), month(2026, 11), existing), (MonthRange{month(2020, 10), month(2021, 1)}));
}

TEST(Partition, HasANameOfItsOwn) {
    EXPECT_EQ(partition_name({month(2026, 9), month(2026, 10)}), "segment_2026_09");
    EXPECT_EQ(partition_name({month(1990, 1), month(2000, 1)}), "segment_1990_01_to_1999_12");
}

// Years go by, and each month events of any months come.
TEST(Partition, NeverOverlapAndStayFew) {
    std::mt19937 random(1);
    std::vector<MonthRange> existing;
    std::set<std::string> names;
    for (std::int32_t now = month(2020, 1); now < month(2040, 1); ++now) {
        for (int i = 0; i < 40; ++i) {
            const auto wanted = static_cast<std::int32_t>(random() % static_cast<unsigned>(now + 2));
            if (std::any_of(existing.begin(), existing.end(), [&](const auto& range) { return range.holds(wanted); }))
                continue;
            const MonthRange made = partition_for(wanted, now, existing);
            ASSERT_TRUE(made.holds(wanted));
            for (const MonthRange& other : existing) ASSERT_TRUE(made.end <= other.begin || other.end <= made.begin);
            existing.push_back(made);
            ASSERT_TRUE(names.insert(partition_name(made)).second);
        }
        // A month for each that was ever recent, and before them years and decades.
        ASSERT_LE(existing.size(), static_cast<std::size_t>(now - month(2020, 1)) + 26 + 12 + 10);
    }
}

}  // namespace
}  // namespace tally
