// core/distinct_set: the table against std::set, growth, crowding, forms, hostile bytes; the hash against its test
// vector.
#include "core/distinct_set.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/sketch_hash.hpp"

namespace {

using namespace tally;

// A growing table, as the glue keeps one, in memory of the C++ heap.
class Table {
public:
    Table(SetKind kind, bool wide) { start(shape_for(kind, wide, 1)); }

    void add(const SetKey& key) {
        while ((++turn_ % 4 == 0 ? add_key(work(), key) : add_key_soon(work(), key)) == Added::full) grow(key);
    }
    void settle_all() {
        while (!settle(work())) grow(SetKey{});
    }
    SetWork& work() { return *reinterpret_cast<SetWork*>(memory_.data()); }
    SetView view() {
        settle_all();
        return view_of(work());
    }
    std::size_t bytes() const { return size_; }
    std::vector<std::byte> packed() {
        std::vector<std::byte> out(packed_size(view()));
        pack_set(view(), out.data());
        return out;
    }

private:
    void grow(const SetKey& key) {
        SetShape shape = grown_shape(work(), key);
        const std::vector<std::uint64_t> old = std::move(memory_);
        for (;;) {
            start(shape);
            if (add_all(work(), view_of(*reinterpret_cast<const SetWork*>(old.data())))) break;
            shape = grown_shape(work(), SetKey{});
        }
    }
    void start(const SetShape& shape) {
        size_ = shape.bytes();
        memory_.assign((size_ + 7) / 8, 0);
        start_work(work(), shape);
    }

    std::vector<std::uint64_t> memory_;
    std::size_t size_ = 0;
    unsigned turn_ = 0;
};

std::vector<SetKey> keys_of(const SetView& view) {
    std::vector<SetKey> keys;
    for_each_key(view, [&](const SetKey& key) { keys.push_back(key); });
    return keys;
}

TEST(SipHash, OfficialVectorsOf128Bits) {
    std::vector<std::byte> input;
    const SetKey empty = siphash128(input, 0x0706050403020100U, 0x0F0E0D0C0B0A0908U);
    EXPECT_EQ(empty.high, 0xE6A825BA047F81A3U);
    EXPECT_EQ(empty.low, 0x930255C71472F66DU);
    input.push_back(std::byte{0});
    const SetKey one = siphash128(input, 0x0706050403020100U, 0x0F0E0D0C0B0A0908U);
    EXPECT_EQ(one.high, 0x44AF996BD8C187DAU);
    EXPECT_EQ(one.low, 0x45FC229B11597634U);
}

TEST(DistinctSet, SameAsStdSet) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 400; ++round) {
        const bool wide = round % 2 == 0;
        Table table(wide ? SetKind::text : SetKind::date, wide);
        std::set<SetKey> expected;
        const std::size_t count = random() % (round % 20 == 0 ? 20000 : 200);
        const std::uint64_t range = random() % 4 == 0 ? 50 : UINT64_MAX;
        for (std::size_t i = 0; i < count; ++i) {
            // keys of zero, crowded at either end, or spread out
            std::uint64_t high = random() % range;
            if (round % 5 == 1) high = UINT64_MAX - random() % 3000;
            if (round % 5 == 2) high = random() % 3000;
            const SetKey key{high, wide ? random() % 2 * (random() % 7) : 0};
            table.add(key);
            expected.insert(key);
            ASSERT_TRUE(is_working_set(&table.work(), table.bytes()));
        }
        ASSERT_EQ(table.view().count, expected.size());
        ASSERT_EQ(keys_of(table.view()), std::vector<SetKey>(expected.begin(), expected.end()));
        const std::vector<std::byte> packed = table.packed();
        const SetView stored = load_sent_set(packed, ErrorKind::invalid_binary);
        ASSERT_EQ(keys_of(stored), keys_of(table.view()));
        for (int i = 0; i < 20; ++i) {
            const SetKey probe{random() % 60, 0};
            ASSERT_EQ(set_contains(stored, probe), expected.count(probe) == 1);
        }
    }
}

TEST(DistinctSet, CrowdedKeysDoNotMakeTheTableGrowForEver) {
    Table table(SetKind::date, false);
    for (std::uint64_t i = 0; i < 5000; ++i) table.add({UINT64_MAX - i, 0});
    EXPECT_EQ(table.view().count, 5000U);
    EXPECT_LT(table.bytes(), 5000U * 8 * 6);
}

TEST(DistinctSet, NumbersWidenOnlyForFractions) {
    Table table(SetKind::number, false);
    for (int i = 0; i < 100; ++i) table.add(key_of_integer(i));
    EXPECT_FALSE(table.view().wide);
    std::byte room[64];
    table.add(key_of_decimal(Decimal::make_small(55, 1), room));
    EXPECT_TRUE(table.view().wide);
    EXPECT_EQ(table.view().count, 101U);
    table.add(key_of_decimal(Decimal::make_small(9900, 2), room));  // 99.00 is 99
    EXPECT_EQ(table.view().count, 101U);
}

