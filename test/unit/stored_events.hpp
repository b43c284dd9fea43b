// Events for tests of segments: owns their texts, and compares what comes back.
#pragma once

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/event/stored_event.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/writer.hpp"

namespace tally {

inline bool same_event(const StoredEvent& left, const StoredEvent& right) {
    return left.customer_id == right.customer_id && left.source == right.source && left.event_id == right.event_id &&
           left.ts == right.ts && left.received_at == right.received_at && left.seq == right.seq &&
           left.has_import == right.has_import && left.import_id == right.import_id &&
           std::equal(
               left.properties.begin(), left.properties.end(), right.properties.begin(), right.properties.end(),
               [](const Property& a, const Property& b) { return a.key == b.key && a.text == b.text && a.kind == b.kind; });
}

class StoredEvents {
public:
    // A view of a copy of the text that lasts.
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    // Adds an event; the properties may come in any order.
    StoredEvent& add(std::string_view customer_id, std::int64_t ts, std::int64_t seq,
                     std::vector<Property> properties = {}) {
        StoredEvent& event = events_.emplace_back();
        event.customer_id = keep(std::string(customer_id));
        event.event_id = keep("id-" + std::to_string(seq));
        event.ts = ts;
        event.received_at = ts + 5;
        event.seq = seq;
        std::sort(properties.begin(), properties.end(), [](const Property& a, const Property& b) { return a.key < b.key; });
        event.properties = properties_.emplace_back(std::move(properties));
        return event;
    }
    Property number(std::string key, std::string text) {
        return {keep(std::move(key)), keep(std::move(text)), PropertyKind::number};
    }
    Property text(std::string key, std::string content) {
        return {keep(std::move(key)), keep(std::move(content)), PropertyKind::text};
    }
    Property json(std::string key, std::string content) {
        return {keep(std::move(key)), keep(std::move(content)), PropertyKind::json};
    }

    std::vector<StoredEvent>& events() noexcept { return events_; }
    std::vector<StoredEvent> sorted() const {
        std::vector<StoredEvent> sorted = events_;
        std::sort(sorted.begin(), sorted.end(), stored_before);
        return sorted;
    }

private:
    std::deque<std::string> texts_;
    std::deque<std::vector<Property>> properties_;
    std::vector<StoredEvent> events_;
};

// Everything that may occur in an event, drawn from the random numbers.
class EventGenerator {
public:
    template <typename Random>
    static void add(StoredEvents& events, Random& random, std::int64_t seq) {
        const auto below = [&random](std::uint64_t limit) { return static_cast<std::uint64_t>(random()) % limit; };
        constexpr std::string_view texts[] = {"",     "a",  "eu-west", "日本語", "\U0001F600 smile", "quote\" and \\",
                                              "\n\t", "1.0"};
        constexpr std::string_view numbers[] = {"0",
                                                "-0",
                                                "1",
                                                "1.0",
                                                "1.00",
                                                "1e3",
                                                "1E+3",
                                                "-0.00",
                                                "0.1",
                                                "12.5",
                                                "-7.25",
                                                "999999999999999999",
                                                "9999999999999999999",
                                                "123456789012345678901234567890",
                                                "0.000000000000000001",
                                                "0.0000000000000000001",
                                                "9223372036854775807",
                                                "-9223372036854775808",
                                                "0.30000000000000004"};
        constexpr std::string_view values[] = {"true", "false", "null", "[1,2]", "{\"a\":1}"};
        std::vector<Property> properties;
        const std::uint64_t keys = below(8);
        for (std::uint64_t i = 0; i < keys; ++i) {
            const bool rare = below(5) == 0;
            const std::string key = rare ? "rare" + std::to_string(i * 1000 + below(1000)) : "key" + std::to_string(i);
            switch (below(6)) {
                case 0: properties.push_back(events.text(key, std::string(texts[below(std::size(texts))]))); break;
                case 1: properties.push_back(events.number(key, std::string(numbers[below(std::size(numbers))]))); break;
                case 2: properties.push_back(events.json(key, std::string(values[below(std::size(values))]))); break;
                case 3: properties.push_back(events.text(key, "user_" + std::to_string(below(1000)))); break;
                default:
                    properties.push_back(
                        events.number(key, std::to_string(below(1000)) + "." + std::to_string(10 + below(90))));
            }
        }
        const std::int64_t ts = 1'700'000'000'000'000 + static_cast<std::int64_t>(below(86'400'000)) * 1000;
        StoredEvent& event = events.add("customer" + std::to_string(below(20)), ts, seq, std::move(properties));
        event.source = events.keep(below(3) == 0 ? "" : "source" + std::to_string(below(3)));
        event.received_at = below(50) == 0 ? static_cast<std::int64_t>(random()) : 1'700'000'000'000'000 + seq / 100;
        if (below(2) == 0) event.event_id = events.keep(hex_id(random, below(2) == 0));
        if (below(4) == 0) {
            event.has_import = true;
            event.import_id.fill(static_cast<std::uint8_t>(1 + below(3)));
        }
    }

private:
    template <typename Random>
    static std::string hex_id(Random& random, bool dashes) {
        std::string id;
        for (int i = 0; i < 32; ++i) {
            if (dashes && (i == 8 || i == 12 || i == 16 || i == 20)) id += '-';
            id += "0123456789abcdefF"[static_cast<std::uint64_t>(random()) % (i == 5 ? 17 : 16)];
        }
        return id;
    }
};

// The events of a segment, whose texts live as long as this does.
struct ReadBack {
    explicit ReadBack(Bytes bytes) : source(bytes), reader(source), events(reader.rows()) {
        reader.read_events(0, reader.rows(), events.data(), arena);
    }

    SegmentInMemory source;
    SegmentReader reader;
    TextArena arena;
    std::vector<StoredEvent> events;
};

}  // namespace tally
