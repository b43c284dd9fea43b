// Where all columns have dictionaries and few classes are possible, a class is a place in a table; otherwise classes
// are numbered as they come.
#include "core/usage/row_classes.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr std::uint64_t max_dense_classes = std::uint64_t{1} << 17;

// The keys that filter, matrix and dimensions read, each once. Matrix dimensions are asked even where nobody groups by
// them.
std::vector<int> keys_of(const Question& question) {
    const MetricRule& rule = *question.rule;
    std::vector<int> keys;
    for (int key = 0; key < static_cast<int>(rule.keys().size()); ++key) {
        const auto place = std::find(rule.dimensions().begin(), rule.dimensions().end(), key);
        const bool is_dimension = place != rule.dimensions().end();
        const bool is_matrix = is_dimension && place - rule.dimensions().begin() < rule.matrix_dimensions();
        if (rule.filters(key) || is_matrix || (is_dimension && question.by_dimensions)) keys.push_back(key);
    }
    return keys;
}

}  // namespace

RowClasses::RowClasses(const KeyColumns& columns, UsageCount& count)
    : count_(count), rule_(*count.question().rule), classes_(keys_of(count.question()).size()) {
    std::uint64_t possible = 1;
    bool is_closed = true;
    for (const int key : keys_of(count.question())) {
        Column& column = columns_.emplace_back(Column{key, CodedColumn(columns.column(key)), {}});
        strides_.push_back(static_cast<std::uint32_t>(possible));
        is_closed = is_closed && column.cells.is_closed();
        possible = std::min(max_dense_classes + 1, possible * column.cells.size());
    }
    cells_.resize(columns_.size());
    is_dense_ = is_closed && possible <= max_dense_classes;
    if (is_dense_) verdicts_.assign(static_cast<std::size_t>(possible), unknown);
}

std::size_t RowClasses::column_of(int key) const noexcept {
    std::size_t place = 0;
    while (columns_[place].key != key) ++place;
    return place;
}

std::uint32_t RowClasses::text_of(Column& column, std::uint32_t cell) {
    if (cell >= column.texts.size()) column.texts.resize(column.cells.size(), unknown);
    std::uint32_t& text = column.texts[cell];
    if (text == unknown) {
        const std::optional<std::string> content = value_text(column.cells.value(cell));
        text = content ? count_.groups().texts().number_of(*content) : 0;
    }
    return text;
}

std::uint32_t RowClasses::judge(std::span<const std::uint32_t> cells) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (rule_.filters(columns_[i].key) && !rule_.filter_accepts(columns_[i].key, columns_[i].cells.value(cells[i])))
            return left_out;
    const auto dimension = [&](int which) -> PropertyValue {
        if (which >= rule_.matrix_dimensions()) return {};
        const std::size_t place = column_of(rule_.dimensions()[static_cast<std::size_t>(which)]);
        return columns_[place].cells.value(cells[place]);
    };
    if (rule_.matrix_dimensions() > 0 && !rule_.matrix_accepts(dimension(0), dimension(1))) return left_out;
    if (!count_.question().by_dimensions) return 0;
    texts_.clear();
    for (const int key : rule_.dimensions()) {
        const std::size_t place = column_of(key);
        texts_.push_back(text_of(columns_[place], cells[place]));
    }
    return count_.groups().combination_of(texts_);
}

void RowClasses::load(std::uint32_t begin, std::uint32_t end) {
    const std::size_t rows = end - begin;
    combinations_.assign(rows, 0);
    for (Column& column : columns_) column.cells.load(begin, end);
    if (is_dense_) {
        load_dense(rows);
    } else {
        load_sparse(rows);
    }
}

void RowClasses::load_dense(std::size_t rows) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const std::uint32_t* const cells = columns_[i].cells.cells().data();
        const std::uint32_t stride = strides_[i];
        for (std::size_t row = 0; row < rows; ++row) combinations_[row] += cells[row] * stride;
    }
    for (std::size_t row = 0; row < rows; ++row) {
        std::uint32_t& verdict = verdicts_[combinations_[row]];
        if (verdict == unknown) {
            for (std::size_t i = 0; i < columns_.size(); ++i) cells_[i] = columns_[i].cells.cells()[row];
            verdict = judge(cells_);
        }
        combinations_[row] = verdict;
    }
}

void RowClasses::load_sparse(std::size_t rows) {
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < columns_.size(); ++i) cells_[i] = columns_[i].cells.cells()[row];
        const std::uint32_t number = classes_.number_of(cells_);
        if (number == verdicts_.size()) verdicts_.push_back(judge(cells_));
        combinations_[row] = verdicts_[number];
    }
}

}  // namespace tally
