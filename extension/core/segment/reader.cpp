// The reader's columns that every segment has; properties are in property_reader.cpp, whole events and the deep check
// in reader_events.cpp and reader_check.cpp.
#include "core/segment/reader.hpp"

#include <algorithm>
#include <limits>

#include "core/segment/event_ids.hpp"
#include "core/segment/integers.hpp"
#include "core/segment/kept_segments.hpp"
#include "core/segment/reader_parts.hpp"

namespace tally {

using namespace segment_format;

namespace {

constexpr std::size_t first_slice_bytes = 8000;  // holds most headers; 4 chunks of a stored value

std::vector<std::byte> load_header_bytes(SegmentBytes& source, ErrorKind kind) {
    const std::size_t size = source.size();
    if (size < fixed_header_bytes || size > std::numeric_limits<std::uint32_t>::max())
        fail_damaged("they are no segment", kind);
    const Bytes start = source.slice(0, std::min(size, first_slice_bytes));
    if (start.size() != std::min(size, first_slice_bytes)) fail_damaged("they are cut short", kind);
    const std::size_t header_bytes = header_size(start, size, kind);
    std::vector<std::byte> header(start.begin(),
                                  start.begin() + static_cast<std::ptrdiff_t>(std::min(header_bytes, start.size())));
    if (header_bytes > start.size()) {
        const Bytes rest = source.slice(start.size(), header_bytes - start.size());
        if (rest.size() != header_bytes - start.size()) fail_damaged("they are cut short", kind);
        header.insert(header.end(), rest.begin(), rest.end());
    }
    return header;
}

std::shared_ptr<const StoredHeader> load_header(SegmentBytes& source, ErrorKind kind) {
    KeptSegment* const kept = source.kept();
    if (kept != nullptr)
        if (auto header = kept->find_header()) return header;
    auto header = std::make_shared<const StoredHeader>(load_header_bytes(source, kind), source.size(), kind);
    if (kept != nullptr) kept->keep_header(header);
    return header;
}

}  // namespace

SegmentReader::Parts::Parts(SegmentBytes& bytes, ErrorKind kind)
    : stored(load_header(bytes, kind)),
      header(stored->header),
      table(bytes, header, kind),
      customers(table, header.columns[segment_format::customer], budget),
      sources(table, header.columns[source], budget),
      imports(table, header.columns[import], budget),
      rare_properties(table, header, budget),
      own(header.columns.size() - fixed_columns) {}

std::uint32_t SegmentReader::Parts::values_in_block(const Column& column, std::uint32_t block) const {
    const std::uint32_t values = column.type == segment_format::customer ? header.customers : header.rows;
    return std::min(segment_block_rows, values - block * segment_block_rows);
}

Integers SegmentReader::Parts::integers(const Column& column, std::uint32_t block) {
    Bytes bytes = table.block(column.data_block(block));
    const Integers integers(bytes, values_in_block(column, block));
    if (!bytes.empty()) fail_damaged("a block holds more than its numbers");
    return integers;
}

void SegmentReader::Parts::read_integers(FixedColumn type, std::uint32_t begin, std::uint32_t end, std::int64_t* values) {
    const Column& column = header.columns[type];
    load_blocks(table, column, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        integers(column, block).read(first, last, values + at);
    });
}

void SegmentReader::Parts::read_codes(FixedColumn type, std::uint32_t limit, std::uint32_t begin, std::uint32_t end,
                                      std::uint32_t* codes) {
    const Column& column = header.columns[type];
    load_blocks(table, column, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        integers(column, block).read_below(limit, first, last, codes + at);
    });
}

std::int64_t SegmentReader::Parts::integer_at(FixedColumn type, std::uint32_t index) {
    return integers(header.columns[type], index / segment_block_rows).at(index % segment_block_rows);
}

std::uint32_t SegmentReader::Parts::run_begin(std::uint32_t index) {
    if (index >= header.customers) return header.rows;
    const std::int64_t begin = integer_at(segment_format::customer, index);
    if (begin < 0 || begin >= header.rows || (index == 0) != (begin == 0)) fail_damaged("a customer's rows are not there");
    return static_cast<std::uint32_t>(begin);
}

void SegmentReader::Parts::load_stretches() {
    if (!stretch_seqs.empty()) return;
    const Column& column = header.columns[received_at];
    load_blocks(table, column, 0, column.data_blocks * segment_block_rows);
    std::vector<std::int64_t> seqs, moments;
    for (std::uint32_t block = 0; block < column.data_blocks; ++block) {
        Bytes bytes = table.block(column.data_block(block));
        // Only the last block may hold fewer; how many it holds stands in front.
        ByteReader reader(bytes, "segment");
        const std::uint64_t count = reader.varint();
        if (count == 0 || count > segment_block_rows || (count < segment_block_rows && block + 1 < column.data_blocks))
            fail_damaged("stretches are cut short");
        bytes = bytes.last(reader.left());
        const Integers block_seqs(bytes, static_cast<std::uint32_t>(count)),
            block_moments(bytes, static_cast<std::uint32_t>(count));
        if (!bytes.empty()) fail_damaged("a block holds more than its numbers");
        const std::size_t at = seqs.size();
        seqs.resize(at + count);
        moments.resize(at + count);
        block_seqs.read(0, static_cast<std::uint32_t>(count), seqs.data() + at);
        block_moments.read(0, static_cast<std::uint32_t>(count), moments.data() + at);
    }
    if (seqs.empty() || !std::is_sorted(seqs.begin(), seqs.end())) fail_damaged("stretches are in disorder");
    stretch_seqs = std::move(seqs);
    stretch_moments = std::move(moments);
}

