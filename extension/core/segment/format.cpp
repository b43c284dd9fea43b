// Writes, reads and distrusts headers; loads blocks and compares their checksums.
#include "core/segment/format.hpp"

#include <algorithm>

#include "core/base/crc32c.hpp"
#include "core/segment/kept_segments.hpp"
#include "core/segment/output.hpp"

namespace tally::segment_format {
namespace {

// Values in the data blocks of a column: one a row unless it says otherwise. Steps are not counted beforehand.
bool right_data_blocks(const Column& column, const Header& header) {
    const std::uint32_t row_blocks = blocks_for(header.rows);
    switch (column.type) {
        case customer: return column.data_blocks == blocks_for(header.customers);
        case rare_name: return column.data_blocks == 0;
        case rare: return column.data_blocks == (column.dictionary_entries == 0 ? 0 : row_blocks);
        case received_at:
            return column.has(with_steps) ? column.data_blocks <= row_blocks : column.data_blocks == row_blocks;
        default: return column.data_blocks == row_blocks;
    }
}

bool right_dictionary(const Column& column, const Header& header) {
    if (column.dictionary_shift > max_dictionary_shift || column.texts_end > column.numbers_end ||
        column.numbers_end > column.dictionary_entries)
        return false;
    const bool only_texts = column.texts_end == column.dictionary_entries;
    switch (column.type) {
        case ts:
        case seq:
        case received_at:
        case event_id: return column.dictionary_entries == 0;
        case source: return only_texts && column.dictionary_entries <= header.rows && column.dictionary_entries > 0;
        case import: return only_texts && column.dictionary_entries <= header.rows;
        case customer: return only_texts && column.dictionary_entries == header.customers;
        case rare_name: return only_texts;
        case rare: return true;
        default:
            return column.dictionary_entries <= header.rows && column.has(with_entries) == (column.dictionary_entries > 0);
    }
}

bool right_flags(const Column& column) {
    switch (column.type) {
        case ts: return column.flags == with_statistics && column.scale == 0;
        case received_at: return (column.flags & ~with_steps) == 0 && column.scale == 0;
        case event_id: return (column.flags & ~without_texts) == 0 && column.scale == 0;
        case property_type: {
            const bool any = (column.flags & (with_numbers | with_entries)) != 0;
            const bool counted = column.has(with_numbers) || column.has(with_absent);
            const bool shown = !column.has(with_shown_scales) || column.has(with_numbers);
            return any && shown && column.flags < with_steps && column.has(with_statistics) == counted &&
                   column.scale <= (column.has(with_numbers) ? max_scale : 0);
        }
        default: return column.flags == 0 && column.scale == 0;
    }
}

void read_columns(Header& header, const std::byte* at, std::uint32_t count, Bytes names, ErrorKind kind) {
    std::size_t name_begin = 0;
    std::uint32_t block = 0;
    for (std::uint32_t i = 0; i < count; ++i, at += column_bytes) {
        Column& column = header.columns.emplace_back();
        column.type = std::to_integer<std::uint8_t>(at[0]);
        column.scale = std::to_integer<std::uint8_t>(at[1]);
        column.flags = std::to_integer<std::uint8_t>(at[2]);
        column.dictionary_shift = std::to_integer<std::uint8_t>(at[3]);
        column.first_block = little_u32(at + 4);
        column.data_blocks = little_u32(at + 8);
        column.dictionary_entries = little_u32(at + 12);
        column.texts_end = little_u32(at + 16);
        column.numbers_end = little_u32(at + 20);
        if (is_marked(column.type, column.flags)) column.marks = static_cast<std::uint32_t>(header.marks.size());
        const std::size_t name_end = little_u32(at + 24);
        if (column.type != std::min<std::uint32_t>(i, property_type)) fail_damaged("its columns are in disorder", kind);
        if (!right_flags(column) || !right_dictionary(column, header) || !right_data_blocks(column, header) ||
            column.first_block != block)
            fail_damaged("a column is described wrongly", kind);
        // No sum overflows: blocks are counted by what the header has room for.
        if (std::uint64_t{column.marks} + column.data_blocks + column.dictionary_blocks() + 1 >
            header.blocks + std::uint64_t{1})
            fail_damaged("a column has blocks that are not there", kind);
        block = column.end_block();
        if (block > header.blocks) fail_damaged("a column has blocks that are not there", kind);
        if (name_end < name_begin || name_end > names.size()) fail_damaged("its names are cut", kind);
        column.name = {reinterpret_cast<const char*>(names.data()) + name_begin, name_end - name_begin};
        if (i < fixed_columns ? !column.name.empty()
                              : column.name.empty() || (i > fixed_columns && !(header.columns[i - 1].name < column.name)))
            fail_damaged("its names are in disorder", kind);
        name_begin = name_end;
    }
    if (block != header.blocks || name_begin != names.size()) fail_damaged("its header holds what nothing refers to", kind);
}

void read_marks(Header& header, const std::byte* at, std::uint32_t count, ErrorKind kind) {
    header.marks.resize(count);
    std::int64_t before = header.first_seq;
    for (SegmentMark& mark : header.marks) {
        std::transform(at, at + mark.cut.size(), mark.cut.begin(),
                       [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
        mark.last_seq = static_cast<std::int64_t>(little_u64(at + mark.cut.size()));
        if (mark.last_seq < before || mark.last_seq >= header.last_seq) fail_damaged("its marks are in disorder", kind);
        before = mark.last_seq;
        at += mark_bytes;
    }
}

}  // namespace

void fail_damaged(const char* what, ErrorKind kind) {
    throw Error(kind, std::string("the bytes of a segment are damaged: ") + what);
}

std::uint32_t header_size(Bytes start, std::size_t segment_bytes, ErrorKind kind) {
    if (start.size() < fixed_header_bytes) fail_damaged("they are cut short", kind);
    for (std::size_t i = 0; i < magic.size(); ++i)
        if (std::to_integer<std::uint8_t>(start[i]) != magic[i]) fail_damaged("they do not begin as a segment does", kind);
    const auto version = std::to_integer<unsigned>(start[magic.size()]);
    if (version != version_without_marks && version != version_with_marks) {
        throw Error(kind, "a segment of unknown version " + std::to_string(version),
                    "It was written by a newer version of pgtally, or is damaged.");
    }
    const std::uint32_t size = little_u32(start.data() + 4);
    if (size < fixed_header_bytes + 4 || size > segment_bytes) fail_damaged("the header is cut short", kind);
    if (little_u32(start.data() + 8) != segment_bytes) fail_damaged("they are cut short", kind);
    return size;
}

Header read_header(Bytes bytes, std::size_t segment_bytes, ErrorKind kind) {
    Header header;
    header.header_bytes = header_size(bytes, segment_bytes, kind);
    header.segment_bytes = static_cast<std::uint32_t>(segment_bytes);
    if (bytes.size() != header.header_bytes) fail_damaged("the header is cut short", kind);
    const std::byte* const start = bytes.data();
    if (crc32c(bytes.first(bytes.size() - 4)) != little_u32(start + bytes.size() - 4))
        fail_damaged("the header's checksum is wrong", kind);
    header.rows = little_u32(start + 12);
    header.customers = little_u32(start + 16);
    const std::uint32_t columns = little_u32(start + 20);
    header.blocks = little_u32(start + 24);
    const std::uint32_t marks = little_u32(start + 28);
    header.first_ts = static_cast<std::int64_t>(little_u64(start + 32));
    header.last_ts = static_cast<std::int64_t>(little_u64(start + 40));
    header.first_seq = static_cast<std::int64_t>(little_u64(start + 48));
    header.last_seq = static_cast<std::int64_t>(little_u64(start + 56));
    if (header.rows == 0 || header.rows > max_rows || header.customers == 0 || header.customers > header.rows ||
        marks > max_marks || (marks != 0) != (std::to_integer<unsigned>(start[magic.size()]) == version_with_marks) ||
        header.first_ts > header.last_ts || header.first_seq > header.last_seq)
        fail_damaged("its counts are impossible", kind);
    const std::size_t table_end =
        fixed_header_bytes + std::size_t{columns} * column_bytes + std::size_t{header.blocks} * block_entry_bytes;
    const std::size_t tables = table_end + std::size_t{marks} * mark_bytes;
    if (columns < fixed_columns || tables + 4 > bytes.size()) fail_damaged("the header is cut short", kind);
    header.columns.reserve(columns);
    header.block_table = start + fixed_header_bytes + std::size_t{columns} * column_bytes;
    read_marks(header, start + table_end, marks, kind);
    read_columns(header, start + fixed_header_bytes, columns, bytes.subspan(tables, bytes.size() - 4 - tables), kind);
    std::size_t end = header.header_bytes;
    for (std::uint32_t i = 0; i < header.blocks; ++i) {
        const std::size_t next = little_u32(header.block_table + block_entry_bytes * i);
        if (next < end) fail_damaged("its blocks are in disorder", kind);
        end = next;
    }
    if (end != segment_bytes) fail_damaged("its blocks do not fill it", kind);
    return header;
}

std::vector<std::byte> make_header(Header& header, std::span<const BlockExtent> blocks) {
    std::size_t names = 0, data = 0;
    for (const Column& column : header.columns) names += column.name.size();
    for (const BlockExtent& block : blocks) data += block.bytes;
    header.blocks = static_cast<std::uint32_t>(blocks.size());
    header.header_bytes =
        static_cast<std::uint32_t>(fixed_header_bytes + header.columns.size() * column_bytes +
                                   blocks.size() * block_entry_bytes + header.marks.size() * mark_bytes + names + 4);
    header.segment_bytes = static_cast<std::uint32_t>(header.header_bytes + data);
    std::vector<std::byte> out;
    out.reserve(header.header_bytes);
    for (const std::uint8_t byte : magic) out.push_back(static_cast<std::byte>(byte));
    out.push_back(static_cast<std::byte>(header.marks.empty() ? version_without_marks : version_with_marks));
    for (const std::uint32_t value :
         {header.header_bytes, header.segment_bytes, header.rows, header.customers,
          static_cast<std::uint32_t>(header.columns.size()), header.blocks, static_cast<std::uint32_t>(header.marks.size())})
        append_u32(out, value);
    for (const std::int64_t value : {header.first_ts, header.last_ts, header.first_seq, header.last_seq})
        append_u64(out, static_cast<std::uint64_t>(value));
    std::uint32_t block = 0, name_end = 0;
    for (Column& column : header.columns) {
        column.first_block = block;
        block = column.end_block();
        name_end += static_cast<std::uint32_t>(column.name.size());
        for (const std::uint8_t byte : {column.type, column.scale, column.flags, column.dictionary_shift})
            out.push_back(static_cast<std::byte>(byte));
        for (const std::uint32_t value : {column.first_block, column.data_blocks, column.dictionary_entries,
                                          column.texts_end, column.numbers_end, name_end})
            append_u32(out, value);
    }
    std::uint32_t end = header.header_bytes;
    for (const BlockExtent& extent : blocks) {
        end += extent.bytes;
        append_u32(out, end);
        append_u32(out, extent.checksum);
    }
    for (const SegmentMark& mark : header.marks) {
        for (const std::uint8_t byte : mark.cut) out.push_back(static_cast<std::byte>(byte));
        append_u64(out, static_cast<std::uint64_t>(mark.last_seq));
    }
    for (const Column& column : header.columns)
        for (const char c : column.name) out.push_back(static_cast<std::byte>(c));
    append_u32(out, crc32c(out));
    return out;
}

BlockTable::BlockTable(SegmentBytes& source, const Header& header, ErrorKind kind)
    : source_(source), table_(header.block_table), header_bytes_(header.header_bytes), kind_(kind), loaded_(header.blocks) {}

void BlockTable::load(std::uint32_t first, std::uint32_t last) {
    while (first < last) {
        if (loaded_[first] != nullptr) {
            ++first;
            continue;
        }
        std::uint32_t end = first + 1;
        while (end < last && loaded_[end] == nullptr) ++end;
        load_run(first, end);
        first = end;
    }
}

// Longer runs are read past what is kept: a scan of many segments would only push out what small questions need.
void BlockTable::load_run(std::uint32_t first, std::uint32_t last) {
    constexpr std::size_t longest_kept = std::size_t{24} << 10;
    loaded_bytes_ += bytes_of(first, last);
    KeptSegment* const kept = bytes_of(first, last) <= longest_kept ? source_.kept() : nullptr;
    if (kept == nullptr) {
        fetch_run(first, last, nullptr);
        return;
    }
    while (first < last) {
        if (std::shared_ptr<const std::byte[]> block = kept->find(first)) {
            loaded_[first++] = block.get();
            held_.push_back(std::move(block));
            continue;
        }
        std::uint32_t end = first + 1;
        while (end < last && !kept->has(end)) ++end;
        fetch_run(first, end, kept);
        first = end;
    }
}

void BlockTable::fetch_run(std::uint32_t first, std::uint32_t last, KeptSegment* kept) {
    static constexpr std::byte nothing{};
    const std::size_t begin = begin_of(first);
    const std::size_t length = end_of(last - 1) - begin;
    const Bytes bytes = length == 0 ? Bytes(&nothing, 0) : source_.slice(begin, length);
    if (bytes.size() != length) fail_damaged("they are cut short", kind_);
    for (std::uint32_t i = first; i < last; ++i) {
        const Bytes block = bytes.subspan(begin_of(i) - begin, size_of(i));
        if (crc32c(block) != little_u32(table_ + block_entry_bytes * i + 4))
            fail_damaged("a block's checksum is wrong", kind_);
        if (kept != nullptr) kept->keep(i, block);
        loaded_[i] = block.data();
    }
}

}  // namespace tally::segment_format
