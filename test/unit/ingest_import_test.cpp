// Pieces of imports as batches, and what their senders are told; kinds of metrics at the door; a batch after a batch.
#include "core/ingest/import_report.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.hpp"
#include "core/ingest/ingest_judge.hpp"
#include "core/ingest/metric_check.hpp"

namespace {

using tally::IngestBatch;
using tally::MonthLimits;
using tally::Verdict;

constexpr std::int64_t now = 1'700'000'000'000'000;

tally::DocumentOptions options() {
    return {tally::DocumentForm::array, true, now, 7, true};
}

std::string line(std::string_view id) {
    return R"({"event_id":")" + std::string(id) + R"(","code":"c","customer_id":"k"})" + "\n";
}

struct Piece {
    tally::ImportPiece lines;
    IngestBatch batch{options()};

    explicit Piece(std::string_view text) : lines(tally::read_ndjson(text)) {
        tally::add_lines(batch, lines);
        batch.seal();
    }
    tally::ImportReport told(const MonthLimits& limits = {}, tally::PieceContext context = {1, {}, {}}) {
        judge(batch, limits);
        return tally::report(batch, lines, context);
    }
};

std::string counts(const tally::ImportReport& told) {
    return std::to_string(told.accepted) + " " + std::to_string(told.duplicates) + " " + std::to_string(told.failed) + " " +
           std::to_string(told.resent) + " next " + std::to_string(told.next_line);
}

TEST(ImportReport, CountsEveryLineOnce) {
    Piece piece(line("a") + line("b") + "\n" + line("a") + "no json\n" + R"({"event_id":"x"})" + "\n");
    EXPECT_EQ(piece.batch.bodies().size(), 1u);  // all of it was parsed at once
    const tally::ImportReport told = piece.told();
    EXPECT_EQ(counts(told), "2 1 2 0 next 7");
    EXPECT_EQ(
        told.failures,
        R"([{"line":5,"reason":"the line is not one JSON object"}, {"line":6,"event_id":"x","reason":"code is missing","field":"code"}])");
}

TEST(ImportReport, ALineThatOnlyLooksLikeAnObjectFailsAlone) {
    Piece piece(line("a") + "{\"code\":}\n" + line("b"));
    EXPECT_EQ(piece.batch.bodies().size(), 3u);
    EXPECT_EQ(counts(piece.told()), "2 0 1 0 next 4");
}

TEST(ImportReport, WhatWasCountedBeforeIsResent) {
    Piece piece(line("a") + line("a") + "\n" + line("b"));
    const std::pair<std::int64_t, std::int64_t> counted[] = {{10, 12}, {20, 30}};
    const std::int64_t unread[] = {12};
    EXPECT_EQ(counts(piece.told({}, {10, unread, counted})), "2 0 1 1 next 14");
}

TEST(ImportReport, EndsAtTheFirstLineThatALimitRefuses) {
    Piece piece(line("a") + "{\n" + line("b") + line("a") + "{\n");
    MonthLimits limits;
    limits.tenant = {1, 1};
    const std::int64_t unread[] = {2, 5};
    const tally::ImportReport told = piece.told(limits, {1, unread, {}});
    EXPECT_EQ(told.next_line, 3);
    EXPECT_EQ(told.accepted, 1);
    ASSERT_NE(told.limited, nullptr);
    EXPECT_EQ(told.limited->event->event_id, "b");
}

TEST(ImportReport, APieceHasItsLimit) {
    std::string text;
    for (std::size_t n = 0; n <= tally::max_piece_events; ++n) text += "{}\n";
    EXPECT_THROW(Piece{text}, tally::Error);
}

TEST(MetricCheck, RefusesWhatTheKindDoesNotTakeOfEventsThatCount) {
    tally::MetricCheck check;
    tally::MetricDefinition metric;
    metric.aggregation = tally::Aggregation::sum;
    metric.kind = tally::MetricKind::base;
    metric.key = "v";
    metric.name = "Sales";
    metric.matrix = tally::parse_matrix(R"({"type":"SINGLE","key":"region","values":["eu"]})");
    check.add("c", metric);
    IngestBatch batch(options());
    const auto add = [&batch](const char* code, const char* properties) {
        batch.add(std::string(R"([{"event_id":")") + std::to_string(batch.bodies().size()) + R"(","code":")" + code +
                      R"(","customer_id":"k","properties":)" + properties + "}]",
                  0);
    };
    add("c", R"({"v":-1,"region":"eu"})");
    add("c", R"({"v":"0.0","region":"eu"})");
    add("c", R"({"v":1e-3,"region":"eu"})");
    add("c", R"({"v":-1,"region":"us"})");
    add("c", R"({"v":"many","region":"eu"})");
    add("c", R"({"region":"eu"})");
    add("other", R"({"v":-1,"region":"eu"})");
    check.apply(batch);
    batch.seal();
    judge(batch, {});
    std::string told;
    for (const tally::BatchEvent& event : batch.events()) told += event.verdict == Verdict::rejected ? 'R' : 'A';
    EXPECT_EQ(told, "RRAAAAA");
    EXPECT_EQ(batch.events()[0].reason, "metric \"Sales\" is of kind base: value must be greater than 0");
    EXPECT_EQ(batch.events()[0].field, "properties.v");
    for (const tally::BatchEvent& event : batch.events())
        EXPECT_EQ(event.is_stored_unmatched(), event.event->code == "other") << event.event->code;
}

