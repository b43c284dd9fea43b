// The usage of a metric as the JSON of a REST answer, written in one go: making rows for SQL and JSON of them there costs
// many times what it costs to count.
//
// Dimensions stand as jsonb would show them, shorter names first, because answers have always been so.
#include <algorithm>

#include "core/base/json_string.hpp"
#include "core/base/public_id.hpp"
#include "core/base/rfc3339.hpp"
#include "core/usage/answer.hpp"

#include "pg/border/gate.hpp"
#include "pg/usage/ask.hpp"
#include "pg/usage/state_values.hpp"
#include "pg/usage/store.hpp"
#include "pg/usage/window.hpp"

namespace tally {
namespace {

constexpr std::uint64_t most_rows = 100'000;

void append_number(std::string& json, std::string_view name, const Decimal& value) {
    json.append(",\"").append(name).append("\":");
    append_json(json, value);
}

void append_member(std::string& json, std::string_view name, std::string_view text) {
    json.append(",\"").append(name).append("\":");
    append_json_string(json, text);
}

// The object of a combination's values, made once for each while few bytes are kept: values of several dimensions together
// may come to many times what each of them takes.
class DimensionTexts {
public:
    explicit DimensionTexts(const UsageCount& count) : groups_(count.groups()), made_(groups_.combinations()) {
        const MetricRule& rule = *count.question().rule;
        for (const int key : rule.dimensions()) names_.push_back(rule.keys()[static_cast<std::size_t>(key)].text());
        for (std::size_t i = 0; i < names_.size(); ++i) order_.push_back(i);
        std::sort(order_.begin(), order_.end(), [this](std::size_t left, std::size_t right) {
            const std::string &a = names_[left], &b = names_[right];
            return a.size() != b.size() ? a.size() < b.size() : a < b;
        });
    }

    const std::string& object(std::uint32_t combination) {
        std::string& json = made_[combination];
        if (!json.empty()) return json;
        last_ = make(groups_.values_of(combination));
        if (kept_bytes_ + last_.size() > most_kept_bytes) return last_;
        kept_bytes_ += last_.size();
        return json = std::move(last_);
    }

private:
    static constexpr std::size_t most_kept_bytes = 16 << 20;

    std::string make(std::span<const std::uint32_t> values) const {
        std::string json;
        for (const std::size_t i : order_) {
            if (values[i] == 0) continue;
            json += json.empty() ? '{' : ',';
            append_json_string(json, names_[i]);
            json += ':';
            append_json_string(json, groups_.texts().text(values[i]));
        }
        return json.empty() ? "{}" : json + '}';
    }

    const UsageGroups& groups_;
    std::vector<std::string> names_;
    std::vector<std::size_t> order_;
    std::vector<std::string> made_;
    std::string last_;  // where it is not kept
    std::size_t kept_bytes_ = 0;
};

// Which rows are asked for: those behind a place, and how many of them; where not even that is said, all.
struct UsagePage {
    std::optional<std::uint64_t> most;
    std::vector<std::optional<std::string>> after;  // start of a window, customer, dimension values; empty: from the first

    bool is_one() const noexcept { return most || !after.empty(); }
};

[[noreturn]] void refuse_cursor() {
    call_pg([] { refuse_argument("cursor", "cursor must be the next_cursor of an earlier answer to this question"); });
    pg_unreachable();
}

// The place that a page goes on behind.
std::optional<GroupKey> place_of(const UsagePage& page, UsageCount& count) {
    if (page.after.empty()) return std::nullopt;
    UsageGroups& groups = count.groups();
    const Windows& windows = count.question().windows;
    if (page.after.size() != 2 + groups.dimensions() || !page.after[0]) refuse_cursor();
    const auto start = parse_rfc3339(*page.after[0]);
    if (!start || !windows.holds(*start)) refuse_cursor();
    const auto number_of = [&](const std::optional<std::string>& text) {
        return text ? groups.texts().number_of(*text) : 0;
    };
    std::vector<std::uint32_t> values;
    for (std::size_t at = 2; at < page.after.size(); ++at) values.push_back(number_of(page.after[at]));
    return GroupKey{windows.window_of(*start), number_of(page.after[1]), groups.combination_of(values)};
}

class UsageJson {
public:
    UsageJson(const MeteredMetric& metric, UsageCount& count)
        : count_(count), values_(metric, count.groups().states()), dimensions_(count) {
        const Question& question = count.question();
        if (!question.by_customer && !question.all_customers && question.customers.size() == 1)
            only_customer_ = question.customers.front();
    }

