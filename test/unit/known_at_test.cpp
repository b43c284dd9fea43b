// What was known at a cut, against a set of numbers: ranges, the gaps of which they are made, and what is left out.
#include "core/event/known_at.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "core/usage/number_gaps.hpp"

namespace tally {
namespace {

using Random = std::mt19937_64;
using Edges = std::vector<std::int64_t>;

TEST(NumberRanges, HoldTheirEnds) {
    const NumberRanges ranges(Edges{3, 5, 9, 9});
    for (const std::int64_t number : {3, 4, 5, 9}) EXPECT_TRUE(ranges.holds(number)) << number;
    for (const std::int64_t number : {-1, 0, 2, 6, 8, 10}) EXPECT_FALSE(ranges.holds(number)) << number;
    EXPECT_FALSE(NumberRanges().holds(1));
    EXPECT_FALSE(NumberRanges().meets(INT64_MIN, INT64_MAX));
    EXPECT_TRUE(ranges.meets(INT64_MIN, 3));
    EXPECT_TRUE(ranges.meets(9, INT64_MAX));
    EXPECT_TRUE(ranges.meets(4, 4));
    EXPECT_TRUE(ranges.meets(1, 20));
    EXPECT_FALSE(ranges.meets(6, 8));
    EXPECT_FALSE(ranges.meets(10, 20));
}

TEST(NumberGaps, AreWhatWasNotMet) {
    const auto gaps = [](std::int64_t first, std::int64_t last, const Edges& met, Edges before = {}) {
        NumberGaps found(first, last);
        for (const std::int64_t number : met) found.meet(number);
        found.append_to(before);
        return before;
    };
    EXPECT_EQ(gaps(1, 5, {1, 2, 3, 4, 5}), Edges{});
    EXPECT_EQ(gaps(1, 5, {}), (Edges{1, 5}));
    EXPECT_EQ(gaps(1, 5, {3}), (Edges{1, 2, 4, 5}));
    EXPECT_EQ(gaps(1, 5, {5, 0, 6, 1, 1}), (Edges{2, 4})) << "others are passed over, any order will do";
    EXPECT_EQ(gaps(6, 9, {8}, {1, 5}), (Edges{1, 7, 9, 9})) << "a range goes on";
    EXPECT_EQ(gaps(6, 9, {6}, {1, 5}), (Edges{1, 5, 7, 9}));
    EXPECT_EQ(gaps(6, 9, {}, {1, 3}), (Edges{1, 3, 6, 9}));
}

// Words of 64 bits begin and end everywhere.
TEST(KnownAt, RangesOfGapsHoldWhatWasNotMet) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        Random random(seed);
        const auto below = [&](std::int64_t end) {
            return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end));
        };
        const std::int64_t first = below(1000), count = 1 + below(400), last = first + count - 1,
                           middle = first + below(count);
        std::set<std::int64_t> met;
        const bool in_runs = random() % 2 == 0;
        for (std::int64_t number = first; number <= last; ++number) {
            if (random() % 3 != 0) continue;
            for (std::int64_t end = number + (in_runs ? below(130) : 0); number < end && number < last; ++number)
                met.insert(number);
            met.insert(number);
        }
        NumberGaps low(first, middle), high(middle + 1, std::max(middle + 1, last));
        for (const std::int64_t number : met) low.meet(number), high.meet(number);
        if (last == middle) high.meet(middle + 1);
        Edges edges;
        low.append_to(edges);
        high.append_to(edges);
        ASSERT_EQ(edges.size() % 2, 0U);
        for (std::size_t i = 1; i < edges.size(); ++i)
            ASSERT_TRUE(i % 2 == 1 ? edges[i - 1] <= edges[i] : edges[i - 1] + 1 < edges[i]) << "seed " << seed;
        KnownAt known;
        known.last_seq = last;
        known.unseen_seqs = NumberRanges(edges);
        for (std::int64_t number = first; number <= last + 3; ++number)
            ASSERT_EQ(known.sees_event(number), met.contains(number)) << "seed " << seed << " number " << number;
        for (int i = 0; i < 50; ++i) {
            const std::int64_t from = first + below(count), to = from + below(70);
            bool hides = to > last;
            for (std::int64_t number = from; number <= to && !hides; ++number) hides = !met.contains(number);
            ASSERT_EQ(known.hides_from(from, to), hides) << "seed " << seed << " from " << from << " to " << to;
        }
    }
}

TEST(LeftOut, IsWhatIsVoidOrWasNotKnown) {
    const Edges voided = {2, 7};
    KnownAt known;
    known.last_seq = 8;
    known.unseen_seqs = NumberRanges(Edges{4, 5});
    const LeftOut now{voided}, then{voided, &known};
    for (const std::int64_t seq : {2, 7}) EXPECT_TRUE(now.holds(seq) && then.holds(seq)) << seq;
    for (const std::int64_t seq : {4, 5, 9}) EXPECT_TRUE(!now.holds(seq) && then.holds(seq)) << seq;
    for (const std::int64_t seq : {1, 3, 6, 8}) EXPECT_FALSE(now.holds(seq) || then.holds(seq)) << seq;
    EXPECT_TRUE(then.holds_all_from(9));
    EXPECT_FALSE(then.holds_all_from(8));
    EXPECT_FALSE(now.holds_all_from(1000));
}

}  // namespace
}  // namespace tally
