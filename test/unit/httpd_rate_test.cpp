// Limits of requests per second: exact at the boundary, whatever the number of threads. What a limit of the month
// tells.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "api/month_limit.hpp"
#include "api/rate_limiter.hpp"
#include "base/error.hpp"

namespace {

using tallyd::Clock;
using tallyd::KeyHash;
using tallyd::RateLimiter;
using Verdict = RateLimiter::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

KeyHash key(unsigned char n) {
    KeyHash hash{};
    hash[0] = n;
    return hash;
}

std::string limits(const char* id, const char* rate, const char* burst, const char* tenant_rate = "null",
                   const char* tenant_burst = "null") {
    return std::string(R"({"key_id":")") + id + R"(","tenant_id":"ten_1","key":{"requests_per_second":)" + rate +
           R"(,"burst":)" + burst + R"(},"tenant":{"requests_per_second":)" + tenant_rate + R"(,"burst":)" + tenant_burst +
           "}}";
}

const Clock::time_point kStart{std::chrono::hours(1)};

TEST(RateLimiter, LooksUpOnceAndThenNow) {
    RateLimiter limiter;
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::look_up);
    ASSERT_TRUE(limiter.learn(key(1), limits("tkn_1", "null", "null"), kStart));
    for (int n = 0; n < 1000; ++n) EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    EXPECT_LT(limiter.admit(key(1), kStart).rate.limit, 0);
    // One is sent to look, the others go on.
    EXPECT_EQ(limiter.admit(key(1), kStart + seconds(4)).verdict, Verdict::look_up);
    EXPECT_EQ(limiter.admit(key(1), kStart + seconds(4)).verdict, Verdict::pass);
    limiter.not_learned(key(1));
    EXPECT_EQ(limiter.admit(key(1), kStart + seconds(4)).verdict, Verdict::look_up);
}

TEST(RateLimiter, AKeyThatIsNotValidIsForSqlToRefuse) {
    RateLimiter limiter;
    ASSERT_TRUE(limiter.learn(key(1), "null", kStart));
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    EXPECT_FALSE(limiter.admit(key(1), kStart).key_known);
    EXPECT_FALSE(limiter.learn(key(1), "nonsense", kStart));
    ASSERT_TRUE(limiter.learn(key(1), limits("tkn_1", "null", "null"), kStart));
    EXPECT_TRUE(limiter.admit(key(1), kStart).key_known);
}

TEST(RateLimiter, BurstThenRate) {
    RateLimiter limiter;
    limiter.learn(key(1), limits("tkn_1", "2", "3"), kStart);
    for (long left = 2; left >= 0; --left) {
        const auto decision = limiter.admit(key(1), kStart);
        EXPECT_EQ(decision.verdict, Verdict::pass);
        EXPECT_EQ(decision.rate.limit, 3);
        EXPECT_EQ(decision.rate.remaining, left);
    }
    const auto refused = limiter.admit(key(1), kStart);
    EXPECT_EQ(refused.verdict, Verdict::refuse);
    EXPECT_EQ(refused.retry_after, 1);
    EXPECT_EQ(refused.rate.remaining, 0);
    EXPECT_EQ(refused.rate.reset, 2);
    EXPECT_EQ(refused.whose, "API key's");
    EXPECT_EQ(limiter.admit(key(1), kStart + milliseconds(499)).verdict, Verdict::refuse);
    EXPECT_EQ(limiter.admit(key(1), kStart + milliseconds(500)).verdict, Verdict::pass);
    EXPECT_EQ(limiter.admit(key(1), kStart + milliseconds(500)).verdict, Verdict::refuse);
}

TEST(RateLimiter, TheTenantsLimitHoldsOverItsKeysAndRefusalsTakeNothing) {
    RateLimiter limiter;
    limiter.learn(key(1), limits("tkn_1", "100", "100", "1", "4"), kStart);
    limiter.learn(key(2), limits("tkn_2", "1", "1", "1", "4"), kStart);
    EXPECT_EQ(limiter.admit(key(2), kStart).verdict, Verdict::pass);
    for (int n = 0; n < 10; ++n) EXPECT_EQ(limiter.admit(key(2), kStart).verdict, Verdict::refuse);
    for (int n = 0; n < 3; ++n) EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    EXPECT_EQ(limiter.admit(key(1), kStart).whose, "tenant's");
}

TEST(RateLimiter, ChangedLimitsHoldFromTheNextLook) {
    RateLimiter limiter;
    limiter.learn(key(1), limits("tkn_1", "1", "100"), kStart);
    limiter.learn(key(1), limits("tkn_1", "1", "2"), kStart);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::refuse);
    limiter.learn(key(1), limits("tkn_1", "null", "null"), kStart);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
}

TEST(RateLimiter, ExactAmongThreads) {
    RateLimiter limiter;
    limiter.learn(key(1), limits("tkn_1", "1", "500"), kStart);
    std::atomic<int> passed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int n = 0; n < 400; ++n)
                if (limiter.admit(key(1), kStart).verdict == Verdict::pass) passed.fetch_add(1);
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(passed.load(), 500);
}

TEST(RateLimiter, ManyKeysTakeBoundedMemoryAndLoseNoLimit) {
    RateLimiter limiter;
    limiter.learn(key(1), limits("tkn_1", "0.001", "1"), kStart);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::pass);
    for (int n = 0; n < 50000; ++n) {
        KeyHash other{};
        std::memcpy(other.data() + 8, &n, sizeof n);
        std::memcpy(other.data(), &n, sizeof n);
        limiter.learn(other, limits(("tkn_x" + std::to_string(n)).c_str(), "1", "1"), kStart);
    }
    // Its limits may have been forgotten, what it used up was not.
    limiter.learn(key(1), limits("tkn_1", "0.001", "1"), kStart);
    EXPECT_EQ(limiter.admit(key(1), kStart).verdict, Verdict::refuse);
}

TEST(Months, RetryAfterIsTheEndOfTheMonth) {
    EXPECT_EQ(tallyd::seconds_to_next_month(1767225600 - 60), 60);  // 2025-12-31T23:59:00Z
    EXPECT_EQ(tallyd::seconds_to_next_month(1767225600), 31 * 86400);
    EXPECT_EQ(tallyd::seconds_to_next_month(1769904000), 28 * 86400);  // 2026-02-01T00:00:00Z
    EXPECT_EQ(tallyd::seconds_to_next_month(1767225600 - 1), 1);
}

TEST(Months, HeadersTellTheLimitThatTheBodyNames) {
    tallyd::Response answer = tallyd::refuse(429, "over", R"({"limit":{"whose":"key","events_per_month":7,"remaining":2}})");
    tallyd::tell_month_limit(answer, 1767225600 - 60);
    EXPECT_EQ(answer.retry_after, 60);
    EXPECT_EQ(answer.rate.limit, 7);
    EXPECT_EQ(answer.rate.remaining, 2);
    EXPECT_EQ(answer.rate.reset, 60);
    tallyd::Response other = tallyd::refuse(429, "over");
    tallyd::tell_month_limit(other, 1767225600 - 60);
    EXPECT_EQ(other.retry_after, 60);
    EXPECT_EQ(other.rate.limit, -1);
}

}  // namespace
