// Pieces of segment_count.hpp: which rows, window by window and customer by customer.
#include "core/usage/segment_count.hpp"

#include <algorithm>

namespace tally {
namespace {

// From this many rows on windows are searched for by bisection, below row by row.
constexpr std::uint32_t rows_worth_a_search = 256;

PropertyColumn* value_column(const KeyColumns& columns, const MetricRule& rule) {
    return rule.value_key() < 0 ? nullptr : columns.column(rule.value_key());
}

}  // namespace

SegmentCount::SegmentCount(SegmentReader& segment, UsageCount& count, const LeftOut& left_out)
    : segment_(segment),
      count_(count),
      question_(count.question()),
      measures_(count.groups().states().measures()),
      left_out_(segment, left_out),
      columns_(segment, *question_.rule),
      classes_(columns_, count),
      numbers_(measures_.numbers() ? value_column(columns_, *question_.rule) : nullptr),
      keys_(measures_.distinct ? value_column(columns_, *question_.rule) : nullptr, *question_.rule),
      // The latest row of a piece is its last one only where it is one customer's.
      tells_customers_apart_(question_.by_customer || measures_.latest) {
    const Windows& windows = question_.windows;
    is_in_one_window_ = windows.holds(segment.first_ts()) && windows.holds(segment.last_ts()) &&
                        windows.window_of(segment.first_ts()) == windows.window_of(segment.last_ts());
}

void SegmentCount::run() {
    if (!question_.all_customers) {
        for (const std::string& customer : question_.customers)
            if (const auto found = segment_.find_customer(customer)) run_rows(customer, segment_.run(*found), true);
        return;
    }
    if (!tells_customers_apart_) return run_rows({}, {0, segment_.rows()}, segment_.customer_count() == 1);
    std::vector<std::uint32_t> begins(segment_.customer_count() + 1, segment_.rows());
    segment_.read_run_begins(0, segment_.customer_count(), begins.data());
    for (std::uint32_t customer = 0; customer < segment_.customer_count(); ++customer)
        run_rows(question_.by_customer ? segment_.customer(customer) : std::string_view{},
                 {begins[customer], begins[customer + 1]}, true);
}

void SegmentCount::run_rows(std::string_view customer, RowRange rows, bool is_one_customer) {
    wanted_ = tells_customers_apart_ && question_.all_customers ? RowRange{0, segment_.rows()} : rows;
    if (is_in_one_window_) {
        add_piece({question_.windows.window_of(segment_.first_ts()), customer}, rows);
    } else if (is_one_customer && rows.size() >= rows_worth_a_search) {
        cut_by_bounds(customer, rows);
    } else {
        cut_by_walking(customer, rows);
    }
}

// One customer's rows are in the order of time.
void SegmentCount::cut_by_bounds(std::string_view customer, RowRange rows) {
    const Windows& windows = question_.windows;
    std::uint32_t begin = segment_.lower_bound_ts(rows.begin, rows.end, windows.from());
    const std::uint32_t end = segment_.lower_bound_ts(begin, rows.end, windows.to());
    while (begin < end) {
        const std::int64_t window = windows.window_of(ts_of(begin));
        const std::uint32_t next = windows.is_one() ? end : segment_.lower_bound_ts(begin, end, windows.end_of(window));
        add_piece({window, customer}, {begin, next});
        begin = next;
    }
}

void SegmentCount::cut_by_walking(std::string_view customer, RowRange rows) {
    const Windows& windows = question_.windows;
    for (std::uint32_t row = rows.begin; row < rows.end;) {
        const std::int64_t* ts = ts_from(row);
        const std::uint32_t end = std::min(rows.end, ts_rows_.end);
        while (row < end) {
            if (!windows.holds(*ts)) {
                ++row, ++ts;
                continue;
            }
            const std::int64_t window = windows.window_of(*ts);
            const std::int64_t from = windows.start_of(window), to = windows.end_of(window);
            const std::uint32_t begin = row;
            while (row < end && *ts >= from && *ts < to) ++row, ++ts;
            add_piece({window, customer}, {begin, row});
        }
    }
}

const std::int64_t* SegmentCount::ts_from(std::uint32_t row) {
    if (row < ts_rows_.begin || row >= ts_rows_.end) {
        const std::uint32_t block = row / segment_block_rows * segment_block_rows;
        ts_rows_ = {std::max(block, wanted_.begin), std::min(block + segment_block_rows, wanted_.end)};
        ts_.resize(segment_block_rows);
        segment_.read_ts(ts_rows_.begin, ts_rows_.end, ts_.data());
    }
    return ts_.data() + (row - ts_rows_.begin);
}

std::int64_t SegmentCount::ts_of(std::uint32_t row) {
    if (row >= ts_rows_.begin && row < ts_rows_.end) return ts_[row - ts_rows_.begin];
    std::int64_t ts = 0;
    segment_.read_ts(row, row + 1, &ts);
    return ts;
}

std::int64_t SegmentCount::seq_of(std::uint32_t row) {
    std::int64_t seq = 0;
    segment_.read_seq(row, row + 1, &seq);
    return seq;
}

void SegmentCount::add_piece(const Piece& piece, RowRange rows) {
    counts_cells_ = measures_.distinct && classes_.is_trivial() && keys_.is_worth_counting(rows.size());
    for (std::uint32_t row = rows.begin; row < rows.end;) {
        const std::uint32_t block = row / segment_block_rows;
        const std::uint32_t first = block * segment_block_rows, last = std::min(first + segment_block_rows, segment_.rows());
        const std::uint32_t end = std::min(rows.end, last);
        if (left_out_.has_any()) {
            left_out_.load({row, end}, wanted_);
            left_out_now_ = left_out_.count({row, end});
        }
        const bool is_whole = row == first && end == last;
        if (left_out_now_ != end - row && !(is_whole && add_by_statistics(block))) add_rows(piece, {row, end});
        row = end;
    }
    if (counts_cells_ && !touched_.empty()) add_counted_keys(piece);
    flush(piece);
}

std::uint32_t SegmentCount::group_of(const Piece& piece, std::uint32_t combination) {
    UsageGroups& groups = count_.groups();
    const std::uint32_t customer = question_.by_customer ? groups.texts().number_of(piece.customer) : 0;
    return groups.group_of({piece.window, customer, combination});
}

SegmentCount::Partial& SegmentCount::partial_of(std::uint32_t combination) {
    if (combination >= partials_.size()) partials_.resize(count_.groups().combinations());
    Partial& partial = partials_[combination];
    if (!partial.is_touched) {
        partial.is_touched = true;
        touched_.push_back(combination);
    }
    return partial;
}

}  // namespace tally
