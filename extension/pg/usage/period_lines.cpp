// The engine's answers of all metrics, turned by customer; tally._period_lines.
#include <algorithm>
#include <numeric>

#include "pg/usage/pass.hpp"

#include "pg/usage/period_lines.hpp"

#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/usage/ask.hpp"
#include "pg/usage/state_values.hpp"

namespace tally {

std::size_t PeriodLines::bytes() const noexcept {
    return customers_.bytes() + lines_.size() * sizeof(Line) + texts_.size();
}

void PeriodLines::add(std::int32_t place, const MeteredMetric& metric, UsageCount& count) {
    if (bytes() > most_bytes_) put_part();
    const UsageGroups& groups = count.groups();
    ValueMaker values(metric, groups.states());
    for (std::uint32_t group = 0; group < groups.keys().size(); ++group) {
        const std::uint32_t customer = groups.keys()[group].customer;
        const Decimal value = values.value(group);
        const std::size_t begin = texts_.size();
        append_line(place, value, values.converted(group, value), groups.states().counts(group));
        lines_.push_back({customers_.number_of(customer == 0 ? std::string_view() : groups.texts().text(customer)),
                          static_cast<std::uint32_t>(texts_.size() - begin), begin});
    }
}

void PeriodLines::append_line(std::int32_t place, const Decimal& value, const Decimal& converted,
                              const EventCounts& counts) {
    texts_.append("[").append(std::to_string(place)).append(",");
    append_json(texts_, value);
    append_json(texts_ += ',', converted);
    texts_.append(",").append(std::to_string(counts.counted));
    texts_.append(",").append(std::to_string(counts.matched - counts.counted)).append("]");
}

void PeriodLines::put_part() {
    ++part_;
    std::vector<std::uint32_t> customers(customers_.size() - 1);
    const std::vector<std::uint32_t> places = customers_.places();
    std::iota(customers.begin(), customers.end(), 1U);
    std::sort(customers.begin(), customers.end(), [&](auto left, auto right) { return places[left] < places[right]; });
    // Lines lie by place; counted into customers they stay so.
    std::vector<std::size_t> next(customers_.size() + 1, 0);
    for (const Line& line : lines_) ++next[line.customer + 1];
    for (std::size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    std::vector<std::uint32_t> order(lines_.size());
    for (std::uint32_t i = 0; i < lines_.size(); ++i) order[next[lines_[i].customer]++] = i;
    for (const std::uint32_t customer : customers) {
        const std::size_t end = next[customer], begin = next[customer - 1];  // those of no number are none
        put_customer(customers_.text(customer), std::span(order).subspan(begin, end - begin));
    }
    customers_ = TextPool();
    lines_.clear();
    texts_.clear();
}

void PeriodLines::put_customer(std::string_view customer, std::span<const std::uint32_t> lines) {
    row_.clear();
    for (const std::uint32_t number : lines) {
        const Line& line = lines_[number];
        row_ += row_.empty() ? '[' : ',';
        row_.append(texts_, line.begin, line.length);
    }
    row_ += ']';
    rows_.put(customer, part_, static_cast<std::int32_t>(lines.size()), row_);
}

void PeriodLines::close() {
    if (!lines_.empty()) put_part();
}

void count_period(FunctionCallInfo fcinfo, int first, PeriodRows& rows) {
    const std::vector<MeteredMetric> metrics = metrics_argument(fcinfo, first);
    Asked asked;
    asked.range = range_arguments(fcinfo, first + 1, first + 2);
    asked.name_customers({text_argument(fcinfo, first + 3)});
    asked.group_by.by_customer = true;
    asked.by_dimensions = false;
    PeriodLines lines(rows, usage_memory_bytes());
    std::int32_t place = 0;
    for (const MeteredMetric& metric : metrics) {
        Counted counted(metric, asked);
        lines.add(++place, metric, counted.count);
    }
    lines.close();
}

namespace {

// As rows of a function.
class AnsweredRows final : public PeriodRows {
public:
    explicit AnsweredRows(FunctionCallInfo fcinfo) {
        call_pg([&] {
            rows_ = begin_rows(fcinfo);
            memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally period row", ALLOCSET_SMALL_SIZES);
        });
    }
    void put(std::string_view customer, std::int32_t part, std::int32_t metrics, std::string_view lines) override {
        call_pg([&] {
            CHECK_FOR_INTERRUPTS();
            MemoryContextReset(memory_);
            MemoryContext const before = MemoryContextSwitchTo(memory_);
            Datum columns[] = {text_datum(customer), Int32GetDatum(part), Int32GetDatum(metrics), text_datum(lines)};
            bool nulls[sizeof columns / sizeof columns[0]] = {};
            tuplestore_putvalues(rows_->setResult, rows_->setDesc, columns, nulls);
            MemoryContextSwitchTo(before);
        });
    }
    void close() {
        call_pg([&] { MemoryContextDelete(memory_); });
    }

private:
    ReturnSetInfo* rows_ = nullptr;
    MemoryContext memory_ = nullptr;
};

}  // namespace
}  // namespace tally

// tally._period_lines(metrics tally.metric[], "from", "to", customer) -> rows
TALLY_FUNCTION(period_lines) {
    using namespace tally;
    return guarded([&]() -> Datum {
        AnsweredRows rows(fcinfo);
        count_period(fcinfo, 0, rows);
        rows.close();
        return Datum{0};
    });
}
