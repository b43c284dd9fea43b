// Keys of metrics, dimensions and filters: which texts are paths, what is refused and where, and what they lead to.
#include "core/metric/property_key.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"

namespace tally {
namespace {

using Kind = PropertyValue::Kind;

// A key in words: property and steps.
std::string words(std::string_view text) {
    const PropertyKey key = PropertyKey::parse(text);
    EXPECT_EQ(key.text(), text);
    std::string all = (key.may_be_name() ? "?" : "") + key.property();
    for (const PathStep& step : key.steps()) all += step.is_index ? "#" + std::to_string(step.index) : "/" + step.name;
    return all;
}

TEST(PropertyKey, TellsNamesFromPaths) {
    const std::pair<const char*, const char*> cases[] = {
        {"bytes", "bytes"},
        {"usage.bytes", "?usage/bytes"},
        {"a.b.c", "?a/b/c"},
        {"a b.c-d", "?a b/c-d"},
        {"$cost", "$cost"},
        {"$cost.usd", "?$cost/usd"},
        {"a[0]", "a[0]"},
        {"'a'", "'a'"},
        {"a.0", "?a/0"},
        {"", ""},
        {"$.usage", "usage"},
        {"$.usage.bytes", "usage/bytes"},
        {"$['usage']['bytes']", "usage/bytes"},
        {"$[\"a\"][\"b\"]", "a/b"},
        {"$['a.b']", "a.b"},
        {"$['a.b'].c", "a.b/c"},
        {"$.a[0]", "a#0"},
        {"$.a[-1].b", "a#-1/b"},
        {"$.a[10][2]", "a#10#2"},
        {"$ .a\n[ 'b' ] [\t3 ]", "a/b#3"},
        {"$._x1.\xc3\xa9", "_x1/\xc3\xa9"},
        {"$['']", ""},
        {"$['it\\'s']", "it's"},
        {"$[\"it's\"]", "it's"},
        {"$['\\u00e9\\uD83D\\ude00\\n\\\\\\/']", "\xc3\xa9\xf0\x9f\x98\x80\n\\/"},
        {"$.a[9007199254740991]", "a#9007199254740991"}};
    for (const auto& [text, expected] : cases) EXPECT_EQ(words(text), expected) << text;
}

TEST(PropertyKey, RefusesWithTheirPlaceWhatIsNoPath) {
    const std::tuple<const char*, int, const char*> cases[] = {{"$", 2, "names no property"},
                                                               {"$.", 3, "name is expected"},
                                                               {"$..a", 3, "find many"},
                                                               {"$.*", 3, "find many"},
                                                               {"$.a.", 5, "name is expected"},
                                                               {"$.a-b", 4, "expected"},
                                                               {"$.1a", 3, "name is expected"},
                                                               {"$. a", 3, "name is expected"},
                                                               {"$.a ", 4, "blank"},
                                                               {"$[0]", 2, "no array"},
                                                               {"$[", 3, "expected"},
                                                               {"$['a'", 6, "] is expected"},
                                                               {"$['a", 3, "no end"},
                                                               {"$[a]", 3, "in quotes"},
                                                               {"$.a[01]", 5, "leading zeros"},
                                                               {"$.a[-0]", 5, "leading zeros"},
                                                               {"$.a[-]", 6, "index"},
                                                               {"$.a[1:2]", 6, "find many"},
                                                               {"$.a[:2]", 5, "find many"},
                                                               {"$.a[*]", 5, "find many"},
                                                               {"$.a[?@.b]", 5, "find many"},
                                                               {"$.a['b','c']", 8, "find many"},
                                                               {"$.a[9007199254740992]", 5, "too large"},
                                                               {"$.a[99999999999999999999]", 5, "too large"},
                                                               {"$['\\x']", 4, "escape"},
                                                               {"$['\\\"']", 4, "escape"},
                                                               {"$['\\u12']", 4, "hexadecimal"},
                                                               {"$['\\ud800']", 4, "surrogate"},
                                                               {"$['\\udc00']", 4, "surrogate"},
                                                               {"$['\\ud800\\u0041']", 4, "surrogate"},
                                                               {"$['\\u0000']", 4, "U+0000"},
                                                               {"$['\n']", 4, "control"},
                                                               {"$.\xc3\xa9\xc3\xa9[x]", 6, "in quotes"},
                                                               {".a", 1, "missing"},
                                                               {"a.", 3, "missing"},
                                                               {"a..b", 3, "missing"},
                                                               {".", 1, "missing"},
                                                               {"\xc3\xa9..b", 3, "missing"}};
    for (const auto& [text, position, part] : cases) {
        std::string problem;
        (void)PropertyKey::read(text, problem);
        EXPECT_NE(problem.find(part), std::string::npos) << text << " -> " << problem;
        EXPECT_TRUE(problem.ends_with("at character " + std::to_string(position))) << text << " -> " << problem;
    }
    try {
        PropertyKey::parse("a..b", "group_by");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
        EXPECT_STREQ(error.field(), "group_by");
    }
}

// What a key finds among a few properties, as kind and text.
std::string found(std::string_view text) {
    const PropertyKey key = PropertyKey::parse(text);
    PathReader reader;
    const PropertyValue value = value_at(key, reader, [](const std::string& name) -> PropertyValue {
        if (name == "n") return {Kind::number, "1.50"};
        if (name == "t") return {Kind::text, R"({"a": 1})"};
        if (name == "a.dot") return {Kind::text, "named"};
        if (name == "null.x") return {Kind::json, "null"};
        if (name == "list") return {Kind::json, R"([1, "two", [true, null], {"a": 3}])"};
        if (name == "a")
            return {
                Kind::json,
                R"({"b":1.0e0 ,"dot":"path","\u00e9":"\u0041\n", "o": {"o": {"x": [ ]}},"f":false, "z":null,"list":[[1],[2, 3]]})"};
        return {};
    });
    constexpr const char* kinds[] = {"absent", "text", "number", "json"};
    return kinds[static_cast<int>(value.kind)] + std::string(value.kind == Kind::absent ? "" : " ") +
           std::string(value.text);
}

TEST(PropertyKey, LeadsToValues) {
    const std::pair<const char*, const char*> cases[] = {{"n", "number 1.50"},
                                                         {"n.x", "absent"},
                                                         {"$.n[0]", "absent"},
                                                         {"t.a", "absent"},
                                                         {"a.b", "number 1.0e0"},
                                                         {"$.a.b", "number 1.0e0"},
                                                         {"a.dot", "text named"},
                                                         {"$.a.dot", "text path"},
                                                         {"$['a.dot']", "text named"},
                                                         {"a.\xc3\xa9", "text A\n"},
                                                         {"a.o.o", R"(json {"x": [ ]})"},
                                                         {"a.o.o.x", "json [ ]"},
                                                         {"$.a.o.o.x[0]", "absent"},
                                                         {"a.f", "json false"},
                                                         {"a.z", "json null"},
                                                         {"a.z.x", "absent"},
                                                         {"a.nothing", "absent"},
                                                         {"nothing.b", "absent"},
                                                         {"null.x", "json null"},
                                                         {"$.list[0]", "number 1"},
                                                         {"$.list[1]", "text two"},
                                                         {"$.list[-1].a", "number 3"},
                                                         {"$.list[-4]", "number 1"},
                                                         {"$.list[-5]", "absent"},
                                                         {"$.list[4]", "absent"},
                                                         {"$.list[2][1]", "json null"},
                                                         {"$.list['0']", "absent"},
                                                         {"list.0", "absent"},
                                                         {"$.a[0]", "absent"},
                                                         {"$.a.list[1][-1]", "number 3"},
                                                         {"$.a.list[-2]", "json [1]"}};
    for (const auto& [text, expected] : cases) EXPECT_EQ(found(text), expected) << text;
}

TEST(PropertyKey, BrokenJsonIsTold) {
    PathReader reader;
    for (const char* json : {R"({"a" 1})", R"({"b":1)"})
        EXPECT_THROW((void)reader.read(json, PropertyKey::parse("$.x.a").steps()), Error) << json;
    EXPECT_EQ(reader.read("nonsense", PropertyKey::parse("x.a").steps()).kind, Kind::absent);
}

}  // namespace
}  // namespace tally
