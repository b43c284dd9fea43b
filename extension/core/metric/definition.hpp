// What a metric is, as far as the rule (rule.hpp) needs it: tally.metric without ids, names for people and conversion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tally {

enum class Aggregation : std::uint8_t { count, sum, min, max, mean, latest, count_distinct };

// Which values a metric takes: base above 0, dual all but 0, average any.
enum class MetricKind : std::uint8_t { none, base, dual, average };

// Which events are counted, and the dimensions that usage is always grouped by. Texts are as configured.
struct SegmentationMatrix {
    enum class Type : std::uint8_t { none, single, twofold, linked };

    Type type = Type::none;
    std::string key1, key2;                     // key2: twofold and linked
    std::vector<std::string> values1, values2;  // single and twofold
    // linked: value of key1 -> values of key2; an empty list means any value, none included
    std::vector<std::pair<std::string, std::vector<std::string>>> links;
};

// A condition that every counted event fulfils: the property is one of the values; or is there, and none of them.
struct MetricFilter {
    std::string key;
    bool is_negative = false;
    std::vector<std::string> values;
};

struct MetricDefinition {
    Aggregation aggregation = Aggregation::count;
    std::string key;  // the property that is aggregated; COUNT reads none
    MetricKind kind = MetricKind::none;
    std::string name;  // for messages
    SegmentationMatrix matrix;
    std::string usage_group_key;  // empty: none
    std::vector<MetricFilter> filters;
};

// Of tally.metric's columns. Throw Error(corrupted) for what its constraints do not let in.
Aggregation parse_aggregation(std::string_view name);
MetricKind parse_kind(std::string_view name);
SegmentationMatrix parse_matrix(std::string_view json);
std::vector<MetricFilter> parse_filters(std::string_view json);

}  // namespace tally
