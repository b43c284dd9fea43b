// The rule: what a metric counts, with which value, in which group, and why not.
#include "core/metric/rule.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/base/number_text.hpp"

namespace tally {
namespace {

using Kind = PropertyValue::Kind;

PropertyValue text(std::string_view value) {
    return {Kind::text, value};
}
PropertyValue number(std::string_view value) {
    return {Kind::number, value};
}
constexpr PropertyValue absent{};

MetricDefinition metric(Aggregation aggregation, std::string key = "v") {
    MetricDefinition definition;
    definition.aggregation = aggregation;
    definition.key = std::move(key);
    definition.name = "m";
    return definition;
}

TEST(Numbers, AreWrittenAsPostgresWritesThem) {
    const std::pair<const char*, const char*> cases[] = {
        {"1", "1"},         {"1.50", "1.50"},  {"+1", "1"},        {"007", "7"},
        {"-0", "0"},        {"-0.00", "0.00"}, {"1e3", "1000"},    {"1.5e1", "15"},
        {"1.50e1", "15.0"}, {"15e-1", "1.5"},  {"1e-3", "0.001"},  {".5", "0.5"},
        {"5.", "5"},        {"0e5", "0"},      {"0.000e2", "0.0"}, {"-12.30E-2", "-0.1230"},
        {"100", "100"},     {"0.10", "0.10"}};
    for (const auto& [given, expected] : cases) EXPECT_EQ(plain_number(given), expected) << given;
    EXPECT_EQ(shortest_number("1.00"), "1");
    EXPECT_EQ(shortest_number("100"), "100");
    EXPECT_EQ(shortest_number("-0.00"), "0");
    EXPECT_EQ(shortest_number("1e2"), "100");
    EXPECT_EQ(shortest_number("0.10"), "0.1");
}

TEST(ValueSet, ComparesNumbersByValueAndTextsAsTheyAre) {
    for (const char* configured : {"1", "1.0", "1.00", "1e0", "+1", "10e-1", "01"}) {
        ValueSet set;
        set.add(configured);
        for (const char* sent : {"1", "1.0", "1.000", "1e0", "0.1e1"})
            EXPECT_TRUE(set.holds(number(sent))) << configured << sent;
        EXPECT_TRUE(set.holds(text(configured)));
        EXPECT_FALSE(set.holds(number("10")));
        EXPECT_FALSE(set.holds(number("-1")));
        EXPECT_FALSE(set.holds(text("1.0000")));
    }
    ValueSet words;
    words.add("eu");
    words.add("");
    EXPECT_TRUE(words.holds(text("eu")));
    EXPECT_FALSE(words.holds(text("EU")));
    EXPECT_FALSE(words.holds(text("")));  // an empty property is none
    EXPECT_FALSE(words.holds(number("0")));
    EXPECT_FALSE(words.holds(absent));
    words.add("true");
    words.add("null");
    words.add("{}");
    EXPECT_TRUE(words.holds({Kind::json, "true"}));
    EXPECT_TRUE(words.holds(text("true")));
    for (const char* json : {"false", "null", "{}"}) EXPECT_FALSE(words.holds({Kind::json, json})) << json;
    ValueSet large;
    large.add("12345678901234567890123456789.10");
    EXPECT_TRUE(large.holds(number("12345678901234567890123456789.1")));
    EXPECT_FALSE(large.holds(number("12345678901234567890123456789.11")));
}

TEST(Rule, TellsWhyAnEventIsNotCounted) {
    const auto outcome = [](Aggregation aggregation, const PropertyValue& value) {
        const MetricRule rule(metric(aggregation), {}, {});
        return rule.judge(std::span(&value, rule.keys().size()));
    };
    for (const auto aggregation :
         {Aggregation::sum, Aggregation::min, Aggregation::max, Aggregation::mean, Aggregation::latest}) {
        EXPECT_EQ(outcome(aggregation, number("1.5")), Outcome::counted);
        EXPECT_EQ(outcome(aggregation, text("-2e3")), Outcome::counted);
        EXPECT_EQ(outcome(aggregation, text("lots")), Outcome::not_a_number);
        EXPECT_EQ(outcome(aggregation, text(" 5")), Outcome::not_a_number);
        EXPECT_EQ(outcome(aggregation, text("NaN")), Outcome::not_a_number);
        EXPECT_EQ(outcome(aggregation, text("1e5000")), Outcome::not_a_number);
        EXPECT_EQ(outcome(aggregation, text("")), Outcome::empty);
        EXPECT_EQ(outcome(aggregation, absent), Outcome::missing);
        for (const char* json : {"true", "false", "{}", "[1]", "[]"})
            EXPECT_EQ(outcome(aggregation, {Kind::json, json}), Outcome::not_a_number) << json;
        EXPECT_EQ(outcome(aggregation, {Kind::json, "null"}), Outcome::empty);
    }
    EXPECT_EQ(outcome(Aggregation::count_distinct, {Kind::json, "true"}), Outcome::counted);
    EXPECT_EQ(outcome(Aggregation::count_distinct, {Kind::json, "false"}), Outcome::counted);
    EXPECT_EQ(outcome(Aggregation::count_distinct, {Kind::json, "null"}), Outcome::empty);
    EXPECT_EQ(outcome(Aggregation::count_distinct, {Kind::json, "{}"}), Outcome::not_a_value);
    EXPECT_EQ(outcome(Aggregation::count_distinct, {Kind::json, "[true]"}), Outcome::not_a_value);
    EXPECT_EQ(value_text({Kind::json, "true"}), "true");
    for (const char* json : {"null", "{}", "[\"a\"]"}) EXPECT_EQ(value_text({Kind::json, json}), std::nullopt) << json;
    EXPECT_EQ(outcome(Aggregation::count_distinct, text("lots")), Outcome::counted);
    EXPECT_EQ(outcome(Aggregation::count_distinct, text("")), Outcome::empty);
    EXPECT_EQ(outcome(Aggregation::count_distinct, absent), Outcome::missing);
    EXPECT_EQ(outcome(Aggregation::count, absent), Outcome::counted);
    EXPECT_EQ(reason_text(Outcome::missing, "v"), "property \"v\" is missing");
    EXPECT_EQ(reason_text(Outcome::empty, "v"), "property \"v\" is empty");
    EXPECT_EQ(reason_text(Outcome::not_a_number, "v"), "property \"v\" is not a number");
    EXPECT_EQ(reason_text(Outcome::not_a_value, "v"), "property \"v\" is an object or an array");
    EXPECT_EQ(reason_text(Outcome::outside_matrix, "v"), "outside the segmentation matrix");
    EXPECT_EQ(reason_text(Outcome::counted, "v"), "");
}

std::vector<std::string> texts_of(const std::vector<PropertyKey>& keys) {
    std::vector<std::string> texts;
    for (const PropertyKey& key : keys) texts.push_back(key.text());
    return texts;
}

TEST(Rule, AsksEachPropertyOnce) {
    MetricDefinition definition = metric(Aggregation::sum);
    definition.matrix = parse_matrix(
        R"({"type":"DOUBLE","dimension1":{"key":"a","values":["1"]},"dimension2":{"key":"b","values":["x","2.0"]}})");
    definition.usage_group_key = "b";
    const Filter filter{{{"v", {"5", "6"}}, {"c", {"y"}}}};
    const std::string groups[] = {"a", "d", "d", "v"};
    const MetricRule rule(definition, filter, groups);
    EXPECT_EQ(texts_of(rule.keys()), (std::vector<std::string>{"a", "b", "d", "v", "c"}));
    EXPECT_EQ(rule.dimensions(), (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(rule.matrix_dimensions(), 2);
    EXPECT_EQ(rule.value_key(), 3);
    const auto judge = [&](PropertyValue a, PropertyValue b, PropertyValue v, PropertyValue c) {
        const PropertyValue values[] = {a, b, absent, v, c};
        return rule.judge(values);
    };
    EXPECT_EQ(judge(number("1.0"), number("2"), number("5.0"), text("y")), Outcome::counted);
    EXPECT_EQ(judge(text("1"), text("x"), text("6"), text("y")), Outcome::counted);
    EXPECT_EQ(judge(text("1.0"), text("x"), text("6"), text("y")), Outcome::outside_matrix);
    EXPECT_EQ(judge(number("1"), text("z"), number("5"), text("y")), Outcome::outside_matrix);
    EXPECT_EQ(judge(number("1"), text("x"), number("7"), text("y")), Outcome::filtered);
    EXPECT_EQ(judge(number("1"), text("x"), number("5"), absent), Outcome::filtered);
}

TEST(Rule, SingleMatrices) {
    MetricDefinition definition = metric(Aggregation::count);
    definition.matrix = parse_matrix(R"({"type":"SINGLE","key":"size","values":["1.0","big"]})");
    const std::string groups[] = {"size"};
    const MetricRule rule(definition, {}, groups);
    EXPECT_EQ(texts_of(rule.keys()), (std::vector<std::string>{"size"}));
    EXPECT_EQ(rule.dimensions(), (std::vector<int>{0}));
    EXPECT_EQ(rule.matrix_dimensions(), 1);
    for (const PropertyValue& value : {number("1"), number("1.00"), number("1e0"), text("1.0"), text("big")})
        EXPECT_EQ(rule.judge(std::span(&value, 1)), Outcome::counted) << value.text;
    for (const PropertyValue& value :
         {number("2"), number("-1"), text("1"), text("BIG"), text(""), absent, {Kind::json, "1"}})
        EXPECT_EQ(rule.judge(std::span(&value, 1)), Outcome::outside_matrix) << value.text;
}

TEST(Rule, LinkedMatrices) {
    MetricDefinition definition = metric(Aggregation::count);
    definition.matrix = parse_matrix(
        R"({"type":"LINKED","dimension1_key":"cloud","dimension2_key":"zone","values":{"aws":["e1","7.0"],"1.0":[]}})");
    const MetricRule rule(definition, {}, {});
    const auto judge = [&](PropertyValue cloud, PropertyValue zone) {
        const PropertyValue values[] = {cloud, zone};
        return rule.judge(values);
    };
    EXPECT_EQ(judge(text("aws"), text("e1")), Outcome::counted);
    EXPECT_EQ(judge(text("aws"), number("7")), Outcome::counted);
    EXPECT_EQ(judge(text("aws"), absent), Outcome::outside_matrix);
    EXPECT_EQ(judge(text("gcp"), text("e1")), Outcome::outside_matrix);
    EXPECT_EQ(judge(number("1"), absent), Outcome::counted);
    EXPECT_EQ(judge(number("1.00"), text("anything")), Outcome::counted);
    EXPECT_EQ(judge(absent, text("e1")), Outcome::outside_matrix);
}

TEST(Filters, AreReadWithNumbersByValue) {
    const Filter filter = parse_filter(
        R"({"size": 1.0, "r\u00e9gion": ["eu", "1.50", 10e-1, -0.0, 12345678901234567890123456789.10], "none": [], "empty": ""})");
    ASSERT_EQ(filter.entries.size(), 4u);
    EXPECT_EQ(filter.entries[0].key, "size");
    EXPECT_EQ(filter.entries[0].values, (std::vector<std::string>{"1"}));
    EXPECT_EQ(filter.entries[1].key, "r\u00e9gion");
    EXPECT_EQ(filter.entries[1].values,
              (std::vector<std::string>{"eu", "1.50", "1", "0", "12345678901234567890123456789.1"}));
    EXPECT_TRUE(filter.entries[2].values.empty());
    EXPECT_EQ(filter.entries[3].values, (std::vector<std::string>{""}));
    EXPECT_TRUE(parse_filter("{}").entries.empty());
    for (const char* wrong : {"", "[]", "1", "\"a\"", "{\"a\": 1", "{\"a\": tru}", "{\"a\": null}", "{\"a\": {}}",
                              "{\"a\": [[1]]}", "{\"a\": [1, null]}", "{\"a\": 1x}"})
        EXPECT_THROW(parse_filter(wrong), Error) << wrong;
}

TEST(Filters, OfNoValueLetNothingIn) {
    const MetricRule rule(metric(Aggregation::count), parse_filter(R"({"a": []})"), {});
    for (const PropertyValue& value : {absent, text(""), text("x"), number("0")})
        EXPECT_EQ(rule.judge(std::span(&value, 1)), Outcome::filtered);
}

TEST(Matrices, WithoutATypeAreOfOneDimension) {
    const SegmentationMatrix matrix = parse_matrix(R"({"key": "p", "values": ["aws", "1.0"]})");
    EXPECT_EQ(matrix.type, SegmentationMatrix::Type::single);
    EXPECT_EQ(matrix.key1, "p");
    EXPECT_EQ(matrix.values1, (std::vector<std::string>{"aws", "1.0"}));
    for (const char* wrong : {"{}", "[]", "1", R"({"type": null, "key": "p", "values": ["a"]})", R"({"type": "TRIPLE"})",
                              R"({"key": "p", "values": [1]})", R"({"key": "p"})"})
        EXPECT_THROW(parse_matrix(wrong), Error) << wrong;
}

TEST(Filters, OfAMetricHoldAllTogetherAndWithTheQuestions) {
    MetricDefinition definition = metric(Aggregation::sum);
    definition.filters = parse_filters(R"([{"property": "plan", "op": "IN", "values": ["pro", "1.0"]},
                                           {"property": "region", "op": "NOT_EQUAL", "values": ["eu"]},
                                           {"property": "region", "op": "NOT_IN", "values": ["us", "2"]}])");
    Filter asked;
    asked.entries.push_back({"plan", {"pro"}});
    const MetricRule own(definition, {}, {}), both(definition, asked, {});
    ASSERT_EQ(own.keys().size(), 3U);  // v, plan, region: each read once
    const auto judged = [](const MetricRule& rule, PropertyValue plan, PropertyValue region) {
        const PropertyValue values[] = {number("1"), plan, region};
        return rule.judge(values);
    };
    EXPECT_EQ(judged(own, text("pro"), text("asia")), Outcome::counted);
    EXPECT_EQ(judged(own, number("1"), number("3")), Outcome::counted);
    EXPECT_EQ(judged(own, text("free"), text("asia")), Outcome::filtered);
    EXPECT_EQ(judged(own, absent, text("asia")), Outcome::filtered);
    for (const PropertyValue& region : {text("eu"), text("us"), number("2.0"), absent, text("")})
        EXPECT_EQ(judged(own, text("pro"), region), Outcome::filtered) << region.text;
    EXPECT_EQ(judged(both, text("pro"), text("asia")), Outcome::counted);
    EXPECT_EQ(judged(both, number("1"), text("asia")), Outcome::filtered);
    EXPECT_TRUE(own.filters(1));
    EXPECT_FALSE(own.filters(0));
    for (const char* wrong :
         {"{}", "1", R"([{"property": "p", "op": "LIKE", "values": ["a"]}])", R"([{"op": "IN", "values": ["a"]}])",
          R"([{"property": "p", "op": "IN"}])", R"([{"property": "p", "op": "IN", "values": [1]}])"})
        EXPECT_THROW(parse_filters(wrong), Error) << wrong;
}

TEST(Values, AsTextsAndNumbers) {
    EXPECT_EQ(value_text(number("1.00")), "1");
    EXPECT_EQ(value_text(text("1.00")), "1.00");
    EXPECT_EQ(value_text(text("")), std::nullopt);
    EXPECT_EQ(value_text(absent), std::nullopt);
    std::int64_t coefficient = 0;
    std::int32_t scale = 0;
    for (const char* given :
         {"0", "1", "-1.50", "123456789012345678", "0.123456789012345678", "-0", "1e3", "+5", "5.", ".5", "-",
          "1234567890123456789", "1.2.3", "0x1", "", "12345678901234567890123456789012345678901234567890.5"}) {
        const bool small = read_small_number(text(given), coefficient, scale);
        const ReadNumber whole = read_number(text(given));
        if (!small) continue;
        ASSERT_EQ(whole.outcome, Outcome::counted) << given;
        EXPECT_EQ(whole.value.kind, DecimalKind::small) << given;
        EXPECT_EQ(whole.value.coefficient, coefficient) << given;
        EXPECT_EQ(whole.value.scale, scale) << given;
    }
    EXPECT_TRUE(read_small_number(number("-1.50"), coefficient, scale));
    EXPECT_EQ(coefficient, -150);
    EXPECT_EQ(scale, 2);
    std::string shown;
    append_text(shown, read_number(text("12345678901234567890123456789012345678901234567890.5")).value);
    EXPECT_EQ(shown, "12345678901234567890123456789012345678901234567890.5");
}

TEST(Kinds, RefuseByTheSignOfTheValue) {
    MetricDefinition definition = metric(Aggregation::sum);
    EXPECT_EQ(kind_problem(definition, 0), "");
    definition.kind = MetricKind::base;
    EXPECT_EQ(kind_problem(definition, 0), "metric \"m\" is of kind base: value must be greater than 0");
    EXPECT_EQ(kind_problem(definition, 1), "");
    definition.kind = MetricKind::dual;
    EXPECT_EQ(kind_problem(definition, -1), "");
    EXPECT_EQ(kind_problem(definition, 0), "metric \"m\" is of kind dual: value must not be 0");
}

}  // namespace
}  // namespace tally
