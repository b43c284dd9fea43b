// Cells of coded_column.hpp.
#include "core/usage/coded_column.hpp"

namespace tally {

PropertyValue value_of(const DictionaryEntry& entry) noexcept {
    return value_of(entry.kind, entry.text);
}

CodedColumn::CodedColumn(PropertyColumn* column) : column_(column) {
    if (column_ != nullptr && column_->has_entries()) dictionary_size_ = column_->dictionary().size();
}

void CodedColumn::load(std::uint32_t begin, std::uint32_t end) {
    const std::size_t count = end - begin;
    cells_.assign(count, 0);
    if (column_ == nullptr) return;
    if (column_->has_entries()) column_->read_codes(begin, end, cells_.data());
    if (column_->only_entries()) {
        for (std::uint32_t& cell : cells_) ++cell;
        return;
    }
    forms_.assign(count, CellForm::number);
    if (!column_->only_numbers()) column_->read_forms(begin, end, forms_.data());
    if (column_->has_numbers()) {
        mantissas_.resize(count);
        column_->read_numbers(begin, end, mantissas_.data());
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (forms_[i] == CellForm::entry) ++cells_[i];
        if (forms_[i] == CellForm::absent) cells_[i] = 0;
        if (forms_[i] == CellForm::number) cells_[i] = cell_of(mantissas_[i]);
    }
}

std::uint32_t CodedColumn::cell_of(std::int64_t mantissa) {
    const auto [place, is_new] = cell_of_number_.try_emplace(mantissa, size());
    if (is_new) numbers_.push_back(mantissa);
    return place->second;
}

PropertyValue CodedColumn::value(std::uint32_t cell) {
    if (cell == 0) return {};
    if (cell <= dictionary_size_) return value_of(column_->dictionary().entry(cell - 1));
    number_text_.clear();
    append_text(number_text_, Decimal::make_small(numbers_[cell - dictionary_size_ - 1], column_->scale()));
    return {PropertyValue::Kind::number, number_text_};
}

}  // namespace tally
