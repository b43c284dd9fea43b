// Properties as JSON text and back, to the last digit.
#include "core/event/stored_event.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"

namespace tally {
namespace {

std::string again(std::string_view json) {
    PropertiesReader reader;
    TextArena arena;
    std::string text;
    append_properties(text, reader.read(json, arena));
    return text;
}

TEST(StoredEvent, PropertiesAreSortedAndKeepTheirDigits) {
    EXPECT_EQ(again("{}"), "{}");
    EXPECT_EQ(again(" { } "), "{}");
    EXPECT_EQ(again("{\"b\": 1.0, \"a\": \"x\", \"B\": 1e3 , \"c\": -0}"), "{\"B\":1e3,\"a\":\"x\",\"b\":1.0,\"c\":-0}");
    EXPECT_EQ(again("{\"n\": 123456789012345678901234567890.10}"), "{\"n\":123456789012345678901234567890.10}");
}

TEST(StoredEvent, OtherValuesKeepTheirText) {
    EXPECT_EQ(again("{\"a\": true , \"b\":null, \"c\" : [1, {\"x\": 1.0}] , \"d\":{\"e\":\"}\"}}"),
              "{\"a\":true,\"b\":null,\"c\":[1, {\"x\": 1.0}],\"d\":{\"e\":\"}\"}}");
}

TEST(StoredEvent, StringsAreUnescaped) {
    PropertiesReader reader;
    TextArena arena;
    const auto properties = reader.read("{\"a\\u00e4\": \"\\ud83d\\ude00\\n\", \"e\": \"\"}", arena);
    ASSERT_EQ(properties.size(), 2U);
    EXPECT_EQ(properties[0].key, "aä");
    EXPECT_EQ(properties[0].text, "\U0001F600\n");
    EXPECT_EQ(properties[0].kind, PropertyKind::text);
    EXPECT_EQ(properties[1].text, "");
    EXPECT_EQ(again("{\"a\": \"\\u0001\\\"\\\\/\"}"), "{\"a\":\"\\u0001\\\"\\\\/\"}");
}

TEST(StoredEvent, WhatIsNoObjectOfDistinctNamesIsDamage) {
    for (const char* json : {"", "1", "[]", "{\"a\":1,\"a\":2}", "{\"a\":1", "{\"a\":1}x", "{\"a\":1}{}", "{a:1}", "null"})
        EXPECT_THROW(again(json), Error) << json;
}

TEST(StoredEvent, OneReaderReadsManyRows) {
    PropertiesReader reader;
    TextArena arena;
    const auto first = reader.read("{\"a\": \"one\"}", arena);
    const auto second = reader.read("{\"a\": \"" + std::string(100'000, 'x') + "\"}", arena);
    EXPECT_EQ(first[0].text, "one");
    EXPECT_EQ(second[0].text.size(), 100'000U);
}

TEST(StoredEvent, OrderIsCustomerTimeSeq) {
    StoredEvent left, right;
    left.customer_id = "a";
    right.customer_id = "b";
    left.ts = 9;
    EXPECT_TRUE(stored_before(left, right));
    right.customer_id = "a";
    EXPECT_TRUE(stored_before(right, left));
    right.ts = 9;
    right.seq = 1;
    EXPECT_TRUE(stored_before(left, right));
    EXPECT_FALSE(stored_before(left, left));
}

}  // namespace
}  // namespace tally
