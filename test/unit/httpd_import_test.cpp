// Files of events cut into chunks while their bytes come in.
#include <gtest/gtest.h>

#include "api/import_upload.hpp"
#include "base/import_chunker.hpp"
#include "cli/import_file.hpp"

namespace {

using tallyd::ChunkLimits;
using tallyd::ImportChunker;
using tallyd::ImportFormat;

struct Piece {
    std::uint64_t line;
    std::string text;
    bool operator==(const Piece&) const = default;
};

struct Cut {
    std::vector<Piece> pieces;
    std::vector<std::pair<std::uint64_t, std::string>> failures;
};

// Fed in steps of every size, the same must come out.
Cut cut(ImportFormat format, const std::string& file, ChunkLimits limits, std::size_t step, std::uint64_t first = 0) {
    ImportChunker chunker(format, limits, first);
    Cut out;
    const auto store = [&] {
        const std::uint64_t line = chunker.first_line_of_chunk();
        out.pieces.push_back({line, chunker.take()});
    };
    for (std::size_t at = 0; at < file.size();) {
        const std::size_t size = std::min(step, file.size() - at);
        at += chunker.feed(file.data() + at, size);
        if (chunker.full()) store();
    }
    chunker.end();
    if (!chunker.empty()) store();
    for (const auto& failure : chunker.take_failures()) out.failures.emplace_back(failure.line, failure.reason);
    return out;
}

class EveryStep : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, EveryStep, testing::Values(1, 2, 3, 7, 64, 100000));

TEST_P(EveryStep, LinesOfNdjson) {
    const Cut got = cut(ImportFormat::ndjson, "\xEF\xBB\xBF{1}\n{2}\r\n\n{4}", {2, 1000, 1000}, GetParam());
    EXPECT_EQ(got.pieces, (std::vector<Piece>{{1, "{1}\n{2}\r\n"}, {3, "\n{4}\n"}}));
    EXPECT_TRUE(got.failures.empty());
}

TEST_P(EveryStep, CsvRecordsHoldLineEndsInQuotes) {
    const Cut got = cut(ImportFormat::csv, "a,\"b\nb\"\nx,\"1\n\"\"2\n\"\ny,5\"\nz,1\n", {2, 1000, 1000}, GetParam());
    EXPECT_EQ(got.pieces, (std::vector<Piece>{{3, "a,\"b\nb\"\nx,\"1\n\"\"2\n\"\ny,5\"\n"}, {7, "a,\"b\nb\"\nz,1\n"}}));
}

TEST_P(EveryStep, TheClientsLineCountsAfterTheHeader) {
    EXPECT_EQ(cut(ImportFormat::csv, "a,b\n1,2\n", {2, 1000, 1000}, GetParam(), 500).pieces,
              (std::vector<Piece>{{500, "a,b\n1,2\n"}}));
    EXPECT_EQ(cut(ImportFormat::ndjson, "{1}\n", {2, 1000, 1000}, GetParam(), 500).pieces,
              (std::vector<Piece>{{500, "{1}\n"}}));
}

TEST_P(EveryStep, WhatCannotBeTextLeavesBlankLines) {
    const std::string file = std::string("{1}\n{\xFF}\n{") + '\0' + "}\n{4}\n";
    const Cut got = cut(ImportFormat::ndjson, file, {10, 1000, 1000}, GetParam());
    EXPECT_EQ(got.pieces, (std::vector<Piece>{{1, "{1}\n\n\n{4}\n"}}));
    ASSERT_EQ(got.failures.size(), 2U);
    EXPECT_EQ(got.failures[0].first, 2U);
    EXPECT_NE(got.failures[0].second.find("UTF-8"), std::string::npos);
    EXPECT_NE(got.failures[1].second.find("NUL"), std::string::npos);
}

