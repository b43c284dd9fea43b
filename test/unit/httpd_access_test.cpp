// Keys where clients put them, and the origins that may call.
#include <gtest/gtest.h>

#include "api/key.hpp"
#include "api/body_key.hpp"
#include "http/cross_origin.hpp"

namespace {

using tallyd::authorization_key;
using tallyd::parse_form;
using tallyd::take_key_of_json;
using Verdict = tallyd::TakenKey::Verdict;

TEST(Authorization, Bearer) {
    EXPECT_EQ(authorization_key("Bearer abc"), "abc");
    EXPECT_EQ(authorization_key("bEARER   a.b-c_d~+/= "), "a.b-c_d~+/=");
    for (const char* bad : {"", "Bearer", "Bearer ", "Bearerabc", "Bearer a b", "Bearer a,b", "Digest abc", "abc"})
        EXPECT_EQ(authorization_key(bad), std::nullopt) << bad;
    EXPECT_EQ(authorization_key("Bearer " + std::string(513, 'a')), std::nullopt);
}

TEST(Authorization, BasicHasTheKeyAsUserName) {
    EXPECT_EQ(authorization_key("Basic YWJjOg=="), "abc");         // abc:
    EXPECT_EQ(authorization_key("basic  YWJjOmFiYw=="), "abc");    // abc:abc
    EXPECT_EQ(authorization_key("Basic YWJjOngK"), std::nullopt);  // abc:x\n
    EXPECT_EQ(authorization_key("Basic YWJj"), std::nullopt);      // abc
    EXPECT_EQ(authorization_key("Basic Og=="), std::nullopt);      // :
    EXPECT_EQ(authorization_key("Basic OmFiYw=="), std::nullopt);  // :abc
    EXPECT_EQ(authorization_key("Basic YSBiOg=="), std::nullopt);  // a b:
    EXPECT_EQ(authorization_key("Basic YWIAYzo="), std::nullopt);  // ab\0c:
    for (const char* bad :
         {"Basic", "Basic ", "Basic YWJjOg", "Basic YWJjOg=", "Basic YW=jOg==", "Basic YWJjOg==!", "Basic ===="})
        EXPECT_EQ(authorization_key(bad), std::nullopt) << bad;
    EXPECT_EQ(authorization_key("Basic " + std::string(1 << 20, 'A')), std::nullopt);
}

TEST(PresentedKeys, AgreeOrDiffer) {
    tallyd::PresentedKeys keys;
    EXPECT_TRUE(keys.none());
    keys.add("a");
    keys.add("a");
    EXPECT_FALSE(keys.none());
    EXPECT_FALSE(keys.differ());
    EXPECT_EQ(keys.hash(), tallyd::hash_key("a"));
    keys.add("b");
    keys.add("b");
    EXPECT_TRUE(keys.differ());
}

TEST(BodyKey, IsOverwrittenBySpaces) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"apiKey":"s3"})", "{}"},
        {R"({"apiKey":"s3","a":1})", R"({"a":1})"},
        {R"({"a":1,"apiKey":"s3"})", R"({"a":1})"},
        {R"({"a":1, "apiKey" : "s3" , "b":2})", R"({"a":1,"b":2})"},
        {"\n{ \"a\":[{\"x\":\"}\"}],\"apiKey\":\"s3\"\n}\n", R"({"a":[{"x":"}"}]})"},
        {R"({"apiKey":"\u0073\u0033"})", "{}"}};
    for (const auto& [before, after] : cases) {
        std::string body = before;
        const auto taken = take_key_of_json(body);
        EXPECT_EQ(taken.verdict, Verdict::taken) << before;
        EXPECT_EQ(taken.key, "s3") << before;
        EXPECT_EQ(body.size(), std::string_view(before).size());
        std::erase_if(body, [](char c) { return c == ' ' || c == '\n'; });
        EXPECT_EQ(body, after);
    }
    std::string first = R"({"apiKey":"s3","a":1})";
    take_key_of_json(first);
    EXPECT_EQ(first.find("\"a\""), 15u);  // where it was
}

TEST(BodyKey, ElsewhereIsData) {
    for (const char* text : {R"({"a":1})", R"({"a":{"apiKey":"x"}})", R"({"a":["apiKey"]})", R"({"a":"apiKey"})",
                             R"({"a":"\"apiKey\":\"x\""})", R"({"apikey":"x"})", R"({"a":"apiKey","b":"\\"})", "{}", ""}) {
        std::string body = text;
        EXPECT_EQ(take_key_of_json(body).verdict, Verdict::absent) << text;
        EXPECT_EQ(body, text);
    }
}

