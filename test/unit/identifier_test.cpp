// Public ids, number texts and timestamps against known vectors.
#include <gtest/gtest.h>

#include "core/base/number_text.hpp"
#include "core/base/public_id.hpp"
#include "core/base/rfc3339.hpp"

namespace {

using tally::UuidBytes;

struct Vector {
    const char* uuid;
    const char* prefix;
    const char* id;
};

// Vectors of Meteroid's ids; the first is the one that its API page shows.
constexpr Vector vectors[] = {
    {"ffffffff-ffff-ffff-ffff-ffffffffffff", "bm_", "bm_7n42DGM5Tflk9n8mt7Fhc7"},
    {"00000000-0000-0000-0000-000000000000", "bm_", "bm_0"},
    {"00000000-0000-0000-0000-000000000001", "bm_", "bm_2ppSGe8nKGQ4"},
    {"018c344b-da87-7392-bbae-c5c8780adb1b", "bm_", "bm_6jtJPBlk8C7yB9fU3X0xCH"},
    {"018c345f-7324-7cd2-a692-78e5ab9158e0", "bm_", "bm_1bD8Pq5ilAAmBH97N5chQT"},
    {"57c93222-be28-a8a5-c032-a5b08ccb4fb4", "cus_", "cus_2zAL4dEXftiMkNjwxwiwI"},
};

TEST(PublicId, KnownVectorsBothWays) {
    for (const Vector& vector : vectors) {
        const auto uuid = tally::decode_public_id(vector.prefix, vector.uuid);
        ASSERT_TRUE(uuid) << vector.uuid;
        EXPECT_EQ(tally::encode_public_id(vector.prefix, *uuid), vector.id);
        EXPECT_EQ(tally::decode_public_id(vector.prefix, vector.id), uuid);
    }
}

TEST(PublicId, RefusesEverythingElse) {
    for (const char* text : {"", "bm_", "bm_!", "bm_7n42DGM5Tflk9n8mt7Fhc8", "bm_7n42DGM5Tflk9n8mt7Fhc77", "bm_00", "pf_0",
                             "018c344b-da87-7392-bbae-c5c8780adb1", "018c344bxda87-7392-bbae-c5c8780adb1b",
                             "018c344b-da87-7392-bbae-c5c8780adb1g", "bm_018c344b-da87-7392-bbae-c5c8780adb1b"}) {
        EXPECT_FALSE(tally::decode_public_id("bm_", text)) << text;
    }
}

TEST(PublicId, Uuid7SortsByTimeAndCarriesVersion) {
    const UuidBytes early = tally::make_uuid7(1'700'000'000'000'001, ~0ULL);
    const UuidBytes late = tally::make_uuid7(1'700'000'000'000'002, 0);
    EXPECT_LT(early, late);
    EXPECT_EQ(early[6] >> 4, 7);
    EXPECT_EQ(early[8] >> 6, 2);
    EXPECT_EQ(late[8] >> 6, 2);
}

TEST(NumberText, Grammar) {
    for (const char* text : {"0", "1e3", "1E-2", "-3", "+7", ".5", "5.", "007", "-0", "1.5e+0"}) {
        EXPECT_FALSE(tally::number_problem(text)) << text;
    }
    for (const char* text : {"",     "abc", " 5",  "5 ",  "0x10", "1_000", "1,5",       "-", "1e", "1.5abc", "NULL",
                             "true", "--1", "+-1", "nan", "NaN",  "inf",   "-Infinity", ".", "e5", "1e+",    "\xd9\xa1"}) {
        EXPECT_EQ(tally::number_problem(text), tally::NumberProblem::not_a_number) << text;
    }
    EXPECT_FALSE(tally::number_problem("1e999"));
    EXPECT_EQ(tally::number_problem("1e1000"), tally::NumberProblem::too_many_digits);
    EXPECT_FALSE(tally::number_problem("1e-1000"));
    EXPECT_EQ(tally::number_problem("1e-1001"), tally::NumberProblem::too_many_digits);
    EXPECT_EQ(tally::number_problem("1e99999999999999999999999"), tally::NumberProblem::too_many_digits);
}

TEST(NumberText, CanonicalFormIsTheValue) {
    const auto same = [](const char* a, const char* b) { return tally::canonical_number(a) == tally::canonical_number(b); };
    EXPECT_TRUE(same("1", "1.000"));
    EXPECT_TRUE(same("100", "1e2"));
    EXPECT_TRUE(same("0.01", "1e-2"));
    EXPECT_TRUE(same("-0", "0.0"));
    EXPECT_TRUE(same("007", "7"));
    EXPECT_FALSE(same("1", "-1"));
    EXPECT_FALSE(same("1", "10"));
}

TEST(Rfc3339, ReadsInstants) {
    EXPECT_EQ(tally::parse_rfc3339("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(tally::parse_rfc3339("1970-01-01t00:00:00z"), 0);
    EXPECT_EQ(tally::parse_rfc3339("1970-01-01 01:00:00.5+01:00"), 500'000);
    EXPECT_EQ(tally::parse_rfc3339("1969-12-31T23:59:59.999999Z"), -1);
    EXPECT_EQ(tally::parse_rfc3339("2016-12-31T23:59:60Z"), tally::parse_rfc3339("2017-01-01T00:00:00Z"));
    EXPECT_EQ(tally::parse_rfc3339("2017-01-01T05:29:60.25+05:30"), *tally::parse_rfc3339("2017-01-01T00:00:00Z") + 250'000);
    EXPECT_EQ(tally::parse_rfc3339("2015-06-30T19:59:60-04:00"), tally::parse_rfc3339("2015-07-01T00:00:00Z"));
    for (const char* none :
         {"2024-01-15T12:30:60Z", "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z", "2016-12-31T23:59:60+01:00",
          "2016-12-31T22:59:60Z", "2016-12-31T23:59:61Z", "2017-01-01T05:59:60+05:30", "1970-01-01T00:00:60Z"})
        EXPECT_FALSE(tally::parse_rfc3339(none)) << none;
    EXPECT_EQ(tally::parse_rfc3339("2024-02-29T00:00:00.0000019Z"), 1'709'164'800'000'001);
    EXPECT_FALSE(tally::parse_rfc3339("2023-02-29T00:00:00Z"));
    EXPECT_FALSE(tally::parse_rfc3339("2023-01-01T00:00:61Z"));
    EXPECT_FALSE(tally::parse_rfc3339("2023-01-01T00:00:00"));
    EXPECT_FALSE(tally::parse_rfc3339("2023-1-01T00:00:00Z"));
    EXPECT_EQ(tally::format_rfc3339(1'709'164'800'123'456), "2024-02-29T00:00:00.123456Z");
    EXPECT_EQ(tally::format_rfc3339(1'709'164'800'123'000), "2024-02-29T00:00:00.123Z");
    EXPECT_EQ(tally::format_rfc3339(-1'000), "1969-12-31T23:59:59.999Z");
}

}  // namespace
