// Event documents: what is accepted, what is rejected and how it is told, and which events are the same event.
#include "core/event/event_document.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/event/stored_payload.hpp"

namespace {

using tally::DocumentForm;
using tally::Event;
using tally::EventDocument;
using tally::PropertyKind;

constexpr std::int64_t now = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z
constexpr std::string_view now_text = "2023-11-14T22:13:20Z";

EventDocument parse(std::string_view text, bool backfilling = false, DocumentForm form = DocumentForm::array) {
    return EventDocument(text, {form, backfilling, now});
}

std::string event_with(std::string_view extra) {
    return std::string(R"([{"event_id":"e","code":"c","customer_id":"k")") + std::string(extra) + "}]";
}

// Reason of the only event of a document; the document itself must be good.
std::string reason_of(std::string_view text, std::string_view field) {
    const EventDocument document = parse(text);
    EXPECT_EQ(document.reason(), "") << text;
    if (document.events().size() != 1) return "not one event";
    EXPECT_EQ(document.events()[0].field, field) << text;
    return document.events()[0].reason;
}

void expect_rejected(std::string_view text, std::string_view field, std::string_view part) {
    const std::string reason = reason_of(text, field);
    EXPECT_NE(reason.find(part), std::string::npos) << text << " -> " << reason;
}

void expect_refused(std::string_view text, std::string_view part, DocumentForm form = DocumentForm::array) {
    const EventDocument document = parse(text, false, form);
    EXPECT_TRUE(document.events().empty()) << text;
    EXPECT_NE(document.reason().find(part), std::string::npos) << text << " -> " << document.reason();
}

// Properties are stored as the text that was sent, to the last blank.
TEST(EventDocument, KeepsThePropertiesAsTheyWereSent) {
    const EventDocument document = parse(
        "[{\"event_id\":\"1\",\"properties\" : { \"a\" :1.0 , \"b\":\"\\u00e9}\" } , \"code\":\"c\",\"customer_id\":\"k\"},"
        "{\"event_id\":\"2\",\"code\":\"c\",\"customer_id\":\"k\",\"properties\":{}}, "
        "{\"event_id\":\"3\",\"code\":\"c\",\"customer_id\":\"k\",\"properties\":null},"
        "{\"event_id\":\"4\",\"code\":\"c\",\"customer_id\":\"k\",\"properties\":{ }\n}, "
        "{\"event_id\":\"5\",\"code\":\"c\",\"customer_id\":\"k\"}]");
    ASSERT_EQ(document.events().size(), 5u);
    EXPECT_EQ(document.events()[0].properties_json, "{ \"a\" :1.0 , \"b\":\"\\u00e9}\" }");
    EXPECT_EQ(document.events()[1].properties_json, "{}");
    EXPECT_EQ(document.events()[2].properties_json, "");
    EXPECT_EQ(document.events()[3].properties_json, "{ }");
    EXPECT_EQ(document.events()[4].properties_json, "");
}

TEST(EventDocument, KeepsWhatWasSent) {
    const EventDocument document = parse(
        R"([{"event_id":"e1","code":"api call","customer_id":"ann","timestamp":"2023-11-14T23:00:00.123456789+01:00",
            "properties":{"b":"x\u00e9","a":12345678901234567890.10,"z":-1e-3},"source":"edge"}])");
    ASSERT_EQ(document.reason(), "");
    ASSERT_EQ(document.events().size(), 1u);
    const Event& event = document.events()[0];
    EXPECT_EQ(event.reason, "");
    EXPECT_EQ(event.event_id, "e1");
    EXPECT_EQ(event.code, "api call");
    EXPECT_EQ(event.customer_id, "ann");
    EXPECT_EQ(event.source, "edge");
    EXPECT_TRUE(event.has_timestamp);
    EXPECT_EQ(event.ts_microseconds, now - 800'000'000 + 123'456);
    ASSERT_EQ(event.properties.size(), 3u);
    EXPECT_EQ(event.properties[0].key, "a");
    EXPECT_EQ(event.properties[0].text, "12345678901234567890.10");
    EXPECT_EQ(event.properties[0].kind, PropertyKind::number);
    EXPECT_EQ(event.properties[1].text, "x\xc3\xa9");
    EXPECT_EQ(event.properties[1].kind, PropertyKind::text);
    EXPECT_EQ(event.properties[2].text, "-1e-3");
}

