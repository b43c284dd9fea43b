// core/summary: every road to a state gives the same bytes; text and packed forms; hostile bytes.
#include "core/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "core/moment_text.hpp"

namespace {

using namespace tally;

struct Value {
    Decimal decimal;
    Moment moment;
    bool timed;
};

// Keeps the memory of wide decimals until the end of a test.
class Memory {
public:
    std::byte* get(std::size_t size) { return kept_.emplace_back(size + 1).data(); }

private:
    std::deque<std::vector<std::byte>> kept_;
};

std::vector<Value> random_values(std::mt19937_64& random, std::size_t count, bool wide, Memory& memory) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < count; ++i) {
        Value value{Decimal::make_small(static_cast<std::int64_t>(random()) >> random() % 60,
                                        static_cast<std::int32_t>(random() % 6)),
                    {static_cast<std::int64_t>(random() % 20), static_cast<std::int64_t>(random() % 3)},
                    random() % 4 != 0};
        if (wide && random() % 4 == 0) {
            std::string text = (random() % 2 ? "-" : "") + std::to_string(random() | 1) +
                               std::string(random() % 50, '7') + "." + std::string(1 + random() % 9, '3');
            value.decimal = parse_decimal(text, memory.get(text.size() + 8));
        }
        if (wide && random() % 40 == 0)
            value.decimal = Decimal::make_special(static_cast<DecimalKind>(3 + random() % 3));
        values.push_back(value);
    }
    return values;
}

std::vector<std::byte> packed(const Summary& summary) {
    std::vector<std::byte> bytes(packed_bound(summary));
    bytes.resize(pack_summary(summary, bytes.data()));
    return bytes;
}

void add(Summary& summary, const Value& value, Memory& memory) {
    std::byte* const scratch = value.decimal.finite() ? memory.get(add_bound(summary.total, value.decimal)) : nullptr;
    add_value(summary, value.decimal, value.timed ? &value.moment : nullptr, scratch);
}

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
        ASSERT_EQ(parse_moment(text_of(moment)), moment);
    }
    ASSERT_EQ(parse_moment(text_of(INT64_MAX - 1)), INT64_MAX - 1);
    ASSERT_EQ(parse_moment(text_of(INT64_MIN + 1)), INT64_MIN + 1);
    for (const char* bad :
         {"", "2024", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01 00:00:00Z",
          "2024-01-01T00:00:00", "2024-01-01T00:00:00.1Z", "999999-01-01T00:00:00Z", "2024-01-01T00:00:00Zx"})
        EXPECT_THROW(parse_moment(bad), Error) << bad;
}

}  // namespace
