// Erased ids tell the identity that they stand for; properties go by name, or all but those named.
#include "core/event/erasure.hpp"

#include <gtest/gtest.h>

#include "core/event/event_check.hpp"

namespace {

using namespace tally;

std::vector<std::string_view> names(std::span<const Property> properties) {
    std::vector<std::string_view> found;
    for (const Property& property : properties) found.push_back(property.key);
    return found;
}

TEST(Erasure, AnErasedIdHoldsTheIdentity) {
    FieldBytes scratch;
    const Hash128 identity = event_identity(7, "ann", "web", "secret", scratch);
    const std::string id = erased_event_id(identity);
    EXPECT_EQ(id.size(), 39u);
    ASSERT_TRUE(erased_identity(id));
    EXPECT_EQ(*erased_identity(id), identity);
    EXPECT_EQ(stored_identity(7, "ann", "web", id, scratch), identity);
    EXPECT_EQ(stored_identity(7, "ann", "web", "secret", scratch), identity);
    EXPECT_EQ(erased_event_id(stored_identity(7, "ann", "web", id, scratch)), id);
}

TEST(Erasure, OtherIdsAreNone) {
    const std::string id = erased_event_id({});
    EXPECT_TRUE(erased_identity(id));
    EXPECT_FALSE(erased_identity(""));
    EXPECT_FALSE(erased_identity("erased-"));
    EXPECT_FALSE(erased_identity(id + '0'));
    EXPECT_FALSE(erased_identity(id.substr(0, id.size() - 1)));
    EXPECT_FALSE(erased_identity(id.substr(0, id.size() - 1) + 'A'));
    EXPECT_FALSE(erased_identity("Erased" + id.substr(6)));
}

TEST(Erasure, PropertiesGoByName) {
    const Property properties[] = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
    TextArena arena;
    const Erasure named({"c", "a", "x"}, false);
    EXPECT_TRUE(named.erases_any(properties));
    EXPECT_EQ(names(named.rest(properties, arena)), (std::vector<std::string_view>{"b"}));
    const Erasure all_but({"c", "a", "x"}, true);
    EXPECT_EQ(names(all_but.rest(properties, arena)), (std::vector<std::string_view>{"a", "c"}));
    EXPECT_FALSE(Erasure({"x"}, false).erases_any(properties));
    EXPECT_FALSE(Erasure({"a", "b", "c"}, true).erases_any(properties));
    EXPECT_TRUE(Erasure({}, true).rest(properties, arena).empty());
    EXPECT_EQ(Erasure({}, false).rest(properties, arena).size(), 3u);
}

}  // namespace
