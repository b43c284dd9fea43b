// The properties of a segment's events, by columns: which have a column of their own, and the blocks of each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/poll.hpp"
#include "core/segment/output.hpp"

namespace tally::segment_format {

class PropertyWriter {
public:
    // The events in the order of the segment's rows; they must outlive the writer.
    PropertyWriter(std::span<const StoredEvent* const> rows, Poll poll);

    // Append the two columns that the rare properties share, then the columns of the others, to the header and the
    // output.
    void write_rare(Header& header, BlockOutput& out) const;
    void write_columns(Header& header, BlockOutput& out) const;

private:
    struct Cell {
        std::uint32_t row;
        const Property* property;
    };
    struct Key {
        std::string_view name;
        std::uint32_t cells = 0;
        std::uint32_t first_cell = 0;
        bool rare = false;
    };
    void collect_keys();
    void choose_columns();
    void collect_cells();
    std::span<const Cell> cells_of(const Key& key) const noexcept {
        return std::span(cells_).subspan(key.first_cell, key.cells);
    }
    std::vector<const Key*> sorted_keys(bool rare) const;

    std::span<const StoredEvent* const> rows_;
    Poll poll_;
    std::vector<Key> keys_;
    std::vector<std::uint32_t> cell_keys_;  // the key of every property of every row
    std::vector<Cell> cells_;               // by key, in the order of the rows
};

}  // namespace tally::segment_format