    void append_rows(std::string& json, bool fill, bool has_window, const UsagePage& page) {
        AnswerRows rows(count_, fill, has_window, place_of(page, count_));
        const std::uint64_t most = page.most.value_or(most_rows);
        if (!page.is_one() && rows.count() > most) refuse_many(rows.count());
        json += ",\"usage\":[";
        const bool is_last = rows.count() <= most;
        AnswerRow row;
        for (std::uint64_t at = 0; at < most && rows.next(row); ++at) {
            if (at > 0) json += ',';
            append_row(json, row);
        }
        json += ']';
        if (!page.is_one()) return;
        json += ",\"next_cursor\":";
        if (is_last) json += "null";
        else append_cursor(json, row.key);
    }

    void append_total(std::string& json) {
        json += ",\"total\":{";
        const std::size_t start = json.size();
        total_ = count_.groups().states().add_total();
        append_values(json, total_);
        json.erase(start, 1);  // the comma
        json += '}';
    }

    // Once append_total() has been called.
    EventCounts total_counts() const { return count_.groups().states().counts(total_); }

private:
    [[noreturn]] static void refuse_many(std::uint64_t rows) {
        call_pg([&] {
            refuse_argument(
                "group_by",
                psprintf("this usage has %llu rows; at most %llu are answered at once",
                         static_cast<unsigned long long>(rows), static_cast<unsigned long long>(most_rows)),
                "Ask for pages by limit and cursor, a shorter range, wider windows, fewer groups, or one customer.");
        });
        pg_unreachable();
    }

    // The place of a row, as JSON in hexadecimal digits; tally_rest._usage_place reads it.
    void append_cursor(std::string& json, const GroupKey& key) const {
        const UsageGroups& groups = count_.groups();
        std::string place = "[\"" + format_rfc3339(count_.question().windows.start_of(key.window)) + '"';
        const auto append = [&](std::uint32_t text) {
            place += ',';
            if (text == 0) place += "null";
            else append_json_string(place, groups.texts().text(text));
        };
        append(key.customer);
        for (const std::uint32_t value : groups.values_of(key.combination)) append(value);
        place += ']';
        constexpr std::string_view digits = "0123456789abcdef";
        json += '"';
        for (const char c : place) {
            const auto byte = static_cast<unsigned char>(c);
            json.append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
        }
        json += '"';
    }

    void append_row(std::string& json, const AnswerRow& row) {
        const Windows& windows = count_.question().windows;
        if (row.key.window != window_ || bounds_.empty()) {
            call_pg([] { CHECK_FOR_INTERRUPTS(); });
            window_ = row.key.window;
            bounds_ = "{\"start\":\"" + format_rfc3339(windows.start_of(window_)) + "\",\"end\":\"" +
                      format_rfc3339(windows.end_of(window_)) + '"';
        }
        json += bounds_;
        if (row.key.customer != 0) append_member(json, "customer_id", count_.groups().texts().text(row.key.customer));
        else if (only_customer_) append_member(json, "customer_id", *only_customer_);
        json.append(",\"dimensions\":").append(dimensions_.object(row.key.combination));
        append_values(json, row.group);
        json += '}';
        count_.groups().limit().require(json.size());
    }

    void append_values(std::string& json, std::uint32_t group) {
        const EventCounts counts = group == UsageGroups::no_group ? EventCounts{} : count_.groups().states().counts(group);
        const Decimal value = values_.value(group);
        append_number(json, "value", value);
        append_number(json, "converted_value", values_.converted(group, value));
        json.append(",\"events\":").append(std::to_string(counts.counted));
        json.append(",\"skipped\":").append(std::to_string(counts.matched - counts.counted));
    }

