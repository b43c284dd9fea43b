// core/summary: every road to a state gives the same bytes; text and packed forms; hostile bytes.
#include "core/summary/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/invariant.hpp"
#include "core/base/moment_text.hpp"
#include "random_summary.hpp"

namespace {

using namespace tally;
using namespace tally_test;

TEST(Summary, RandomSplitsInAnyOrderGiveTheSameBytes) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 300; ++round) {
        Memory memory;
        std::vector<Value> values = random_values(random, 1 + random() % 60, round % 2 == 0, memory);
        Summary whole;
        for (const Value& value : values) add(whole, value, memory);
        ASSERT_TRUE(is_consistent(whole));
        std::shuffle(values.begin(), values.end(), random);
        std::vector<Summary> parts(1 + random() % 6);
        for (const Value& value : values) add(parts[random() % parts.size()], value, memory);
        std::shuffle(parts.begin(), parts.end(), random);
        Summary merged;
        for (const Summary& part : parts) merge_summary(merged, part, memory.get(add_bound(merged.total, part.total)));
        ASSERT_EQ(packed(merged), packed(whole));
    }
}

TEST(Summary, InPlaceIsTheSlowRoad) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 300; ++round) {
        Memory memory;
        const std::vector<Value> values = random_values(random, 2 + random() % 60, false, memory);
        Summary slow;
        add(slow, values[0], memory);
        SummaryWork work{};
        ASSERT_TRUE(to_working(slow, work));
        for (std::size_t i = 1; i < values.size(); ++i) {
            const Value& value = values[i];
            add(slow, value, memory);
            if (i % 3 == 0) {
                Summary one;
                add(one, value, memory);
                ASSERT_TRUE(merge_in_place(work, one));
            } else {
                ASSERT_TRUE(add_in_place(work, value.decimal.coefficient, value.decimal.scale,
                                         value.timed ? &value.moment : nullptr));
            }
        }
        const Bytes body(reinterpret_cast<const std::byte*>(&work) + summary_varlena_header,
                         sizeof work - summary_varlena_header);
        ASSERT_TRUE(is_working(body));
        ASSERT_EQ(packed(load_summary(body)), packed(slow));
    }
}

TEST(Summary, InPlaceRefusesWhatItCannotHold) {
    SummaryWork work{};
    Summary summary;
    Memory memory;
    add(summary, {Decimal::make_small(power_of_ten[36] * 9, 0), {}, false}, memory);
    ASSERT_TRUE(to_working(summary, work));
    const SummaryWork before = work;
    EXPECT_FALSE(add_in_place(work, power_of_ten[36] * 9, 0, nullptr));
    EXPECT_FALSE(add_in_place(work, 1, 20, nullptr));
    EXPECT_EQ(std::memcmp(&before, &work, sizeof work), 0);
    EXPECT_TRUE(add_in_place(work, -power_of_ten[36] * 9, 0, nullptr));
}

// A state of one to three values, most of them as packed states nearly always are.
Summary random_state(std::mt19937_64& random, Memory& memory) {
    Summary state;
    for (Value value : random_values(random, 1 + random() % 3, random() % 8 == 0, memory)) {
        if (random() % 40 == 0) value.decimal.scale += 125;
        if (random() % 40 == 0 && value.decimal.kind == DecimalKind::small) value.decimal.coefficient *= 1'000'000'000;
        value.timed = random() % 8 != 0;
        add(state, value, memory);
    }
    return state;
}

// What merge_packed_in_place promises to take.
bool is_quick(const Summary& s) {
    const auto quick = [](const Decimal& d) {
        return d.kind == DecimalKind::none ||
               (d.kind == DecimalKind::small && d.coefficient <= INT64_MAX && d.coefficient >= INT64_MIN && d.scale < 128);
    };
    return !s.has_specials() && quick(s.total) && quick(s.lowest) && quick(s.highest) && quick(s.first) && quick(s.latest);
}