TEST(EventDocument, AbsentTimestampMeansNow) {
    for (const char* extra : {"", R"(,"timestamp":"")", R"(,"timestamp":null)"}) {
        const EventDocument document = parse(event_with(extra));
        ASSERT_EQ(document.events().size(), 1u);
        EXPECT_EQ(document.events()[0].reason, "") << extra;
        EXPECT_EQ(document.events()[0].ts_microseconds, now) << extra;
    }
}

TEST(EventDocument, NullMeansAbsentForOptionalFields) {
    EXPECT_EQ(reason_of(event_with(R"(,"source":null,"properties":null)"), ""), "");
}

TEST(EventDocument, EmptyCustomerIsACustomer) {
    EXPECT_EQ(reason_of(R"([{"event_id":"e","code":"c","customer_id":""}])", ""), "");
}

TEST(EventDocument, RequiredFields) {
    expect_rejected(R"([{"code":"c","customer_id":"k"}])", "event_id", "missing");
    expect_rejected(R"([{"event_id":null,"code":"c","customer_id":"k"}])", "event_id", "missing");
    expect_rejected(R"([{"event_id":"","code":"c","customer_id":"k"}])", "event_id", "empty");
    expect_rejected(R"([{"event_id":"e","customer_id":"k"}])", "code", "missing");
    expect_rejected(R"([{"event_id":"e","code":"","customer_id":"k"}])", "code", "empty");
    expect_rejected(R"([{"event_id":"e","code":"c"}])", "customer_id", "missing");
}

TEST(EventDocument, WrongTypesAndNames) {
    expect_rejected(R"([7])", "", "JSON object");
    expect_rejected(R"([null])", "", "JSON object");
    expect_rejected(R"([[]])", "", "JSON object");
    expect_rejected(R"([{"event_id":5,"code":"c","customer_id":"k"}])", "event_id", "must be a string");
    expect_rejected(event_with(R"(,"timestamp":5)"), "timestamp", R"(must be a string such as "2024-01-31T13:45:00Z")");
    expect_rejected(event_with(R"(,"propertis":{"deep":[1,{"x":2}]})"), "propertis", "unknown field");
    expect_rejected(event_with(R"(,"code":"d")"), "code", "twice");
    expect_rejected(event_with(R"(,"properties":[])"), "properties", "must be a JSON object");
    expect_rejected(event_with(R"(,"properties":{"p":1,"p":2})"), "properties.p", "twice");
    expect_rejected(event_with(R"(,"properties":{"":1})"), "properties", "empty name");
}

std::string with_property(std::string_view value) {
    return event_with(R"(,"properties":{"p":)" + std::string(value) + "}");
}

TEST(EventDocument, PropertiesOfAnyKind) {
    for (const char* value : {"true", "false", "null", "{}", "[]", "[1]", R"({"a":{"b":[1.0,"x",null,true,{"c":[]}]}})",
                              "[[[[]]]]", R"({"\u00e9\"":"\\"})", "[ 1 ,\n2 ]", "{\"a\" : 1 }"}) {
        const EventDocument document = parse(with_property(std::string(value) + " "));
        ASSERT_EQ(document.events().size(), 1U) << value << document.reason();
        const Event& event = document.events()[0];
        EXPECT_EQ(event.reason, "") << value;
        ASSERT_EQ(event.properties.size(), 1U) << value;
        EXPECT_EQ(event.properties[0].text, value);
        EXPECT_EQ(event.properties[0].kind, PropertyKind::json);
    }
    expect_rejected(with_property(R"({"a":[1,{"x":1e1000}]})"), "properties.p", "digits");
    expect_rejected(with_property(R"(["\u0000"])"), "properties.p", "U+0000");
    expect_rejected(with_property(R"({"\u0000":1})"), "properties.p", "U+0000");
    expect_rejected(with_property(R"(["\udead"])"), "properties.p", "escape");
    expect_rejected(with_property(R"({"a":1,"b":2,"\u0061":3})"), "properties.p", R"("a" is given twice)");
    expect_rejected(with_property(R"([{"a":1,"a":1}])"), "properties.p", R"("a" is given twice)");
}