TEST(MetricCheck, KindsSeeWhatAPathLeadsTo) {
    tally::MetricCheck check;
    tally::MetricDefinition metric;
    metric.aggregation = tally::Aggregation::sum;
    metric.kind = tally::MetricKind::base;
    metric.key = "usage.v";
    metric.name = "Sales";
    metric.matrix = tally::parse_matrix(R"({"type":"SINGLE","key":"$.usage.region","values":["eu"]})");
    check.add("c", metric);
    check.add("read");
    IngestBatch batch(options());
    std::string events;
    for (const char* properties :
         {R"({"usage":{"v":-1,"region":"eu"}})", R"({"usage":{"region":"eu","v":1}})", R"({"usage":{"v":-1}})",
          R"({"usage":{"v":-1,"region":"eu"},"usage.v":2})", R"({"usage":{"v":"-1","region":"eu"},"usage.v":-2})"})
        events += std::string(events.empty() ? "[" : ",") + R"({"event_id":")" + std::to_string(events.size()) +
                  R"(","code":"c","customer_id":"k","properties":)" + properties + "}";
    batch.add(
        events + R"(,{"event_id":"r","code":"read","customer_id":"k"},{"event_id":"u","code":"unread","customer_id":"k"}])",
        0);
    EXPECT_EQ(tally::codes_of(batch).size(), 3u);
    check.apply(batch);
    batch.seal();
    judge(batch, {});
    std::string told;
    for (const tally::BatchEvent& event : batch.events())
        told += event.verdict == Verdict::rejected ? 'R' : event.is_stored_unmatched() ? 'U' : 'A';
    EXPECT_EQ(told, "RAAARAU");
}

TEST(IngestBatch, ABatchAfterABatchKnowsNothingOfIt) {
    IngestBatch batch(options());
    for (int round = 0; round < 3; ++round) {
        batch.begin(options());
        batch.add("[" + line("a") + "," + line("b") + "]", 0);
        batch.add("[", 0);
        batch.add("[" + line("a") + "]", 0);
        batch.seal();
        judge(batch, {});
        std::string told;
        for (const tally::BatchEvent& event : batch.events()) told += "-ADCRLH"[static_cast<int>(event.verdict)];
        EXPECT_EQ(told, "AARD");
        EXPECT_EQ(batch.identities().size(), 2u);
        EXPECT_EQ(batch.candidates(), 3u);
        if (round == 1) batch.add("[" + std::string(5 << 20, ' ') + "]", 0);  // large: its memory is not kept
    }
}

}  // namespace