TEST_P(EveryStep, ALineTooLongIsAFailureAndTakesNoMemory) {
    const Cut got = cut(ImportFormat::ndjson, "{1}\n" + std::string(5000, 'x') + "\n{3}\n", {10, 1000, 100}, GetParam());
    EXPECT_EQ(got.pieces, (std::vector<Piece>{{1, "{1}\n\n{3}\n"}}));
    ASSERT_EQ(got.failures.size(), 1U);
    EXPECT_EQ(got.failures[0].first, 2U);
    EXPECT_EQ(got.failures[0].second, "the line is too long");
}

TEST_P(EveryStep, AQuoteThatNeverClosesEndsAtTheLimit) {
    std::string file = "a\n\"";
    for (int n = 0; n < 100; ++n) file += "12345\n";
    const Cut got = cut(ImportFormat::csv, file, {1000, 10000, 100}, GetParam());
    ASSERT_EQ(got.failures.size(), 1U);
    EXPECT_EQ(got.failures[0].first, 2U);
    EXPECT_EQ(got.failures[0].second,
              "a quoted field has no closing quote within 100 bytes, so this many lines after it were not read either: 16");
    ASSERT_EQ(got.pieces.size(), 1U);
    // As many lines as the file has, and the rows after the limit are read again.
    EXPECT_EQ(std::count(got.pieces[0].text.begin(), got.pieces[0].text.end(), '\n'), 101);
    EXPECT_TRUE(got.pieces[0].text.ends_with("12345\n12345\n"));
}

// Whoever reads what was kept takes out the same, and every line has its number.
TEST_P(EveryStep, WhatIsKeptIsJudgedAlikeByTheNextReader) {
    const ChunkLimits limits{3, 150, 20};
    const std::string files[] = {"a,b\n1,\"2\n3\"\n" + std::string(50, 'x') + "\n\xFF,2\n\"" + std::string(15, 'y') +
                                     "\n\n\n\n\nz\n5,6\n" + std::string("7,\0\n", 4) + "8,9",
                                 "a\n\"0123456789012345678\nrest\n1\n"};
    for (const std::string& file : files) {
        const Cut whole = cut(ImportFormat::csv, file, limits, 100000);
        ASSERT_FALSE(whole.failures.empty());
        ImportChunker client(ImportFormat::csv, limits, 0, tallyd::Unreadable::keep);
        std::vector<std::pair<std::uint64_t, std::string>> failures;
        const auto pass_on = [&] {
            const std::uint64_t line = client.first_line_of_chunk();
            const Cut part = cut(ImportFormat::csv, client.take(), {100, 10000, 20}, 100000, line);
            failures.insert(failures.end(), part.failures.begin(), part.failures.end());
        };
        for (std::size_t at = 0; at < file.size();) {
            at += client.feed(file.data() + at, std::min(GetParam(), file.size() - at));
            if (client.full()) pass_on();
        }
        client.end();
        if (!client.empty()) pass_on();
        EXPECT_EQ(failures, whole.failures);
        EXPECT_TRUE(client.take_failures().empty());
    }
}

TEST_P(EveryStep, BytesEndAChunkToo) {
    const Cut got = cut(ImportFormat::ndjson, "{1111}\n{2222}\n{3}\n", {1000, 10, 100}, GetParam());
    EXPECT_EQ(got.pieces, (std::vector<Piece>{{1, "{1111}\n{2222}\n"}, {3, "{3}\n"}}));
}

