// Within a run rows lie in the order of (ts, seq): its first row is the earliest event, its last one the latest.
#include "core/usage/customer_spans.hpp"

#include <algorithm>
#include <vector>

namespace tally {
namespace {

constexpr std::size_t node_bytes = 96;  // of the map, beside the name

}  // namespace

void CustomerSpans::add(std::string_view customer, std::int64_t first, std::int64_t last, std::int64_t events) {
    if (customer.empty() || (only_ && *only_ != customer)) return;
    auto found = spans_.find(customer);
    if (found == spans_.end()) {
        limit_.require(memory_ += node_bytes + customer.size());
        found = spans_.emplace(std::string(customer), CustomerSpan{first, last, 0}).first;
    }
    CustomerSpan& span = found->second;
    span.first = std::min(span.first, first);
    span.last = std::max(span.last, last);
    span.events += events;
}

void CustomerSpans::add_run(SegmentReader& segment, std::uint32_t customer, std::span<const std::int64_t> voided) {
    const RowRange run = segment.run(customer);
    const std::string_view name = segment.customer(customer);
    if (voided.empty()) {
        std::int64_t first = 0, last = 0;
        segment.read_ts(run.begin, run.begin + 1, &first);
        segment.read_ts(run.end - 1, run.end, &last);
        add(name, first, last, run.size());
        return;
    }
    std::vector<std::int64_t> ts(run.size()), seqs(run.size());
    segment.read_ts(run.begin, run.end, ts.data());
    segment.read_seq(run.begin, run.end, seqs.data());
    for (std::size_t row = 0; row < ts.size(); ++row)
        if (!std::binary_search(voided.begin(), voided.end(), seqs[row])) add(name, ts[row]);
}

void CustomerSpans::add_segment(SegmentReader& segment, std::span<const std::int64_t> voided) {
    const auto begin = std::lower_bound(voided.begin(), voided.end(), segment.first_seq());
    const auto end = std::upper_bound(begin, voided.end(), segment.last_seq());
    const std::span<const std::int64_t> within(begin, end);
    if (only_) {
        if (const auto customer = segment.find_customer(*only_)) add_run(segment, *customer, within);
        return;
    }
    for (std::uint32_t customer = 0; customer < segment.customer_count(); ++customer) add_run(segment, customer, within);
}

}  // namespace tally
