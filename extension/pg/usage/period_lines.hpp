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

// Rows are (customer_id, part, metrics, lines): how many of the metrics the customer has used, and in a JSON array for each
// of them [its place from 1, usage, converted usage, events, skipped]; usages as texts, null where there is none. Where the
// lines of all customers would take more memory than is allowed, those so far are put as a part, and the metrics after them
// make the next one.
class PeriodLines {
public:
    PeriodLines(ReturnSetInfo* rows, std::size_t most_bytes);
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

    ReturnSetInfo* rows_;
    MemoryContext row_memory_ = nullptr;
    std::size_t most_bytes_;
    std::int32_t part_ = 0;
    TextPool customers_;
    std::vector<Line> lines_;
    std::string texts_;
};

}  // namespace tally
