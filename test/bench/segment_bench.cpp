// Segments on data like the bench's: bytes an event by column, how fast they are made, merged and decoded.
// usage: segment_bench [EVENTS]      (make -f test/lib/unit.mk BUILD=.build/bench MODE=-O2
// .build/bench/bin/segment_bench)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "core/segment/cut.hpp"
#include "core/segment/format.hpp"
#include "stored_events.hpp"

using namespace tally;

namespace {

// Customers in a Zipf distribution, one code of twenty, a month; the events of 1,000 neighbouring seqs share
// received_at.
struct Bench {
    explicit Bench(std::size_t count) {
        std::mt19937_64 random(42);
        std::vector<double> cumulative(10'000);
        double sum = 0;
        for (std::size_t i = 0; i < cumulative.size(); ++i) cumulative[i] = sum += 1.0 / static_cast<double>(i + 1);
        std::uniform_real_distribution<double> uniform(0, sum);
        std::int64_t seq = 5'000'000;
        json.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto customer =
                std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random)) - cumulative.begin();
            const std::int64_t value = static_cast<std::int64_t>(random() % 100'000);
            char fraction[8];
            std::snprintf(fraction, sizeof fraction, ".%02d", static_cast<int>(value % 100));
            const std::string number = std::to_string(value / 100) + fraction;
            const std::string region = "region_" + std::to_string(random() % 8);
            const std::string model = "model_" + std::to_string(random() % 20);
            const std::string user = "user_" + std::to_string(random() % 200'000);
            seq += 1 + static_cast<std::int64_t>(random() % 39);
            const std::int64_t ts = 1'700'000'000'000'000 + static_cast<std::int64_t>(random() % 2'592'000'000) * 1000;
            StoredEvent& event = events.add("customer_" + std::to_string(customer), ts, seq,
                                            {events.number("value", number), events.text("region", region),
                                             events.text("model", model), events.text("user_id", user)});
            event.received_at = 1'703'000'000'000'000 + seq / 1000 * 123'457;
            event.source = "api";
            char id[37];
            const std::uint64_t high = random(), low = random();
            std::snprintf(id, sizeof id, "%08x-%04x-4%03x-a%03x-%012llx", static_cast<unsigned>(high >> 32),
                          static_cast<unsigned>(high >> 16) & 0xFFFF, static_cast<unsigned>(high) & 0xFFF,
                          static_cast<unsigned>(low >> 52), static_cast<unsigned long long>(low & 0xFFFFFFFFFFFF));
            event.event_id = events.keep(id);
            json.push_back("{\"model\": \"" + model + "\", \"value\": " + number + ", \"region\": \"" + region +
                           "\", \"user_id\": \"" + user + "\"}");
        }
    }
    StoredEvents events;
    std::vector<std::string> json;
};