TEST(Summary, MergingPackedBytesIsMergingWhatTheyHold) {
    std::mt19937_64 random(5);
    int quick = 0, slow = 0;
    for (int round = 0; round < 20000; ++round) {
        Memory memory;
        Summary left;
        for (const Value& value : random_values(random, 1 + random() % 5, false, memory)) add(left, value, memory);
        const Summary right = random_state(random, memory);
        SummaryWork work{};
        ASSERT_TRUE(to_working(left, work));
        const SummaryWork before = work;
        const std::vector<std::byte> bytes = packed(right);
        Summary merged = left;
        merge_summary(merged, right, memory.get(add_bound(left.total, right.total)));
        if (!merge_packed_in_place(work, bytes)) {
            ASSERT_FALSE(is_quick(right) && merged.total.kind == DecimalKind::small);
            ASSERT_EQ(std::memcmp(&before, &work, sizeof work), 0);
            ++slow;
            continue;
        }
        SummaryWork expected{};
        ASSERT_TRUE(to_working(merged, expected));
        ASSERT_EQ(std::memcmp(&expected, &work, sizeof work), 0);
        ++quick;
    }
    EXPECT_GT(quick, 10000);
    EXPECT_GT(slow, 500);
}

TEST(Summary, MergingHostileBytesIsRefusedAsLoadingThemIs) {
    std::mt19937_64 random(6);
    int taken = 0;
    for (int round = 0; round < 100000; ++round) {
        Memory memory;
        Summary left;
        add(left, {Decimal::make_small(5, 0), {}, false}, memory);
        SummaryWork work{};
        ASSERT_TRUE(to_working(left, work));
        std::vector<std::byte> hostile = packed(random_state(random, memory));
        hostile[random() % hostile.size()] = static_cast<std::byte>(random() % 4 ? random() % 10 : random());
        if (random() % 4 == 0) hostile.resize(random() % hostile.size());
        hostile.shrink_to_fit();
        if (!merge_packed_in_place(work, hostile)) continue;
        Summary right;
        ASSERT_NO_THROW(right = load_summary(hostile));
        merge_summary(left, right, memory.get(add_bound(left.total, right.total)));
        SummaryWork expected{};
        ASSERT_TRUE(to_working(left, expected));
        ASSERT_EQ(std::memcmp(&expected, &work, sizeof work), 0);
        ++taken;
    }
    EXPECT_GT(taken, 1000);
}

// Under the sanitizers a contradiction ends the process; elsewhere it costs nothing to look for and is not looked for.
TEST(Summary, InvariantsAreCheckedWhereTheyAreMeantToBe) {
    Memory memory;
    Summary state;
    add(state, {Decimal::make_small(5, 0), {}, false}, memory);
    SummaryWork work{};
    ASSERT_TRUE(to_working(state, work));
    work.lowest.set(6, 0);
    if constexpr (invariants_are_checked) {
        EXPECT_DEATH(add_in_place(work, 5, 0, nullptr), "broken invariant: a state was inconsistent on entry");
    } else {
        EXPECT_TRUE(add_in_place(work, 5, 0, nullptr));
    }
}

TEST(Summary, TextRoundTripsAndHostileBytesAreRefused) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 2000; ++round) {
        Memory memory;
        Summary summary;
        for (const Value& value : random_values(random, random() % 12, true, memory)) add(summary, value, memory);
        if (summary.n == 0) summary.has_moments = false;
        const std::string text = summary_to_text(summary);
        const Summary again = summary_from_text(text, memory.get(text_scratch_bytes(text.size())));
        ASSERT_EQ(summary_to_text(again), text);
        const std::vector<std::byte> bytes = packed(summary);
        ASSERT_EQ(packed(again), bytes);
        ASSERT_EQ(packed(load_summary(bytes)), bytes);
        std::vector<std::byte> hostile = bytes;
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        if (random() % 3 == 0) hostile.resize(random() % (hostile.size() + 1));
        try {
            ASSERT_EQ(packed(load_summary(hostile, ErrorKind::invalid_binary)), hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_binary);
        }
        std::string bad = text;
        bad[random() % bad.size()] = static_cast<char>(random());
        try {
            summary_from_text(bad, memory.get(text_scratch_bytes(bad.size())));
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_text);
        }
    }
}

