// Errors as JSON, SQLSTATE to status, JSON text, counts in ingest answers, keys, request ids, bodies.
#include <gtest/gtest.h>

#include "api/body.hpp"
#include "api/ingest_counts.hpp"
#include "api/key.hpp"
#include "base/error.hpp"
#include "http/fields.hpp"
#include "base/json.hpp"
#include "base/json_text.hpp"
#include "db/sql_error.hpp"
#include "http/request_id.hpp"

namespace {

using namespace tallyd;

TEST(Error, StatusFollowsSqlstate) {
    const std::pair<const char*, unsigned> cases[] = {
        {"22023", 400}, {"22P02", 400}, {"23514", 400}, {"23502", 400}, {"P0002", 404}, {"23505", 409},
        {"23503", 409}, {"TL409", 409}, {"28000", 401}, {"28P01", 401}, {"42501", 403}, {"TL429", 429},
        {"54000", 413}, {"40001", 503}, {"40P01", 503}, {"57014", 503}, {"53300", 503}, {"08006", 503},
        {"57P01", 503}, {"55P03", 503}, {"XX000", 500}, {"42883", 500}, {"P0001", 500}, {"", 500}};
    for (const auto& [state, status] : cases) {
        EXPECT_EQ(status_of(state), status) << state;
        const Response answer = response_for({state, "primary", "", "", ""});
        EXPECT_EQ(answer.status, status) << state;
        EXPECT_EQ(answer.retry_after > 0, status == 503) << state;
        EXPECT_EQ(answer.challenge, status == 401) << state;
    }
}

TEST(Error, BodyHasDetailsOnlyWhereThereAreSome) {
    EXPECT_EQ(response_for({"22023", "no", "", "", ""}).body, R"({"code":"BAD_REQUEST","message":"no"})");
    EXPECT_EQ(response_for({"22023", "no \"x\"", "why", "do", "from"}).body,
              R"({"code":"BAD_REQUEST","message":"no \"x\"","details":{"field":"from","hint":"do","detail":"why"}})");
}

TEST(Error, InternalsStayInside) {
    const Response answer = response_for({"XX000", "secret table", "secret detail", "secret hint", "secret"});
    EXPECT_EQ(answer.body, R"({"code":"INTERNAL_SERVER_ERROR","message":"internal error"})");
    EXPECT_EQ(response_for({"53100", "disk full on /var", "", "", ""}).body.find("/var"), std::string::npos);
}

TEST(Error, FaultsDecideAboutRetryAndSplit) {
    EXPECT_EQ(fault_of("22012"), SqlFault::isolate);
    EXPECT_EQ(fault_of("23514"), SqlFault::isolate);
    EXPECT_EQ(fault_of("40P01"), SqlFault::retry);
    EXPECT_EQ(fault_of("57P01"), SqlFault::connection);
    EXPECT_EQ(fault_of("08006"), SqlFault::connection);
    EXPECT_EQ(fault_of("57014"), SqlFault::unavailable);
    EXPECT_EQ(fault_of("42501"), SqlFault::data);
    EXPECT_EQ(fault_of("42883"), SqlFault::internal);
    EXPECT_EQ(fault_of(""), SqlFault::internal);
}

TEST(JsonText, EscapesAndRepairs) {
    EXPECT_EQ(json_string("a\"\\\n\t\x01\x7f"), "\"a\\\"\\\\\\n\\t\\u0001\\u007f\"");
    EXPECT_EQ(json_string("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    EXPECT_EQ(json_string("a\xFF\xC3"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
    EXPECT_EQ(json_string(std::string_view("\0", 1)), "\"\\u0000\"");
}

TEST(IngestCounts, ReadsTheTopLevelOnly) {
    IngestCounts counts = ingest_counts(R"({"accepted":12,"duplicates":3})");
    EXPECT_EQ(counts.accepted, 12u);
    EXPECT_EQ(counts.duplicates, 3u);
    EXPECT_EQ(counts.failures, 0u);
    counts = ingest_counts(
        R"({"accepted" : 1, "duplicates" : 0, "failures" : [{"index": 0, "event_id": "{\"accepted\":9}", "x": {"failures": [{}]}}, {"index":4}]})");
    EXPECT_EQ(counts.accepted, 1u);
    EXPECT_EQ(counts.failures, 2u);
    EXPECT_EQ(ingest_counts(R"({"code":"X","message":"accepted","details":{"accepted":5}})").accepted, 0u);
    for (const char* broken : {"", "{", "\"", "{\"accepted\":", "[[[", "}}}", "{\"a\\"})
        EXPECT_EQ(ingest_counts(broken).accepted, 0u);
}

TEST(Json, ReadsByPathAndNothingElse) {
    const Json read(R"({"a":{"b":[1,{"c":"x\u0041"},2.50]},"n":null,"s":"t","k/~":7})");
    EXPECT_EQ(read.text("/a/b/1/c"), "xA");
    EXPECT_EQ(read.integer("/a/b/0"), 1);
    EXPECT_EQ(read.number("/a/b/2"), 2.5);
    EXPECT_EQ(read.number("/a/b/0"), 1);
    EXPECT_EQ(read.integer("/k~1~0"), 7);
    EXPECT_EQ(read.size("/a/b"), 3u);
    EXPECT_EQ(read.raw("/a/b/1"), R"({"c":"xA"})");
    EXPECT_TRUE(read.is_object() && read.is_object("/a") && read.is_null("/n"));
    EXPECT_FALSE(read.is_object("/s") || read.is_null("/x") || read.is_null("/s"));
    EXPECT_FALSE(read.text("/a") || read.integer("/s") || read.number("/n") || read.raw("/x"));
    EXPECT_EQ(read.size("/a"), 0u);
    std::string names;
    read.members("", [&names](std::string_view name, const std::string& value) { names.append(name) += '=' + value + ';'; });
    EXPECT_EQ(names, R"(a={"b":[1,{"c":"xA"},2.5]};n=null;s="t";k/~=7;)");
    for (const char* broken : {"", "{", "[1,]", "nul", "{\"a\":1}x"}) {
        const Json none(broken);
        EXPECT_FALSE(none.is_object() || none.raw() || none.integer("/a")) << broken;
    }
}