TEST(DistinctSet, KeysOfNumbersAreTheNumbers) {
    std::byte room[64];
    EXPECT_EQ(key_of_decimal(Decimal::make_small(100, 2), room), key_of_integer(1));
    EXPECT_EQ(key_of_decimal(Decimal::make_small(-5, 0), room), key_of_integer(-5));
    EXPECT_EQ(key_of_decimal(Decimal::make_small(0, 7), room), key_of_integer(0));
    EXPECT_EQ(key_of_decimal(Decimal::make_small(110, 3), room), key_of_decimal(Decimal::make_small(11, 2), room));
    std::set<SetKey> keys;
    for (int kind = 3; kind <= 5; ++kind)
        keys.insert(key_of_decimal(Decimal::make_special(static_cast<DecimalKind>(kind)), room));
    for (int scale = 0; scale < 20; ++scale)
        for (int i = -50; i <= 50; ++i)
            if (i % 10 != 0) keys.insert(key_of_decimal(Decimal::make_small(i * power_of_ten[17], scale), room));
    EXPECT_EQ(keys.size(), 3U + 20 * 90);
}

TEST(DistinctSet, KeysOfShortTextsNeverCollide) {
    std::set<SetKey> keys;
    const auto key = [](const std::string& s) { return key_of_bytes(std::as_bytes(std::span(s.data(), s.size()))); };
    for (std::size_t length = 0; length < 20; ++length) {
        keys.insert(key(std::string(length, '\0')));
        keys.insert(key(std::string(length, 'a')));
    }
    EXPECT_EQ(keys.size(), 39U);  // of length 0 there is one
}

TEST(DistinctSet, TextRoundTripsAndHostileInputIsRefused) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 2000; ++round) {
        const bool wide = round % 2 == 0;
        Table table(wide ? SetKind::uuid : SetKind::floating, wide);
        for (std::size_t i = random() % 20; i > 0; --i) table.add({random(), wide ? random() : 0});
        std::string text(set_text_bound(table.view()), ' ');
        text.resize(set_to_text(table.view(), text.data()));
        std::vector<std::byte> bytes(text.size() + 8);
        bytes.resize(set_from_text(text, bytes.data()));
        load_sent_set(bytes, ErrorKind::invalid_text);
        ASSERT_EQ(bytes, table.packed());
        std::vector<std::byte> hostile = bytes;
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        if (random() % 3 == 0) hostile.resize(random() % (hostile.size() + 1));
        try {
            const SetView view = load_sent_set(hostile, ErrorKind::invalid_binary);
            std::vector<std::byte> again(packed_size(view));
            pack_set(view, again.data());
            ASSERT_EQ(again, hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_binary);
        }
        text[random() % text.size()] = static_cast<char>(random());
        std::vector<std::byte> out(text.size() + 8);
        try {
            out.resize(set_from_text(text, out.data()));
            load_sent_set(out, ErrorKind::invalid_text);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_text);
        }
    }
}

TEST(DistinctSet, LimitsAreErrors) {
    EXPECT_THROW(shape_for(SetKind::text, true, std::uint64_t{max_wide_values} + 1), Error);
    EXPECT_THROW(shape_for(SetKind::date, false, std::uint64_t{max_narrow_values} + 1), Error);
    const SetShape largest = shape_for(SetKind::text, true, max_wide_values);
    EXPECT_LT(largest.bytes(), std::size_t{1} << 30);
    EXPECT_GT(largest.home, max_wide_values);
    // a table of the greatest size grows no more, be it full or crowded at its end
    for (const bool wide : {false, true}) {
        const SetKind kind = wide ? SetKind::text : SetKind::date;
        SetShape shape = shape_for(kind, wide, 1000);
        SetWork work{};
        int steps = 0;
        const auto grow = [&](std::uint32_t count) {
            start_work(work, shape);
            work.count = count;
            shape = grown_shape(work, SetKey{});
        };
        EXPECT_THROW(for (; steps < 100; ++steps) grow(shape.home / 10 * 7 + 7), Error);
        EXPECT_LT(steps, 30);
        shape = shape_for(kind, wide, 1000);
        steps = 0;
        EXPECT_THROW(for (; steps < 100; ++steps) grow(10), Error);
        EXPECT_LT(steps, 30);
    }
    EXPECT_THROW(require_same_kind(SetKind::text, SetKind::number), Error);
}

// Sketches are stored: a change of these values would count every value twice.
TEST(SketchHash, IsFixedForEver) {
    const std::string text = "customer";
    EXPECT_EQ(sketch_hash(SetKind::number, key_of_integer(1)), 17088397347378767972U);
    EXPECT_EQ(sketch_hash(SetKind::text, key_of_bytes(std::as_bytes(std::span(text)))), 4378285660193067288U);
}

TEST(SketchHash, TellsIntegersAndKindsApart) {
    std::set<std::uint64_t> seen;
    for (std::int64_t i = -5000; i < 5000; ++i) {
        seen.insert(sketch_hash(SetKind::number, key_of_integer(i)));
        seen.insert(sketch_hash(SetKind::timestamp, key_of_integer(i)));
    }
    EXPECT_EQ(seen.size(), 20000U);
}

}  // namespace
