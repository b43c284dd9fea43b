// Limits of one answer, and of several that are computed together.
#include "core/usage/limit.hpp"

#include <gtest/gtest.h>

namespace tally {
namespace {

TEST(MemoryLimit, RefusesWhatIsMoreThanItsOwn) {
    MemoryLimit limit(100);
    EXPECT_NO_THROW(limit.require(100));
    EXPECT_THROW(limit.require(101), Error);
    EXPECT_NO_THROW(limit.require(100));
}

TEST(MemoryLimit, OfSeveralTakesFromWhatIsLeftForAll) {
    MemoryPool pool{100};
    MemoryLimit first(&pool), second(&pool);
    first.require(60);
    first.require(50);  // less than it has: nothing more is taken
    second.require(30);
    EXPECT_EQ(pool.left, 10U);
    EXPECT_THROW(second.require(41), Error);
    EXPECT_EQ(pool.left, 10U);
    first.require(70);
    EXPECT_THROW(second.require(31), Error);
    EXPECT_NO_THROW(second.require(30));
}

}  // namespace
}  // namespace tally