SegmentReader::SegmentReader(SegmentBytes& source, ErrorKind kind) : parts_(std::make_unique<Parts>(source, kind)) {}
SegmentReader::~SegmentReader() = default;

std::size_t SegmentReader::held_bytes() const noexcept {
    return sizeof(Parts) + parts_->stored->bytes.size() + parts_->table.held_bytes() + parts_->budget.taken();
}

std::uint32_t SegmentReader::rows() const noexcept {
    return parts_->header.rows;
}
std::uint32_t SegmentReader::blocks() const noexcept {
    return blocks_for(parts_->header.rows);
}
std::int64_t SegmentReader::first_ts() const noexcept {
    return parts_->header.first_ts;
}
std::int64_t SegmentReader::last_ts() const noexcept {
    return parts_->header.last_ts;
}
std::int64_t SegmentReader::first_seq() const noexcept {
    return parts_->header.first_seq;
}
std::int64_t SegmentReader::last_seq() const noexcept {
    return parts_->header.last_seq;
}
std::uint32_t SegmentReader::customer_count() const noexcept {
    return parts_->header.customers;
}

std::string_view SegmentReader::customer(std::uint32_t index) {
    return parts_->customers.text(index);
}

RowRange SegmentReader::run(std::uint32_t index) {
    const RowRange run{parts_->run_begin(index), parts_->run_begin(index + 1)};
    if (run.begin >= run.end) fail_damaged("a customer has no rows");
    return run;
}

std::optional<std::uint32_t> SegmentReader::find_customer(std::string_view customer_id) {
    return parts_->customers.find(PropertyKind::text, customer_id);
}

std::uint32_t SegmentReader::customer_of(std::uint32_t row) {
    std::uint32_t low = 0, high = parts_->header.customers;
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        (parts_->run_begin(middle) <= row ? low : high) = middle;
    }
    return low;
}

void SegmentReader::read_run_begins(std::uint32_t begin, std::uint32_t end, std::uint32_t* begins) {
    parts_->read_codes(segment_format::customer, rows(), begin, end, begins);
    if (begin < end && begin == 0 && begins[0] != 0) fail_damaged("a customer's rows are not there");
    for (std::uint32_t i = 1; i < end - begin; ++i)
        if (begins[i] <= begins[i - 1]) fail_damaged("a customer has no rows");
}

void SegmentReader::read_ts(std::uint32_t begin, std::uint32_t end, std::int64_t* moments) {
    parts_->read_integers(segment_format::ts, begin, end, moments);
}

void SegmentReader::read_seq(std::uint32_t begin, std::uint32_t end, std::int64_t* seqs) {
    parts_->read_integers(segment_format::seq, begin, end, seqs);
}

SegmentReader::SeqBounds SegmentReader::seq_bounds(std::uint32_t block) {
    const Column& column = parts_->header.columns[segment_format::seq];
    const std::uint32_t begin = block * segment_block_rows;
    load_blocks(parts_->table, column, begin, std::min(begin + segment_block_rows, rows()));
    const Integers seqs = parts_->integers(column, block);
    return {seqs.least(), seqs.bound()};
}

std::span<const SegmentMark> SegmentReader::marks() const noexcept {
    return parts_->header.marks;
}

std::optional<std::uint32_t> SegmentReader::find_mark(const Hash128& cut) const noexcept {
    const std::span<const SegmentMark> all = marks();
    const auto found = std::find_if(all.begin(), all.end(), [&](const SegmentMark& mark) { return mark.cut == cut; });
    if (found == all.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - all.begin());
}

std::uint32_t SegmentReader::marked_rows(std::uint32_t mark, std::uint32_t block) {
    const Bytes bytes = parts_->table.block(parts_->header.columns[segment_format::seq].marked_block(mark));
    if (bytes.size() != marked_count_bytes * blocks()) fail_damaged("statistics are cut short");
    const std::byte* const at = bytes.data() + marked_count_bytes * block;
    const std::uint32_t seen = std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8;
    if (seen > rows_in_block(parts_->header, block)) fail_damaged("statistics are impossible");
    return seen;
}