    UsageCount& count_;
    ValueMaker values_;
    DimensionTexts dimensions_;
    std::uint32_t total_ = UsageGroups::no_group;
    std::optional<std::string> only_customer_;  // every row is of this one
    std::int64_t window_ = 0;
    std::string bounds_;  // of window_
};

// What the answer says of its windows; the anchor as the local time that it is, without an offset.
void append_windows(std::string& json, const WindowArguments& windows) {
    if (windows.width) append_member(json, "window", *windows.width);
    append_member(json, "time_zone", windows.time_zone.value_or("UTC"));
    if (windows.week_start) append_member(json, "week_start", *windows.week_start);
    if (!windows.anchor) return;
    std::string local = format_rfc3339(*windows.anchor);
    local.pop_back();
    append_member(json, "anchor", local);
}

std::string public_id_of(HeapTupleHeader row) {
    UuidBytes id;
    call_pg([&] {
        bool is_null = false;
        const pg_uuid_t* const uuid = DatumGetUUIDP(GetAttributeByName(row, "metric_id", &is_null));
        memcpy(id.data(), uuid->data, id.size());
    });
    return encode_public_id("bm_", id);
}

}  // namespace
}  // namespace tally

// tally._as_of(tenant_id integer, as_of text) -> json
TALLY_FUNCTION(as_of) {
    using namespace tally;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_NULL();
    return guarded([&]() -> Datum {
        const std::int32_t tenant = call_pg([&] { return tenant_for_caller(PG_GETARG_INT32(0)); });
        const std::string json = json_of(find_as_of(tenant, text_argument(fcinfo, 1)).value());
        return call_pg([&] { return text_datum(json); });
    });
}

// tally_rest._metric_usage(metric tally.metric, "from", "to", customers, "window", time_zone, group_by, filter, fill,
// anchor, week_start, as_of, page_rows, page_after) -> json
TALLY_FUNCTION(metric_usage_json) {
    using namespace tally;
    return guarded([&]() -> Datum {
        MeteredMetric metric = metric_argument(fcinfo, 0);
        Asked asked;
        asked.range = range_arguments(fcinfo, 1, 2);
        asked.name_customers(texts_argument(fcinfo, 3));
        asked.windows = {text_argument(fcinfo, 4), text_argument(fcinfo, 5), text_argument(fcinfo, 10),
                         anchor_argument(fcinfo, 9)};
        asked.group_by = group_by_argument(fcinfo, 6);
        asked.filter = filter_argument(fcinfo, 7);
        asked.as_of = find_as_of(metric.tenant, text_argument(fcinfo, 11));
        metric = metric_as_of(metric, asked.as_of);
        UsagePage page{std::nullopt, texts_argument(fcinfo, 13)};
        if (!PG_ARGISNULL(12)) page.most = static_cast<std::uint64_t>(PG_GETARG_INT64(12));
        Counted counted(metric, asked);
        UsageJson writer(metric, counted.count);
        std::string json = "{\"metric_id\":\"" + public_id_of(call_pg([&] { return PG_GETARG_HEAPTUPLEHEADER(0); })) + '"';
        append_member(json, "code", metric.code);
        append_member(json, "from", format_rfc3339(asked.range.from));
        append_member(json, "to", format_rfc3339(asked.range.to));
        append_windows(json, asked.windows);
        if (asked.as_of) json.append(",\"as_of\":").append(json_of(*asked.as_of));
        writer.append_rows(json, flag_argument(fcinfo, 8), asked.windows.width.has_value(), page);
        writer.append_total(json);
        const EventCounts counts = writer.total_counts();
        const std::int64_t recent = counted.count.recent_events();
        json.append(",\"made_of\":{\"recent_events\":").append(std::to_string(recent));
        json.append(",\"segment_events\":").append(std::to_string(counts.matched - recent)).append("}}");
        return call_pg([&] { return text_datum(json); });
    });
}
