// The form of a segment: all integers little-endian, texts UTF-8, order of texts = memcmp. Nothing refers to the database.
//
// clang-format off
//   HEADER   "TSG" and the version | u32 bytes of the header | u32 bytes of the segment | u32 rows | u32 customers
//            | u32 columns | u32 blocks | u32 marks | i64 first ts, last ts, least seq, greatest seq (Unix microseconds)
//            | COLUMN * columns: u8 type, u8 scale, u8 flags, u8 dictionary shift, u32 first block, u32 data blocks,
//              u32 dictionary entries, u32 of these the end of the texts, u32 the end of the numbers, u32 end of the name
//            | BLOCK * blocks: u32 where it ends (it begins where the one before ends, the first after the header),
//              u32 CRC-32C
//            | MARK * marks: 16 bytes of the id of a cut (tally.cut), i64 the last seq that it sees; ascending by seq
//            | names of the property columns, one after the other | u32 CRC-32C of all of the header before it
//   BLOCKS   column by column: its statistics (one block, if flagged), those by marks (one block a mark, for seq and for
//            properties that have numbers), its data, its dictionary
//
// Version 1 has no marks, version 2 is one that has some: a segment without them is of version 1.
//
// Columns: the fixed ones (FixedColumn) in their order, then the properties in the order of their names. Rows are sorted by
// (customer, ts, seq). Data blocks hold 1,024 values of their column, the last one the rest.
//
//   ts, seq        INTEGERS
//   received_at    flag steps: sorted by seq, the moments are constant over long stretches: values are the stretches, a
//                  block is varint how many it holds, INTEGERS of their first seqs and INTEGERS of their moments; without
//                  the flag INTEGERS, one a row
//   event_id       INTEGERS of the ids' forms (0 text, 1 UUID in lower case, 2 as 32 hexadecimal digits in lower case), 16
//                  bytes for each that is not a text, then of the texts INTEGERS of their lengths and PACKED bytes; flag
//                  without texts: none is one
//   source         INTEGERS of codes into the dictionary
//   import         INTEGERS of codes: 0 none, else 1 + code into the dictionary, whose entries are the 16 bytes of the ids
//   customer       values are the customers, not rows: INTEGERS of their first rows; the dictionary holds their names
//   rare_name      no data; the dictionary holds the names of properties that have no column of their own
//   rare           INTEGERS of how many such properties the rows have, of these INTEGERS of the names' codes (ascending in a
//                  row) and INTEGERS of codes into the dictionary
//   property       flags say which forms of cells occur (absent, number, entry). Where more than one does: INTEGERS of the
//                  forms. Of the numbers INTEGERS of their mantissas at the column's scale and, where flag shown scales says
//                  so, INTEGERS of the scales they were sent with; of the entries INTEGERS of codes into the dictionary
//
//   STATISTICS     of a block of rows: i128 sum, i64 least, i64 greatest of the mantissas, u16 numbers, u16 entries, u8
//                  greatest shown scale, 3 zeros; of ts only least and greatest are set
//   by marks       the same of only those rows that the cut sees, which are those up to its seq; of seq, how many rows of
//                  each block of rows these are: u16
//   DICTIONARY     the distinct entries sorted by (kind, bytes), in blocks of 2^shift entries: INTEGERS of how many bytes
//                  each shares with the one before it in the block, INTEGERS of how many follow, and these bytes, PACKED
//   INTEGERS       of n values: u8 width w (0 to 57, or 64), signed varint base, varint divisor, n * w bits: value = base +
//                  divisor * bits (modulo 2^64). Value i is the bits [i * w, (i + 1) * w) of the little-endian bit string
//   PACKED         bytes: u8 method (0 as they are, 1 Zstandard frame), varint bytes before, varint bytes after, the latter
// clang-format on
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/source.hpp"

namespace tally::segment_format {

enum FixedColumn : std::uint32_t {
    ts,
    seq,
    received_at,
    event_id,
    source,
    import,
    customer,
    rare_name,
    rare,
    fixed_columns
};

constexpr std::uint8_t property_type = fixed_columns;  // a column's type is its FixedColumn, or this

constexpr std::array<std::uint8_t, 3> magic = {'T', 'S', 'G'};
constexpr std::uint8_t version_without_marks = 1, version_with_marks = 2;
constexpr std::size_t fixed_header_bytes = 64;
constexpr std::size_t column_bytes = 28;
constexpr std::size_t block_entry_bytes = 8;
constexpr std::size_t mark_bytes = 24;
constexpr std::size_t statistics_bytes = 40;
constexpr std::size_t marked_count_bytes = 2;
constexpr std::uint32_t max_rows = 65'536;
constexpr std::uint32_t max_rare_in_row = 1024;  // ingest takes 256
constexpr std::uint8_t max_scale = 18;
constexpr std::uint8_t max_dictionary_shift = 10;
constexpr std::size_t max_unpacked_bytes = std::size_t{160}
                                           << 20;  // of one segment, so that a few bytes cannot eat the machine

enum ColumnFlag : std::uint8_t {
    with_statistics = 1,
    with_absent = 2,
    with_numbers = 4,
    with_entries = 8,
    with_shown_scales = 16,
    with_steps = 32,
    without_texts = 64,
};

struct Column {
    std::uint8_t type = 0;
    std::uint8_t scale = 0;
    std::uint8_t flags = 0;
    std::uint8_t dictionary_shift = 0;
    std::uint32_t first_block = 0;
    std::uint32_t data_blocks = 0;
    std::uint32_t dictionary_entries = 0;
    std::uint32_t texts_end = 0;
    std::uint32_t numbers_end = 0;
    std::uint32_t marks = 0;  // how many blocks of statistics by marks
    std::string_view name;

