// core/distinct_set: a running set against std::set for keys of every distribution, merging, forms, hostile bytes;
// sorting; the hash against its test vector.
#include "core/distinct/distinct_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/key_sort.hpp"
#include "core/distinct/sketch_hash.hpp"

namespace {

using namespace tally;

std::vector<SetKey> keys_of(const SetView& view) {
    std::vector<SetKey> keys;
    for_each_key(view, [&](const SetKey& key) { keys.push_back(key); });
    return keys;
}

std::vector<std::byte> packed(const SetView& view) {
    std::vector<std::byte> out(packed_size(view));
    pack_set(view, out.data());
    return out;
}

// A growing set, as the glue keeps one, in memory of the C++ heap.
class Running {
public:
    Running(SetKind kind, bool wide) { start(shape_for_keys(kind, wide, 1)); }

    void add(const SetKey& key) {
        for (int tries = 0; !add_key(work(), key); ++tries) {
            ASSERT_LT(tries, 3);  // to keys, to wide keys, to more room
            settle_all();
            reshape(next_shape(work(), key));
        }
    }
    void merge(const SetView& more) {
        if (add_set(work(), more)) return;
        settle_all();
        if (add_set(work(), more)) return;
        reshape(merged_shape(work(), more));
        merge_into(more);
    }
    SetWork& work() { return *reinterpret_cast<SetWork*>(memory_.data()); }
    SetView view() {
        settle_all();
        return view_of(work());
    }
    std::size_t bytes() const { return size_; }
    int reshapes() const { return reshapes_; }

private:
    void settle_all() {
        std::vector<std::uint64_t> scratch(settle_scratch_bytes(work()) / 8 + 1);
        settle(work(), reinterpret_cast<std::byte*>(scratch.data()));
        ASSERT_TRUE(is_working_set(work(), size_));
        ASSERT_EQ(work().waiting, 0U);
    }
    void merge_into(const SetView& more) {
        std::vector<std::uint64_t> scratch(merge_scratch_bytes(work(), more) / 8 + 1);
        merge_set(work(), more, reinterpret_cast<std::byte*>(scratch.data()));
    }
    void reshape(const SetShape& shape) {
        if (shape == shape_of(work())) return;
        ++reshapes_;
        std::vector<std::uint64_t> old = std::move(memory_);
        start(shape);
        merge_into(view_of(*reinterpret_cast<const SetWork*>(old.data())));
    }
    void start(const SetShape& shape) {
        size_ = shape.bytes();
        memory_.assign(size_ / 8, 0xAAAAAAAAAAAAAAAAU);  // nothing may rely on zeroes
        start_work(work(), shape);
    }

    std::vector<std::uint64_t> memory_;
    std::size_t size_ = 0;
    int reshapes_ = 0;
};

// Keys of one of several distributions: spread, close together, at either end of all, far apart, close but for a few.
class Keys {
public:
    Keys(std::mt19937_64& random, bool wide) : random_(random), wide_(wide), way_(random() % 8), origin_(random()) {}

