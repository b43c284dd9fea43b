// Text search: part of an event's id, its code or a property's value, whatever the case of its ASCII letters.
//
// In a segment each entry of a dictionary is looked at once, and rows only where an entry holds the needle. Numbers are
// looked at row by row, and only for needles that may be part of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/segment/reader.hpp"

namespace tally {

class Needle {
public:
    // `text` in lower case, not empty.
    explicit Needle(std::string_view text);

    // Made for texts of kilobytes, too.
    bool is_in(std::string_view text) const noexcept;
    // Whether the decimal digits of some number may hold it.
    bool may_be_in_number() const noexcept { return may_be_in_number_; }
    // Whether some UUID may.
    bool may_be_in_uuid() const noexcept { return may_be_in_uuid_; }

private:
    bool begins_at(const char* at) const noexcept;

    std::string text_;
    char first_ = 0, first_upper_ = 0, last_ = 0, last_upper_ = 0;
    bool may_be_in_number_ = false, may_be_in_uuid_ = false;
};

// Which rows of a segment hold a needle in their id or in a property.
class SegmentNeedle {
public:
    SegmentNeedle(SegmentReader& segment, const Needle& needle);

    // found()[0] is row `begin`.
    void load(std::uint32_t begin, std::uint32_t end);
    bool found(std::size_t row) const noexcept { return found_[row] != 0; }
    // Whether no row holds it, as far as can be told without looking at rows.
    bool is_nowhere() const noexcept { return columns_.empty() && !may_be_in_ids(); }

private:
    struct Column {
        PropertyColumn* column;
        std::vector<std::uint8_t> holds;  // by code; empty where no entry holds it
    };

    bool may_be_in_ids() const noexcept { return needle_.may_be_in_uuid() || segment_.has_text_ids(); }
    std::vector<std::uint8_t> entries_with_needle(SegmentDictionary& dictionary) const;
    void load_entries(const Column& column, std::uint32_t begin, std::uint32_t end);
    void load_numbers(PropertyColumn& column, std::uint32_t begin, std::uint32_t end);
    void load_ids(std::uint32_t begin, std::uint32_t end);

    SegmentReader& segment_;
    const Needle& needle_;
    std::vector<Column> columns_;
    std::vector<std::uint8_t> found_;
    std::vector<std::uint32_t> codes_;
    std::vector<CellForm> forms_;
    std::vector<std::int64_t> mantissas_;
    std::vector<std::uint8_t> shown_;
    std::vector<std::string_view> ids_;
    std::string number_;
};

}  // namespace tally
