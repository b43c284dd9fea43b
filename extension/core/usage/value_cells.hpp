// The values that a metric aggregates, in a segment: numbers as mantissas of one scale, and whatever else stands in the
// cells, judged once for each entry of the dictionary.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/distinct/set_key.hpp"
#include "core/metric/rule.hpp"
#include "core/segment/reader.hpp"
#include "core/usage/coded_column.hpp"

namespace tally {

class NumberCells {
public:
    explicit NumberCells(PropertyColumn* column) : column_(column) {}

    bool is_absent() const noexcept { return column_ == nullptr; }
    bool only_numbers() const noexcept { return column_ != nullptr && column_->only_numbers(); }
    bool one_shown_scale() const noexcept { return column_->one_shown_scale(); }
    std::uint8_t scale() const noexcept { return column_ == nullptr ? 0 : column_->scale(); }

    // Of a block, or of those of its rows that a mark's cut sees, where all that is in it is numbers or nothing.
    std::optional<BlockStatistics> numbers_of_block(std::uint32_t block, std::optional<std::uint32_t> mark) {
        if (column_ == nullptr) return BlockStatistics{};
        std::optional<BlockStatistics> statistics =
            mark ? column_->marked_statistics(*mark, block) : column_->statistics(block);
        return statistics && statistics->entries == 0 ? statistics : std::nullopt;
    }

    // Rows [begin, end); the arrays' element 0 is row `begin`.
    void load(std::uint32_t begin, std::uint32_t end);
    CellForm form(std::size_t row) const noexcept { return forms_.empty() ? CellForm::number : forms_[row]; }
    std::int64_t mantissa(std::size_t row) const noexcept { return mantissas_[row]; }
    const std::vector<std::int64_t>& mantissas() const noexcept { return mantissas_; }
    // Digits after the point with which a number was sent.
    std::uint8_t shown_scale(std::size_t row) const noexcept { return shown_.empty() ? column_->scale() : shown_[row]; }
    // A row's entry as a number; not `counted` where it is none.
    const ReadNumber& entry(std::size_t row);

private:
    PropertyColumn* column_;
    std::vector<CellForm> forms_;
    std::vector<std::int64_t> mantissas_;
    std::vector<std::uint8_t> shown_;
    std::vector<std::uint32_t> codes_;
    std::vector<std::optional<ReadNumber>> entries_;  // by code
};

// The same for distinct values: keys.
class KeyCells {
public:
    KeyCells(PropertyColumn* column, const MetricRule& rule) : cells_(column), rule_(rule) {}

    // Rows [begin, end) out of so many that will be asked about: keys are remembered only where values come again.
    void load(std::uint32_t begin, std::uint32_t end, std::uint32_t wanted) {
        cells_.load(begin, end);
        remembers_ = !cells_.is_closed() || cells_.size() <= wanted;
    }
    std::uint32_t cell(std::size_t row) const noexcept { return cells_.cells()[row]; }
    // Of a cell; nothing where it has no usable value.
    std::optional<SetKey> key(std::uint32_t cell);

    // Many rows are counted by cell: then keys are made once for each, in the order in which the dictionary lies.
    bool is_worth_counting(std::uint32_t rows) const noexcept { return cells_.is_closed() && rows >= cells_.size() / 8; }
    void count(std::size_t row) {
        if (counted_.empty()) counted_.resize(cells_.size());
        ++counted_[cell(row)];
    }
    // How many cells were counted.
    std::size_t counted() const noexcept {
        return counted_.size() - static_cast<std::size_t>(std::count(counted_.begin(), counted_.end(), std::uint32_t{0}));
    }
    // Calls take(key, rows) for each usable cell that was counted, and forgets the counts.
    template <typename Take>
    void take_counted(Take&& take) {
        for (std::uint32_t cell = 0; cell < counted_.size(); ++cell) {
            if (counted_[cell] == 0) continue;
            if (const std::optional<SetKey> key = read_key(cell)) take(*key, counted_[cell]);
            counted_[cell] = 0;
        }
    }

private:
    struct Known {
        bool is_known = false;
        std::optional<SetKey> key;
    };

    std::optional<SetKey> read_key(std::uint32_t cell);

    CodedColumn cells_;
    const MetricRule& rule_;
    std::vector<Known> keys_;
    std::vector<std::uint32_t> counted_;  // by cell
    bool remembers_ = true;
};

// The key of a value that can be told from others: one that has a text.
SetKey key_of_value(const PropertyValue& value);

}  // namespace tally
