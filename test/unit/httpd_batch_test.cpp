// Batches, the queue, waiting times, PostgreSQL's binary arrays.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/backoff.hpp"
#include "db/job_queue.hpp"
#include "db/pg_array.hpp"

namespace {

using namespace tallyd;

struct FakeJob final : Job {
    explicit FakeJob(std::size_t size = 1) : text(size, 'x') { parameters = {{text}}; }
    void finish(Response) noexcept override {}

    const std::string text;
};

std::vector<std::size_t> batches(const BatchPolicy& policy, const std::vector<std::size_t>& sizes) {
    std::vector<std::size_t> counts;
    std::size_t at = 0;
    while (at < sizes.size()) {
        BatchFill fill(policy);
        std::size_t count = 0;
        while (at < sizes.size() && fill.takes(sizes[at], false)) ++at, ++count;
        counts.push_back(count);
    }
    return counts;
}

TEST(Batch, IsBoundedInRequestsAndBytes) {
    EXPECT_EQ(batches({3, 1000, 1000}, {1, 1, 1, 1, 1, 1, 1}), (std::vector<std::size_t>{3, 3, 1}));
    EXPECT_EQ(batches({100, 10, 1000}, {4, 4, 4, 4}), (std::vector<std::size_t>{2, 2}));
    EXPECT_EQ(batches({1, 10, 1000}, {4, 4}), (std::vector<std::size_t>{1, 1}));
}

TEST(Batch, LargeBodiesGoAlone) {
    EXPECT_EQ(batches({100, 1000, 50}, {1, 1, 50, 1, 1}), (std::vector<std::size_t>{2, 1, 2}));
    EXPECT_EQ(batches({100, 10, 50}, {5000, 1}), (std::vector<std::size_t>{1, 1}));
    BatchFill fill({});
    EXPECT_TRUE(fill.takes(1, true));
    EXPECT_FALSE(fill.takes(1, false));
}

std::vector<Job*> take(JobQueue& queue) {
    Batch batch = queue.take(Clock::duration::zero());
    if (!batch.jobs.empty()) queue.served(batch.gathers);
    return std::move(batch.jobs);
}

TEST(Queue, IsBounded) {
    JobQueue queue({}, 2, 100);
    FakeJob a, b, c;
    EXPECT_TRUE(queue.push(&a));
    EXPECT_TRUE(queue.push(&b));
    EXPECT_TRUE(queue.full());
    EXPECT_FALSE(queue.push(&c));
    EXPECT_EQ(queue.bytes(), 2u);
    EXPECT_EQ(take(queue), (std::vector<Job*>{&a, &b}));
    EXPECT_EQ(queue.bytes(), 0u);
    EXPECT_TRUE(take(queue).empty());
    JobQueue narrow({}, 100, 10);
    FakeJob big(11), more;
    EXPECT_TRUE(narrow.push(&big));  // alone it may pass, else it never could
    EXPECT_FALSE(narrow.push(&more));
}

TEST(Queue, GivesBackInOrderAndExpires) {
    JobQueue queue({}, 10, 1000);
    FakeJob a, b, c;
    const auto now = Clock::now();
    a.expires = now - std::chrono::seconds(1);
    b.expires = c.expires = now + std::chrono::seconds(100);
    queue.push(&c);
    queue.give_back({&a, &b});
    EXPECT_EQ(queue.jobs(), 3u);
    EXPECT_EQ(queue.expire(now), (std::vector<Job*>{&a}));
    EXPECT_EQ(take(queue), (std::vector<Job*>{&b, &c}));
    queue.push(&a);
    EXPECT_EQ(queue.take_all(), (std::vector<Job*>{&a}));
    EXPECT_EQ(queue.jobs() + queue.bytes(), 0u);
}

TEST(Queue, JobsThatFailedTwiceGoAlone) {
    JobQueue queue({}, 10, 1000);
    FakeJob a, b, c;
    b.attempts = 2;
    for (FakeJob* job : {&a, &b, &c}) queue.push(job);
    EXPECT_EQ(take(queue), (std::vector<Job*>{&a}));
    EXPECT_EQ(take(queue), (std::vector<Job*>{&b}));
    EXPECT_EQ(take(queue), (std::vector<Job*>{&c}));
}

TEST(Queue, SmallOnesGatherWhileABatchIsInFlight) {
    JobQueue queue({100, 1000, 50, 4}, 100, 10000);
    FakeJob small[5], large(50);
    queue.push(&small[0]);
    Batch first = queue.take(Clock::duration::zero());
    EXPECT_TRUE(first.gathers);
    for (const int n : {1, 2, 3}) queue.push(&small[n]);
    EXPECT_TRUE(queue.take(Clock::duration::zero()).jobs.empty());
    queue.push(&small[4]);  // four are worth a commit beside it
    Batch beside = queue.take(Clock::duration::zero());
    EXPECT_EQ(beside.jobs.size(), 4u);
    queue.push(&large);
    EXPECT_EQ(take(queue), std::vector<Job*>{&large});
    queue.push(&small[1]);
    EXPECT_TRUE(take(queue).empty());
    queue.served(first.gathers);
    EXPECT_TRUE(take(queue).empty());
    queue.served(beside.gathers);
    EXPECT_EQ(take(queue), std::vector<Job*>{&small[1]});
}

TEST(Queue, WhatGoesAloneHoldsUpNobody) {
    JobQueue queue({100, 1000, 50, 4}, 100, 10000);
    FakeJob large(50), again, small;
    again.attempts = 2;
    queue.push(&large);
    EXPECT_EQ(queue.take(Clock::duration::zero()).jobs, std::vector<Job*>{&large});
    queue.push(&again);
    EXPECT_EQ(queue.take(Clock::duration::zero()).jobs, std::vector<Job*>{&again});
    queue.push(&small);
    EXPECT_EQ(queue.take(Clock::duration::zero()).jobs, std::vector<Job*>{&small});
}

TEST(Queue, CallsTheLastThatBeganToWait) {
    JobQueue queue({1, 1000, 50, 1}, 100, 10000);
    std::atomic<int> order{0};
    int place[3] = {};
    std::vector<std::thread> threads;
    for (std::size_t n = 0; n < 3; ++n) {
        threads.emplace_back([&, n] {
            (void)queue.take(std::chrono::seconds(60));
            place[n] = ++order;
        });
        while (queue.idle() <= n) std::this_thread::yield();
    }
    FakeJob jobs[3];
    for (int n = 0; n < 3; ++n) {
        queue.push(&jobs[n]);
        while (order.load() <= n) std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(place[2], 1);
    EXPECT_EQ(place[1], 2);
    EXPECT_EQ(place[0], 3);
    EXPECT_EQ(queue.idle(), 0u);
}

TEST(Backoff, DoublesWithinItsBounds) {
    using std::chrono::milliseconds;
    std::minstd_rand random(1);
    Backoff backoff(milliseconds(100), milliseconds(1000));
    for (const int whole : {100, 200, 400, 800, 1000, 1000}) {
        const auto drawn = backoff.next(random);
        EXPECT_GE(drawn.count(), whole / 2);
        EXPECT_LE(drawn.count(), whole);
    }
    backoff.reset();
    EXPECT_LE(backoff.next(random), milliseconds(100));
}

TEST(PgArray, IsTheWireFormat) {
    PgArray array(kTextOid, 2, 3);
    array.add("ab");
    array.add("c");
    const unsigned char wanted[] = {0, 0, 0, 1, 0, 0, 0, 0, 0,   0,   0, 25, 0, 0, 0,  2,
                                    0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b', 0, 0,  0, 1, 'c'};
    EXPECT_EQ(array.wire(), std::string(reinterpret_cast<const char*>(wanted), sizeof wanted));
    EXPECT_EQ(PgArray(kByteaOid, 0, 0).wire().size(), 12u);
}

}  // namespace
