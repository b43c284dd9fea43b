// Why a usage is what it is, event by event: each one is judged anew by the metric's rule (core/metric/rule.hpp), the
// counts by outcome must come to what the engine has counted, and the total is taken apart into its steps.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/json_string.hpp"
#include "core/base/public_id.hpp"
#include "core/base/rfc3339.hpp"
#include "core/usage/conversion.hpp"
#include "core/usage/row_values.hpp"

#include "pg/border/gate.hpp"
#include "pg/usage/pass.hpp"
#include "pg/usage/events.hpp"

#include "pg/usage/ask.hpp"
#include "pg/usage/resends.hpp"
#include "pg/usage/state_values.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

constexpr std::size_t most_examples = 10;
constexpr std::size_t outcomes = static_cast<std::size_t>(Outcome::not_a_value) + 1;

// Events that the rule treats alike, or that are void: how many, and the first of them that were found.
struct Kind {
    std::int64_t events = 0;
    std::string examples;

    void add(const StoredEvent& event) {
        if (++events > static_cast<std::int64_t>(most_examples)) return;
        examples += examples.empty() ? "{\"event_id\":" : ",{\"event_id\":";
        append_json_string(examples, event.event_id);
        examples += ",\"customer_id\":";
        append_json_string(examples, event.customer_id);
        examples += ",\"source\":";
        append_json_string(examples, event.source);
        examples += ",\"timestamp\":\"" + format_rfc3339(event.ts) + "\"}";
    }
    void append_to(std::string& json, std::string_view name) const {
        if (json.back() != '{') json += ',';
        append_json_string(json, name);
        json += ":{\"events\":" + std::to_string(events) + ",\"examples\":[" + examples + "]}";
    }
};

const KnownAt* known_in(const Asked& asked) {
    return asked.as_of ? &asked.as_of->known : nullptr;
}

class Explanation final : public EventTaker {
public:
    Explanation(const MeteredMetric& metric, const Asked& asked, const MetricRule& rule)
        : asked_(asked),
          rule_(rule),
          values_(rule.keys()),
          voided_(voided_seqs(metric.tenant, metric.code, asked.range.from, asked.range.to, memory_, known_in(asked))),
          amended_(amended_seqs(metric.tenant, metric.code, asked.range.from, asked.range.to, memory_, known_in(asked))) {}

    bool wants(std::int64_t, std::int64_t) const noexcept override { return true; }
    std::int64_t oldest() const noexcept override { return INT64_MIN; }
    void take(std::string_view, const StoredEvent& event, std::string_view properties) override {
        if (!asked_.all_customers &&
            !std::binary_search(asked_.customers.begin(), asked_.customers.end(), event.customer_id))
            return;
        if (std::binary_search(amended_.begin(), amended_.end(), event.seq)) return was_amended_.add(event);
        if (std::binary_search(voided_.begin(), voided_.end(), event.seq)) return is_void_.add(event);
        kinds_[static_cast<std::size_t>(rule_.judge(values_.read(properties)))].add(event);
    }

    const Kind& of(Outcome outcome) const { return kinds_[static_cast<std::size_t>(outcome)]; }
    std::int64_t skipped() const {
        return of(Outcome::missing).events + of(Outcome::empty).events + of(Outcome::not_a_number).events +
               of(Outcome::not_a_value).events;
    }

    void append_to(std::string& json) const {
        std::int64_t all = is_void_.events + was_amended_.events;
        for (const Kind& kind : kinds_) all += kind.events;
        json += "\"events\":" + std::to_string(all) + ",\"by_outcome\":{";
        static constexpr std::array<const char*, outcomes> names = {"counted", "filtered",     "outside_matrix", "missing",
                                                                    "empty",   "not_a_number", "not_a_value"};
        for (std::size_t i = 0; i < kinds_.size(); ++i) kinds_[i].append_to(json, names[i]);
        is_void_.append_to(json, "voided");
        was_amended_.append_to(json, "amended");
        json += '}';
    }

private:
    const Asked& asked_;
    const MetricRule& rule_;
    RowValues values_;
    MemoryLimit memory_ = usage_memory();
    std::vector<std::int64_t> voided_, amended_;
    std::array<Kind, outcomes> kinds_;
    Kind is_void_, was_amended_;
};

std::string number_text(const Decimal& value) {
    std::string json;
    append_json(json, value);
    return json;
}

void append_step(std::string& json, std::string_view step, const std::string& more, const Decimal& result) {
    if (json.back() != '[') json += ',';
    json += "{\"step\":";
    append_json_string(json, step);
    json += more + ",\"result\":" + number_text(result) + '}';
}

constexpr std::string_view step_of(Aggregation aggregation) {
    switch (aggregation) {
        case Aggregation::count: return "count the events";
        case Aggregation::sum: return "add up the values";
        case Aggregation::min: return "take the least value";
        case Aggregation::max: return "take the greatest value";
        case Aggregation::mean: return "divide the sum by the number of events";
        case Aggregation::latest: return "take the latest value";
        case Aggregation::count_distinct: return "count the different values";
    }
    return {};
}

