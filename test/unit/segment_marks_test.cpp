// Statistics that segments keep of cuts: which cuts, what they say, and that answers as of a cut need no cells.
#include <gtest/gtest.h>

#include "core/base/crc32c.hpp"
#include "core/segment/cut.hpp"
#include "core/segment/format.hpp"
#include "core/usage/answer.hpp"
#include "core/usage/segment_count.hpp"
#include "stored_events.hpp"

namespace tally {
namespace {

KnownAt cut_at(std::int64_t last_seq, std::uint8_t id, std::vector<std::int64_t> unseen = {}) {
    KnownAt cut;
    cut.cut.fill(id);
    cut.last_seq = last_seq;
    cut.unseen_seqs = NumberRanges(std::move(unseen));
    return cut;
}

// So many events of all kinds; their seqs are 0 to count - 1, in no order of time.
StoredEvents random_events(int count) {
    std::mt19937_64 random(29);
    StoredEvents events;
    for (int i = 0; i < count; ++i) EventGenerator::add(events, random, i);
    return events;
}

std::vector<std::uint8_t> cuts_of(const Segment& segment) {
    SegmentInMemory source(segment.bytes);
    SegmentReader reader(source);
    std::vector<std::uint8_t> ids;
    for (const SegmentMark& mark : reader.marks()) ids.push_back(mark.cut[0]);
    return ids;
}

TEST(SegmentMarks, AreKeptOfCutsThatSeeSomeRowsUpToASeq) {
    StoredEvents events = random_events(3000);
    const std::vector<KnownAt> cuts = {cut_at(-1, 1),
                                       cut_at(0, 2),
                                       cut_at(1500, 3, {1200, 1200}),
                                       cut_at(1500, 4, {3500, 3600}),
                                       cut_at(2000, 5, {-50, -1}),
                                       cut_at(2998, 6),
                                       cut_at(2999, 7),
                                       cut_at(5000, 8)};
    const std::vector<std::uint8_t> kept = {2, 4, 5, 6};  // 3 does not see 1200
    EXPECT_EQ(cuts_of(write_segment(events.events(), nullptr, cuts)), kept);
    EXPECT_EQ(cuts_of(write_segment(events.events())), std::vector<std::uint8_t>{});
    StoredEvents few = random_events(2047);
    EXPECT_EQ(cuts_of(write_segment(few.events(), nullptr, cuts)), std::vector<std::uint8_t>{});
}

TEST(SegmentMarks, AreThoseOfTheNewestCuts) {
    StoredEvents events = random_events(3000);
    std::vector<KnownAt> cuts;
    std::vector<std::uint8_t> kept;
    for (std::uint8_t i = 0; i < 40; ++i) {
        cuts.push_back(cut_at(50 * i, i));
        if (i >= 40 - max_marks) kept.push_back(i);
    }
    EXPECT_EQ(cuts_of(write_segment(events.events(), nullptr, cuts)), kept);
}

TEST(SegmentMarks, MergesKeepThem) {
    StoredEvents events = random_events(6000);
    const std::vector<KnownAt> cuts = {cut_at(1000, 1), cut_at(4000, 2)};
    const Segment first = write_segment(std::span(events.events()).first(2500), nullptr, cuts);
    const Segment second = write_segment(std::span(events.events()).subspan(2500));
    SegmentInMemory first_source(first.bytes), second_source(second.bytes);
    SegmentReader first_reader(first_source), second_reader(second_source);
    SegmentReader* readers[] = {&first_reader, &second_reader};
    std::uint64_t weight = 0;
    for (const StoredEvent& event : events.events()) weight += event_weight(event);
    std::vector<Segment> merged;
    cut_segments(
        readers, weight, [&](const Segment& part, std::uint64_t) { merged.push_back(part); }, nullptr, cuts);
    ASSERT_EQ(merged.size(), 1U);
    EXPECT_EQ(merged[0].bytes, write_segment(events.events(), nullptr, cuts).bytes);
    EXPECT_EQ(cuts_of(merged[0]), (std::vector<std::uint8_t>{1, 2}));
}

// The events themselves come back as without them.
TEST(SegmentMarks, AreFoundTrueByTheCheck) {
    StoredEvents events = random_events(5000);
    const std::vector<KnownAt> cuts = {cut_at(7, 1), cut_at(2500, 2), cut_at(2500, 3), cut_at(4998, 4)};
    const Segment segment = write_segment(events.events(), nullptr, cuts);
    ReadBack back(segment.bytes);
    back.reader.check();
    const std::vector<StoredEvent> sorted = events.sorted();
    EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), back.events.begin(), back.events.end(), same_event));
    EXPECT_EQ(back.reader.find_mark(cuts[2].cut), 2U);
    EXPECT_EQ(back.reader.find_mark(cut_at(0, 9).cut), std::nullopt);
    std::uint32_t seen = 0;
    for (std::uint32_t block = 0; block < back.reader.blocks(); ++block) seen += back.reader.marked_rows(1, block);
    EXPECT_EQ(seen, 2501U);
}

std::size_t block_begin(const segment_format::Header& header, std::uint32_t block) {
    return block == 0 ? header.header_bytes
                      : little_u32(header.block_table + segment_format::block_entry_bytes * (block - 1));
}