    bool has(ColumnFlag flag) const noexcept { return (flags & flag) != 0; }
    std::uint32_t statistics_block() const noexcept { return first_block; }
    std::uint32_t marked_block(std::uint32_t mark) const noexcept {
        return first_block + (has(with_statistics) ? 1 : 0) + mark;
    }
    std::uint32_t data_block(std::uint32_t index) const noexcept { return marked_block(marks) + index; }
    std::uint32_t dictionary_block(std::uint32_t index) const noexcept { return data_block(data_blocks) + index; }
    std::uint32_t dictionary_blocks() const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{dictionary_entries} + (1U << dictionary_shift) - 1) >>
                                          dictionary_shift);
    }
    std::uint32_t end_block() const noexcept { return dictionary_block(dictionary_blocks()); }
};

struct Header {
    std::uint32_t header_bytes = 0, segment_bytes = 0;
    std::uint32_t rows = 0, customers = 0;
    std::int64_t first_ts = 0, last_ts = 0, first_seq = 0, last_seq = 0;
    std::vector<Column> columns;
    std::vector<SegmentMark> marks;
    std::uint32_t blocks = 0;
    const std::byte* block_table = nullptr;
};

// Whether a column of this type and with these flags has statistics by marks.
constexpr bool is_marked(std::uint8_t type, std::uint8_t flags) noexcept {
    return type == seq || (type == property_type && (flags & with_numbers) != 0);
}

// Blocks of `count` values.
constexpr std::uint32_t blocks_for(std::uint32_t count) noexcept {
    return (count + segment_block_rows - 1) / segment_block_rows;
}

[[noreturn]] void fail_damaged(const char* what, ErrorKind kind = ErrorKind::corrupted);

// How long the header is that begins so; at least fixed_header_bytes must be there.
std::uint32_t header_size(Bytes start, std::size_t segment_bytes, ErrorKind kind);

// Reads a header, whose bytes must outlive the result, and refuses any that would lead out of bounds.
Header read_header(Bytes header, std::size_t segment_bytes, ErrorKind kind);

// A header with its bytes.
struct StoredHeader {
    // Throws as read_header does.
    StoredHeader(std::vector<std::byte> stored, std::size_t segment_bytes, ErrorKind kind)
        : bytes(std::move(stored)), header(read_header(bytes, segment_bytes, kind)) {}
    StoredHeader(const StoredHeader&) = delete;
    StoredHeader& operator=(const StoredHeader&) = delete;

    const std::vector<std::byte> bytes;
    const Header header;
};

// The header's bytes: sets first_block of the columns from what they hold. Of the blocks, bytes and checksums.
struct BlockExtent {
    std::uint32_t bytes = 0;
    std::uint32_t checksum = 0;
};
std::vector<std::byte> make_header(Header& header, std::span<const BlockExtent> blocks);

// Blocks by number: loaded when they are asked for, verified once.
class BlockTable {
public:
    BlockTable(SegmentBytes& source, const Header& header, ErrorKind kind);

    Bytes block(std::uint32_t number) {
        if (loaded_[number] == nullptr) load(number, number + 1);
        return {loaded_[number], size_of(number)};
    }
    // Loads blocks [first, last) with as few slices as possible.
    void load(std::uint32_t first, std::uint32_t last);
    // How many bytes blocks [first, last) take; first < last.
    std::size_t bytes_of(std::uint32_t first, std::uint32_t last) const noexcept {
        return end_of(last - 1) - begin_of(first);
    }
    // Of the blocks that have been loaded, and of the lists of them.
    std::size_t held_bytes() const noexcept {
        return loaded_bytes_ + loaded_.capacity() * sizeof(loaded_[0]) + held_.capacity() * sizeof(held_[0]);
    }

private:
    std::size_t begin_of(std::uint32_t number) const noexcept {
        return number == 0 ? header_bytes_ : little_u32(table_ + block_entry_bytes * (number - 1));
    }
    std::size_t end_of(std::uint32_t number) const noexcept { return little_u32(table_ + block_entry_bytes * number); }
    std::size_t size_of(std::uint32_t number) const noexcept { return end_of(number) - begin_of(number); }
    void load_run(std::uint32_t first, std::uint32_t last);
    void fetch_run(std::uint32_t first, std::uint32_t last, KeptSegment* kept);

    SegmentBytes& source_;
    const std::byte* table_;
    std::uint32_t header_bytes_;
    ErrorKind kind_;
    std::size_t loaded_bytes_ = 0;
    std::vector<const std::byte*> loaded_;
    std::vector<std::shared_ptr<const std::byte[]>> held_;  // of the loaded ones those that are kept for later questions too
};

}  // namespace tally::segment_format
