// Search by first and last byte, many places at once, then compared.
#include "core/usage/needle.hpp"

#include <algorithm>
#include <cstring>

#include "core/decimal/decimal.hpp"

namespace tally {
namespace {

constexpr std::size_t places_at_once = 64;  // a constant, so that the compiler makes vectors of the loop over them

char lowered(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

char raised(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

}  // namespace

Needle::Needle(std::string_view text) : text_(text) {
    if (text_.empty()) return;
    first_ = text_.front();
    first_upper_ = raised(first_);
    last_ = text_.back();
    last_upper_ = raised(last_);
    may_be_in_number_ = text_.find_first_not_of("0123456789.-") == std::string::npos;
    may_be_in_uuid_ = text_.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

// Where the first byte fits.
bool Needle::begins_at(const char* at) const noexcept {
    std::size_t same = 1;
    while (same < text_.size() && lowered(at[same]) == text_[same]) ++same;
    return same == text_.size();
}

bool Needle::is_in(std::string_view text) const noexcept {
    if (text_.empty()) return true;
    if (text.size() < text_.size()) return false;
    const char* at = text.data();
    const char* const end = at + (text.size() - text_.size() + 1);  // of places where it may begin
    const std::size_t to_last = text_.size() - 1;
    while (at < end) {
        const auto left = static_cast<std::size_t>(end - at);
        const std::size_t places = std::min(left, places_at_once);
        if (places == places_at_once) {
            const char first = first_, first_upper = first_upper_, last = last_, last_upper = last_upper_;
            const char* const behind = at + to_last;
            std::uint8_t any = 0;
            for (std::size_t i = 0; i < places_at_once; ++i)
                any |= static_cast<std::uint8_t>((at[i] == first) | (at[i] == first_upper)) &
                       static_cast<std::uint8_t>((behind[i] == last) | (behind[i] == last_upper));
            if (any == 0) {
                at += places_at_once;
                continue;
            }
        }
        for (const char* const stop = at + places; at < stop; ++at)
            if ((*at == first_ || *at == first_upper_) && begins_at(at)) return true;
    }
    return false;
}

SegmentNeedle::SegmentNeedle(SegmentReader& segment, const Needle& needle) : segment_(segment), needle_(needle) {
    for (const std::string_view name : segment.property_names()) {
        Column column{segment.property(name), {}};
        if (column.column == nullptr) continue;
        if (column.column->has_entries()) column.holds = entries_with_needle(column.column->dictionary());
        if (!column.holds.empty() || (column.column->has_numbers() && needle.may_be_in_number()))
            columns_.push_back(std::move(column));
    }
}

// By code; empty where none has it. Entry by entry only where their texts in one piece hold it, across their ends perhaps.
std::vector<std::uint8_t> SegmentNeedle::entries_with_needle(SegmentDictionary& dictionary) const {
    std::vector<std::uint8_t> holds;
    dictionary.load_all();
    for (std::uint32_t code = 0; code < dictionary.size();) {
        const SegmentDictionary::Neighbours neighbours = dictionary.neighbours(code);
        if (!needle_.is_in(neighbours.texts)) {
            code = neighbours.end;
            continue;
        }
        for (; code < neighbours.end; ++code) {
            if (!needle_.is_in(dictionary.entry(code).text)) continue;
            if (holds.empty()) holds.resize(dictionary.size());
            holds[code] = 1;
        }
    }
    return holds;
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
    if (!may_be_in_ids()) return;
    if (std::find(found_.begin(), found_.end(), 0) == found_.end()) return;
    TextArena arena;
    ids_.resize(end - begin);
    segment_.read_event_ids(begin, end, ids_.data(), arena);
    for (std::size_t row = 0; row < ids_.size(); ++row)
        if (found_[row] == 0) found_[row] = needle_.is_in(ids_[row]);
}

}  // namespace tally
