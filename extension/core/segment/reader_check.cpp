// Finds whether all that a segment says of itself is true.
#include <algorithm>
#include <limits>

#include "core/segment/reader.hpp"
#include "core/segment/reader_parts.hpp"

namespace tally {

using namespace segment_format;

namespace {

constexpr std::uint32_t texts_between_polls = 8192;

void check_dictionary(StoredDictionary& dictionary, Poll poll) {
    for (const PropertyKind kind : {PropertyKind::text, PropertyKind::number, PropertyKind::json}) {
        const CodeRange codes = dictionary.codes_of(kind);
        for (std::uint32_t code = codes.begin; code < codes.end; ++code) {
            if (code % texts_between_polls == 0) call(poll);
            if (code > codes.begin && !(dictionary.text(code - 1) < dictionary.text(code)))
                fail_damaged("a dictionary is in disorder");
        }
    }
}

// A block of cells, and what of it the rows up to a seq come to, cell by cell.
struct ReadCells {
    ReadCells(PropertyColumn& column, RowRange rows) : forms(rows.size()), mantissas(rows.size()), scales(rows.size()) {
        column.read_forms(rows.begin, rows.end, forms.data());
        column.read_numbers(rows.begin, rows.end, mantissas.data());
        column.read_shown_scales(rows.begin, rows.end, scales.data());
    }

    BlockStatistics up_to(std::int64_t last_seq, const std::vector<std::int64_t>& seqs) const {
        BlockStatistics statistics;
        for (std::size_t i = 0; i < forms.size(); ++i) {
            if (seqs[i] > last_seq) continue;
            if (forms[i] == CellForm::entry) ++statistics.entries;
            if (forms[i] != CellForm::number) continue;
            const bool is_first = statistics.numbers++ == 0;
            statistics.sum += mantissas[i];
            statistics.min = is_first ? mantissas[i] : std::min(statistics.min, mantissas[i]);
            statistics.max = is_first ? mantissas[i] : std::max(statistics.max, mantissas[i]);
            statistics.max_shown_scale = std::max(statistics.max_shown_scale, scales[i]);
        }
        return statistics;
    }

    std::vector<CellForm> forms;
    std::vector<std::int64_t> mantissas;
    std::vector<std::uint8_t> scales;
};

}  // namespace

void SegmentReader::check_marks(std::uint32_t block) {
    if (marks().empty()) return;
    const RowRange rows{block * segment_block_rows, block * segment_block_rows + rows_in_block(parts_->header, block)};
    std::vector<std::int64_t> seqs(rows.size());
    read_seq(rows.begin, rows.end, seqs.data());
    for (std::uint32_t mark = 0; mark < marks().size(); ++mark) {
        const std::int64_t last = marks()[mark].last_seq;
        const auto seen = std::count_if(seqs.begin(), seqs.end(), [&](std::int64_t seq) { return seq <= last; });
        if (marked_rows(mark, block) != seen) fail_damaged("statistics are not true");
    }
    for (std::size_t i = 0; i < parts_->own.size(); ++i) {
        StoredColumn& column = parts_->own_column(i);
        if (!column.has_numbers()) continue;
        const ReadCells cells(column, rows);
        for (std::uint32_t mark = 0; mark < marks().size(); ++mark)
            if (column.marked_statistics(mark, block) != cells.up_to(marks()[mark].last_seq, seqs))
                fail_damaged("statistics are not true");
    }
}

void SegmentReader::check_bytes() {
    parts_->table.load(0, parts_->header.blocks);
}

void SegmentReader::check(Poll poll) {
    check_bytes();
    for (StoredDictionary* dictionary : {&parts_->customers, &parts_->sources, &parts_->imports,
                                         &parts_->rare_properties.names(), &parts_->rare_properties.entries()})
        check_dictionary(*dictionary, poll);
    for (std::size_t i = 0; i < parts_->own.size(); ++i) {
        call(poll);
        parts_->own_column(i).check();
        check_dictionary(parts_->own_column(i).dictionary(), poll);
    }
    const std::vector<std::string_view> names = property_names();
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) fail_damaged("a property has two columns");
    for (std::uint32_t index = 0; index < customer_count(); ++index) run(index);
    std::vector<StoredEvent> events(segment_block_rows);
    std::int64_t least_ts = std::numeric_limits<std::int64_t>::max(), greatest_ts = std::numeric_limits<std::int64_t>::min();
    std::int64_t least_seq = least_ts, greatest_seq = greatest_ts;
    StoredEvent before;
    for (std::uint32_t block = 0; block < blocks(); ++block) {
        call(poll);
        TextArena arena;
        const std::uint32_t begin = block * segment_block_rows, count = rows_in_block(parts_->header, block);
        read_events(begin, begin + count, events.data(), arena);
        TimeBounds bounds{events[0].ts, events[0].ts};
        for (std::uint32_t i = 0; i < count; ++i) {
            if (begin + i > 0 && !stored_before(before, events[i])) fail_damaged("its events are in disorder");
            bounds = {std::min(bounds.first, events[i].ts), std::max(bounds.last, events[i].ts)};
            least_seq = std::min(least_seq, events[i].seq);
            greatest_seq = std::max(greatest_seq, events[i].seq);
            before = events[i];
            before.properties = {};
        }
        const TimeBounds said = ts_bounds(block);
        if (said.first != bounds.first || said.last != bounds.last) fail_damaged("statistics are not true");
        check_marks(block);
        least_ts = std::min(least_ts, bounds.first);
        greatest_ts = std::max(greatest_ts, bounds.last);
    }
    if (least_ts != first_ts() || greatest_ts != last_ts() || least_seq != first_seq() || greatest_seq != last_seq())
        fail_damaged("its bounds are not true");
}

}  // namespace tally