TEST(BodyKey, MalformedTextStaysMalformed) {
    for (const char* text : {R"({,"apiKey":"x"})", R"({"apiKey":"x",})", R"({"a":1 "apiKey":"x"})", R"({"apiKey":"x"}})",
                             R"({"apiKey":"x")", R"({"apiKey" "x"})", R"({"apiKey":})", R"(["apiKey"])", R"("apiKey")",
                             R"({"apiKey":"x)", R"({"a":[1,"apiKey":"x"})", R"({"apiKey":"x"} 1)",
                             R"({"a":1,,"apiKey":"x"})", R"({"apiKey":"x\)", R"({"apiKey")"}) {
        std::string body = text;
        EXPECT_EQ(take_key_of_json(body).verdict, Verdict::malformed) << text;
        EXPECT_EQ(body, text);
    }
    std::string twice = R"({"apiKey":"x","apiKey":"x"})";
    EXPECT_EQ(take_key_of_json(twice).verdict, Verdict::repeated);
    std::string deep = "{\"a\":" + std::string(1 << 20, '[') + ",\"apiKey\":1";
    EXPECT_EQ(take_key_of_json(deep).verdict, Verdict::malformed);
}

TEST(BodyKey, WhatIsNoStringIsNoKey) {
    for (const char* text : {"5", "null", "{\"x\":1}", "[\"x\"]", "\"\\ud800\"", "\"\\u0000\""}) {
        std::string body = std::string("{\"apiKey\":") + text + "}";
        const auto taken = take_key_of_json(body);
        EXPECT_EQ(taken.verdict, Verdict::taken) << text;
        EXPECT_EQ(taken.key, "") << text;
        EXPECT_TRUE(tallyd::is_empty_object(body)) << body;
    }
}

TEST(BodyKey, EmptyObject) {
    for (const char* yes : {"{}", " {\n}\t"}) EXPECT_TRUE(tallyd::is_empty_object(yes)) << yes;
    for (const char* no : {"", "{", "}{", "{}{}", "{1}", "[]"}) EXPECT_FALSE(tallyd::is_empty_object(no)) << no;
}

TEST(Form, BecomesAnObjectOfStrings) {
    const auto form = parse_form("a=1&apiKey=s3&b=x+y%26&c&&d=\"");
    ASSERT_TRUE(form);
    EXPECT_EQ(form->json, R"({"a":"1","b":"x y&","c":"","d":"\""})");
    EXPECT_EQ(form->keys, (std::vector<std::string>{"s3"}));
    EXPECT_EQ(parse_form("")->json, "{}");
    for (const char* bad : {"a=1&a=2", "a=%", "%00=1", "a=%ff"}) EXPECT_FALSE(parse_form(bad)) << bad;
}

TEST(CrossOrigin, AnyNoneOrAList) {
    const tallyd::CrossOrigin any({"https://a", "*"});
    EXPECT_STREQ(any.allowed(nullptr), "*");
    EXPECT_STREQ(any.allowed("https://b"), "*");
    EXPECT_FALSE(any.depends_on_origin());
    const tallyd::CrossOrigin none({"none"});
    EXPECT_EQ(none.allowed("https://b"), nullptr);
    EXPECT_FALSE(none.depends_on_origin());
    const tallyd::CrossOrigin some({"https://a"});
    EXPECT_STREQ(some.allowed("https://a"), "https://a");
    EXPECT_EQ(some.allowed("https://ab"), nullptr);
    EXPECT_EQ(some.allowed(nullptr), nullptr);
    EXPECT_TRUE(some.depends_on_origin());
}

TEST(CrossOrigin, Rules) {
    for (const char* good : {"*", "none", "https://a.example.com", "http://localhost:3000", "http://[::1]:80"})
        EXPECT_TRUE(tallyd::is_origin_rule(good)) << good;
    for (const char* bad :
         {"", "null", "a.example.com", "https://", "://a", "https://a/", "https://A.com", "https://a b", "https://a:"})
        EXPECT_FALSE(tallyd::is_origin_rule(bad)) << bad;
}

}  // namespace
