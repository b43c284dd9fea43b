// Columns say of parts of a segment what its events say, and load no more than they need.
#include <gtest/gtest.h>

#include "stored_events.hpp"

namespace tally {
namespace {

// Counts what is read.
class CountingSource final : public SegmentBytes {
public:
    explicit CountingSource(Bytes bytes) : bytes_(bytes) {}
    std::size_t size() override { return bytes_.size(); }
    Bytes slice(std::size_t offset, std::size_t length) override {
        ++slices;
        read += length;
        EXPECT_LE(offset + length, bytes_.size());
        return bytes_.subspan(offset, length);
    }
    std::size_t slices = 0, read = 0;

private:
    Bytes bytes_;
};

struct Sample {
    explicit Sample(int size, unsigned seed = 3) {
        std::mt19937_64 random(seed);
        for (int i = 0; i < size; ++i) EventGenerator::add(events, random, i);
        sorted = events.sorted();
        segment = write_segment(events.events());
    }
    StoredEvents events;
    std::vector<StoredEvent> sorted;
    Segment segment;
};

const Property* find_property(const StoredEvent& event, std::string_view name) {
    for (const Property& property : event.properties)
        if (property.key == name) return &property;
    return nullptr;
}

std::string rendered(std::int64_t mantissa, unsigned scale, unsigned shown) {
    for (; scale > shown; --scale) {
        EXPECT_EQ(mantissa % 10, 0);
        mantissa /= 10;
    }
    std::string digits = std::to_string(mantissa < 0 ? -mantissa : mantissa);
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    if (scale > 0) digits.insert(digits.size() - scale, ".");
    return (mantissa < 0 ? "-" : "") + digits;
}

TEST(SegmentReader, CustomersHaveTheirRuns) {
    Sample sample(5000);
    SegmentInMemory source(sample.segment.bytes);
    SegmentReader reader(source);
    std::uint32_t row = 0;
    for (std::uint32_t i = 0; i < reader.customer_count(); ++i) {
        const RowRange run = reader.run(i);
        EXPECT_EQ(run.begin, row);
        EXPECT_EQ(reader.find_customer(reader.customer(i)), i);
        for (row = run.begin; row < run.end; ++row) {
            ASSERT_EQ(sample.sorted[row].customer_id, reader.customer(i));
            ASSERT_EQ(reader.customer_of(row), i);
        }
    }
    EXPECT_EQ(row, reader.rows());
    for (const char* nobody : {"", "customer", "customer0a", "z"}) EXPECT_FALSE(reader.find_customer(nobody));
    std::vector<std::uint32_t> begins(reader.customer_count());
    reader.read_run_begins(0, reader.customer_count(), begins.data());
    for (std::uint32_t i = 0; i < reader.customer_count(); ++i) EXPECT_EQ(begins[i], reader.run(i).begin);
}

TEST(SegmentReader, TellsWhatItHolds) {
    Sample sample(5000);
    CountingSource source(sample.segment.bytes);
    SegmentReader reader(source);
    const std::size_t at_first = reader.held_bytes();
    EXPECT_GT(at_first, 0U);
    std::vector<std::int64_t> ts(reader.rows());
    const std::size_t read_before = source.read;
    reader.read_ts(0, 1, ts.data());
    const std::size_t with_one = reader.held_bytes();
    EXPECT_EQ(with_one - at_first, source.read - read_before);
    reader.read_ts(0, reader.rows(), ts.data());
    EXPECT_GT(reader.held_bytes(), with_one);
    const std::size_t with_times = reader.held_bytes();
    reader.read_ts(0, reader.rows(), ts.data());
    EXPECT_EQ(reader.held_bytes(), with_times);
    reader.check_bytes();
    EXPECT_GE(reader.held_bytes(), sample.segment.bytes.size());
}

TEST(SegmentReader, PartsOfFixedColumns) {
    Sample sample(4000);
    std::mt19937_64 random(1);
    SegmentInMemory source(sample.segment.bytes);
    SegmentReader reader(source);
    std::vector<std::int64_t> ts(4000), seq(4000), received(4000);
    std::vector<std::uint32_t> sources(4000), imports(4000);
    std::vector<std::string_view> ids(4000);
    for (int round = 0; round < 300; ++round) {
        const auto begin = static_cast<std::uint32_t>(random() % 4001);
        const auto end = begin + static_cast<std::uint32_t>(random() % (4001 - begin));
        TextArena arena;
        reader.read_ts(begin, end, ts.data());
        reader.read_seq(begin, end, seq.data());
        reader.read_received_at(begin, end, received.data());
        reader.read_source_codes(begin, end, sources.data());
        reader.read_import_codes(begin, end, imports.data());
        reader.read_event_ids(begin, end, ids.data(), arena);
        for (std::uint32_t row = begin; row < end; ++row) {
            const StoredEvent& event = sample.sorted[row];
            const std::uint32_t i = row - begin;
            ASSERT_EQ(ts[i], event.ts);
            ASSERT_EQ(seq[i], event.seq);
            ASSERT_EQ(received[i], event.received_at);
            ASSERT_EQ(ids[i], event.event_id);
            ASSERT_EQ(reader.sources().entry(sources[i]).text, event.source);
            ASSERT_EQ(imports[i] != 0, event.has_import);
            if (event.has_import) {
                ASSERT_EQ(reader.imports()[imports[i] - 1], event.import_id);
            }
        }
    }
}

void expect_cells(Sample& sample, SegmentReader& reader, std::string_view name, std::uint32_t begin, std::uint32_t end) {
    PropertyColumn& column = *reader.property(name);
    const std::size_t count = end - begin;
    std::vector<CellForm> forms(count);
    std::vector<std::int64_t> mantissas(count);
    std::vector<std::uint8_t> scales(count);
    std::vector<std::uint32_t> codes(count);
    column.read_forms(begin, end, forms.data());
    column.read_numbers(begin, end, mantissas.data());
    column.read_shown_scales(begin, end, scales.data());
    column.read_codes(begin, end, codes.data());
    for (std::size_t i = 0; i < count; ++i) {
        const Property* property = find_property(sample.sorted[begin + i], name);
        ASSERT_EQ(forms[i] == CellForm::absent, property == nullptr);
        ASSERT_TRUE(forms[i] == CellForm::number || (mantissas[i] == 0 && scales[i] == 0));
        ASSERT_TRUE(forms[i] == CellForm::entry || codes[i] == 0);
        if (forms[i] == CellForm::number) {
            ASSERT_EQ(property->kind, PropertyKind::number);
            ASSERT_EQ(rendered(mantissas[i], column.scale(), scales[i]), property->text);
        } else if (forms[i] == CellForm::entry) {
            const DictionaryEntry entry = column.dictionary().entry(codes[i]);
            ASSERT_EQ(entry.kind, property->kind);
            ASSERT_EQ(entry.text, property->text);
            ASSERT_EQ(column.dictionary().find(entry.kind, entry.text), codes[i]);
        }
    }
}

TEST(SegmentReader, CellsOfEveryProperty) {
    Sample sample(4000);
    std::mt19937_64 random(2);
    SegmentInMemory source(sample.segment.bytes);
    SegmentReader reader(source);
    EXPECT_EQ(reader.property("no such"), nullptr);
    EXPECT_EQ(reader.property(""), nullptr);
    const auto names = reader.property_names();
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    ASSERT_GT(names.size(), 100U);
    for (const std::string_view name : names) {
        ASSERT_EQ(reader.property(name)->name(), name);
        const auto begin = static_cast<std::uint32_t>(random() % 4001);
        expect_cells(sample, reader, name, begin, begin + static_cast<std::uint32_t>(random() % (4001 - begin)));
    }
    for (const std::string_view name : {"key0", "key1", "key6"}) expect_cells(sample, reader, name, 0, 4000);
}

// A single entry is unpacked by itself, the third of a block with all others.
TEST(SegmentReader, TextsOneByOneAreThoseOfTheWholeBlock) {
    for (const std::string& start : {std::string(), std::string("user-"), std::string(60, 'x')}) {
        StoredEvents events;
        for (int i = 0; i < 700; ++i)
            events.add("c", i, i, {events.text("t", i == 0 ? "" : start + std::to_string(i * i) + std::string(i % 7, 'y'))});
        const Segment segment = write_segment(events.events());
        SegmentInMemory source(segment.bytes);
        SegmentReader whole(source);
        SegmentDictionary& all = whole.property("t")->dictionary();
        all.load_all();
        for (std::uint32_t code = 0; code < all.size(); ++code) {
            SegmentReader reader(source);
            SegmentDictionary& single = reader.property("t")->dictionary();
            const DictionaryEntry first = single.lone_entry(code), near = single.lone_entry(code ^ 1);
            ASSERT_EQ(first.text, all.entry(code).text);
            ASSERT_EQ(near.text, all.entry(code ^ 1).text);
            ASSERT_EQ(single.lone_entry(code).text, first.text);  // with the whole block
            ASSERT_EQ(single.find(PropertyKind::text, first.text), code);
        }
        EXPECT_FALSE(all.find(PropertyKind::text, start + "0"));
    }
}

TEST(SegmentReader, StatisticsSumWhatTheBlockHolds) {
    Sample sample(4000);
    SegmentInMemory source(sample.segment.bytes);
    SegmentReader reader(source);
    for (const std::string_view name : {"key0", "key1", "key2"}) {
        PropertyColumn& column = *reader.property(name);
        ASSERT_TRUE(column.has_numbers());
        for (std::uint32_t block = 0; block < reader.blocks(); ++block) {
            const std::uint32_t begin = block * segment_block_rows, end = std::min(4000U, begin + segment_block_rows);
            std::vector<CellForm> forms(end - begin);
            std::vector<std::int64_t> mantissas(end - begin);
            column.read_forms(begin, end, forms.data());
            column.read_numbers(begin, end, mantissas.data());
            const BlockStatistics statistics = column.statistics(block).value();
            int128 sum = 0;
            std::int64_t least = INT64_MAX, greatest = INT64_MIN;
            for (std::size_t i = 0; i < forms.size(); ++i) {
                if (forms[i] != CellForm::number) continue;
                sum += mantissas[i];
                least = std::min(least, mantissas[i]);
                greatest = std::max(greatest, mantissas[i]);
            }
            EXPECT_TRUE(statistics.sum == sum);
            EXPECT_EQ(statistics.min, least);
            EXPECT_EQ(statistics.max, greatest);
            EXPECT_EQ(statistics.numbers, std::count(forms.begin(), forms.end(), CellForm::number));
            EXPECT_EQ(statistics.entries, std::count(forms.begin(), forms.end(), CellForm::entry));
        }
    }
}

TEST(SegmentReader, ColumnsOfOneForm) {
    StoredEvents events;
    for (int i = 0; i < 3000; ++i)
        events.add("c" + std::to_string(i % 3), i, i,
                   {events.number("n", std::to_string(i) + ".25"), events.text("t", "x" + std::to_string(i % 5))});
    const Segment segment = write_segment(events.events());
    SegmentInMemory source(segment.bytes);
    SegmentReader reader(source);
    PropertyColumn& numbers = *reader.property("n");
    EXPECT_TRUE(numbers.only_numbers() && numbers.one_shown_scale() && !numbers.has_entries());
    EXPECT_EQ(numbers.scale(), 2);
    EXPECT_EQ(numbers.statistics(0)->max_shown_scale, 2);
    PropertyColumn& texts = *reader.property("t");
    EXPECT_TRUE(texts.only_entries() && !texts.has_numbers());
    EXPECT_EQ(texts.dictionary().size(), 5U);
    EXPECT_EQ(texts.statistics(2)->entries, 3000U - 2048U);
    EXPECT_FALSE(texts.dictionary().find(PropertyKind::number, "x1"));
    EXPECT_FALSE(texts.dictionary().find(PropertyKind::text, "x"));
    EXPECT_FALSE(texts.dictionary().find(PropertyKind::text, "x5"));
}

TEST(SegmentReader, LowerBoundsOfTimesWithinARun) {
    StoredEvents events;
    std::mt19937_64 random(5);
    for (int i = 0; i < 9000; ++i)
        events.add(i % 9 == 0 ? "a" : i % 9 == 1 ? "c" : "b", static_cast<std::int64_t>(random() % 3000), i);
    const std::vector<StoredEvent> sorted = events.sorted();
    const Segment segment = write_segment(events.events());
    SegmentInMemory source(segment.bytes);
    SegmentReader reader(source);
    for (std::uint32_t customer = 0; customer < 3; ++customer) {
        const RowRange run = reader.run(customer);
        for (std::int64_t ts = -1; ts <= 3001; ts += 7) {
            std::uint32_t expected = run.begin;
            while (expected < run.end && sorted[expected].ts < ts) ++expected;
            ASSERT_EQ(reader.lower_bound_ts(run.begin, run.end, ts), expected);
        }
    }
}

TEST(SegmentReader, AnOrdinaryCustomerCostsFewBlocks) {
    StoredEvents events;
    for (int i = 0; i < 65'536; ++i)
        events.add("customer" + std::to_string(i % 300), i, i,
                   {events.number("value", std::to_string(i) + ".50"), events.text("region", "r" + std::to_string(i % 8))});
    const Segment segment = write_segment(events.events());
    CountingSource source(segment.bytes);
    SegmentReader reader(source);
    EXPECT_EQ(source.slices, 1U);
    const RowRange run = reader.run(reader.find_customer("customer77").value());
    std::vector<std::int64_t> mantissas(run.size());
    reader.property("value")->read_numbers(run.begin, run.end, mantissas.data());
    EXPECT_LE(source.slices, 4U);  // header, customer names, runs, one part of the column
    EXPECT_LE(source.read, 24'000U);
    reader.property("value")->read_numbers(run.begin, run.end, mantissas.data());
    EXPECT_LE(source.slices, 4U);
}

}  // namespace
}  // namespace tally
