// Property columns as readers see them: those with blocks of their own, and the rare ones that share blocks.
#pragma once

#include <memory>
#include <vector>

#include "core/segment/dictionary.hpp"
#include "core/segment/format.hpp"
#include "core/segment/reader.hpp"

namespace tally::segment_format {

inline std::uint32_t rows_in_block(const Header& header, std::uint32_t block) noexcept {
    return std::min(segment_block_rows, header.rows - block * segment_block_rows);
}

// Walks a range of rows by blocks: visit(block, first and end within the block, place in the caller's array).
template <typename Visit>
void for_each_block_part(std::uint32_t begin, std::uint32_t end, Visit visit) {
    for (std::uint32_t at = begin; at < end;) {
        const std::uint32_t block = at / segment_block_rows;
        const std::uint32_t first = at % segment_block_rows;
        const std::uint32_t last = std::min(segment_block_rows, end - block * segment_block_rows);
        visit(block, first, last, at - begin);
        at += last - first;
    }
}

// The blocks of a range of a column's values, so that they come by as few slices as can be.
inline void load_blocks(BlockTable& table, const Column& column, std::uint32_t begin, std::uint32_t end) {
    if (begin >= end) return;
    table.load(column.data_block(begin / segment_block_rows), column.data_block((end - 1) / segment_block_rows) + 1);
}

class StoredColumn final : public PropertyColumn {
public:
    StoredColumn(BlockTable& table, const Header& header, const Column& column, UnpackBudget& budget)
        : table_(table), header_(header), column_(column), dictionary_(table, column, budget) {}

    std::string_view name() const noexcept override { return column_.name; }
    bool only_numbers() const noexcept override { return only(with_numbers); }
    bool only_entries() const noexcept override { return only(with_entries); }
    bool has_numbers() const noexcept override { return column_.has(with_numbers); }
    bool has_entries() const noexcept override { return column_.has(with_entries); }
    std::uint8_t scale() const noexcept override { return column_.scale; }
    bool one_shown_scale() const noexcept override { return !column_.has(with_shown_scales); }
    std::optional<BlockStatistics> statistics(std::uint32_t block) override;
    std::optional<BlockStatistics> marked_statistics(std::uint32_t mark, std::uint32_t block) override;
    void read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) override;
    void read_numbers(std::uint32_t begin, std::uint32_t end, std::int64_t* mantissas) override;
    void read_shown_scales(std::uint32_t begin, std::uint32_t end, std::uint8_t* scales) override;
    void read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) override;
    StoredDictionary& dictionary() override { return dictionary_; }

    // Decodes every block and compares it with its statistics. Throws Error(corrupted).
    void check();

private:
    struct Cells;
    static constexpr unsigned forms_of_cells = with_absent | with_numbers | with_entries;

    BlockStatistics statistics_in(Bytes bytes, std::uint32_t block) const;
    bool only(ColumnFlag flag) const noexcept { return (column_.flags & forms_of_cells) == flag; }

    BlockTable& table_;
    const Header& header_;
    const Column& column_;
    StoredDictionary dictionary_;
};

// What the rare properties of the rows of a block are: of row r the cells [begins[r], begins[r + 1]).
struct RareBlock {
    std::vector<std::uint32_t> begins, names, codes;
};

class RareProperties {
public:
    RareProperties(BlockTable& table, const Header& header, UnpackBudget& budget)
        : table_(table),
          header_(header),
          names_(table, header.columns[rare_name], budget),
          entries_(table, header.columns[rare], budget) {}

    StoredDictionary& names() noexcept { return names_; }
    StoredDictionary& entries() noexcept { return entries_; }
    bool empty() const noexcept { return header_.columns[rare].data_blocks == 0; }
    const RareBlock& block(std::uint32_t number);  // valid until the next call

private:
    BlockTable& table_;
    const Header& header_;
    StoredDictionary names_, entries_;
    RareBlock block_;
    std::optional<std::uint32_t> loaded_;
};

class RareColumn final : public PropertyColumn {
public:
    RareColumn(RareProperties& properties, std::uint32_t name) : properties_(properties), name_(name) {}

    std::string_view name() const noexcept override { return text_; }
    bool only_numbers() const noexcept override { return false; }
    bool only_entries() const noexcept override { return false; }
    bool has_numbers() const noexcept override { return false; }
    bool has_entries() const noexcept override { return true; }
    std::uint8_t scale() const noexcept override { return 0; }
    bool one_shown_scale() const noexcept override { return true; }
    std::optional<BlockStatistics> statistics(std::uint32_t) override { return std::nullopt; }
    std::optional<BlockStatistics> marked_statistics(std::uint32_t, std::uint32_t) override { return std::nullopt; }
    void read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) override;
    void read_numbers(std::uint32_t begin, std::uint32_t end, std::int64_t* mantissas) override;
    void read_shown_scales(std::uint32_t begin, std::uint32_t end, std::uint8_t* scales) override;
    void read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) override;
    SegmentDictionary& dictionary() override { return properties_.entries(); }

private:
    template <typename Visit>
    void for_each_cell(std::uint32_t begin, std::uint32_t end, Visit visit);

    RareProperties& properties_;
    std::uint32_t name_;
    std::string_view text_ = properties_.names().text(name_);
};

}  // namespace tally::segment_format
