// core/decimal: exact arithmetic against schoolbook arithmetic on decimal strings, text and stored forms, canonical
// form.
#include "core/decimal/decimal.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace {

using namespace tally;

// A decimal with the memory that its groups may stand in.
struct Held {
    std::unique_ptr<std::byte[]> memory;
    Decimal value;
};

Held parse(const std::string& text) {
    Held held{std::make_unique<std::byte[]>(text.size() + 8), {}};
    held.value = parse_decimal(text, held.memory.get());
    return held;
}

std::string print(const Decimal& value) {
    std::string out;
    append_text(out, value);
    return out;
}

// Schoolbook: both as integers of `scale` digits after the point.
std::string scaled_digits(const std::string& text, std::size_t scale) {
    std::string digits = text.substr(text[0] == '-' ? 1 : 0);
    const std::size_t point = digits.find('.');
    const std::size_t have = point == std::string::npos ? 0 : digits.size() - point - 1;
    if (point != std::string::npos) digits.erase(point, 1);
    return digits.append(scale - have, '0');
}

std::string school_add(const std::string& left, const std::string& right) {
    const auto scale_of = [](const std::string& t) {
        return t.find('.') == std::string::npos ? 0 : t.size() - t.find('.') - 1;
    };
    const std::size_t scale = std::max(scale_of(left), scale_of(right));
    std::string a = scaled_digits(left, scale), b = scaled_digits(right, scale);
    const std::size_t width = std::max(a.size(), b.size()) + 1;
    a.insert(0, width - a.size(), '0');
    b.insert(0, width - b.size(), '0');
    bool minus_a = left[0] == '-', minus_b = right[0] == '-';
    if (a < b) std::swap(a, b), std::swap(minus_a, minus_b);
    int carry = 0;
    for (std::size_t i = width; i-- > 0;) {
        int digit = a[i] - '0' + carry + (minus_a == minus_b ? b[i] - '0' : '0' - b[i]);
        carry = digit > 9 ? 1 : digit < 0 ? -1 : 0;
        a[i] = static_cast<char>('0' + digit - 10 * carry);
    }
    if (scale > 0) a.insert(a.size() - scale, ".");
    while (a.size() > 1 && a[0] == '0' && a[1] != '.') a.erase(0, 1);
    const bool zero = a.find_first_not_of("0.") == std::string::npos;
    return (minus_a && !zero ? "-" : "") + a;
}

std::string random_decimal(std::mt19937_64& random) {
    const std::size_t whole = random() % (random() % 5 == 0 ? 80 : 20), fraction = random() % (random() % 5 == 0 ? 80 : 12);
    std::string text = random() % 2 ? "-" : "";
    std::string digits;
    for (std::size_t i = 0; i < whole; ++i)
        digits += static_cast<char>('0' + (random() % 3 ? random() % 10 : 9 * (random() % 2)));
    digits.erase(0, digits.find_first_not_of('0'));
    text += digits.empty() ? "0" : digits;
    if (fraction > 0) text += '.';
    for (std::size_t i = 0; i < fraction; ++i)
        text += static_cast<char>('0' + (random() % 3 ? random() % 10 : 9 * (random() % 2)));
    return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1) : text;
}

TEST(Decimal, TextRoundTrip) {
    for (const char* text :
         {"0", "0.00", "1", "-1", "1.10", "9999", "10000", "-0.0001", "0.00010000", "12345.678900",
          "9999999999999999999999999999999999999", "10000000000000000000000000000000000000",
          "-123456789012345678901234567890123456789012345678901234567890.5", "NaN", "Infinity", "-Infinity",
          "0.00000000000000000000000000000000000000000000000000000000000001", "99999999999999999999999999999999999.99"})
        EXPECT_EQ(print(parse(text).value), text);
}

TEST(Decimal, RefusesMalformedText) {
    for (const char* text :
         {"", "-", ".", "1.", ".5", "1e5", "+1", " 1", "1 ", "--1", "1..2", "1.2.3", "0x1", "nan", "-NaN", "1,5"})
        EXPECT_THROW(parse(text), Error) << text;
    EXPECT_THROW(parse("0." + std::string(16384, '1')), Error);
    EXPECT_THROW(parse(std::string(131300, '1')), Error);
    EXPECT_NO_THROW(parse(std::string(131072, '9') + "." + std::string(16383, '9')));
}

