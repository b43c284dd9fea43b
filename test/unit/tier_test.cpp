// Merging by tiers, on segments that are only modelled: sets of (customer, time). Every run of merges ends, writes each
// event a few times, stays within its limits, and leaves few segments over each customer.
#include "core/segment/tier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace tally {
namespace {

// A store of one month: segments as counts of events by customer and moment.
struct Model {
    struct Made {
        std::map<std::pair<std::string, std::int64_t>, std::uint32_t> events;
        std::uint32_t count = 0;
    };
    std::vector<Made> segments;
    std::uint64_t weight_of_event = 300;
    std::uint64_t added = 0, written = 0;
    std::size_t merges = 0;

    std::vector<TierSegment> facts() const {
        std::vector<TierSegment> all;
        for (const Made& made : segments) {
            TierSegment facts{made.count,
                              made.count * weight_of_event,
                              made.events.begin()->first.first,
                              made.events.rbegin()->first.first,
                              INT64_MAX,
                              INT64_MIN};
            for (const auto& [key, count] : made.events) {
                facts.first_ts = std::min(facts.first_ts, key.second);
                facts.last_ts = std::max(facts.last_ts, key.second);
            }
            all.push_back(facts);
        }
        return all;
    }

    void add(const Made& made) {
        segments.push_back(made);
        added += made.count;
    }

    // One merge, cut evenly as packing does. False: nothing to do.
    bool merge(const TierPolicy& policy) {
        const std::vector<TierSegment> before = facts();
        std::vector<std::size_t> places = next_merge(before, policy);
        if (places.empty()) return false;
        EXPECT_GE(places.size(), 2U);
        Made all;
        for (const std::size_t place : places) {
            for (const auto& [key, count] : segments[place].events) all.events[key] += count;
            all.count += segments[place].count;
        }
        EXPECT_LE(all.count, max_merge_events);
        EXPECT_LE(all.count * weight_of_event, max_merge_weight);
        std::sort(places.rbegin(), places.rend());
        for (const std::size_t place : places) segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(place));
        const std::uint64_t parts =
            std::max((all.count + packed_events_goal - 1) / packed_events_goal,
                     static_cast<std::uint32_t>((all.count * weight_of_event + max_packed_weight - 1) / max_packed_weight));
        const auto wanted = static_cast<std::uint32_t>((all.count + parts - 1) / parts);
        Made part;
        for (const auto& [key, count] : all.events) {
            for (std::uint32_t left = count; left > 0;) {
                const std::uint32_t taken = std::min(left, wanted - part.count);
                part.events[key] += taken;
                part.count += taken;
                left -= taken;
                if (part.count == wanted) segments.push_back(std::exchange(part, {}));
            }
        }
        if (part.count > 0) segments.push_back(part);
        written += all.count;
        ++merges;
        return true;
    }

