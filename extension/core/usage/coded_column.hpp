// One property of a segment with a small number for each different cell, so that whoever reads it asks about a value
// once and not once a row: 0 absent, then the entries of the dictionary, then numbers as they come (equal ones have one
// number, whatever zeros were sent with them).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/distinct/set_key.hpp"
#include "core/metric/rule.hpp"
#include "core/segment/reader.hpp"

namespace tally {

class CodedColumn {
public:
    // nullptr: no row has the property.
    explicit CodedColumn(PropertyColumn* column);

    // The cells of rows [begin, end): cells()[0] is row `begin`.
    void load(std::uint32_t begin, std::uint32_t end);
    const std::vector<std::uint32_t>& cells() const noexcept { return cells_; }

    // Cells are below it; it grows only where is_closed() is false.
    std::uint32_t size() const noexcept { return dictionary_size_ + 1 + static_cast<std::uint32_t>(numbers_.size()); }
    bool is_closed() const noexcept { return column_ == nullptr || !column_->has_numbers(); }

    // The value of a cell, valid until the next call.
    PropertyValue value(std::uint32_t cell);

private:
    struct MantissaHash {
        std::size_t operator()(std::int64_t mantissa) const noexcept { return mix64(static_cast<std::uint64_t>(mantissa)); }
    };

    std::uint32_t cell_of(std::int64_t mantissa);

    PropertyColumn* column_;
    std::uint32_t dictionary_size_ = 0;
    std::vector<std::uint32_t> cells_;
    std::vector<CellForm> forms_;
    std::vector<std::int64_t> mantissas_;
    std::unordered_map<std::int64_t, std::uint32_t, MantissaHash> cell_of_number_;
    std::vector<std::int64_t> numbers_;
    std::string number_text_;
};

// What a dictionary's entry of a kind is to the rule.
PropertyValue value_of(const DictionaryEntry& entry) noexcept;

}  // namespace tally