TEST(EventDocument, NestedSoDeepAndNoDeeper) {
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    const auto objects = [](int depth) {
        std::string text;
        for (int i = 0; i < depth; ++i) text += R"({"a":)";
        return text + "1" + std::string(depth, '}');
    };
    EXPECT_EQ(reason_of(with_property(nested(64)), ""), "");
    EXPECT_EQ(reason_of(with_property(objects(64)), ""), "");
    expect_rejected(with_property(nested(65)), "properties.p", "nested deeper than 64");
    expect_rejected(with_property(objects(65)), "properties.p", "nested deeper than 64");
    expect_rejected(with_property(nested(200'000)), "properties.p", "nested deeper than 64");
    expect_rejected(with_property(objects(100'000)), "properties.p", "nested deeper than 64");
    // What comes after is read: another property, another event.
    const EventDocument both = parse(R"([{"event_id":"a","code":"c","customer_id":"k","properties":{"p":)" + nested(5000) +
                                     R"(,"q":1}},{"event_id":"b","code":"c","customer_id":"k"}])");
    ASSERT_EQ(both.events().size(), 2U) << both.reason();
    EXPECT_NE(both.events()[0].reason, "");
    EXPECT_EQ(both.events()[1].reason, "");
}

TEST(EventDocument, NestedPropertiesAreTheSameByWhatTheyMean) {
    const auto payload = [](std::string_view value) { return parse(with_property(value)).events().at(0).payload; };
    const auto same = [&](std::string_view left, std::string_view right) { return payload(left) == payload(right); };
    EXPECT_TRUE(same(R"({"a":1,"bb":[true,null]})", R"({ "bb" : [true , null] , "a" : 1.0 })"));
    EXPECT_TRUE(same(R"({"a":{"x":"\u0041"}})", R"({"a":{"x":"A"}})"));
    EXPECT_TRUE(same("[1e2]", "[100.00]"));
    const std::string_view others[] = {"true",
                                       "false",
                                       "null",
                                       R"("true")",
                                       R"("null")",
                                       "1",
                                       "[]",
                                       "{}",
                                       "[1]",
                                       R"(["1"])",
                                       "[1,2]",
                                       "[2,1]",
                                       "[[1],2]",
                                       "[[1,2]]",
                                       R"({"a":1})",
                                       R"({"a":"1"})",
                                       R"({"a":[1]})",
                                       R"({"a":{"b":1}})",
                                       R"({"a":-1})",
                                       R"({"ab":1})",
                                       R"({"a":1,"b":1})",
                                       R"({"a":null})",
                                       R"({"a":true})",
                                       R"({"a":false})",
                                       "[12]",
                                       R"("[]")",
                                       R"({"a":{},"b":1})",
                                       R"({"a":{"b":1},"c":1})",
                                       R"({"a":{"b":1,"c":1}})"};
    for (const std::string_view& left : others)
        for (const std::string_view& right : others)
            EXPECT_EQ(same(left, right), &left == &right) << left << " and " << right;
}

TEST(EventDocument, LimitsAreExact) {
    const auto with_id = [](std::size_t n) {
        return R"([{"event_id":")" + std::string(n, 'x') + R"(","code":"c","customer_id":"k"}])";
    };
    EXPECT_EQ(reason_of(with_id(255), ""), "");
    expect_rejected(with_id(256), "event_id", "256 characters");
    std::string umlauts;
    for (int i = 0; i < 255; ++i) umlauts += "\xc3\xbc";
    EXPECT_EQ(reason_of(R"([{"event_id":")" + umlauts + R"(","code":"c","customer_id":"k"}])", ""), "");
    const auto with_code = [](std::size_t n) {
        return R"([{"event_id":"e","customer_id":"k","code":")" + std::string(n, 'x') + R"("}])";
    };
    EXPECT_EQ(reason_of(with_code(512), ""), "");
    expect_rejected(with_code(513), "code", "513 bytes");
    EXPECT_EQ(reason_of(event_with(R"(,"properties":{"p":1e999})"), ""), "");
    expect_rejected(event_with(R"(,"properties":{"p":1e1000})"), "properties.p", "digits");
    expect_rejected(event_with(R"(,"properties":{"p":1e-99999999999999999999})"), "properties.p", "digits");
}

TEST(EventDocument, TimeWindow) {
    const auto at = [](std::string_view time) { return event_with(R"(,"timestamp":")" + std::string(time) + "\""); };
    EXPECT_EQ(reason_of(at("2023-11-14T23:13:20Z"), ""), "");  // exactly one hour ahead
    expect_rejected(at("2023-11-14T23:13:20.000001Z"), "timestamp", "in the future");
    EXPECT_EQ(reason_of(at("2023-11-13T22:13:20Z"), ""), "");  // exactly a day old
    expect_rejected(at("2023-11-13T22:13:19.999999Z"), "timestamp", "allow_backfilling");
    EXPECT_EQ(parse(at("1970-01-01T00:00:00Z"), true).events()[0].reason, "");
    EXPECT_NE(parse(at("1969-12-31T23:59:59Z"), true).events()[0].reason, "");
    for (const char* bad : {"2023-11-14", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z", "2023-11-14T24:00:00Z", "now",
                            "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20Z "}) {
        expect_rejected(at(bad), "timestamp", "not RFC 3339");
    }
}

TEST(EventDocument, CharactersThatCannotBeStored) {
    expect_rejected(R"([{"event_id":"a\u0000b","code":"c","customer_id":"k"}])", "event_id", "U+0000");
    expect_rejected(event_with(R"(,"properties":{"p":"\u0000"})"), "properties.p", "U+0000");
    expect_rejected(event_with(R"(,"properties":{"p":"\ud800"})"), "properties.p", "escape");
}

TEST(EventDocument, NamesAreToldSoThatTheyCanBeStored) {
    const std::string beginning(63, 'x');
    const std::string member = "\"" + beginning + "\xc3\xa9\":true";
    reason_of(event_with("," + member), beginning);
    reason_of(event_with(",\"properties\":{\"" + beginning + "\xc3\xa9\":1e9999}"), "properties." + beginning);
    reason_of(event_with(R"(,"a\u0000b":1)"), "a?b");
    const EventDocument envelope = parse("{" + member + "}", false, DocumentForm::object);
    EXPECT_EQ(envelope.field(), beginning);
    EXPECT_EQ(envelope.reason().find("unknown field \"" + beginning + "\";"), 0u) << envelope.reason();
}

TEST(EventDocument, BrokenDocumentsAreRefusedWhole) {
    for (const char* text : {"",
                             "{",
                             "[",
                             "nonsense",
                             "[{]",
                             "[{}",
                             R"([{"event_id":}])",
                             R"([{"event_id" "e"}])",
                             R"([{"event_id":"e","properties":{"p":01}}])",
                             R"([{"event_id":"e","properties":{"p":1.}}])",
                             R"([{"event_id":"e","properties":{"p":-}}])",
                             R"([{"event_id":"e","source":nullx}])",
                             "[1,]",
                             "\xff",
                             R"([{"event_id":"e)",
                             R"([{"event_id":"e","properties":{"p":tru}}])",
                             R"([{"event_id":"e","properties":{"p":[1,,2]}}])",
                             R"([{"event_id":"e","properties":{"p":[1,]}}])",
                             R"([{"event_id":"e","properties":{"p":{"a"}}}])",
                             R"([{"event_id":"e","properties":{"p":{"a":1,}}}])",
                             R"([{"event_id":"e","properties":{"p":[01]}}])",
                             R"([{"event_id":"e","properties":{"p":{"a":nul}}}])",
                             R"([{"event_id":"e","properties":{"p":[}]}}])",
                             R"([{"event_id":"e","properties":{"p":[[1}}])",
                             R"([{"event_id":"e","properties":{"p":[1 2]}}])",
                             R"([{"event_id":"e","properties":{"p":{"a":[1}]}}])"}) {
        const EventDocument document = parse(text);
        EXPECT_NE(document.reason(), "") << text;
        EXPECT_TRUE(document.events().empty()) << text;
    }
    expect_refused("[]", "empty");
    expect_refused("{}", "must be a JSON array");
    expect_refused("[{}] x", "");
    expect_refused("[{}][]", "");
}

TEST(EventDocument, Envelope) {
    const auto object = DocumentForm::object;
    const EventDocument good = parse(
        R"({"allow_partial_failures":true,"events":[{"event_id":"e","code":"c","customer_id":"k","timestamp":"2001-01-01T00:00:00Z"}],"allow_backfilling":true})",
        false, object);
    EXPECT_EQ(good.reason(), "");
    EXPECT_TRUE(good.allow_partial_failures());
    EXPECT_EQ(good.events()[0].reason, "");
    expect_refused("[]", "JSON object", object);
    expect_refused("{}", "events is missing", object);
    expect_refused(R"({"events":{}})", "must be an array", object);
    expect_refused(R"({"events":[{}],"events":[{}]})", "twice", object);
    expect_refused(R"({"events":[{}],"allow_backfiling":true})", "unknown field", object);
    expect_refused(R"({"events":[{}],"allow_backfilling":"yes"})", "true or false", object);
}

TEST(EventDocument, TenThousandEventsAndNotOneMore) {
    std::string text = "[{}";
    for (std::size_t i = 1; i < tally::max_events; ++i) text += ",{}";
    EXPECT_EQ(parse(text + "]").events().size(), tally::max_events);
    expect_refused(text + ",{}]", "more than 10000");
}

class SameEvent : public ::testing::Test {
protected:
    static Event one(const EventDocument& document) {
        EXPECT_EQ(document.events().size(), 1u);
        EXPECT_EQ(document.events()[0].reason, "");
        return document.events()[0];
    }
};

TEST_F(SameEvent, IdentityIsCustomerSourceAndId) {
    const EventDocument a = parse(R"([{"event_id":"b-c","code":"x","customer_id":"a"}])");
    const EventDocument b = parse(R"([{"event_id":"c","code":"x","customer_id":"a-b"}])");
    const EventDocument c =
        parse(R"([{"event_id":"b-c","code":"y","customer_id":"a","timestamp":")" + std::string(now_text) + "\"}]");
    const EventDocument d = parse(R"([{"event_id":"b-c","code":"x","customer_id":"a","source":"s"}])");
    EXPECT_NE(one(a).identity, one(b).identity);
    EXPECT_EQ(one(a).identity, one(c).identity);
    EXPECT_NE(one(a).identity, one(d).identity);
    EXPECT_NE(one(a).payload, one(c).payload);
    EXPECT_EQ(one(a).customer_hash, one(d).customer_hash);
}

TEST_F(SameEvent, PayloadComparesByValue) {
    const auto payload = [](std::string_view extra) { return one(parse(event_with(extra))).payload; };
    const auto base = payload(R"(,"properties":{"a":1,"b":"x"})");
    EXPECT_EQ(base, payload(R"(,"properties":{"b":"x","a":1.0})"));
    EXPECT_EQ(base, payload(R"(,"properties":{"b":"\u0078","a":10e-1})"));
    EXPECT_NE(base, payload(R"(,"properties":{"b":"x","a":"1"})"));
    EXPECT_NE(base, payload(R"(,"properties":{"b":"x","a":-1})"));
    EXPECT_NE(base, payload(R"(,"properties":{"ab":"x","a":1})"));
    EXPECT_EQ(payload(R"(,"timestamp":"2023-11-14T22:13:20Z")"), payload(R"(,"timestamp":"2023-11-14T23:13:20.000+01:00")"));
    EXPECT_NE(payload(""), payload(R"(,"timestamp":"2023-11-14T22:13:20Z")"));
}

// Stored on disk: a change of these values would make every stored event new again.
TEST_F(SameEvent, HashesAreFixedForEver) {
    const EventDocument document = parse(event_with(R"(,"properties":{"n":1.50,"s":"x"})"));
    const auto hex = [](const tally::Hash128& hash) {
        std::string text;
        for (const std::uint8_t byte : hash) {
            text += "0123456789abcdef"[byte >> 4];
            text += "0123456789abcdef"[byte & 15];
        }
        return text;
    };
    EXPECT_EQ(hex(one(document).identity), "da1860194e4ad1a3d39551e10463aebf");
    EXPECT_EQ(hex(one(document).payload), "91e3b9419bf9fa3af4ccdac1032a4342");
    EXPECT_EQ(one(document).customer_hash, -1491021487);
}

// What is stored of an event gives the payload with which it came, with or without a timestamp.
TEST(StoredPayload, IsThatOfTheEventAsItWasSent) {
    tally::PayloadReader reader;
    for (const std::string_view properties :
         {R"({})", R"({"b":1.50,"a":"\u00e4\n"})", R"({"n":-0,"m":1e3,"t":true,"z":null})",
          R"({"o":{"b":[1, 2.0],"a":{}},"long":123456789012345678901234567890.10,"l":[ ],"x":"y"})"}) {
        for (const std::string_view time : {"", R"(,"timestamp":"2023-11-14T20:00:00.123456Z")"}) {
            const EventDocument document =
                parse(event_with(std::string(time) + ",\"properties\":" + std::string(properties)));
            ASSERT_EQ(document.events().size(), 1U);
            const Event& sent = document.events()[0];
            ASSERT_EQ(sent.reason, "") << properties;
            tally::StoredEvent stored;
            stored.ts = sent.ts_microseconds;
            stored.properties = sent.properties;
            const tally::StoredPayload payload = reader.read(sent.code, stored);
            EXPECT_EQ(time.empty() ? payload.without_time : payload.with_time, sent.payload) << properties;
            EXPECT_NE(time.empty() ? payload.with_time : payload.without_time, sent.payload) << properties;
            EXPECT_NE(reader.read("d", stored).with_time, payload.with_time);
        }
    }
}

}  // namespace