// Processor time, so that waiting for others does not count (their use of the caches still does).
template <typename Work>
double best_seconds(int rounds, Work work) {
    double best = 1e9;
    for (int i = 0; i < rounds; ++i) {
        const std::clock_t begin = std::clock();
        work();
        best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return best;
}

void show(const char* what, double seconds, std::size_t values) {
    std::printf("%-44s %9.2f ms %9.1f million/s\n", what, seconds * 1e3, static_cast<double>(values) / seconds / 1e6);
}

void show_sizes(const Segment& segment) {
    using namespace segment_format;
    const char* names[] = {"ts", "seq", "received_at", "event_id", "source", "import", "customer", "rare_name", "rare"};
    const Bytes bytes(segment.bytes);
    const Header header =
        read_header(bytes.first(header_size(bytes, bytes.size(), ErrorKind::corrupted)), bytes.size(), ErrorKind::corrupted);
    const auto end_of = [&header](std::uint32_t block) {
        return block == 0 ? header.header_bytes : little_u32(header.block_table + block_entry_bytes * (block - 1));
    };
    const auto per_event = [&segment](std::size_t size) { return static_cast<double>(size) / segment.events; };
    std::printf("%-20s %8.3f bytes an event\n", "header", per_event(header.header_bytes));
    for (const Column& column : header.columns) {
        const std::uint32_t dictionary = column.dictionary_block(0);
        const std::string name = column.type < fixed_columns ? names[column.type] : std::string(column.name);
        std::printf("%-20s %8.3f of which dictionary %.3f\n", name.c_str(),
                    per_event(end_of(column.end_block()) - end_of(column.first_block)),
                    per_event(end_of(column.end_block()) - end_of(dictionary)));
    }
    std::printf("%-20s %8.3f\n", "all", per_event(bytes.size()));
}

void show_merge(Bench& bench, std::size_t count) {
    std::uint64_t weight = 0;
    for (const StoredEvent& event : bench.events.events()) weight += event_weight(event);
    std::vector<Segment> parts;
    std::vector<std::unique_ptr<SegmentInMemory>> sources;
    for (std::size_t i = 0; i < 4; ++i) {
        parts.push_back(write_segment(std::span(bench.events.events()).subspan(i * (count / 4), count / 4)));
        sources.push_back(std::make_unique<SegmentInMemory>(parts.back().bytes));
    }
    show("merge of 4",
         best_seconds(3,
                      [&] {
                          std::vector<std::unique_ptr<SegmentReader>> readers;
                          std::vector<SegmentReader*> pointers;
                          for (const auto& part : sources)
                              pointers.push_back(readers.emplace_back(std::make_unique<SegmentReader>(*part)).get());
                          cut_segments(pointers, weight, [](const Segment&, std::uint64_t) {});
                      }),
         count);
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
    const std::size_t count = count_of_arguments > 1 ? std::strtoul(arguments[1], nullptr, 10) : max_segment_events;
    Bench bench(count);
    Segment segment;
    show("write_segment", best_seconds(5, [&] { segment = write_segment(bench.events.events()); }), count);
    show_sizes(segment);
    PropertiesReader properties;
    show("properties from JSON",
         best_seconds(5,
                      [&] {
                          TextArena arena;
                          for (const std::string& json : bench.json) properties.read(json, arena);
                      }),
         count);
    SegmentInMemory source(segment.bytes);
    std::vector<std::int64_t> values(count);
    std::vector<std::uint32_t> codes(count);
    std::vector<StoredEvent> events(count);
    const auto rows = static_cast<std::uint32_t>(count);
    show("open, load and verify", best_seconds(50, [&] { SegmentReader(source).check_bytes(); }), count);
    SegmentReader reader(source);
    show("ts", best_seconds(50, [&] { reader.read_ts(0, rows, values.data()); }), count);
    show("seq", best_seconds(50, [&] { reader.read_seq(0, rows, values.data()); }), count);
    PropertyColumn& value = *reader.property("value");
    show("value", best_seconds(50, [&] { value.read_numbers(0, rows, values.data()); }), count);
    show("region codes", best_seconds(50, [&] { reader.property("region")->read_codes(0, rows, codes.data()); }), count);
    show("user codes", best_seconds(50, [&] { reader.property("user_id")->read_codes(0, rows, codes.data()); }), count);
    show("received_at", best_seconds(5, [&] { reader.read_received_at(0, rows, values.data()); }), count);
    show("dictionary of users",
         best_seconds(5,
                      [&] {
                          SegmentReader fresh(source);
                          SegmentDictionary& users = fresh.property("user_id")->dictionary();
                          for (std::uint32_t i = 0; i < users.size(); ++i) users.entry(i);
                      }),
         reader.property("user_id")->dictionary().size());
    show("open and find a customer", best_seconds(50, [&] { SegmentReader(source).find_customer("customer_77"); }), 1);
    show("whole events",
         best_seconds(5,
                      [&] {
                          TextArena arena;
                          reader.read_events(0, rows, events.data(), arena);
                      }),
         count);
    show_merge(bench, count);
}
