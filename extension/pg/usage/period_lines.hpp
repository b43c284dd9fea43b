// What customers have used in a period of several metrics: gathered metric by metric, put customer by customer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/usage/question.hpp"
#include "core/usage/text_pool.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

// Takes what a customer has used: its lines are a JSON array with [place of the metric from 1, usage, converted usage,
// events, skipped] of each metric that it has used; usages as texts, null where there is none.
class PeriodRows {
public:
    PeriodRows() = default;
    PeriodRows(const PeriodRows&) = delete;
    PeriodRows& operator=(const PeriodRows&) = delete;
    virtual void put(std::string_view customer, std::int32_t part, std::int32_t metrics, std::string_view lines) = 0;

protected:
    ~PeriodRows() = default;
};

// Rows come by part, in it by customer. Where the lines of all customers would take more memory than is allowed, those so
// far are put as a part, and the metrics after them make the next one.
class PeriodLines {
public:
    PeriodLines(PeriodRows& rows, std::size_t most_bytes) : rows_(rows), most_bytes_(most_bytes) {}
    PeriodLines(const PeriodLines&) = delete;
    PeriodLines& operator=(const PeriodLines&) = delete;

    // The answer by customer of the metric at a place; places ascend.
    void add(std::int32_t place, const MeteredMetric& metric, UsageCount& count);

    // Puts what is left.
    void close();

private:
    struct Line {
        std::uint32_t customer;  // its number in customers_
        std::uint32_t length;
        std::size_t begin;  // in texts_
    };

    std::size_t bytes() const noexcept;
    void put_part();
    void put_customer(std::string_view customer, std::span<const std::uint32_t> lines);
    void append_line(std::int32_t place, const Decimal& value, const Decimal& converted, const EventCounts& counts);

    PeriodRows& rows_;
    std::size_t most_bytes_;
    std::int32_t part_ = 0;
    TextPool customers_;
    std::vector<Line> lines_;
    std::string texts_;
    std::string row_;
};

// Gives `rows` what was used in a period over all dimensions, by the arguments from number `first` on: (metrics
// tally.metric[], "from", "to", customer).
void count_period(FunctionCallInfo fcinfo, int first, PeriodRows& rows);

}  // namespace tally