TEST(Auth, BearerKeys) {
    EXPECT_EQ(authorization_key("Bearer abc"), "abc");
    EXPECT_EQ(authorization_key("bEARER   abc=  "), "abc=");
    for (const char* bad :
         {"", "Bearer", "Bearer ", "Bearerabc", "Basic abc", "Bearer a b", "Bearer a,b", "Bearer \xC3\xA9"})
        EXPECT_FALSE(authorization_key(bad)) << bad;
    EXPECT_FALSE(authorization_key("Bearer " + std::string(513, 'a')));
}

TEST(Auth, HashIsSha256) {
    const KeyHash hash = hash_key("abc");
    EXPECT_EQ(hash[0], 0xba);
    EXPECT_EQ(hash[1], 0x78);
    EXPECT_EQ(hash[31], 0xad);
}

TEST(RequestId, OnlySaneOnesAreKept) {
    EXPECT_TRUE(is_sane_request_id("0af7651916cd43dd-8448.x_y"));
    for (const char* bad : {"", "a b", "a\r\nX: y", "\"", "<x>", "\xC3\xA9"}) EXPECT_FALSE(is_sane_request_id(bad)) << bad;
    EXPECT_FALSE(is_sane_request_id(std::string(129, 'a')));
    EXPECT_EQ(new_request_id().size(), 16u);
    EXPECT_NE(new_request_id(), new_request_id());
}

TEST(Body, TextIsChecked) {
    EXPECT_FALSE(check_text("{}"));
    EXPECT_TRUE(check_text(""));
    EXPECT_TRUE(check_text(" \r\n\t"));
    EXPECT_TRUE(check_text(std::string("\"\0\"", 3)));
    EXPECT_TRUE(check_text("\"\xFF\""));
    EXPECT_TRUE(check_text("\"\xC0\xAF\""));
}

TEST(Body, JsonIsChecked) {
    for (const char* good : {"{}", "[1.5,null]", "\"x\"", "12345678901234567890123", "1e400", "{\"a\":\"\\u0000\"}", " {} "})
        EXPECT_FALSE(check_json(good)) << good;
    for (const char* bad : {"{", "{}x", "{\"a\":1,\"a\":2}", "nul", "[1,]", "{'a':1}", "01", "\"\\x\""})
        EXPECT_TRUE(check_json(bad)) << bad;
    EXPECT_FALSE(check_json(std::string(64, '[') + std::string(64, ']')));
    EXPECT_TRUE(check_json(std::string(65, '[') + std::string(65, ']')));
    EXPECT_FALSE(check_json("\"" + std::string(100, '[') + "\""));
    EXPECT_NE(check_json("{\n  tru\n}")->body.find("\"line\":2"), std::string::npos);
}

TEST(Fields, NamesAndHosts) {
    for (const char* good : {"Host", "x-1", "!#$%&'*+-.^_`|~"}) EXPECT_TRUE(tallyd::is_token(good)) << good;
    for (const char* bad : {"", " ", "X ", "X\t", "X:", "X(A)", "\xC3\xA4", "X\x7F", "a\"b", "a/b", "a@b", "{a}"})
        EXPECT_FALSE(tallyd::is_token(bad)) << bad;
    for (const char* good : {"", "x", "x:", "x:65535", " x ", "[::1]:1", "[v1f.a:b]", "a_b.c.", "%41", "10.0.0.1"})
        EXPECT_TRUE(tallyd::is_host(good)) << good;
    for (const char* bad :
         {":1",     "x:65536",    "x:1:2", "a b",   "a,b", "u@x", "x/",  "x?",       "x#",    "[",   "[]",  "[::1",
          "[::1]x", "[::1%eth0]", "[v.a]", "[v1.]", "::1", "x%4", "%zz", "\xC3\xA4", "x\x7F", "<x>", "x\\y"})
        EXPECT_FALSE(tallyd::is_host(bad)) << bad;
}

TEST(Fields, Charsets) {
    for (const char* good : {"text/csv", "text/csv;charset=UTF-8", "a/b; Charset=\"utf-8\"",
                             "a/b;x=\"charset=a;\";charset=us-ascii", "a/b;charset"})
        EXPECT_FALSE(tallyd::is_foreign_charset(good)) << good;
    EXPECT_FALSE(tallyd::is_foreign_charset(nullptr));
    for (const char* bad : {"a/b;charset=latin1", "a/b;charset = utf-16", "a/b;charset=", "a/b;charset=\"",
                            "a/b;charset=utf-8;charset=x", "a/b;x=\"\\\"\";charset=x"})
        EXPECT_TRUE(tallyd::is_foreign_charset(bad)) << bad;
}

TEST(Body, MediaTypes) {
    for (const char* good :
         {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;x"})
        EXPECT_EQ(tallyd::media_of(good), tallyd::Media::json) << good;
    for (const char* bad : {"", "text/json", "application/jsonx", "application/json5", "application/json,"})
        EXPECT_NE(tallyd::media_of(bad), tallyd::Media::json) << bad;
    EXPECT_EQ(tallyd::media_of(nullptr), tallyd::Media::other);
    EXPECT_EQ(tallyd::media_of("application/x-www-form-urlencoded; charset=UTF-8"), tallyd::Media::form);
}

}  // namespace