    SetKey next() {
        std::uint64_t high = random_();
        switch (way_) {
            case 0: break;
            case 1: high %= 50; break;
            case 2: high = UINT64_MAX - high % 3000; break;
            case 3: high %= 3000; break;
            case 4: high = origin_ + high % 100000; break;
            case 5: high = origin_ + (high % 1000) * 1000003; break;
            case 6: high = high % 100 == 0 ? random_() : origin_ + high % 5000; break;
            default: high = high % 200 << 56; break;
        }
        return {high, wide_ ? random_() % 2 * (random_() % 7) : 0};
    }

private:
    std::mt19937_64& random_;
    bool wide_;
    std::uint64_t way_;
    std::uint64_t origin_;
};

template <typename Slot>
void sort_like_std(std::mt19937_64& random, std::size_t count) {
    Keys keys(random, true);
    std::vector<Slot> sorted, scratch(count);
    for (std::size_t i = 0; i < count; ++i) sorted.push_back(Slot::of(keys.next()));
    std::vector<Slot> expected = sorted;
    std::sort(expected.begin(), expected.end());
    sort_keys(sorted.data(), count, scratch.data());
    ASSERT_EQ(sorted, expected);
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    sorted.resize(unique_keys(sorted.data(), count));
    ASSERT_EQ(sorted, expected);
}

TEST(KeySort, SortsAsStdSortDoes) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 600; ++round) {
        const std::size_t count = random() % (round % 50 == 0 ? 50000 : 400);
        sort_like_std<NarrowSlot>(random, count);
        sort_like_std<WideSlot>(random, count);
    }
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
    for (int round = 0; round < 600; ++round) {
        const bool wide = round % 3 == 0;
        Running set(wide ? SetKind::text : SetKind::date, wide);
        Keys keys(random, wide);
        std::set<SetKey> expected;
        const std::size_t count = random() % (round % 20 == 0 ? 20000 : 200);
        for (std::size_t i = 0; i < count; ++i) {
            const SetKey key = keys.next();
            ASSERT_NO_FATAL_FAILURE(set.add(key));
            expected.insert(key);
        }
        ASSERT_EQ(set.view().count, expected.size());
        const std::vector<SetKey> sorted(expected.begin(), expected.end());
        ASSERT_EQ(keys_of(set.view()), sorted);
        const std::vector<std::byte> bytes = packed(set.view());
        const SetView stored = load_sent_set(bytes, ErrorKind::invalid_binary);
        ASSERT_EQ(keys_of(stored), sorted);
        ASSERT_EQ(packed(stored), bytes);
        ASSERT_LE(bytes.size(), 8 + sorted.size() * stored.key_size());
        for (std::size_t i = 0; i < 20; ++i) {
            const SetKey probe = i % 2 == 0 || sorted.empty() ? keys.next() : sorted[random() % sorted.size()];
            ASSERT_EQ(set_contains(stored, probe), expected.count(probe) == 1);
            ASSERT_EQ(set_contains(set.view(), probe), expected.count(probe) == 1);
        }
    }
}

TEST(DistinctSet, MergedPartsAreTheWholeByteForByte) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 400; ++round) {
        const bool wide = round % 3 == 0;
        const SetKind kind = wide ? SetKind::text : SetKind::date;
        Running whole(kind, wide), merged(kind, wide);
        for (std::size_t parts = random() % 12; parts > 0; --parts) {
            Running part(kind, wide);
            Keys keys(random, wide);
            for (std::size_t i = random() % (random() % 10 == 0 ? 5000 : 60); i > 0; --i) {
                const SetKey key = keys.next();
                ASSERT_NO_FATAL_FAILURE(part.add(key));
                ASSERT_NO_FATAL_FAILURE(whole.add(key));
            }
            if (parts % 2 == 0) {
                ASSERT_NO_FATAL_FAILURE(merged.merge(part.view()));
            } else {
                const std::vector<std::byte> bytes = packed(part.view());
                ASSERT_NO_FATAL_FAILURE(merged.merge(load_set(bytes)));
            }
        }
        ASSERT_EQ(packed(merged.view()), packed(whole.view()));
    }
}

TEST(DistinctSet, CloseIntegersTakeBits) {
    Running set(SetKind::number, false);
    for (int i = 0; i < 100000; ++i) set.add(key_of_integer(1000000 + i * 3 % 100000));
    EXPECT_EQ(set.view().count, 100000U);
    EXPECT_TRUE(set.view().bits());
    EXPECT_LT(packed_size(set.view()), 100000U / 8 + 40);
    set.add(key_of_integer(INT64_MIN));  // one far away: keys again
    EXPECT_FALSE(set.view().bits());
    EXPECT_EQ(set.view().count, 100001U);
    EXPECT_EQ(packed_size(set.view()), 8U + 8 * 100001);
    Running scattered(SetKind::number, false);
    for (int i = 0; i < 1000; ++i) scattered.add(key_of_integer(i * 1000));
    EXPECT_FALSE(scattered.view().bits());
}

TEST(DistinctSet, BitsReachBothEndsOfTheIntegers) {
    for (const std::int64_t origin : {INT64_MIN, INT64_MAX - 999}) {
        for (const bool downwards : {false, true}) {
            Running set(SetKind::number, false);
            for (int i = 0; i < 1000; ++i) set.add(key_of_integer(origin + (downwards ? 999 - i : i)));
            EXPECT_EQ(set.view().count, 1000U);
            EXPECT_TRUE(set.view().bits());
            EXPECT_TRUE(set_contains(set.view(), key_of_integer(origin)));
            EXPECT_TRUE(set_contains(set.view(), key_of_integer(origin + 999)));
            EXPECT_FALSE(set_contains(set.view(), key_of_integer(0)));
        }
    }
}

