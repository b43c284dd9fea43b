// Pieces of imported files: any bytes give lines in order, and what was written comes back.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/event/event_document.hpp"
#include "core/event/import_lines.hpp"

namespace {

std::string quoted(const std::string& field) {
    std::string out = "\"";
    for (const char c : field) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

std::string random_text(std::mt19937& random, const std::string& alphabet) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    return text;
}

TEST(ImportLines, WhatIsQuotedComesBack) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        const std::string value = random_text(random, "ab\"\\,\n\r\t {}\x01");
        const tally::ImportPiece piece = tally::read_csv("code,customer_id,note\ncall,ann," + quoted(value) + "\n");
        ASSERT_EQ(piece.lines.size(), 1U);
        ASSERT_EQ(piece.lines[0].reason, "");
        tally::DocumentOptions options;
        options.derive_ids = true;
        const tally::EventDocument document(piece.lines[0].document, options);
        ASSERT_EQ(document.events().size(), 1U) << document.reason();
        const tally::Event& event = document.events()[0];
        ASSERT_EQ(event.reason, "");
        ASSERT_EQ(event.event_id.size(), 32U);
        ASSERT_EQ(event.properties.size(), value.empty() ? 0U : 1U);
        if (!value.empty()) {
            ASSERT_EQ(event.properties[0].text, value);
        }
    }
}

TEST(ImportLines, AnyBytesGiveLinesInOrder) {
    std::mt19937 random(11);
    for (int round = 0; round < 20000; ++round) {
        const std::string text = random_text(random, "{}[]\",\\\n\r a\xEF\xBB\xBF") + random_text(random, "{}[]\",\\\n\r a");
        for (const tally::ImportPiece& piece : {tally::read_ndjson(text), tally::read_csv("code,customer_id\n" + text)}) {
            int last = -1;
            for (const tally::ImportLine& line : piece.lines) {
                ASSERT_GT(line.line, last);
                ASSERT_NE(line.document.empty(), line.reason.empty());
                last = line.line;
            }
            ASSERT_LT(last, piece.line_count);
        }
    }
}

TEST(ImportLines, PaddedNumbersAreNumbersAndPaddedTextsStay) {
    const auto property = [](const std::string& field) {
        const std::string document = tally::read_csv("code,customer_id,n\nc,k," + field + "\n").lines.at(0).document;
        const std::string_view start = "\"properties\":{\"n\":";
        const std::size_t at = document.find(start) + start.size();
        return document.substr(at, document.rfind("}}]") - at);
    };
    for (const char* padded : {" 5", "5 ", "\" 5\"", "\"5 \"", "\t5\t ", "5"})
        EXPECT_EQ(property(padded), "\"5\"") << padded;
    EXPECT_EQ(property(" -1.50e3 "), "\"-1.50e3\"");
    for (const char* text : {" x", "5 6 ", " 0x5", "- 5 ", " ", " NaN"})
        EXPECT_EQ(property(text), '"' + std::string(text) + '"') << text;
}

TEST(ImportLines, AnOpenQuoteSaysHowMuchItTookAlong) {
    const auto reason = [](const std::string& rows) {
        return tally::read_csv("code,customer_id\n" + rows).lines.back().reason;
    };
    EXPECT_EQ(reason("c,\"k"), "a quoted field has no closing quote");
    EXPECT_EQ(reason("c,\"k\n\n"), "a quoted field has no closing quote");
    EXPECT_EQ(reason("c,\"k\nc,k\nc,k\n"),
              "a quoted field has no closing quote, so this many lines after it were not read either: 2");
}

TEST(ImportLines, ABackslashOutsideOfAStringHidesNoSecondEvent) {
    for (const char* line : {R"({"":\"},})", R"({"a":\"},{"b":1})", R"({"a":"},{"b":1})", R"({"a":1}\,{})", R"({"a\":1})"}) {
        const tally::ImportPiece piece = tally::read_ndjson(line);
        ASSERT_EQ(piece.lines.size(), 1U) << line;
        EXPECT_EQ(piece.lines[0].reason, "the line is not one JSON object") << line;
    }
    EXPECT_EQ(tally::read_ndjson(R"({"a":"\"},{\\"})").lines[0].reason, "");
}

TEST(ImportLines, AHeaderWithoutACodeShowsWhatItWasReadAs) {
    const auto problem = [](const std::string& header) { return tally::read_csv(header).reason; };
    EXPECT_EQ(problem("code;customer_id"),
              "the header has no column code (or event_code); its columns, separated by commas, are \"code;customer_id\"");
    EXPECT_TRUE(problem("code," + std::string(63, 'x') + "\xC3\xA4").ends_with(std::string(63, 'x') + "\""));
    EXPECT_TRUE(problem("1,2,3,4,5,6,7,8,9").ends_with("\"8\", ..."));
}

TEST(ImportLines, AnOpenQuoteAtTheEndCountsNoLineTooMany) {
    for (const char* text : {"a,\"b\n", "a,\"b", "a,\"b\"\n", "a,\"b\""}) {
        EXPECT_EQ(tally::read_csv("code,customer_id\n" + std::string(text)).line_count, 1) << text;
    }
    EXPECT_EQ(tally::read_csv("code,customer_id\na,\"b\nc\n").line_count, 2);
    EXPECT_EQ(tally::read_csv("code,customer_id\na,\"b\n\"").line_count, 2);
}

TEST(ImportLines, DerivedIdsFollowTheContent) {
    tally::DocumentOptions options;
    options.derive_ids = true;
    const tally::EventDocument document(
        R"([{"code":"c","customer_id":"a","properties":{"x":1,"y":"z"}},{"customer_id":"a","code":"c","properties":{"y":"z","x":1.0}},
            {"code":"c","customer_id":"b","properties":{"x":1,"y":"z"}},{"code":"c","customer_id":"a","properties":{"x":2,"y":"z"}}])",
        options);
    ASSERT_EQ(document.events().size(), 4U);
    const auto& events = document.events();
    EXPECT_EQ(events[0].identity, events[1].identity);
    EXPECT_NE(events[0].identity, events[2].identity);
    EXPECT_NE(events[0].identity, events[3].identity);
    const tally::EventDocument refused(R"([{"code":"c","customer_id":"a"}])", {});
    EXPECT_EQ(refused.events()[0].field, "event_id");
}

}  // namespace
