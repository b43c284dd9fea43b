// For the rows of a segment: which combination of dimension values each has, or that filter or matrix leave it out.
//
// Rows whose cells agree in all properties that filter, matrix and dimensions read are one class: the rule judges each
// class once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/usage/coded_column.hpp"
#include "core/usage/key_columns.hpp"
#include "core/usage/question.hpp"

namespace tally {

class RowClasses {
public:
    static constexpr std::uint32_t left_out = UINT32_MAX;

    RowClasses(const KeyColumns& columns, UsageCount& count);

    // Every row is in, with combination 0: nothing has to be loaded.
    bool is_trivial() const noexcept { return columns_.empty(); }

    // combinations()[0] is row `begin`; `left_out` where the row is not counted in any group.
    void load(std::uint32_t begin, std::uint32_t end);
    std::vector<std::uint32_t>& combinations() noexcept { return combinations_; }

private:
    static constexpr std::uint32_t unknown = UINT32_MAX - 1;

    struct Column {
        int key;
        CodedColumn cells;
        std::vector<std::uint32_t> texts;  // by cell: the number of its text in the answer's pool, or unknown
    };

    std::size_t column_of(int key) const noexcept;
    std::uint32_t text_of(Column& column, std::uint32_t cell);
    std::uint32_t judge(std::span<const std::uint32_t> cells);
    void load_dense(std::size_t rows);
    void load_sparse(std::size_t rows);

    UsageCount& count_;
    const MetricRule& rule_;
    std::vector<Column> columns_;
    bool is_dense_ = false;
    std::vector<std::uint32_t> strides_;   // dense: class = sum of cell * stride
    std::vector<std::uint32_t> verdicts_;  // by class: a combination, left_out or unknown
    TupleNumbers classes_;                 // otherwise
    std::vector<std::uint32_t> cells_;
    std::vector<std::uint32_t> texts_;
    std::vector<std::uint32_t> combinations_;
};

}  // namespace tally
