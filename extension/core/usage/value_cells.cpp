// Loading of value_cells.hpp: only those arrays that a column does not make needless.
#include "core/usage/value_cells.hpp"

namespace tally {

void NumberCells::load(std::uint32_t begin, std::uint32_t end) {
    const std::size_t count = end - begin;
    forms_.clear();
    if (column_ == nullptr) {
        forms_.assign(count, CellForm::absent);
        return;
    }
    if (!column_->only_numbers()) {
        forms_.resize(count);
        column_->read_forms(begin, end, forms_.data());
    }
    mantissas_.assign(count, 0);
    if (column_->has_numbers()) {
        column_->read_numbers(begin, end, mantissas_.data());
        if (!column_->one_shown_scale()) {
            shown_.resize(count);
            column_->read_shown_scales(begin, end, shown_.data());
        }
    }
    if (column_->has_entries()) {
        codes_.resize(count);
        column_->read_codes(begin, end, codes_.data());
    }
}

const ReadNumber& NumberCells::entry(std::size_t row) {
    if (entries_.empty()) entries_.resize(column_->dictionary().size());
    std::optional<ReadNumber>& known = entries_[codes_[row]];
    if (!known) known = read_number(value_of(column_->dictionary().entry(codes_[row])));
    return *known;
}

std::optional<SetKey> KeyCells::key(std::uint32_t cell) {
    if (!remembers_) return read_key(cell);
    if (cell >= keys_.size()) keys_.resize(cells_.size());
    Known& known = keys_[cell];
    if (!known.is_known) known = {true, read_key(cell)};
    return known.key;
}

std::optional<SetKey> KeyCells::read_key(std::uint32_t cell) {
    const PropertyValue value = cells_.value(cell);
    if (rule_.value_outcome(value) != Outcome::counted) return std::nullopt;
    return key_of_value(value);
}

SetKey key_of_value(const PropertyValue& value) {
    const auto key_of = [](std::string_view text) {
        return key_of_bytes(std::as_bytes(std::span(text.data(), text.size())));
    };
    return value.kind == PropertyValue::Kind::text ? key_of(value.text) : key_of(*value_text(value));
}

}  // namespace tally
