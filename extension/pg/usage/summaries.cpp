// Summaries of the values of a metric: buckets of time with the sums above and below 0 and running
// totals.
//
// Buckets lie by the clock and calendar of UTC: days are counted from a Monday, months from the year 0, everything else
// from a midnight. What came before the range is one window more, from which the running totals start.
#include <algorithm>
#include <limits>
#include <numeric>

#include "pg/segment/retention_edge.hpp"

#include "pg/border/numeric.hpp"
#include "pg/border/rows.hpp"
#include "pg/usage/ask.hpp"
#include "pg/usage/state_values.hpp"
#include "pg/usage/store.hpp"

namespace {

using namespace tally;

constexpr std::int64_t origin = 978'307'200'000'000;  // Monday, 2001-01-01 00:00 UTC
constexpr std::int64_t day_length = USECS_PER_DAY;
constexpr std::int64_t begin_of_time = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

std::int64_t floor_to(std::int64_t value, std::int64_t width) {
    const std::int64_t rest = value % width;
    return value - (rest < 0 ? rest + width : rest);
}

// Months since the year 0 of a moment, and the moment at which such a month begins.
std::int64_t month_of(std::int64_t unix_time) {
    int year = 0, month = 0, day = 0;
    j2date(static_cast<int>(floor_to(unix_time, day_length) / day_length) + UNIX_EPOCH_JDATE, &year, &month, &day);
    return std::int64_t{year} * 12 + month - 1;
}
std::int64_t month_start(std::int64_t month) {
    return std::int64_t{date2j(static_cast<int>(month / 12), static_cast<int>(month % 12) + 1, 1) - UNIX_EPOCH_JDATE} *
           day_length;
}

// Buckets of one width that touch [from, to).
struct Buckets {
    Buckets(const Interval& width, const TimeRange& range)
        : months(width.month),
          micros(width.day * day_length + width.time),
          windows(months > 0 ? by_month(range) : of_width(range)) {}

    Windows of_width(const TimeRange& range) const {
        const std::int64_t first = origin + floor_to(range.from - origin, micros);
        return Windows::of_width(first, micros, origin + floor_to(range.to - 1 - origin, micros) + micros);
    }
    Windows by_month(const TimeRange& range) const {
        std::vector<std::int64_t> starts = {begin_of_time};
        const std::int64_t last = month_of(range.to - 1);
        std::int64_t month = floor_to(month_of(range.from), months);
        for (; month <= last; month += months) starts.push_back(month_start(month));
        return Windows(std::move(starts), month_start(month));
    }
    // Whether a window is a bucket, and not the time before.
    bool is_bucket(std::int64_t window) const { return months > 0 ? window > 0 : window >= 0; }

    std::int64_t months, micros;
    Windows windows;
};

// The windows in which something was counted, in order.
std::vector<std::uint32_t> counted_windows(const UsageGroups& groups) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t group = 0; group < groups.keys().size(); ++group)
        if (groups.states().counts(group).counted > 0) order.push_back(group);
    std::sort(order.begin(), order.end(), [&](std::uint32_t left, std::uint32_t right) {
        return groups.keys()[left].window < groups.keys()[right].window;
    });
    return order;
}

Measures sides_only() {
    Measures measures;
    measures.sides = true;
    return measures;
}

// Calls PostgreSQL.
Datum amount_of(const Decimal& value) {
    return DirectFunctionCall1(numeric_abs, numeric_from_decimal(sum_or_zero(value)));
}

}  // namespace

// tally._summaries(metric tally.metric, "from", "to", width interval, as_of) -> (bucket_start, bucket_end, positive,
// negative, events, total_positive, total_negative, total_events): whole buckets that the range touches and in which
// something happened
TALLY_FUNCTION(summaries) {
    return guarded([&]() -> Datum {
        const MeteredMetric given = metric_argument(fcinfo, 0);
        const std::optional<AsOf> as_of = find_as_of(given.tenant, text_argument(fcinfo, 4));
        const MeteredMetric metric = metric_as_of(given, as_of);
        const Aggregation aggregation = metric.definition.aggregation;
        if (aggregation == Aggregation::count || aggregation == Aggregation::count_distinct)
            throw Error(ErrorKind::invalid_argument, "metric \"" + metric.definition.name + "\" has no values to sum up",
                        "Ask for its usage with a window instead.", "id");
        if (PG_ARGISNULL(3)) call_pg([] { refuse_argument("width", "width must not be NULL"); });
        const TimeRange range = range_arguments(fcinfo, 1, 2);
        const Buckets buckets(*PG_GETARG_INTERVAL_P(3), range);
        call_pg([&] { refuse_before_edge(range.from); });
        Counted counted(metric, buckets.windows, sides_only(), as_of);
        const UsageGroups& groups = counted.count.groups();
        NumberShelf shelf;
        SmallSlot positive = NumberShelf::none(), negative = NumberShelf::none();
        std::int64_t events = 0;
        ReturnSetInfo* const rows = call_pg([&] { return begin_rows(fcinfo); });
        for (const std::uint32_t group : counted_windows(groups)) {
            const UsageStates& states = groups.states();
            const std::int64_t window = groups.keys()[group].window;
            shelf.add(positive, states.positive(group));
            shelf.add(negative, states.negative(group));
            events += states.counts(group).counted;
            if (!buckets.is_bucket(window)) continue;
            call_pg([&] {
                CHECK_FOR_INTERRUPTS();
                const Datum values[] = {TimestampTzGetDatum(to_postgres(buckets.windows.start_of(window))),
                                        TimestampTzGetDatum(to_postgres(buckets.windows.end_of(window))),
                                        amount_of(states.positive(group)),
                                        amount_of(states.negative(group)),
                                        Int64GetDatum(states.counts(group).counted),
                                        amount_of(shelf.value(positive)),
                                        amount_of(shelf.value(negative)),
                                        Int64GetDatum(events)};
                const bool nulls[sizeof values / sizeof values[0]] = {};
                tuplestore_putvalues(rows->setResult, rows->setDesc, const_cast<Datum*>(values), const_cast<bool*>(nulls));
            });
        }
        return Datum{0};
    });
}
