// When customers' events began and ended, and how many there are: made out of segments by their runs of customers, so that
// only the first and the last time of a run are read, and events one by one only where some are void.
//
// An event without a customer is nobody's. Customers come in the order of their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/segment/reader.hpp"
#include "core/usage/limit.hpp"

namespace tally {

struct CustomerSpan {
    std::int64_t first = 0, last = 0;  // Unix microseconds
    std::int64_t events = 0;
};

class CustomerSpans {
public:
    // Of all customers, or of one.
    CustomerSpans(MemoryLimit limit, std::optional<std::string> only) : limit_(limit), only_(std::move(only)) {}

    void add(std::string_view customer, std::int64_t ts) { add(customer, ts, ts, 1); }
    // `voided`: seqs of events that do not count, ascending; of other segments too.
    void add_segment(SegmentReader& segment, std::span<const std::int64_t> voided);

    const std::map<std::string, CustomerSpan, std::less<>>& spans() const noexcept { return spans_; }

private:
    void add(std::string_view customer, std::int64_t first, std::int64_t last, std::int64_t events);
    void add_run(SegmentReader& segment, std::uint32_t customer, std::span<const std::int64_t> voided);

    MemoryLimit limit_;
    std::size_t memory_ = 0;
    std::optional<std::string> only_;
    std::map<std::string, CustomerSpan, std::less<>> spans_;
};

}  // namespace tally
