// What a SegmentReader holds, for the files that implement it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/segment/integers.hpp"
#include "core/segment/property_reader.hpp"

namespace tally {

struct SegmentReader::Parts {
    Parts(SegmentBytes& bytes, ErrorKind kind);

    std::uint32_t values_in_block(const segment_format::Column& column, std::uint32_t block) const;
    segment_format::Integers integers(const segment_format::Column& column, std::uint32_t block);
    void read_integers(segment_format::FixedColumn type, std::uint32_t begin, std::uint32_t end, std::int64_t* values);
    void read_codes(segment_format::FixedColumn type, std::uint32_t limit, std::uint32_t begin, std::uint32_t end,
                    std::uint32_t* codes);
    std::int64_t integer_at(segment_format::FixedColumn type, std::uint32_t index);
    std::uint32_t run_begin(std::uint32_t index);  // rows where there is no such customer
    void load_stretches();
    segment_format::StoredColumn& own_column(std::size_t index);

    std::shared_ptr<const segment_format::StoredHeader> stored;
    const segment_format::Header& header;
    segment_format::BlockTable table;
    segment_format::UnpackBudget budget;
    segment_format::StoredDictionary customers, sources, imports;
    segment_format::RareProperties rare_properties;
    std::vector<std::unique_ptr<segment_format::StoredColumn>> own;  // property columns, when they are first asked for
    std::map<std::uint32_t, std::unique_ptr<segment_format::RareColumn>> rare_columns;
    std::vector<std::int64_t> stretch_seqs, stretch_moments;
    std::vector<Hash128> import_ids;
};

}  // namespace tally