TEST(Decimal, SmallExactlyBelowThirtySevenDigits) {
    EXPECT_EQ(parse(std::string(37, '9')).value.kind, DecimalKind::small);
    EXPECT_EQ(parse("1" + std::string(37, '0')).value.kind, DecimalKind::wide);
    EXPECT_EQ(parse("0." + std::string(37, '9')).value.kind, DecimalKind::small);
    EXPECT_EQ(parse("1." + std::string(37, '0')).value.kind, DecimalKind::wide);
    EXPECT_EQ(parse("0." + std::string(9000, '0')).value.kind, DecimalKind::small);
    EXPECT_EQ(parse("0." + std::string(9000, '0') + "1").value.kind, DecimalKind::small);
}

TEST(Decimal, AddsAsSchoolTaught) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 20000; ++i) {
        const std::string left = random_decimal(random), right = random_decimal(random);
        const Held a = parse(left), b = parse(right);
        ASSERT_EQ(print(a.value), left);
        std::vector<std::byte> scratch(add_bound(a.value, b.value) + 1), again(scratch.size() + 100);
        const Decimal sum = add_finite(a.value, b.value, false, scratch.data());
        ASSERT_EQ(print(sum), school_add(left, right)) << left << " + " << right;
        // canonical: the same representation as the text of the sum gives
        const Held direct = parse(print(sum));
        ASSERT_EQ(sum.kind, direct.value.kind) << left << " + " << right;
        std::vector<std::byte> back(add_bound(sum, b.value) + 1);
        const Decimal difference = add_finite(sum, b.value, true, back.data());
        ASSERT_EQ(compare_value(difference, a.value), 0) << left << " + " << right;
    }
}

TEST(Decimal, ComparesBySignOfDifference) {
    std::mt19937_64 random(2);
    for (int i = 0; i < 20000; ++i) {
        const std::string left = random_decimal(random),
                          right = random() % 4 ? random_decimal(random)
                                               : left + (left.find('.') == std::string::npos ? ".0" : "0");
        const Held a = parse(left), b = parse(right);
        std::string negated = right[0] == '-' ? right.substr(1) : "-" + right;
        const std::string difference = school_add(left, negated);
        const int sign = difference.find_first_not_of("-0.") == std::string::npos ? 0 : difference[0] == '-' ? -1 : 1;
        const int order = compare_value(a.value, b.value);
        ASSERT_EQ((order > 0) - (order < 0), sign) << left << " against " << right;
        ASSERT_EQ(compare_value(b.value, a.value) > 0, order < 0);
    }
    const Decimal nan = Decimal::make_special(DecimalKind::nan), infinity = Decimal::make_special(DecimalKind::infinity);
    const Decimal minus = Decimal::make_special(DecimalKind::minus_infinity), one = Decimal::make_small(1, 0);
    EXPECT_GT(compare_value(nan, infinity), 0);
    EXPECT_GT(compare_value(infinity, one), 0);
    EXPECT_GT(compare_value(one, minus), 0);
    EXPECT_EQ(compare_value(nan, nan), 0);
}

TEST(Decimal, StoredFormRoundTripIsCanonical) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20000; ++i) {
        const Held held = parse(random_decimal(random));
        std::vector<std::byte> bytes(stored_bound(held.value));
        ByteWriter out(bytes.data());
        store_decimal(out, held.value);
        bytes.resize(out.size());
        ByteReader in(bytes, "test");
        const Decimal again = load_decimal(in);
        ASSERT_TRUE(in.done());
        ASSERT_EQ(print(again), print(held.value));
        // whatever is changed: refused, or another value whose own stored form it is
        std::vector<std::byte> hostile = bytes;
        hostile[random() % hostile.size()] = static_cast<std::byte>(random());
        if (random() % 3 == 0) hostile.resize(random() % (hostile.size() + 1));
        try {
            ByteReader reader(hostile, "test");
            const Decimal other = load_decimal(reader);
            std::vector<std::byte> canonical(stored_bound(other));
            ByteWriter writer(canonical.data());
            store_decimal(writer, other);
            canonical.resize(writer.size());
            hostile.resize(hostile.size() - reader.left());
            ASSERT_EQ(canonical, hostile);
        } catch (const Error& error) {
            ASSERT_EQ(error.kind(), ErrorKind::corrupted);
        }
    }
}

}  // namespace
