// The route table and request targets.
#include <gtest/gtest.h>

#include "api/router.hpp"
#include "http/uri.hpp"

namespace {

using tallyd::match;
using tallyd::parse_target;
using tallyd::percent_decode;
using tallyd::redacted;

TEST(Router, EveryRowIsFoundByItsOwnPatternAndMethod) {
    for (const tallyd::Route& route : tallyd::routes()) {
        std::string path = route.pattern;
        for (std::size_t at; (at = path.find('{')) != std::string::npos;) path.replace(at, path.find('}') - at + 1, "bm_1");
        const auto found = match(route.method, parse_target(path).segments);
        EXPECT_EQ(found.route, &route) << path;
        EXPECT_EQ(&tallyd::routes()[tallyd::index_of(route)], &route);
        if (route.scope) {
            EXPECT_TRUE(std::string(route.scope) == "read" || std::string(route.scope) == "write" ||
                        std::string(route.scope) == "admin")
                << path;
        }
    }
}

TEST(Router, ParametersBecomeJson) {
    const auto found = match("GET", parse_target("/api/v1/metrics/a%22b%2Fc/usage").segments);
    ASSERT_NE(found.route, nullptr);
    EXPECT_EQ(found.parameters, R"({"id":"a\"b/c"})");
}

TEST(Router, UnknownPathHasNoMethods) {
    EXPECT_EQ(match("GET", {"nope"}).route, nullptr);
    EXPECT_EQ(match("GET", {"nope"}).allow, "");
    EXPECT_EQ(match("GET", {}).allow, "");
    EXPECT_EQ(match("GET", {"api", "v1", "metrics", "x", "usage", "y"}).allow, "");
    EXPECT_EQ(match("GET", {"api", "v1", "metrics", ""}).allow, "");
}

TEST(Router, KnownPathSaysWhatItAllows) {
    const auto found = match("DELETE", {"api", "v1", "metrics"});
    EXPECT_EQ(found.route, nullptr);
    EXPECT_EQ(found.allow, "GET, HEAD, POST, OPTIONS");
    EXPECT_NE(match("HEAD", {"api", "v1", "metrics"}).route, nullptr);
    EXPECT_EQ(match("get", {"healthz"}).route, nullptr);
}

TEST(Router, AnIdMayBeCalledAsAnotherRouteIs) {
    for (const char* id : {"ingest", "import"}) {
        const auto found = match("GET", {"api", "v1", "events", id});
        ASSERT_NE(found.route, nullptr) << id;
        EXPECT_STREQ(found.route->pattern, "/api/v1/events/{event_id}");
        EXPECT_EQ(found.parameters, std::string(R"({"event_id":")") + id + "\"}");
        EXPECT_STREQ(match("POST", {"api", "v1", "events", id}).route->pattern,
                     (std::string("/api/v1/events/") + id).c_str());
        EXPECT_NE(match("PATCH", {"api", "v1", "events", id}).allow.find("POST"), std::string::npos);
    }
    EXPECT_EQ(match("PUT", {"api", "v1", "metrics", "x"}).allow, "GET, HEAD, PATCH, OPTIONS");
}

TEST(Target, SplitsBeforeItDecodes) {
    const auto target = parse_target("/a%2Fb/c?x=1");
    ASSERT_TRUE(target.path_valid);
    EXPECT_EQ(target.segments, (std::vector<std::string>{"a/b", "c"}));
}

TEST(Target, IgnoresOneTrailingSlash) {
    EXPECT_EQ(parse_target("/a/").segments, (std::vector<std::string>{"a"}));
    EXPECT_EQ(parse_target("/a//").segments, (std::vector<std::string>{"a", ""}));
    EXPECT_TRUE(parse_target("/").segments.empty());
    EXPECT_EQ(parse_target("//a").segments, (std::vector<std::string>{"", "a"}));
}

