// The columns' road: a whole segment into an answer, with the same result as each of its events one after the other.
//
// Rows are taken in pieces that lie in one window and, where customers are told apart, are one customer's; pieces are
// cut at blocks. Only the blocks of wanted rows are read, and of a block that is wanted whole only its statistics,
// where these say enough.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/segment/reader.hpp"
#include "core/usage/key_columns.hpp"
#include "core/usage/left_out_rows.hpp"
#include "core/usage/question.hpp"
#include "core/usage/row_classes.hpp"
#include "core/usage/value_cells.hpp"

namespace tally {

class SegmentCount {
public:
    SegmentCount(SegmentReader& segment, UsageCount& count, const LeftOut& left_out);

    void run();

private:
    // What the rows of one combination come to in a piece; numbers are mantissas of the column's scale.
    struct Partial {
        std::int64_t matched = 0, counted = 0;
        int128 sum = 0, positive = 0, negative = 0;
        std::int64_t lowest = 0, highest = 0, latest = 0;
        std::uint32_t latest_row = 0;
        std::uint8_t shown = 0, lowest_shown = 0, highest_shown = 0, latest_shown = 0, positive_shown = 0,
                     negative_shown = 0;
        bool is_touched = false, has_numbers = false;
    };
    // Rows that share window and customer; whose customer, is looked up only if one of them counts.
    struct Piece {
        std::int64_t window = 0;
        std::string_view customer;
    };

    void run_rows(std::string_view customer, RowRange rows, bool is_one_customer);
    void cut_by_bounds(std::string_view customer, RowRange rows);
    void cut_by_walking(std::string_view customer, RowRange rows);
    void add_piece(const Piece& piece, RowRange rows);
    bool add_by_statistics(std::uint32_t block);
    // Whether all cells are numbers of one look, of which no more is asked than what they come to together.
    bool are_plain_numbers() const noexcept {
        return measures_.numbers() && !measures_.latest && !measures_.sides && numbers_.only_numbers() &&
               numbers_.one_shown_scale();
    }
    // Whether each of the rows that are being added counts, in one group.
    bool all_alike() const noexcept { return classes_.is_trivial() && left_out_now_ == 0; }
    void load_block(RowRange rows);
    void add_rows(const Piece& piece, RowRange rows);
    void add_keys(const Piece& piece, RowRange rows);
    void add_counted_keys(const Piece& piece);
    void add_plain_numbers(RowRange rows);
    int128 plain_sum(RowRange rows);
    void add_number(Partial& partial, std::uint32_t row);
    void add_entry(const Piece& piece, Partial& partial, std::uint32_t combination, std::uint32_t row);
    void flush(const Piece& piece);
    void flush_numbers(std::uint32_t group, const Partial& partial);

    Partial& partial_of(std::uint32_t combination);
    std::uint32_t group_of(const Piece& piece, std::uint32_t combination);
    Decimal shown(int128 mantissa, std::uint8_t shown_scale) const;
    const std::int64_t* ts_from(std::uint32_t row);  // of the rest of its block
    std::int64_t seq_of(std::uint32_t row);
    std::int64_t ts_of(std::uint32_t row);

    SegmentReader& segment_;
    UsageCount& count_;
    const Question& question_;
    const Measures measures_;
    LeftOutRows left_out_;
    std::uint32_t left_out_now_ = 0;  // how many of the rows that are being added
    KeyColumns columns_;
    RowClasses classes_;
    NumberCells numbers_;
    KeyCells keys_;
    bool tells_customers_apart_;
    bool is_in_one_window_ = false;
    bool counts_cells_ = false;  // for the piece: see KeyCells

    RowRange wanted_;  // of the run that is being cut: what of a block may be worth loading
    RowRange loaded_;  // rows whose cells are in the arrays
    RowRange ts_rows_;
    std::vector<std::int64_t> ts_;
    std::vector<Partial> partials_;       // by combination
    std::vector<std::uint32_t> touched_;  // combinations of the piece
};

}  // namespace tally