// The total as the engine has made it: from the events to the value, and from it to units of sale.
void append_steps(std::string& json, const MeteredMetric& metric, UsageCount& count, const Explanation& explanation) {
    UsageStates& states = count.groups().states();
    const std::uint32_t total = states.add_total();
    const EventCounts counts = states.counts(total);
    const std::int64_t counted = explanation.of(Outcome::counted).events;
    if (counts.counted != counted || counts.matched != counted + explanation.skipped())
        throw Error(ErrorKind::corrupted, "what was counted is not what the events come to");
    ValueMaker maker(metric, states);
    const std::string of = ",\"events\":" + std::to_string(states.counts(total).counted);
    const Aggregation aggregation = metric.definition.aggregation;
    json += ",\"steps\":[";
    if (aggregation == Aggregation::mean && states.counts(total).counted > 0)
        append_step(json, "add up the values", of, states.sum(total));
    const Decimal value = maker.value(total);
    append_step(json, step_of(aggregation), of, value);
    if (metric.conversion_factor && value.kind != DecimalKind::none) {
        const auto factor = static_cast<std::uint64_t>(*metric.conversion_factor);
        const std::string by = ",\"by\":\"" + std::to_string(factor) + '"';
        std::vector<std::byte> room;
        if (aggregation == Aggregation::mean) {  // of the sum, so that nothing is rounded twice
            const auto events = static_cast<uint128>(states.counts(total).counted);
            append_step(json, "divide the sum by the events times the conversion factor", of + by,
                        convert(states.sum(total), events * factor, Rounding::none, room));
        } else {
            append_step(json, "divide by the conversion factor", by, convert(value, factor, Rounding::none, room));
        }
        append_step(json, "round the exact quotient", ",\"rounding\":\"" + metric.conversion_rounding + '"',
                    maker.converted(total, value));
    }
    json += ']';
    json += ",\"value\":" + number_text(value) + ",\"converted_value\":" + number_text(maker.converted(total, value));
}

void search(const MeteredMetric& metric, const Asked& asked, EventTaker& taker) {
    EventQuestion question;
    question.code = metric.code;
    question.from = asked.range.from;
    question.to = asked.range.to;
    question.known = known_in(asked);
    if (asked.customers.size() == 1) question.customer = asked.customers.front();
    search_events(metric.tenant, question, taker);
}

// As view tally.metrics shows it, by which everybody who may ask can read it: with public ids; as of a cut as it was.
std::string definition_of(const MeteredMetric& metric, const std::optional<AsOf>& as_of) {
    const std::string id = encode_public_id("bm_", metric.id);
    const char* const found = call_pg([&]() -> const char* {
        Oid types[] = {TEXTOID, TEXTOID};
        Datum values[] = {text_datum(id), as_of ? text_datum(as_of->id) : Datum{0}};
        SPI_connect();
        if (SPI_execute_with_args("SELECT row_to_json(json_populate_record(m, tally._definition_then($1, $2)))::text"
                                  " FROM tally.metrics m WHERE m.id = $1",
                                  2, types, values, as_of ? "  " : " n", true, 1) != SPI_OK_SELECT ||
            SPI_processed != 1)
            elog(ERROR, "cannot read the definition of metric %s", id.c_str());
        return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
    });
    std::string definition = found;
    call_pg([] { SPI_finish(); });
    return definition;
}

// The rest of a JSON object that `json` begins.
std::string explain(std::string json, const MeteredMetric& metric, Asked& asked) {
    asked.by_dimensions = false;
    Counted counted(metric, asked);
    Explanation explanation(metric, asked, counted.rule);
    search(metric, asked, explanation);
    explanation.append_to(json);
    const std::int64_t recent = counted.count.recent_events();
    const std::int64_t matched = explanation.of(Outcome::counted).events + explanation.skipped();
    json += ",\"places\":{\"recent_events\":" + std::to_string(recent) +
            ",\"segment_events\":" + std::to_string(matched - recent) + '}';
    json += ",\"sent_again\":" + resends_json(metric.tenant, metric.code, asked);
    append_steps(json, metric, counted.count, explanation);
    return json + '}';
}

}  // namespace
}  // namespace tally

// tally._explain_usage(metric tally.metric, "from", "to", customers, filter, as_of) -> json
TALLY_FUNCTION(explain_usage_json) {
    using namespace tally;
    return guarded([&]() -> Datum {
        MeteredMetric metric = metric_argument(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers(texts_argument(fcinfo, 3));
        asked.filter = filter_argument(fcinfo, 4);
        asked.as_of = find_as_of(metric.tenant, text_argument(fcinfo, 5));
        metric = metric_as_of(metric, asked.as_of);
        const std::string json = explain("{", metric, asked);
        return call_pg([&] { return text_datum(json); });
    });
}

// tally.explain_usage(metric text, "from", "to", customer, filter, as_of) -> json
TALLY_FUNCTION(explain_usage) {
    using namespace tally;
    return guarded([&]() -> Datum {
        const std::int32_t tenant = call_pg([] { return tenant_for_caller(); });
        MeteredMetric metric = metric_of_row(find_metric(tenant, text_argument(fcinfo, 0)));
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers({text_argument(fcinfo, 3)});
        asked.filter = filter_argument(fcinfo, 4);
        asked.as_of = find_as_of(metric.tenant, text_argument(fcinfo, 5));
        metric = metric_as_of(metric, asked.as_of);
        std::string json = "{\"definition\":" + definition_of(metric, asked.as_of) + ',';
        if (asked.as_of) json += "\"as_of\":" + json_of(*asked.as_of) + ',';
        json = explain(std::move(json), metric, asked);
        return call_pg([&] { return text_datum(json); });
    });
}