    void merge_all(const TierPolicy& policy) {
        for (std::size_t i = 0; merge(policy); ++i) ASSERT_LT(i, 10'000U) << "it does not end";
    }

    // Of segments over the customer that has most.
    std::size_t depth() const {
        std::map<std::string, std::size_t> covering;
        for (const Made& made : segments) {
            std::string last;
            for (const auto& [key, count] : made.events)
                if (std::exchange(last, key.first) != key.first || key == made.events.begin()->first) ++covering[key.first];
        }
        std::size_t most = 0;
        for (const auto& [customer, count] : covering) most = std::max(most, count);
        return most;
    }
};

// A batch of events of so many customers, one in `share` of each.
Model::Made batch(std::mt19937& random, std::uint32_t events, std::uint32_t customers) {
    Model::Made made;
    made.count = events;
    const std::uint32_t kinds = std::min(events, customers);
    for (std::uint32_t i = 0; i < kinds; ++i) {
        std::string name = std::to_string(random() % customers);
        name.insert(0, 6 - name.size(), '0');
        made.events[{name, static_cast<std::int64_t>(random() % 1000)}] += events / kinds + (i < events % kinds ? 1 : 0);
    }
    return made;
}

TEST(Tier, NothingToDo) {
    EXPECT_TRUE(next_merge({}, busy_month).empty());
    EXPECT_TRUE(next_merge({}, tidy_month).empty());
    const TierSegment one{10, 3000, "a", "b", 0, 9};
    EXPECT_TRUE(next_merge({&one, 1}, tidy_month).empty());
}

TEST(Tier, SmallBatchesAreWrittenAFewTimes) {
    std::mt19937 random(1);
    Model model;
    std::size_t most = 0;
    for (int i = 0; i < 600; ++i) {
        model.add(batch(random, 1000, 500));
        model.merge_all(busy_month);
        most = std::max(most, model.segments.size());
    }
    std::printf("[ figures ] written %.2f times, at most %zu segments, depth %zu\n",
                static_cast<double>(model.written) / static_cast<double>(model.added), most, model.depth());
    EXPECT_LE(model.written, 8 * model.added);
    EXPECT_LE(model.depth(), 4U + 3 * 4U);
}

// A bulk load: every batch is a full segment over all customers.
TEST(Tier, WideFullSegmentsAreCutByCustomers) {
    std::mt19937 random(2);
    Model model;
    for (int i = 0; i < 32; ++i) {
        model.add(batch(random, 60'000, 2000));
        model.merge_all(busy_month);
    }
    std::printf("[ figures ] written %.2f times, depth %zu of %zu\n",
                static_cast<double>(model.written) / static_cast<double>(model.added), model.depth(), model.segments.size());
    EXPECT_LE(model.written, 8 * model.added);
    EXPECT_LE(model.depth(), 4U + 2U);
    model.merge_all(tidy_month);
    EXPECT_LE(model.depth(), 2U);  // of a customer at a cut
    std::printf("[ figures ] tidy: written %.2f times, %zu segments\n",
                static_cast<double>(model.written) / static_cast<double>(model.added), model.segments.size());
    EXPECT_LE(model.segments.size(), 2 * model.added / max_packed_events + 2);
}

TEST(Tier, LateEventsOfAQuietMonthCostTheirNumber) {
    std::mt19937 random(3);
    Model model;
    for (int i = 0; i < 20; ++i) model.add(batch(random, 60'000, 2000));
    model.merge_all(tidy_month);
    model.added = model.written = 0;
    for (int i = 0; i < 3000; ++i) {
        model.add(batch(random, 1, 2000));
        model.merge_all(quiet_month);
    }
    std::printf("[ figures ] late events written %.2f times, %zu segments\n",
                static_cast<double>(model.written) / static_cast<double>(model.added), model.segments.size());
    EXPECT_LE(model.written, 24 * model.added);
    EXPECT_LE(model.depth(), 10U);
}

TEST(Tier, OneCustomerOfManySegmentsIsCutByTimeAndThenLeftAlone) {
    std::mt19937 random(4);
    Model model;
    for (int i = 0; i < 12; ++i) {
        Model::Made made;
        for (int n = 0; n < 50; ++n) made.events[{"huge", static_cast<std::int64_t>(random() % 100'000)}] += 1000;
        for (const auto& [key, count] : made.events) made.count += count;
        model.add(made);
    }
    model.merge_all(tidy_month);
    const std::size_t before = model.merges;
    EXPECT_LE(model.segments.size(), 13U);
    model.merge_all(tidy_month);
    EXPECT_EQ(model.merges, before);
}

// Few heavy events fill a segment too: they are not merged again and again.
TEST(Tier, HeavyEventsEnd) {
    std::mt19937 random(5);
    for (const std::uint64_t weight : {20'000ULL, 1'000'000ULL, 40'000'000ULL}) {
        Model model;
        model.weight_of_event = weight;
        for (int i = 0; i < 40; ++i) model.add(batch(random, weight > 32'000'000 ? 1 : 20, 100));
        model.merge_all(busy_month);
        model.merge_all(quiet_month);
        model.merge_all(tidy_month);
    }
}

TEST(Tier, AnythingEnds) {
    std::mt19937 random(6);
    for (int round = 0; round < 12; ++round) {
        Model model;
        const unsigned customers = 1U + random() % 300;
        for (int i = 0; i < 40; ++i) {
            model.add(batch(random, 1U + random() % 65'000 / (1U + random() % 50), customers));
            if (random() % 2 == 0) model.merge_all(random() % 2 == 0 ? busy_month : quiet_month);
        }
        model.merge_all(tidy_month);
        std::uint64_t left = 0;
        for (const auto& made : model.segments) left += made.count;
        EXPECT_EQ(left, model.added);
        EXPECT_LE(model.segments.size(), 2 * model.added / max_packed_events + 2);
    }
}

}  // namespace
}  // namespace tally