TEST(Target, TakesTheAbsoluteForm) {
    EXPECT_EQ(parse_target("http://host:8080/a/b?c=d").segments, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(parse_target("http://host?c=d").query, R"({"c":["d"]})");
    EXPECT_TRUE(parse_target("http://host").path_valid);
    EXPECT_FALSE(parse_target("nonsense").path_valid);
    EXPECT_FALSE(parse_target("").path_valid);
    EXPECT_FALSE(parse_target("*").path_valid);
}

TEST(Target, InAbsoluteFormHasAHost) {
    for (const char* good :
         {"/a", "/a?b=http://c", "*", "", "http://host", "HTTPS://host:443/a?b=c", "http://[::1]:80/", "http://h?x"})
        EXPECT_TRUE(tallyd::names_a_host(good)) << good;
    for (const char* bad : {"http:///a", "http://", "http://?x", "http://user@host/a", "http://a@b@c/", "http://a b/",
                            "ftp://host/a", "://host/a", "http://host:80a/", "x:/a://host"})
        EXPECT_FALSE(tallyd::names_a_host(bad)) << bad;
}

TEST(Target, FirstParameterIsNamedWithoutTheKey) {
    EXPECT_EQ(parse_target("/?apiKey=x&b=2&a=1").first_name, "b");
    EXPECT_EQ(parse_target("/?apiKey=x").first_name, "");
}

TEST(Target, QueryBecomesArraysInOrder) {
    EXPECT_EQ(parse_target("/?b=2&a=1&b=3&&c&d=").query, R"({"b":["2","3"],"a":["1"],"c":[""],"d":[""]})");
    EXPECT_EQ(parse_target("/?filter%5Bregion%5D=e+u&x=a%3Db=c").query, R"({"filter[region]":["e u"],"x":["a=b=c"]})");
    EXPECT_EQ(parse_target("/").query, "{}");
    EXPECT_EQ(parse_target("/?").query, "{}");
}

TEST(Target, TakesTheKeyOutOfTheQuery) {
    const auto target = parse_target("/?a=1&apiKey=s3&b=2&%61piKey=s4&apikey=x");
    EXPECT_EQ(target.query, R"({"a":["1"],"b":["2"],"apikey":["x"]})");
    EXPECT_EQ(target.keys, (std::vector<std::string>{"s3", "s4"}));
    EXPECT_EQ(parse_target("/?apiKey=s3").query, "{}");
    EXPECT_EQ(parse_target("/?apiKey").keys, (std::vector<std::string>{""}));
}

TEST(Target, RefusesWhatIsNoText) {
    for (const char* bad : {"/?a=%", "/?a=%4", "/?a=%zz", "/?a=%00", "/?a=%ff", "/?%c3=1", "/?a=%ed%a0%80"}) {
        const auto target = parse_target(bad);
        EXPECT_TRUE(target.path_valid) << bad;
        EXPECT_FALSE(target.query_valid) << bad;
    }
    EXPECT_FALSE(parse_target("/%00").path_valid);
    EXPECT_FALSE(parse_target("/a/%").path_valid);
}

TEST(PercentDecode, PlusIsASpaceOnlyWhereAsked) {
    EXPECT_EQ(percent_decode("a+b%20%2B", true), "a b +");
    EXPECT_EQ(percent_decode("a+b", false), "a+b");
    EXPECT_EQ(percent_decode("%C3%A9", false), "\xC3\xA9");
    EXPECT_EQ(percent_decode("", false), "");
}

TEST(Redaction, HidesSecretsHoweverTheyAreSpelled) {
    EXPECT_EQ(redacted("/a?apiKey=s3&x=1"), "/a?apiKey=***&x=1");
    EXPECT_EQ(redacted("/a?x=1&API_KEY=s3"), "/a?x=1&API_KEY=***");
    EXPECT_EQ(redacted("/a?%61piKey=s3"), "/a?%61piKey=***");
    EXPECT_EQ(redacted("/a?%zz=s3"), "/a?%zz=***");
    EXPECT_EQ(redacted("/a"), "/a");
    EXPECT_LE(redacted("/" + std::string(1000, 'a')).size(), 260u);
}

}  // namespace