// Changes a byte of a block, with checksums that fit.
void change(std::vector<std::byte>& bytes, std::uint32_t block, std::size_t at) {
    using namespace segment_format;
    const std::uint32_t header_bytes = little_u32(bytes.data() + 4), columns = little_u32(bytes.data() + 20);
    const std::vector<std::byte> copy(bytes.begin(), bytes.begin() + header_bytes);
    const Header header = read_header(copy, bytes.size(), ErrorKind::corrupted);
    const std::size_t begin = block_begin(header, block), end = block_begin(header, block + 1);
    bytes[begin + at] ^= std::byte{1};
    const auto put = [&](std::size_t place, std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i) bytes[place + i] = static_cast<std::byte>(value >> (8 * i));
    };
    put(fixed_header_bytes + columns * column_bytes + block_entry_bytes * block + 4,
        crc32c(Bytes(bytes).subspan(begin, end - begin)));
    put(header_bytes - 4, crc32c(Bytes(bytes).first(header_bytes - 4)));
}

StoredEvents numbers(int count) {
    StoredEvents events;
    std::mt19937_64 random(31);
    for (int i = 0; i < count; ++i)
        events.add("c", static_cast<std::int64_t>(random() % 1'000'000), i, {events.number("n", std::to_string(i) + ".50")});
    return events;
}

TEST(SegmentMarks, ThatLieAreFound) {
    StoredEvents events = numbers(3000);
    const std::vector<KnownAt> cuts = {cut_at(1000, 1)};
    const std::vector<std::byte> good = write_segment(events.events(), nullptr, cuts).bytes;
    const std::vector<std::byte> header_copy(good.begin(), good.begin() + little_u32(good.data() + 4));
    const segment_format::Header header = segment_format::read_header(header_copy, good.size(), ErrorKind::corrupted);
    for (const std::uint32_t column : {std::uint32_t{segment_format::seq}, std::uint32_t{segment_format::fixed_columns}}) {
        std::vector<std::byte> bytes = good;
        ReadBack(bytes).reader.check();
        change(bytes, header.columns[column].marked_block(0), 0);
        SegmentInMemory source(bytes);
        SegmentReader reader(source);
        reader.check_bytes();
        EXPECT_THROW(reader.check(), Error) << column;
    }
}

TEST(SegmentMarks, OnlyTheirVersionHasThem) {
    using namespace segment_format;
    StoredEvents events = numbers(3000);
    const std::vector<KnownAt> cuts = {cut_at(1000, 1)};
    for (const bool with : {false, true}) {
        std::vector<std::byte> bytes =
            write_segment(events.events(), nullptr, with ? std::span(cuts) : std::span<const KnownAt>()).bytes;
        EXPECT_EQ(std::to_integer<int>(bytes[3]), with ? 2 : 1);
        const std::uint32_t header_bytes = little_u32(bytes.data() + 4);
        for (const int version : {0, with ? 1 : 2, 3}) {
            bytes[3] = static_cast<std::byte>(version);
            const std::uint32_t sum = crc32c(Bytes(bytes).first(header_bytes - 4));
            for (unsigned i = 0; i < 4; ++i) bytes[header_bytes - 4 + i] = static_cast<std::byte>(sum >> (8 * i));
            SegmentInMemory source(bytes);
            EXPECT_THROW(SegmentReader{source}, Error) << version;
        }
    }
}

// As of a cut, over all of a segment: neither seqs nor cells are read, so that they are damaged is not noticed.
TEST(SegmentMarks, AnswerWithoutCells) {
    StoredEvents events = numbers(4096);
    const std::vector<KnownAt> cuts = {cut_at(999, 1)};
    std::vector<std::byte> bytes = write_segment(events.events(), nullptr, cuts).bytes;
    const std::vector<std::byte> header_copy(bytes.begin(), bytes.begin() + little_u32(bytes.data() + 4));
    const segment_format::Header header = segment_format::read_header(header_copy, bytes.size(), ErrorKind::corrupted);
    for (const std::uint32_t column : {std::uint32_t{segment_format::seq}, std::uint32_t{segment_format::fixed_columns}})
        for (std::uint32_t block = 0; block < 4; ++block)
            bytes[block_begin(header, header.columns[column].data_block(block)) + 100] ^= std::byte{1};
    MetricDefinition definition;
    definition.aggregation = Aggregation::sum;
    definition.key = "n";
    const MetricRule rule(definition, {}, {});
    const Question question{&rule, Windows({INT64_MIN}, INT64_MAX), false, true, true, {}, measures_of(Aggregation::sum)};
    const auto ask = [&](const LeftOut& left_out) {
        SegmentInMemory source(bytes);
        SegmentReader segment(source);
        UsageCount count(question, MemoryLimit(1 << 20));
        SegmentCount(segment, count, left_out).run();
        UsageStates& states = count.groups().states();
        const std::uint32_t total = states.add_total();
        EXPECT_EQ(states.counts(total).counted, 1000);
        std::string text;
        append_text(text, states.sum(total));
        return text;
    };
    EXPECT_EQ(ask({{}, &cuts[0]}), "500000.00");  // 0.5 to 999.5
    const std::int64_t voided[] = {17};
    EXPECT_THROW(ask({voided, &cuts[0]}), Error);  // which of the rows it is, they must tell
}

}  // namespace
}  // namespace tally
