// Random values of every kind, and summaries made of them, for the tests of core/summary*.
#pragma once

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/summary/summary.hpp"

namespace tally_test {

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

inline std::vector<Value> random_values(std::mt19937_64& random, std::size_t count, bool wide, Memory& memory) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < count; ++i) {
        Value value{Decimal::make_small(static_cast<std::int64_t>(random()) >> random() % 60,
                                        static_cast<std::int32_t>(random() % 6)),
                    {static_cast<std::int64_t>(random() % 20), static_cast<std::int64_t>(random() % 3)},
                    random() % 4 != 0};
        if (wide && random() % 4 == 0) {
            std::string text = (random() % 2 ? "-" : "") + std::to_string(random() | 1) + std::string(random() % 50, '7') +
                               "." + std::string(1 + random() % 9, '3');
            value.decimal = parse_decimal(text, memory.get(text.size() + 8));
        }
        if (wide && random() % 40 == 0) value.decimal = Decimal::make_special(static_cast<DecimalKind>(3 + random() % 3));
        values.push_back(value);
    }
    return values;
}

inline std::vector<std::byte> packed(const Summary& summary) {
    std::vector<std::byte> bytes(packed_bound(summary));
    bytes.resize(pack_summary(summary, bytes.data()));
    return bytes;
}

inline void add(Summary& summary, const Value& value, Memory& memory) {
    std::byte* const scratch = value.decimal.finite() ? memory.get(add_bound(summary.total, value.decimal)) : nullptr;
    add_value(summary, value.decimal, value.timed ? &value.moment : nullptr, scratch);
}

}  // namespace tally_test