TEST(ImportFile, NamesAndFirstBytes) {
    for (const char* csv : {"a.csv", "A.CSV", "dir.gz/a.Csv"})
        EXPECT_EQ(tallyd::format_of_name(csv), ImportFormat::csv) << csv;
    for (const char* lines : {"a.NDJSON", "a.jsonL"})
        EXPECT_EQ(tallyd::format_of_name(lines), ImportFormat::ndjson) << lines;
    for (const char* packed : {"a.csv.gz", "A.CSV.GZ", "a.csv.Zst"})
        EXPECT_EQ(tallyd::format_of_name(packed), ImportFormat::csv) << packed;
    for (const char* none : {"-", "csv", ".csv", ".csv.gz", "a.gz", "a.txt", "a.csv "})
        EXPECT_FALSE(tallyd::format_of_name(none)) << none;
    for (const char* archive : {"a.csv.xz", "A.BZ2", "a.ZIP", "a.tgz"})
        EXPECT_TRUE(tallyd::is_archive_name(archive)) << archive;
    EXPECT_FALSE(tallyd::is_archive_name("zip"));
    EXPECT_FALSE(tallyd::is_archive_name("a.csv.gz"));
    EXPECT_EQ(tallyd::coding_of_file("\x1F\x8B\x08 and more"), tallyd::Coding::gzip);
    EXPECT_EQ(tallyd::coding_of_file("\x28\xB5\x2F\xFD and more"), tallyd::Coding::zstd);
    EXPECT_TRUE(tallyd::is_archive("BZh91AY&SY..."));
    for (const char* text : {"", "code,customer_id", "{}",
                             "\xEF\xBB\xBF"
                             "code",
                             "BZh,customer_id", "PK,code"}) {
        EXPECT_FALSE(tallyd::is_archive(text)) << text;
        EXPECT_FALSE(tallyd::coding_of_file(text)) << text;
    }
}

TEST(ImportFormats, ByContentType) {
    EXPECT_EQ(tallyd::import_format("text/csv; charset=utf-8"), ImportFormat::csv);
    EXPECT_EQ(tallyd::import_format("Application/X-NDJSON"), ImportFormat::ndjson);
    EXPECT_EQ(tallyd::import_format("application/jsonl"), ImportFormat::ndjson);
    EXPECT_FALSE(tallyd::import_format("application/json"));
    EXPECT_FALSE(tallyd::import_format("text/csvx"));
    EXPECT_FALSE(tallyd::import_format(nullptr));
}

struct Asked {
    std::string query, body;
};

tallyd::Response stored(const char* body) {
    tallyd::Response answer;
    answer.status = 200;
    answer.body = body;
    return answer;
}

TEST(ImportUpload, BeginsWithoutALineAndSumsUp) {
    tallyd::ImportUpload upload(ImportFormat::ndjson, R"({"name":["x"],"line":["5"]})");
    ASSERT_FALSE(upload.problem());
    Asked job;
    upload.feed("{", 1);
    EXPECT_FALSE(upload.must_store(false));  // it may yet break off without a line
    upload.feed("}\n", 2);
    ASSERT_TRUE(upload.must_store(false));
    upload.next(job.query, job.body);
    EXPECT_EQ(job.query, R"({"format":["ndjson"],"name":["x"]})");
    EXPECT_EQ(job.body, "");
    EXPECT_FALSE(upload.take(stored(R"({"import_id":"imp_1","accepted":0,"duplicates":0,"next_line":1})")));
    EXPECT_FALSE(upload.must_store(false));
    upload.feed("\xFF", 1);
    upload.end();
    ASSERT_TRUE(upload.must_store(true));
    upload.next(job.query, job.body);
    EXPECT_EQ(job.query, R"({"format":["ndjson"],"import_id":["imp_1"],"line":["5"],"unread":["6"]})");
    EXPECT_EQ(job.body, "{}\n\n");
    EXPECT_FALSE(upload.take(stored(
        R"({"import_id":"imp_1","accepted":0,"duplicates":0,"failed":2,"next_line":7,"failures":[{"line":5,"reason":"r","field":"f"}]})")));
    EXPECT_FALSE(upload.must_store(true));
    EXPECT_EQ(
        upload.summary().body,
        R"({"import_id":"imp_1","accepted":0,"duplicates":0,"failed":2,"failures":[{"line":5,"reason":"r","field":"f"},)"
        R"({"line":6,"reason":"the line is not valid UTF-8"}]})");
}

