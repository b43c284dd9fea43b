// Windows over a zone whose clocks are known: New York's rules of 2024 and fixed offsets. PostgreSQL's own zones are tested
// in test/sql/window.sql and zone.sql.
#include "core/usage/window.hpp"

#include <gtest/gtest.h>

#include "core/base/rfc3339.hpp"
#include "core/usage/zone_name.hpp"

namespace tally {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;

std::int64_t at(std::string_view text) {
    return *parse_rfc3339(text);
}

// UTC-5, and UTC-4 from 2024-03-10 07:00Z to 2024-11-03 06:00Z.
class NewYork final : public Zone {
public:
    std::int64_t to_local(std::int64_t instant) const override { return instant + offset(instant); }
    std::int64_t to_instant(std::int64_t local) const override {
        const std::int64_t standard = local + 5 * hour;
        const std::int64_t summer = local + 4 * hour;
        if (offset(summer) == -4 * hour && offset(standard) == -4 * hour) return summer;
        return standard;  // also where the clocks skip it, or show it twice
    }

private:
    static std::int64_t offset(std::int64_t instant) {
        return instant >= at("2024-03-10T07:00:00Z") && instant < at("2024-11-03T06:00:00Z") ? -4 * hour : -5 * hour;
    }
};

class Utc final : public Zone {
public:
    std::int64_t to_local(std::int64_t instant) const override { return instant; }
    std::int64_t to_instant(std::int64_t local) const override { return local; }
};

std::vector<std::int64_t> lengths(const std::vector<std::int64_t>& starts, std::int64_t to) {
    std::vector<std::int64_t> all;
    for (std::size_t i = 0; i < starts.size(); ++i) all.push_back((i + 1 < starts.size() ? starts[i + 1] : to) - starts[i]);
    return all;
}

TEST(Window, DaysOfClockChanges) {
    const NewYork zone;
    auto from = at("2024-03-09T05:00:00Z"), to = at("2024-03-12T04:00:00Z");
    EXPECT_EQ(lengths(window_starts(from, to, {0, 1, 0}, zone), to), (std::vector<std::int64_t>{day, 23 * hour, day}));
    from = at("2024-11-02T04:00:00Z"), to = at("2024-11-05T05:00:00Z");
    EXPECT_EQ(lengths(window_starts(from, to, {0, 1, 0}, zone), to), (std::vector<std::int64_t>{day, 25 * hour, day}));
    from = at("2024-11-03T04:00:00Z"), to = at("2024-11-04T05:00:00Z");
    EXPECT_EQ(lengths(window_starts(from, to, {0, 0, hour}, zone), to), std::vector<std::int64_t>(25, hour));
    EXPECT_EQ(lengths(window_starts(from, to, {0, 0, 6 * hour}, zone), to),
              (std::vector<std::int64_t>{7 * hour, 6 * hour, 6 * hour, 6 * hour}));
    from = at("2024-03-10T05:00:00Z"), to = at("2024-03-11T04:00:00Z");
    EXPECT_EQ(lengths(window_starts(from, to, {0, 0, 20 * 60 * second}, zone), to).size(), 69U);
}

TEST(Window, FirstAndLastAreCutToTheRange) {
    const Utc zone;
    const auto from = at("2024-01-31T12:00:00Z"), to = at("2024-04-01T00:00:00Z");
    EXPECT_EQ(window_starts(from, to, {1, 0, 0}, zone),
              (std::vector<std::int64_t>{from, at("2024-02-01T00:00:00Z"), at("2024-03-01T00:00:00Z")}));
    EXPECT_EQ(window_starts(from, to, {3, 0, 0}, zone), (std::vector<std::int64_t>{from}));
    EXPECT_EQ(window_starts(from, to, {0, 7, 0}, zone).at(1), at("2024-02-05T00:00:00Z"));  // a Monday
    EXPECT_EQ(window_starts(from, to, {0, 0, 7 * hour}, zone).at(1) % hour, 0);
    EXPECT_EQ(window_starts(from, from + 1, {12, 0, 0}, zone).size(), 1U);
}

TEST(Window, MonthsFromAnAnchorEndWhereMonthsEnd) {
    const Utc zone;
    const auto starts = [&](std::string_view from, std::string_view to, const WindowWidth& width, std::string_view anchor) {
        std::vector<std::string> texts;
        for (const std::int64_t start : window_starts(at(from), at(to), width, zone, {at(anchor), 0}))
            texts.push_back(format_rfc3339(start).substr(0, 16));
        return texts;
    };
    using Texts = std::vector<std::string>;
    EXPECT_EQ(starts("2024-01-31T00:00:00Z", "2024-06-01T00:00:00Z", {1, 0, 0}, "2024-01-31T00:00:00Z"),
              (Texts{"2024-01-31T00:00", "2024-02-29T00:00", "2024-03-31T00:00", "2024-04-30T00:00", "2024-05-31T00:00"}));
    // Before the anchor, and within the month that begins on its last day.
    EXPECT_EQ(starts("2023-02-27T00:00:00Z", "2023-03-31T12:00:01Z", {1, 0, 0}, "2024-01-31T12:00:00Z"),
              (Texts{"2023-02-27T00:00", "2023-02-28T12:00", "2023-03-31T12:00"}));
    EXPECT_EQ(starts("2024-02-29T00:00:00Z", "2028-03-01T00:00:00Z", {12, 0, 0}, "2024-02-29T00:00:00Z"),
              (Texts{"2024-02-29T00:00", "2025-02-28T00:00", "2026-02-28T00:00", "2027-02-28T00:00", "2028-02-29T00:00"}));
    EXPECT_EQ(starts("2024-01-01T00:00:00Z", "2024-01-20T00:00:00Z", {0, 14, 0}, "2024-03-01T06:00:00Z"),
              (Texts{"2024-01-01T00:00", "2024-01-05T06:00", "2024-01-19T06:00"}));
    EXPECT_EQ(starts("9999-12-30T00:00:00Z", "9999-12-31T23:00:00Z", {1, 0, 0}, "0001-01-31T00:00:00Z"),
              (Texts{"9999-12-30T00:00", "9999-12-31T00:00"}));
    EXPECT_EQ(starts("0001-01-01T00:00:00Z", "0001-03-01T00:00:00Z", {1, 0, 0}, "9999-12-31T00:00:00Z"),
              (Texts{"0001-01-01T00:00", "0001-01-31T00:00", "0001-02-28T00:00"}));
}

TEST(Window, WeeksFromADay) {
    const Utc zone;
    const auto from = at("2024-01-01T00:00:00Z"), to = at("2024-01-22T00:00:00Z");  // a Monday
    for (int week_start = 0; week_start < 7; ++week_start) {
        const auto starts = window_starts(from, to, {0, 7, 0}, zone, {std::nullopt, week_start});
        ASSERT_EQ(starts.size(), week_start == 0 ? 3U : 4U);
        EXPECT_EQ(starts[1], from + (week_start == 0 ? 7 : week_start) * day);
        EXPECT_EQ(starts[2], starts[1] + 7 * day);
    }
}

TEST(Window, BeforeTheEpochAndFarAhead) {
    const Utc zone;
    const auto from = at("0001-01-01T00:00:00Z"), to = at("9999-12-31T00:00:00Z");
    EXPECT_EQ(window_starts(from, to, {12, 0, 0}, zone).size(), 9'999U);
    const auto old = at("1969-12-30T22:00:00Z");
    EXPECT_EQ(window_starts(old, old + day, {0, 1, 0}, zone), (std::vector<std::int64_t>{old, at("1969-12-31T00:00:00Z")}));
    EXPECT_EQ(window_starts(old, old + day, {0, 0, 5 * hour}, zone).size(), 6U);
}

TEST(Window, TooMany) {
    EXPECT_FALSE(is_cut_too_small(0, 100'000 * second, {0, 0, second}));
    EXPECT_TRUE(is_cut_too_small(0, 100'000 * second + 1, {0, 0, second}));
    EXPECT_EQ(nominal_microseconds({14, 0, 0}), 365 * day + 6 * hour + 60 * day);
}

TEST(ZoneName, TellsIanaNamesFromOthers) {
    for (const char* name : {"UTC", "utc", "Europe/Berlin", "america/new_york", "Etc/GMT+12", "Etc/GMT-14", "Etc/GMT0",
                             "Etc/GMT", "EST5EDT", "GMT+0", "America/Port-au-Prince", "America/Indiana/Knox"})
        EXPECT_TRUE(is_zone_name(name)) << name;
    for (const char* name :
         {"", "localtime", "posixrules", "Factory", "posix/UTC", "Right/UTC", "UTC+2", "Etc/GMT+13", "Etc/GMT-15",
          "Etc/GMT+00", "Etc/GMT+", "foo/5", "/UTC", "Europe/", "Europe//Berlin", "../UTC", "Europe/Ber.lin", "EST5"})
        EXPECT_FALSE(is_zone_name(name)) << name;
}

}  // namespace
}  // namespace tally