TEST(Summary, SpecialsThatWereNotCountedAreRefused) {
    const auto read = [](const std::string& members) {
        const std::string text = "{" + members + "}";
        std::vector<std::byte> scratch(text_scratch_bytes(text.size()));
        return summary_to_text(summary_from_text(text, scratch.data()));
    };
    for (const char* good :
         {R"("n":1,"total":"0","nan":1,"lowest":"NaN","highest":"NaN")",
          R"("n":2,"total":"0","infinity":1,"minus_infinity":1,"lowest":"-Infinity","highest":"Infinity")",
          R"("n":2,"total":"0","nan":1,"infinity":1,"lowest":"Infinity","highest":"NaN")",
          R"("n":2,"total":"0","minus_infinity":2,"lowest":"-Infinity","highest":"-Infinity")",
          R"("n":2,"total":"7","infinity":1,"lowest":"7","highest":"Infinity")"})
        EXPECT_EQ(read(good), std::string("{") + good + "}");
    for (
        const char* bad :
        {R"("n":2,"total":"1","lowest":"1","highest":"NaN")", R"("n":2,"total":"1","lowest":"-Infinity","highest":"1")",
         R"("n":2,"total":"1","nan":1,"lowest":"1","highest":"Infinity")",
         R"("n":2,"total":"1","nan":1,"lowest":"1","highest":"1")",
         R"("n":2,"total":"1","infinity":1,"lowest":"Infinity","highest":"Infinity")",
         R"("n":2,"total":"1","minus_infinity":1,"lowest":"-Infinity","highest":"-Infinity")",
         R"("n":3,"total":"1","minus_infinity":1,"nan":1,"lowest":"-Infinity","highest":"NaN","first":"Infinity",)"
         R"("first_at":"2024-01-01T00:00:00Z","first_seq":0,"latest":"1","latest_at":"2024-01-02T00:00:00Z","latest_seq":0)"})
        EXPECT_THROW(read(bad), Error) << bad;
}

TEST(Summary, TimesThatPostgresCannotShowAreRefusedFromClients) {
    for (const std::int64_t at : {least_timestamp, least_timestamp - 1, end_timestamp - 1, end_timestamp}) {
        Memory memory;
        Summary summary;
        add(summary, {Decimal::make_small(1, 0), {at, 0}, true}, memory);
        const std::vector<std::byte> bytes = packed(summary);
        if (is_timestamp(at)) {
            EXPECT_NO_THROW(load_summary(bytes, ErrorKind::invalid_binary));
        } else {
            EXPECT_THROW(load_summary(bytes, ErrorKind::invalid_binary), Error);
        }
    }
}

TEST(Summary, DifferenceIsExactAndOnlyOfParts) {
    Memory memory;
    Summary whole, part;
    for (int i = 1; i <= 10; ++i) add(whole, {Decimal::make_small(i, 1), {i, 0}, true}, memory);
    for (int i = 1; i <= 4; ++i) add(part, {Decimal::make_small(i, 1), {i, 0}, true}, memory);
    Summary rest = whole;
    subtract_summary(rest, part, memory.get(100));
    EXPECT_EQ(summary_to_text(rest), R"({"n":6,"total":"4.5","sums_only":1})");
    EXPECT_THROW(subtract_summary(part, whole, memory.get(100)), Error);
}

TEST(MomentText, KnownMomentsAndRandomOnes) {
    const auto text_of = [](std::int64_t moment) {
        std::string out;
        append_moment(out, moment);
        return out;
    };
    EXPECT_EQ(text_of(0), "2000-01-01T00:00:00Z");
    EXPECT_EQ(text_of(-1), "1999-12-31T23:59:59.999999Z");
    EXPECT_EQ(text_of(762'480'000'000'000), "2024-02-29T00:00:00Z");
    EXPECT_EQ(text_of(INT64_MAX), "infinity");
    EXPECT_EQ(text_of(-211'813'488'000'000'000), "-4713-11-24T00:00:00Z");  // PostgreSQL's least
    std::mt19937_64 random(4);
    for (int i = 0; i < 20000; ++i) {
        const auto moment = static_cast<std::int64_t>(random()) >> random() % 40;
        if (is_timestamp(moment)) {
            ASSERT_EQ(parse_moment(text_of(moment)), moment);
        }
    }
    for (const std::int64_t moment : {INT64_MIN, least_timestamp, end_timestamp - 1, INT64_MAX})
        EXPECT_EQ(parse_moment(text_of(moment)), moment);
    for (const std::int64_t moment : {INT64_MIN + 1, least_timestamp - 1, end_timestamp, INT64_MAX - 1})
        EXPECT_THROW(parse_moment(text_of(moment)), Error) << moment;
    for (const char* bad :
         {"", "2024", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01 00:00:00Z",
          "2024-01-01T00:00:00", "2024-01-01T00:00:00.1Z", "999999-01-01T00:00:00Z", "2024-01-01T00:00:00Zx"})
        EXPECT_THROW(parse_moment(bad), Error) << bad;
}

}  // namespace