TEST(ImportUpload, ARefusalSaysWhatIsStored) {
    tallyd::ImportUpload upload(ImportFormat::ndjson, "{}");
    Asked job;
    upload.take(stored(R"({"import_id":"imp_1","next_line":1})"));
    upload.next(job.query, job.body);
    upload.take(stored(R"({"import_id":"imp_1","accepted":3,"duplicates":0,"failed":0,"next_line":4,"failures":[]})"));
    tallyd::Response failed = stored(R"({"code":"CONFLICT","message":"m","details":{"hint":"h"}})");
    failed.status = 409;
    const auto refusal = upload.take(failed);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(
        refusal->body,
        R"({"code":"CONFLICT","message":"m","details":{"hint":"h","import_id":"imp_1","accepted":3,"duplicates":0,"failed":0,"next_line":4}})");
}

TEST(ImportUpload, ALimitEndsItWithTheLineToGoOnWith) {
    tallyd::ImportUpload upload(ImportFormat::ndjson, R"({"import_id":["imp_1"]})");
    Asked job;
    upload.take(stored(R"({"import_id":"imp_1","next_line":1})"));
    upload.feed("{}\n\xFF\n{}\n\xFF\n", 10);
    upload.next(job.query, job.body);
    EXPECT_EQ(job.query, R"({"format":["ndjson"],"import_id":["imp_1"],"line":["1"],"unread":["2","4"]})");
    const auto refusal = upload.take(
        stored(R"({"import_id":"imp_1","accepted":1,"duplicates":0,"failed":1,"resent":0,"next_line":3,"failures":[],)"
               R"("limited":{"reason":"over","details":{"limit":{"whose":"key","events_per_month":1,"remaining":0}}}})"));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 429U);
    EXPECT_EQ(refusal->rate.limit, 1);
    EXPECT_GT(refusal->retry_after, 0);
    EXPECT_EQ(refusal->body,
              R"({"code":"TOO_MANY_REQUESTS","message":"over; the lines before line 3 were taken","details":{"limit":)"
              R"({"whose":"key","events_per_month":1,"remaining":0},"import_id":"imp_1","accepted":1,"duplicates":0,)"
              R"("failed":1,"next_line":3},"failures":[{"line":2,"reason":"the line is not valid UTF-8"}]})");
}

TEST(ImportUpload, LinesThatWereTakenBeforeAreToldApart) {
    tallyd::ImportUpload upload(ImportFormat::ndjson, R"({"import_id":["imp_1"]})");
    upload.take(stored(R"({"import_id":"imp_1","next_line":1})"));
    upload.take(stored(R"({"import_id":"imp_1","accepted":1,"duplicates":0,"failed":0,"resent":2,"next_line":4,)"
                       R"("failures":[],"totals":{"accepted":3,"duplicates":0,"failed":0}})"));
    tallyd::ImportUpload begun(ImportFormat::ndjson, "{}");
    begun.take(stored(R"({"import_id":"imp_1","next_line":1})"));
    EXPECT_EQ(begun.summary().body.find("totals"), std::string::npos);
    begun.take(stored(R"({"import_id":"imp_1","accepted":0,"resent":2,"next_line":3,"totals":{"accepted":2}})"));
    EXPECT_NE(begun.summary().body.find(R"("resent":2,"totals":{"accepted":2})"), std::string::npos);
    EXPECT_EQ(upload.summary().body,
              R"({"import_id":"imp_1","accepted":1,"duplicates":0,"failed":0,"resent":2,"totals":{"accepted":3,)"
              R"("duplicates":0,"failed":0},"failures":[]})");
}

TEST(ImportUpload, ParametersThatCannotBe) {
    for (const char* query : {R"({"format":["csv"]})", R"({"line":["0"]})", R"({"line":["x"]})", R"({"line":["1","2"]})",
                              R"({"line":["9007199254740992"]})", R"({"line":["99999999999999999999999"]})"})
        EXPECT_TRUE(tallyd::ImportUpload(ImportFormat::csv, query).problem()) << query;
    EXPECT_FALSE(tallyd::ImportUpload(ImportFormat::csv, R"({"line":["9007199254740991"]})").problem());
}

}  // namespace
