// Whole events from columns: block by block, all columns of a block, then row by row.
#include <algorithm>
#include <array>

#include "core/segment/plain_number.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/reader_parts.hpp"

namespace tally {

using namespace segment_format;

namespace {

// The cells of one property column in a part of a block.
struct ColumnPart {
    StoredColumn* column = nullptr;
    std::vector<CellForm> forms;
    std::vector<std::int64_t> mantissas;
    std::vector<std::uint8_t> scales;
    std::vector<std::uint32_t> codes;

    void read(std::uint32_t begin, std::uint32_t end) {
        const std::size_t count = end - begin;
        forms.resize(count);
        column->read_forms(begin, end, forms.data());
        if (column->has_numbers()) {
            mantissas.resize(count);
            scales.resize(count);
            column->read_numbers(begin, end, mantissas.data());
            column->read_shown_scales(begin, end, scales.data());
        }
        if (column->has_entries()) {
            codes.resize(count);
            column->read_codes(begin, end, codes.data());
        }
    }

    // Appends the cell of that row, if there is one.
    void append(std::size_t row, std::vector<Property>& properties, TextArena& arena) {
        if (forms[row] == CellForm::absent) return;
        if (forms[row] == CellForm::entry) {
            const DictionaryEntry entry = column->dictionary().lone_entry(codes[row]);
            properties.push_back({column->name(), entry.text, entry.kind});
            return;
        }
        const std::int64_t divisor = int64_power_of_ten[column->scale() - scales[row]];
        if (mantissas[row] % divisor != 0) fail_damaged("a number has a wrong scale");
        std::array<char, max_rendered_bytes> text;
        const char* const end = render_number(mantissas[row] / divisor, scales[row], text.data());
        properties.push_back(
            {column->name(), arena.keep({text.data(), static_cast<std::size_t>(end - text.data())}), PropertyKind::number});
    }
};

class EventAssembly {
public:
    explicit EventAssembly(SegmentReader::Parts& parts) : parts_(parts), columns_(parts.own.size()) {
        for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].column = &parts.own_column(i);
    }

    // Sets the properties of rows [begin, end) of one block.
    void set_properties(std::uint32_t begin, std::uint32_t end, StoredEvent* events, TextArena& arena) {
        for (ColumnPart& column : columns_) column.read(begin, end);
        const RareBlock* const rare =
            parts_.rare_properties.empty() ? nullptr : &parts_.rare_properties.block(begin / segment_block_rows);
        for (std::uint32_t row = begin; row < end; ++row) {
            properties_.clear();
            for (ColumnPart& column : columns_) column.append(row - begin, properties_, arena);
            if (rare != nullptr) append_rare(*rare, row % segment_block_rows);
            const std::span<Property> kept = arena.array<Property>(properties_.size());
            std::copy(properties_.begin(), properties_.end(), kept.begin());
            events[row - begin].properties = kept;
        }
    }

private:
    void append_rare(const RareBlock& rare, std::uint32_t row) {
        const auto middle = static_cast<std::ptrdiff_t>(properties_.size());
        for (std::uint32_t i = rare.begins[row]; i < rare.begins[row + 1]; ++i) {
            const DictionaryEntry entry = parts_.rare_properties.entries().lone_entry(rare.codes[i]);
            properties_.push_back({parts_.rare_properties.names().lone_text(rare.names[i]), entry.text, entry.kind});
        }
        std::inplace_merge(properties_.begin(), properties_.begin() + middle, properties_.end(),
                           [](const Property& left, const Property& right) { return left.key < right.key; });
    }

    SegmentReader::Parts& parts_;
    std::vector<ColumnPart> columns_;
    std::vector<Property> properties_;
};

}  // namespace

void SegmentReader::read_events(std::uint32_t begin, std::uint32_t end, StoredEvent* events, TextArena& arena) {
    if (begin >= end) return;
    EventAssembly assembly(*parts_);
    std::uint32_t customer_index = customer_of(begin);
    std::uint32_t next_run = parts_->run_begin(customer_index + 1);
    std::array<std::int64_t, segment_block_rows> moments, seqs, received;
    std::array<std::uint32_t, segment_block_rows> source_codes, import_codes;
    std::array<std::string_view, segment_block_rows> ids;
    const std::span<const Hash128> import_ids = imports();
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        const std::uint32_t from = block * segment_block_rows + first, to = block * segment_block_rows + last;
        read_ts(from, to, moments.data());
        read_seq(from, to, seqs.data());
        read_received_at(from, to, received.data());
        read_event_ids(from, to, ids.data(), arena);
        read_source_codes(from, to, source_codes.data());
        read_import_codes(from, to, import_codes.data());
        for (std::uint32_t row = from; row < to; ++row) {
            if (row >= next_run) {
                next_run = parts_->run_begin(++customer_index + 1);
                if (next_run <= row) fail_damaged("a customer has no rows");
            }
            const std::uint32_t i = row - from;
            StoredEvent& event = events[at + i];
            event = {};
            event.customer_id = parts_->customers.lone_text(customer_index);
            event.source = parts_->sources.lone_text(source_codes[i]);
            event.event_id = ids[i];
            event.ts = moments[i];
            event.received_at = received[i];
            event.seq = seqs[i];
            event.has_import = import_codes[i] != 0;
            if (event.has_import) event.import_id = import_ids[import_codes[i] - 1];
        }
        assembly.set_properties(from, to, events + at, arena);
    });
}

}  // namespace tally
