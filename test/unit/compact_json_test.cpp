// White space goes from between tokens and stays inside strings.
#include "core/base/compact_json.hpp"

#include <gtest/gtest.h>

TEST(CompactJson, KeepsStrings) {
    EXPECT_EQ(tally::compact_json(R"( { "a" : [ 1 , 2 ] ,
 "b c" : " x \" : \\" , "d":null } )"),
              R"({"a":[1,2],"b c":" x \" : \\","d":null})");
    EXPECT_EQ(tally::compact_json(""), "");
    EXPECT_EQ(tally::compact_json(R"("\\" )"), R"("\\")");
}
