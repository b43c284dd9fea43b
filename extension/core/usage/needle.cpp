// Search by first byte, then compared.
#include "core/usage/needle.hpp"

#include <algorithm>
#include <cstring>

#include "core/decimal/decimal.hpp"

namespace tally {
namespace {

char lowered(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

Needle::Needle(std::string_view text) : text_(text) {
    if (text_.empty()) return;
    first_ = text_.front();
    first_upper_ = first_ >= 'a' && first_ <= 'z' ? static_cast<char>(first_ - 32) : first_;
    may_be_in_number_ = text_.find_first_not_of("0123456789.-") == std::string::npos;
    may_be_in_uuid_ = text_.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

bool Needle::is_in(std::string_view text) const noexcept {
    if (text_.empty()) return true;
    if (text.size() < text_.size()) return false;
    const char* const last = text.data() + (text.size() - text_.size());
    for (const char* at = text.data(); at <= last; ++at) {
        if (*at != first_ && *at != first_upper_) continue;
        std::size_t same = 1;
        while (same < text_.size() && lowered(at[same]) == text_[same]) ++same;
        if (same == text_.size()) return true;
    }
    return false;
}

SegmentNeedle::SegmentNeedle(SegmentReader& segment, const Needle& needle) : segment_(segment), needle_(needle) {
    for (const std::string_view name : segment.property_names()) {
        Column column{segment.property(name), {}};
        if (column.column == nullptr) continue;
        if (column.column->has_entries()) {
            SegmentDictionary& dictionary = column.column->dictionary();
            std::vector<std::uint8_t> holds(dictionary.size());
            bool any = false;
            for (std::uint32_t code = 0; code < dictionary.size(); ++code) {
                holds[code] = needle.is_in(dictionary.entry(code).text);
                any = any || holds[code] != 0;
            }
            if (any) column.holds = std::move(holds);
        }
        if (!column.holds.empty() || (column.column->has_numbers() && needle.may_be_in_number()))
            columns_.push_back(std::move(column));
    }
}

void SegmentNeedle::load(std::uint32_t begin, std::uint32_t end) {
    found_.assign(end - begin, 0);
    for (const Column& column : columns_) {
        if (!column.column->only_numbers()) {
            forms_.resize(end - begin);
            column.column->read_forms(begin, end, forms_.data());
        } else {
            forms_.assign(end - begin, CellForm::number);
        }
        if (!column.holds.empty()) load_entries(column, begin, end);
        if (column.column->has_numbers() && needle_.may_be_in_number()) load_numbers(*column.column, begin, end);
    }
    load_ids(begin, end);
}

void SegmentNeedle::load_entries(const Column& column, std::uint32_t begin, std::uint32_t end) {
    codes_.resize(end - begin);
    column.column->read_codes(begin, end, codes_.data());
    for (std::size_t row = 0; row < codes_.size(); ++row)
        if (forms_[row] == CellForm::entry) found_[row] |= column.holds[codes_[row]];
}

void SegmentNeedle::load_numbers(PropertyColumn& column, std::uint32_t begin, std::uint32_t end) {
    const std::size_t count = end - begin;
    mantissas_.resize(count);
    column.read_numbers(begin, end, mantissas_.data());
    shown_.assign(count, column.scale());
    if (!column.one_shown_scale()) column.read_shown_scales(begin, end, shown_.data());
    for (std::size_t row = 0; row < count; ++row) {
        if (forms_[row] != CellForm::number || found_[row] != 0) continue;
        number_.clear();
        const int128 zeros = power_of_ten[static_cast<std::size_t>(column.scale() - shown_[row])];
        append_text(number_, Decimal::make_small(mantissas_[row] / zeros, shown_[row]));
        found_[row] = needle_.is_in(number_);
    }
}

void SegmentNeedle::load_ids(std::uint32_t begin, std::uint32_t end) {
    if (!needle_.may_be_in_uuid() && !segment_.has_text_ids()) return;
    if (std::find(found_.begin(), found_.end(), 0) == found_.end()) return;
    TextArena arena;
    ids_.resize(end - begin);
    segment_.read_event_ids(begin, end, ids_.data(), arena);
    for (std::size_t row = 0; row < ids_.size(); ++row)
        if (found_[row] == 0) found_[row] = needle_.is_in(ids_[row]);
}

}  // namespace tally