void SegmentReader::read_received_at(std::uint32_t begin, std::uint32_t end, std::int64_t* moments) {
    if (!parts_->header.columns[segment_format::received_at].has(with_steps)) {
        parts_->read_integers(segment_format::received_at, begin, end, moments);
        return;
    }
    parts_->load_stretches();
    read_seq(begin, end, moments);
    const std::vector<std::int64_t>& seqs = parts_->stretch_seqs;
    for (std::uint32_t i = 0; i < end - begin; ++i) {
        const auto after = std::upper_bound(seqs.begin(), seqs.end(), moments[i]);
        if (after == seqs.begin()) fail_damaged("an event was never received");
        moments[i] = parts_->stretch_moments[static_cast<std::size_t>(after - seqs.begin() - 1)];
    }
}

SegmentReader::TimeBounds SegmentReader::ts_bounds(std::uint32_t block) {
    const Bytes bytes = parts_->table.block(parts_->header.columns[segment_format::ts].statistics_block());
    if (bytes.size() != statistics_bytes * blocks()) fail_damaged("statistics are cut short");
    const std::byte* const at = bytes.data() + statistics_bytes * block;
    return {static_cast<std::int64_t>(little_u64(at + 16)), static_cast<std::int64_t>(little_u64(at + 24))};
}

std::uint32_t SegmentReader::lower_bound_ts(std::uint32_t begin, std::uint32_t end, std::int64_t moment) {
    // Blocks that lie in the range as a whole are told apart by their bounds.
    const std::uint32_t first_whole = blocks_for(begin), end_whole = end / segment_block_rows;
    std::uint32_t low = first_whole, high = std::max(first_whole, end_whole);
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (ts_bounds(middle).last < moment) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (first_whole < end_whole) {
        if (low > first_whole) begin = low * segment_block_rows;
        if (low < end_whole) end = (low + 1) * segment_block_rows;
    }
    while (begin < end) {
        const std::uint32_t middle = begin + (end - begin) / 2;
        if (parts_->integer_at(segment_format::ts, middle) < moment) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

void SegmentReader::read_event_ids(std::uint32_t begin, std::uint32_t end, std::string_view* ids, TextArena& arena) {
    const Column& column = parts_->header.columns[event_id];
    load_blocks(parts_->table, column, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        segment_format::read_event_ids(parts_->table.block(column.data_block(block)), !column.has(without_texts),
                                       parts_->values_in_block(column, block), first, last, ids + at, arena);
    });
}

bool SegmentReader::has_text_ids() const noexcept {
    return !parts_->header.columns[event_id].has(without_texts);
}

void SegmentReader::read_source_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) {
    parts_->read_codes(source, parts_->sources.size(), begin, end, codes);
}

SegmentDictionary& SegmentReader::sources() {
    return parts_->sources;
}

void SegmentReader::read_import_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) {
    parts_->read_codes(import, parts_->imports.size() + 1, begin, end, codes);
}

std::span<const Hash128> SegmentReader::imports() {
    std::vector<Hash128>& ids = parts_->import_ids;
    for (auto i = static_cast<std::uint32_t>(ids.size()); i < parts_->imports.size(); ++i) {
        const std::string_view id = parts_->imports.text(i);
        Hash128 import_id;
        if (id.size() != import_id.size()) fail_damaged("an import has no id");
        std::copy(id.begin(), id.end(), import_id.begin());
        ids.push_back(import_id);
    }
    return ids;
}

std::vector<std::string_view> SegmentReader::property_names() {
    std::vector<std::string_view> names;
    for (std::size_t i = fixed_columns; i < parts_->header.columns.size(); ++i)
        names.push_back(parts_->header.columns[i].name);
    const auto middle = static_cast<std::ptrdiff_t>(names.size());
    StoredDictionary& rare_names = parts_->rare_properties.names();
    for (std::uint32_t i = 0; i < rare_names.size(); ++i) names.push_back(rare_names.text(i));
    std::inplace_merge(names.begin(), names.begin() + middle, names.end());
    return names;
}

StoredColumn& SegmentReader::Parts::own_column(std::size_t index) {
    if (!own[index])
        own[index] = std::make_unique<StoredColumn>(table, header, header.columns[fixed_columns + index], budget);
    return *own[index];
}

PropertyColumn* SegmentReader::property(std::string_view name) {
    const auto begin = parts_->header.columns.begin() + fixed_columns, end = parts_->header.columns.end();
    const auto found = std::lower_bound(begin, end, name,
                                        [](const Column& column, std::string_view wanted) { return column.name < wanted; });
    if (found != end && found->name == name) return &parts_->own_column(static_cast<std::size_t>(found - begin));
    if (parts_->rare_properties.empty()) return nullptr;
    const auto code = parts_->rare_properties.names().find(PropertyKind::text, name);
    if (!code) return nullptr;
    std::unique_ptr<RareColumn>& column = parts_->rare_columns[*code];
    if (!column) column = std::make_unique<RareColumn>(parts_->rare_properties, *code);
    return column.get();
}

}  // namespace tally
