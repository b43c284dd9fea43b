// The columns' road gives what the rows' road gives: the same groups with the same states, for random events and
// questions.
#include "core/usage/segment_count.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>

#include "core/segment/writer.hpp"
#include "core/usage/answer.hpp"
#include "core/usage/row_values.hpp"

namespace tally {
namespace {

constexpr std::int64_t first_ts = 1'704'067'200'000'000;  // 2024-01-01
constexpr std::int64_t day = 86'400'000'000;
constexpr std::int64_t month = 31 * day;

using Random = std::mt19937_64;

std::string pick(Random& random, const std::vector<std::string>& choices) {
    return choices[random() % choices.size()];
}

// What a property's value may look like, as JSON.
std::string random_value(Random& random, int style) {
    const auto number = [&] { return std::to_string(static_cast<int>(random() % 2001) - 1000); };
    switch (style) {
        case 0: return number();
        case 1: return number() + "." + std::to_string(random() % 100);
        case 2: return "\"" + number() + "\"";
        case 3:
            return pick(random, {"1", "1.0", "1.00", "1e2", "-0", "0", "0.00", "\"1.0\"", "\"\"", "\"many\"", "\" 1\"",
                                 "true", "null", "[1]", "123456789012345678901234567890123456789012345.5",
                                 "99999999999999999999", "-7.50", "\"1e-3\""});
        default: return pick(random, {number(), number() + ".5", "\"x" + number() + "\""});
    }
}

// An object with values behind the paths u.v and u.list[n], and what is found there instead.
std::string random_object(Random& random, int style) {
    switch (random() % 8) {
        case 0: return random_value(random, style);
        case 1: return R"({"v": {"v": 1}})";
        case 2: return R"([{"v": 1}])";
        default:
            return R"({"list": [)" + random_value(random, style) + R"(, {"w": "x"}, "m1"], "region": )" +
                   pick(random, {"\"eu\"", "1.00", "true", "{}", "null"}) + R"(, "v" : )" + random_value(random, style) +
                   "}";
    }
}

struct Row {
    std::string customer, event_id, json;
    std::int64_t ts, seq;
};

std::vector<Row> random_rows(Random& random, std::size_t count, int style) {
    std::vector<Row> rows;
    const std::size_t customers = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
        std::string json = "{";
        const auto add = [&](const std::string& key, const std::string& value) {
            json += (json.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
        };
        if (style == 0 || random() % 10 != 0) add("v", random_value(random, style));
        if (random() % 10 != 0) add("region", pick(random, {"\"eu\"", "\"us\"", "\"asia\"", "\"\"", "1", "1.0"}));
        if (random() % 3 != 0) add("model", "\"m" + std::to_string(random() % 20) + "\"");
        if (random() % 50 == 0) add("tier", std::to_string(random() % 3));
        if (random() % 4 != 0) add("u", random_object(random, style));
        if (random() % 60 == 0) add("deep", R"({"a": {"b": )" + random_value(random, style) + "}}");
        if (random() % 9 == 0) add("u.v", random_value(random, style));
        // Few customers have most of the events, and many events share an instant.
        const std::size_t customer = random() % 2 == 0 ? 0 : random() % customers;
        rows.push_back({customer == 7 ? "" : "c" + std::to_string(customer), "e" + std::to_string(i), json + "}",
                        first_ts + static_cast<std::int64_t>(random() % (month / 1'000'000)) * 1'000'000,
                        static_cast<std::int64_t>(i + 1)});
    }
    return rows;
}

std::vector<std::byte> segment_of(const std::vector<Row>& rows, std::span<const KnownAt> cuts) {
    TextArena arena;
    PropertiesReader reader;
    std::vector<StoredEvent> events;
    for (const Row& row : rows) {
        StoredEvent& event = events.emplace_back();
        event.customer_id = row.customer;
        event.event_id = row.event_id;
        event.ts = row.ts;
        event.seq = row.seq;
        event.properties = reader.read(row.json, arena);
    }
    return write_segment(events, nullptr, cuts).bytes;
}

MetricDefinition random_definition(Random& random) {
    MetricDefinition definition;
    definition.aggregation = static_cast<Aggregation>(random() % 7);
    if (definition.aggregation != Aggregation::count)
        definition.key = pick(
            random, {"v", "v", "v", "model", "u.v", "$.u.v", "$['u']['list'][0]", "$.u.list[-1]", "deep.a.b", "$['u.v']"});
    if (random() % 3 == 0) {
        definition.matrix.type = static_cast<SegmentationMatrix::Type>(1 + random() % 3);
        definition.matrix.key1 = pick(random, {"region", "u.region"});
        definition.matrix.values1 = {"eu", "1"};
        definition.matrix.key2 = "model";
        definition.matrix.values2 = {"m1", "m2", "m3"};
        definition.matrix.links = {{"eu", {"m1", "m4"}}, {"us", {}}};
    }
    if (random() % 4 == 0) definition.usage_group_key = pick(random, {"model", "tier", "$.u.region"});
    return definition;
}

// Bounds often lie at an event, or just behind it: there counting is most easily wrong.
Windows random_windows(Random& random, const std::vector<Row>& rows) {
    std::int64_t from = first_ts + static_cast<std::int64_t>(random() % 4) * (day + 17) - day;
    std::int64_t to = random() % 2 == 0 ? first_ts + month : from + day / 2 + static_cast<std::int64_t>(random() % month);
    const auto at_event = [&] { return rows[random() % rows.size()].ts + (random() % 3 == 0 ? 1 : 0); };
    if (random() % 2 == 0) from = std::min(at_event(), to - 1);
    if (random() % 2 == 0) to = std::max(at_event(), from + 1);
    if (random() % 4 == 0) return Windows::of_width(from, day / 3, to);
    std::vector<std::int64_t> starts;
    if (random() % 3 == 0) return Windows({INT64_MIN}, INT64_MAX);
    const std::int64_t width = random() % 2 == 0 ? to - from : static_cast<std::int64_t>(1 + random() % 48) * day / 24;
    for (std::int64_t start = from; start < to; start += width) starts.push_back(start);
    return Windows(std::move(starts), to);
}

Question random_question(Random& random, const MetricRule& rule, const std::vector<Row>& rows) {
    Question question{&rule, random_windows(random, rows),   random() % 2 == 0, random() % 4 != 0, true,
                      {},    measures_of(rule.aggregation())};
    if (random() % 3 == 0) {
        question.all_customers = false;
        question.customers =
            random() % 2 == 0 ? std::vector<std::string>{"c0"} : std::vector<std::string>{"", "c1", "c12", "nobody"};
    }
    if (question.measures.numbers() && random() % 3 == 0)
        question.measures.sum = question.measures.sides = question.measures.latest = question.measures.lowest =
            question.measures.highest = true;
    return question;
}

std::string text_of(const Decimal& value) {
    std::string text = "none";
    if (value.kind != DecimalKind::none) append_text(text = "", value);
    return text;
}

// Every group of an answer in words, the total last.
std::string words_of(UsageCount& count) {
    std::string words;
    UsageStates& states = count.groups().states();
    const Measures& measures = states.measures();
    const auto describe = [&](std::uint32_t group) {
        words += std::to_string(states.counts(group).matched) + "/" + std::to_string(states.counts(group).counted);
        if (measures.sum) words += " sum " + text_of(states.sum(group));
        if (measures.lowest) words += " lowest " + text_of(states.lowest(group));
        if (measures.highest) words += " highest " + text_of(states.highest(group));
        if (measures.latest) words += " latest " + text_of(states.latest(group));
        if (measures.sides) words += " sides " + text_of(states.positive(group)) + " " + text_of(states.negative(group));
        if (measures.distinct) words += " distinct " + std::to_string(states.distinct(group));
        words += "\n";
    };
    AnswerRows rows(count, false, true);
    AnswerRow row;
    while (rows.next(row)) {
        words += std::to_string(row.key.window) + " ";
        words += row.key.customer == 0 ? "-" : std::string(count.groups().texts().text(row.key.customer));
        for (const std::uint32_t value : count.groups().values_of(row.key.combination))
            words += value == 0 ? " -" : " '" + std::string(count.groups().texts().text(value)) + "'";
        words += ": ";
        describe(row.group);
    }
    describe(states.add_total());
    return words;
}

std::string by_rows(const Question& question, const std::vector<Row>& rows, const LeftOut& left_out) {
    UsageCount count(question, MemoryLimit(1 << 28));
    RowValues values(question.rule->keys());
    for (const Row& row : rows) {
        const bool is_wanted =
            question.all_customers || std::binary_search(question.customers.begin(), question.customers.end(), row.customer);
        if (!question.windows.holds(row.ts) || !is_wanted) continue;
        if (left_out.holds(row.seq)) continue;
        count.add(row.customer, row.ts, row.seq, values.read(row.json));
    }
    return words_of(count);
}

// A cut: the last number often lies within, and some ranges before it are unseen.
KnownAt random_cut(Random& random, std::size_t rows) {
    KnownAt known;
    known.cut.fill(static_cast<std::uint8_t>(random()));
    known.last_seq = static_cast<std::int64_t>(random() % (rows + 2));
    std::vector<std::int64_t> edges;
    for (std::int64_t at = 1; random() % 3 != 0 && at <= known.last_seq;) {
        at += static_cast<std::int64_t>(random() % rows);
        edges.push_back(at);
        edges.push_back(at += static_cast<std::int64_t>(random() % 50));
        at += 2;
    }
    known.unseen_seqs = NumberRanges(edges);
    return known;
}

TEST(UsageColumns, GiveWhatRowsGive) {
    for (unsigned seed = 0; seed < 400; ++seed) {
        Random random(seed);
        const std::size_t size = seed % 8 == 0 ? 3000 + random() % 3000 : 1 + random() % 200;
        const std::vector<Row> rows = random_rows(random, size, static_cast<int>(seed % 5));
        const std::size_t half = random() % 3 == 0 ? rows.size() : 1 + random() % rows.size();
        const std::vector<Row> parts[] = {{rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(half)},
                                          {rows.begin() + static_cast<std::ptrdiff_t>(half), rows.end()}};
        for (int round = 0; round < 6; ++round) {
            Filter filter;
            if (random() % 3 == 0)
                filter.entries.push_back(
                    {pick(random, {"region", "tier", "v", "nothing", "u.region", "$.u.list[1].w", "deep.a.b"}),
                     {"eu", "1", "2.0", "", "true", "x"}});
            const std::vector<std::string> group_by =
                random() % 3 == 0
                    ? std::vector<std::string>{pick(random, {"region", "tier", "v", "u.region", "u.v"}), "model"}
                    : std::vector<std::string>{};
            const MetricRule rule(random_definition(random), filter, group_by);
            const Question question = random_question(random, rule, rows);
            std::vector<std::int64_t> voided;
            if (random() % 3 == 0)
                for (const Row& row : rows)
                    if (random() % 10 == 0) voided.push_back(row.seq);
            const KnownAt known = random_cut(random, rows.size());
            const LeftOut left_out{voided, random() % 3 == 0 ? &known : nullptr};
            UsageCount count(question, MemoryLimit(1 << 28));
            for (const std::vector<Row>& part : parts) {
                if (part.empty()) continue;
                // Segments are written with or without statistics of the cut.
                const std::vector<std::byte> bytes =
                    segment_of(part, random() % 4 == 0 ? std::span<const KnownAt>() : std::span(&known, 1));
                SegmentInMemory source(bytes);
                SegmentReader segment(source);
                SegmentCount(segment, count, left_out).run();
            }
            ASSERT_EQ(words_of(count), by_rows(question, rows, left_out)) << "seed " << seed << " round " << round;
        }
    }
}

}  // namespace
}  // namespace tally