TEST(DistinctSet, BitsThatGrowToBothSidesAreSeldomCopied) {
    Running set(SetKind::number, false);
    for (int i = 0; i < 200000; ++i) set.add(key_of_integer(i % 2 == 0 ? i : -i));
    EXPECT_EQ(set.view().count, 200000U);
    EXPECT_TRUE(set.view().bits());
    EXPECT_LT(set.reshapes(), 100);
}

TEST(DistinctSet, MemoryStaysWithinFourTimesTheKeys) {
    std::mt19937_64 random(5);
    for (const bool wide : {false, true}) {
        Running set(wide ? SetKind::text : SetKind::date, wide);
        for (std::uint64_t i = 0; i < 300000; ++i) {
            set.add({random(), wide ? random() : 0});
            if (i % 1000 == 999) {
                ASSERT_LE(set.bytes(), 32 + 64 + (i + 1) * (wide ? 16 : 8) * 4);
            }
        }
    }
}

TEST(DistinctSet, NumbersWidenOnlyForFractions) {
    Running table(SetKind::number, false);
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
        Running table(wide ? SetKind::uuid : SetKind::floating, wide);
        Keys keys(random, wide);
        for (std::size_t i = random() % 20; i > 0; --i) table.add(keys.next());
        const std::vector<std::byte> written = packed(table.view());
        const SetView stored = load_set(written);
        std::string text(set_text_bound(stored), ' ');
        text.resize(set_to_text(stored, text.data()));
        std::vector<std::byte> bytes(text.size() + 16);
        bytes.resize(set_from_text(text, bytes.data()));
        load_sent_set(bytes, ErrorKind::invalid_text);
        ASSERT_EQ(bytes, written);
        std::vector<std::byte> hostile = bytes;
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        if (random() % 3 == 0) hostile.resize(random() % (hostile.size() + 1));
        try {
            const SetView view = load_sent_set(hostile, ErrorKind::invalid_binary);
            ASSERT_EQ(packed(view), hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_binary);
        }
        text[random() % text.size()] = static_cast<char>(random());
        std::vector<std::byte> out(text.size() + 16);
        try {
            out.resize(set_from_text(text, out.data()));
            load_sent_set(out, ErrorKind::invalid_text);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::invalid_text);
        }
    }
}

TEST(DistinctSet, LimitsAreErrors) {
    EXPECT_THROW(shape_for_keys(SetKind::text, true, std::uint64_t{max_wide_values} + 1), Error);
    EXPECT_THROW(shape_for_keys(SetKind::date, false, std::uint64_t{max_narrow_values} + 1), Error);
    // a set grows until it holds the most there may be, and its memory stays below what PostgreSQL can give
    SetShape shape = shape_for_keys(SetKind::text, true, 1);
    SetWork work{};
    int steps = 0;
    for (; shape.room <= max_wide_values; ++steps) {
        ASSERT_LT(steps, 60);
        start_work(work, shape);
        work.count = shape.room;
        shape = next_shape(work, SetKey{});
        ASSERT_GT(shape.room, work.room);
    }
    EXPECT_LT(shape.bytes(), std::size_t{1} << 30);
    start_work(work, shape);
    work.count = max_wide_values + 1;
    EXPECT_THROW(next_shape(work, SetKey{}), Error);
    EXPECT_THROW(require_same_kind(SetKind::text, SetKind::number), Error);
}

// What is stored depends on it: the bytes, zeros, and in the sixteenth byte how many there are.
TEST(SetKey, OfAShortTextIsThatOfItsBlock) {
    std::mt19937_64 random(3);
    for (std::size_t size = 0; size <= 15; ++size)
        for (int round = 0; round < 50; ++round) {
            std::byte block[16] = {};
            for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<std::byte>(random());
            block[15] = static_cast<std::byte>(size);
            const std::vector<std::byte> text(block, block + size);  // of its own, so that reading past it is told
            ASSERT_EQ(key_of_bytes(text), key_of_block(block)) << size;
        }
}

// Sketches are stored: a change of these values would count every value twice.
TEST(SketchHash, IsFixedForEver) {
    const std::string text = "customer";
    EXPECT_EQ(sketch_hash(SetKind::number, key_of_integer(1)), 6192263033759541053U);
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
