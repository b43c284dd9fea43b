// Spans of customers out of the runs of segments are those that looking at each event gives, whatever is void.
#include "core/usage/customer_spans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "core/segment/writer.hpp"
#include "stored_events.hpp"

namespace tally {
namespace {

bool same(const CustomerSpans& left, const CustomerSpans& right) {
    return std::equal(left.spans().begin(), left.spans().end(), right.spans().begin(), right.spans().end(),
                      [](const auto& one, const auto& other) {
                          return one.first == other.first && one.second.first == other.second.first &&
                                 one.second.last == other.second.last && one.second.events == other.second.events;
                      });
}

TEST(CustomerSpans, AreThoseOfTheEvents) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 80; ++round) {
        const std::optional<std::string> only =
            random() % 3 == 0 ? std::optional<std::string>("c" + std::to_string(random() % 6)) : std::nullopt;
        CustomerSpans found(MemoryLimit(1 << 20), only), expected(MemoryLimit(1 << 20), only);
        std::vector<std::int64_t> voided;
        const std::size_t share = 1 + random() % 4000;  // of events, one in so many is void
        std::int64_t seq = 0;
        for (int part = 0; part < 3; ++part) {
            StoredEvents events;
            for (std::size_t left = 1 + random() % 2500; left > 0; --left) {
                const std::string customer = random() % 7 == 0 ? "" : "c" + std::to_string(random() % 5);
                const auto ts = static_cast<std::int64_t>(random() % 1000);
                events.add(customer, ts, ++seq, {events.text("p", "x")});
                if (random() % share == 0) {
                    voided.push_back(seq);
                } else {
                    expected.add(customer, ts);
                }
            }
            const Segment written = write_segment(events.events());
            SegmentInMemory source(written.bytes);
            SegmentReader segment(source);
            found.add_segment(segment, voided);
        }
        EXPECT_TRUE(same(found, expected)) << "round " << round;
    }
}

TEST(CustomerSpans, KeepToTheirMemory) {
    CustomerSpans spans(MemoryLimit(1000), std::nullopt);
    EXPECT_THROW(
        {
            for (int customer = 0; customer < 100; ++customer) spans.add("c" + std::to_string(customer), 0);
        },
        Error);
}

}  // namespace
}  // namespace tally
