// THE rule: does this metric count this event, with which value, in which group, and if not, why. Usage, the event list,
// kinds of values and explanations all ask it; nothing else may decide any of this.
//
// Order of the questions: the metric's filters and the filter of whoever asks, the metric's segmentation matrix, then the
// value. What fails the first two is no event of the answer; an event without a usable value is skipped, and answers
// count such events.
//
// Numbers are compared by value and texts as they are, wherever a configured text (of a matrix, of a filter) meets a
// property: the number 1.0 has the value of the texts 1, 1.0 and 1e0; the text "1.0" is the text 1.0 alone. As a dimension,
// and as a distinct value, the number 1.0 and the text "1" are the same: 1. Booleans are the texts true and false there and
// for matrix and filter; a number is needed where numbers are aggregated, and a boolean is none. null is as good as the
// empty text: no value. Objects and arrays are no values; a path (property_key.hpp) leads to what is in them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/decimal/decimal.hpp"
#include "core/metric/definition.hpp"
#include "core/metric/filter.hpp"
#include "core/metric/property_key.hpp"
#include "core/metric/property_value.hpp"

namespace tally {

// Texts that somebody configured, asked for a property's value.
class ValueSet {
public:
    void add(std::string_view text);
    bool holds(const PropertyValue& value) const;
    bool empty() const noexcept { return texts_.empty(); }

private:
    // Looked up without a copy.
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
    };
    using Texts = std::unordered_set<std::string, Hash, std::equal_to<>>;

    Texts texts_;
    Texts numbers_;  // shortest_number of those that are numbers
};

enum class Outcome : std::uint8_t { counted, filtered, outside_matrix, missing, empty, not_a_number, not_a_value };

// A number read from a property: the value, or why there is none. A wide value points into `room`.
struct ReadNumber {
    Outcome outcome = Outcome::counted;
    Decimal value;
    std::vector<std::byte> room;
};

class MetricRule {
public:
    // `group_by`: further keys to group by, in order; those that the metric groups by anyway are not repeated. Throws
    // Error(invalid_argument) where a key is none (property_key.hpp).
    MetricRule(const MetricDefinition& definition, const Filter& filter, std::span<const std::string> group_by);

    Aggregation aggregation() const noexcept { return aggregation_; }

    // What it reads of an event, each once. Values of an event are given in this order.
    const std::vector<PropertyKey>& keys() const noexcept { return keys_; }

    // Which of keys() is aggregated; -1 for COUNT.
    int value_key() const noexcept { return value_key_; }

    // Which of keys() are the dimensions of the answer: the matrix's, the usage group key, then group_by.
    const std::vector<int>& dimensions() const noexcept { return dimensions_; }

    // How many of the dimensions, from the first on, are asked by the matrix: 0, 1 or 2.
    int matrix_dimensions() const noexcept { return matrix_dimensions_; }

    // The pieces of the rule, for readers of columns, who ask once for each distinct value.
    bool filter_accepts(int key, const PropertyValue& value) const;
    bool filters(int key) const noexcept { return !filters_[static_cast<std::size_t>(key)].empty(); }
    bool matrix_accepts(const PropertyValue& first, const PropertyValue& second) const;
    // counted, missing, empty, not_a_number or not_a_value.
    Outcome value_outcome(const PropertyValue& value) const;

    // The whole rule for the values of keys(); `counted` or why not.
    Outcome judge(std::span<const PropertyValue> values) const;

private:
    int position_of(const std::string& key, std::string_view field);
    void set_matrix(const SegmentationMatrix& matrix);
    void add_condition(const std::string& key, std::string_view field, bool is_negative,
                       std::span<const std::string> values);

    // Of a key: its value is in the set; or, if negative, is there and not in it.
    struct Condition {
        ValueSet set;
        bool is_negative = false;
    };

    struct Link {
        ValueSet first;
        ValueSet second;
        bool any = false;
    };

    Aggregation aggregation_;
    std::vector<PropertyKey> keys_;
    std::vector<std::vector<Condition>> filters_;  // of each key, all of which must hold
    std::vector<int> dimensions_;
    int value_key_ = -1;
    int matrix_dimensions_ = 0;
    SegmentationMatrix::Type matrix_type_;
    ValueSet matrix_first_, matrix_second_;
    std::vector<Link> links_;
};

// The text of a value as a dimension or a distinct value: of a text itself, of a number its shortest form, true or false.
// None where it is absent, empty, null, an object or an array.
std::optional<std::string> value_text(const PropertyValue& value);

// A number, or a text that is one. Otherwise missing, empty or not_a_number.
ReadNumber read_number(const PropertyValue& value);

// The same for the usual number of at most 18 digits without exponent, without memory; false: ask read_number.
bool read_small_number(const PropertyValue& value, std::int64_t& coefficient, std::int32_t& scale) noexcept;

// Why an event is not counted, in words; empty for `counted`. `key` is the aggregated property's.
std::string reason_text(Outcome outcome, std::string_view key);

// Why the kind of a metric refuses a value; empty where it takes it. `sign` is the value's.
std::string kind_problem(const MetricDefinition& definition, int sign);

}  // namespace tally
