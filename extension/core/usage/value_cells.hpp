// The values that a metric aggregates, in a segment: numbers as mantissas of one scale, and whatever else stands in the
// cells, judged once for each entry of the dictionary.
#pragma once

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

    // Of a block, where all that is in it is numbers or nothing.
    std::optional<BlockStatistics> numbers_of_block(std::uint32_t block) {
        if (column_ == nullptr) return BlockStatistics{};
        std::optional<BlockStatistics> statistics = column_->statistics(block);
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

    void load(std::uint32_t begin, std::uint32_t end) { cells_.load(begin, end); }
    std::uint32_t cell(std::size_t row) const noexcept { return cells_.cells()[row]; }
    // Of a cell; nothing where it has no usable value.
    const std::optional<SetKey>& key(std::uint32_t cell);

private:
    struct Known {
        bool is_known = false;
        std::optional<SetKey> key;
    };

    CodedColumn cells_;
    const MetricRule& rule_;
    std::vector<Known> keys_;
};

}  // namespace tally
