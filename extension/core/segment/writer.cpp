// Sorts events and writes the columns that every segment has; properties are in property_writer.cpp.
#include "core/segment/writer.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/segment/dictionary.hpp"
#include "core/segment/event_ids.hpp"
#include "core/segment/integers.hpp"
#include "core/segment/property_writer.hpp"

namespace tally {
namespace {

using namespace segment_format;

struct SortedEvents {
    std::vector<const StoredEvent*> rows;
    DictionaryBuilder customers;
    std::vector<std::int64_t> run_begins;  // by customer
};

SortedEvents sort_events(std::span<const StoredEvent> events) {
    struct Place {
        std::uint32_t customer;
        std::uint32_t event;
        std::int64_t ts;
        std::int64_t seq;
    };
    SortedEvents sorted;
    std::vector<Place> places(events.size());
    for (std::uint32_t i = 0; i < events.size(); ++i)
        places[i] = {sorted.customers.add(PropertyKind::text, events[i].customer_id), i, events[i].ts, events[i].seq};
    sorted.customers.sort();
    for (Place& place : places) place.customer = sorted.customers.code(place.customer);
    std::sort(places.begin(), places.end(), [](const Place& left, const Place& right) {
        if (left.customer != right.customer) return left.customer < right.customer;
        return left.ts != right.ts ? left.ts < right.ts : left.seq < right.seq;
    });
    sorted.rows.reserve(places.size());
    for (const Place& place : places) {
        if (place.customer == sorted.run_begins.size())
            sorted.run_begins.push_back(static_cast<std::int64_t>(sorted.rows.size()));
        sorted.rows.push_back(&events[place.event]);
    }
    return sorted;
}

void write_integers(Column& column, std::span<const std::int64_t> values, BlockOutput& out) {
    for (std::size_t begin = 0; begin < values.size(); begin += segment_block_rows) {
        append_integers(out.bytes(),
                        values.subspan(begin, std::min<std::size_t>(segment_block_rows, values.size() - begin)));
        out.end_block();
        ++column.data_blocks;
    }
}

Column column_of(FixedColumn type) {
    Column column;
    column.type = static_cast<std::uint8_t>(type);
    return column;
}

void write_times(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    std::vector<std::int64_t> values;
    values.reserve(sorted.rows.size());
    for (const StoredEvent* event : sorted.rows) values.push_back(event->ts);
    const auto [first, last] = std::minmax_element(values.begin(), values.end());
    header.first_ts = *first;
    header.last_ts = *last;
    Column column = column_of(ts);
    column.flags = with_statistics;
    for (std::size_t begin = 0; begin < values.size(); begin += segment_block_rows) {
        const auto block =
            std::span(values).subspan(begin, std::min<std::size_t>(segment_block_rows, values.size() - begin));
        const auto [least, greatest] = std::minmax_element(block.begin(), block.end());
        for (const std::int64_t part : {std::int64_t{0}, std::int64_t{0}, *least, *greatest, std::int64_t{0}})
            append_u64(out.bytes(), static_cast<std::uint64_t>(part));
    }
    out.end_block();
    write_integers(column, values, out);
    header.columns.push_back(column);
}

// The newest cuts that see some of the rows, but not all, and of those up to their last seq each one.
std::vector<SegmentMark> marks_of(std::span<const KnownAt> cuts, std::span<const std::int64_t> seqs, const Header& header) {
    std::vector<SegmentMark> marks;
    if (seqs.size() < least_marked_events) return marks;
    for (auto cut = cuts.rbegin(); cut != cuts.rend() && marks.size() < max_marks; ++cut) {
        if (cut->last_seq < header.first_seq || cut->last_seq >= header.last_seq) continue;
        const auto is_late = [&](std::int64_t seq) { return seq <= cut->last_seq && !cut->sees_event(seq); };
        if (cut->unseen_seqs.meets(header.first_seq, cut->last_seq) && std::any_of(seqs.begin(), seqs.end(), is_late))
            continue;
        marks.push_back({cut->cut, cut->last_seq});
    }
    std::reverse(marks.begin(), marks.end());
    return marks;
}

void write_marked_rows(Column& column, std::span<const std::int64_t> seqs, const Header& header, BlockOutput& out) {
    column.marks = static_cast<std::uint32_t>(header.marks.size());
    for (const SegmentMark& mark : header.marks) {
        for (std::size_t begin = 0; begin < seqs.size(); begin += segment_block_rows) {
            const auto block = seqs.subspan(begin, std::min<std::size_t>(segment_block_rows, seqs.size() - begin));
            const auto seen =
                std::count_if(block.begin(), block.end(), [&](std::int64_t seq) { return seq <= mark.last_seq; });
            out.bytes().push_back(static_cast<std::byte>(seen));
            out.bytes().push_back(static_cast<std::byte>(seen >> 8));
        }
        out.end_block();
    }
}

void write_seqs(const SortedEvents& sorted, std::span<const KnownAt> cuts, Header& header, BlockOutput& out) {
    std::vector<std::int64_t> values;
    values.reserve(sorted.rows.size());
    for (const StoredEvent* event : sorted.rows) values.push_back(event->seq);
    const auto [first, last] = std::minmax_element(values.begin(), values.end());
    header.first_seq = *first;
    header.last_seq = *last;
    header.marks = marks_of(cuts, values, header);
    Column column = column_of(seq);
    write_marked_rows(column, values, header, out);
    write_integers(column, values, out);
    header.columns.push_back(column);
}

// The events of a request share the moment, and have neighbouring seqs: few stretches of seqs say all moments. Nothing
// where that does not hold.
struct Stretches {
    std::vector<std::int64_t> seqs, moments;
};

std::optional<Stretches> find_stretches(const SortedEvents& sorted) {
    std::vector<std::pair<std::int64_t, std::int64_t>> moments;  // (seq, received_at)
    moments.reserve(sorted.rows.size());
    for (const StoredEvent* event : sorted.rows) moments.emplace_back(event->seq, event->received_at);
    std::sort(moments.begin(), moments.end());
    Stretches stretches;
    for (std::size_t i = 0; i < moments.size(); ++i) {
        if (i > 0 && moments[i].second == moments[i - 1].second) continue;
        if (i > 0 && moments[i].first == moments[i - 1].first) return std::nullopt;
        if (2 * stretches.seqs.size() > moments.size()) return std::nullopt;
        stretches.seqs.push_back(moments[i].first);
        stretches.moments.push_back(moments[i].second);
    }
    return stretches;
}

void write_received_at(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    Column column = column_of(received_at);
    if (const auto stretches = find_stretches(sorted)) {
        column.flags = with_steps;
        for (std::size_t begin = 0; begin < stretches->seqs.size(); begin += segment_block_rows) {
            const std::size_t count = std::min<std::size_t>(segment_block_rows, stretches->seqs.size() - begin);
            append_varint(out.bytes(), count);
            append_integers(out.bytes(), std::span(stretches->seqs).subspan(begin, count));
            append_integers(out.bytes(), std::span(stretches->moments).subspan(begin, count));
            out.end_block();
            ++column.data_blocks;
        }
    } else {
        std::vector<std::int64_t> values;
        values.reserve(sorted.rows.size());
        for (const StoredEvent* event : sorted.rows) values.push_back(event->received_at);
        write_integers(column, values, out);
    }
    header.columns.push_back(column);
}

void write_event_ids(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    Column column = column_of(event_id);
    column.flags = without_texts;
    std::vector<std::string_view> ids;
    for (std::size_t begin = 0; begin < sorted.rows.size(); begin += segment_block_rows) {
        const std::size_t end = std::min<std::size_t>(begin + segment_block_rows, sorted.rows.size());
        ids.clear();
        for (std::size_t row = begin; row < end; ++row) ids.push_back(sorted.rows[row]->event_id);
        if (append_event_ids(out.bytes(), ids)) column.flags = 0;
        out.end_block();
        ++column.data_blocks;
    }
    header.columns.push_back(column);
}

void write_codes(Column column, DictionaryBuilder& dictionary, std::vector<std::int64_t> numbers, bool zero_is_none,
                 Header& header, BlockOutput& out) {
    dictionary.sort();
    for (std::int64_t& number : numbers)
        number = zero_is_none ? (number == 0 ? 0 : dictionary.code(static_cast<std::uint32_t>(number - 1)) + std::int64_t{1})
                              : dictionary.code(static_cast<std::uint32_t>(number));
    write_integers(column, numbers, out);
    dictionary.write(column, out);
    header.columns.push_back(column);
}

void write_sources(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    DictionaryBuilder dictionary;
    std::vector<std::int64_t> numbers;
    for (const StoredEvent* event : sorted.rows) numbers.push_back(dictionary.add(PropertyKind::text, event->source));
    write_codes(column_of(source), dictionary, std::move(numbers), false, header, out);
}

std::vector<Hash128> write_imports(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    DictionaryBuilder dictionary;
    std::vector<std::int64_t> numbers;
    for (const StoredEvent* event : sorted.rows) {
        const std::string_view id(reinterpret_cast<const char*>(event->import_id.data()), event->import_id.size());
        numbers.push_back(event->has_import ? dictionary.add(PropertyKind::text, id) + std::int64_t{1} : 0);
    }
    write_codes(column_of(import), dictionary, std::move(numbers), true, header, out);
    std::vector<Hash128> imports(dictionary.size());
    for (std::uint32_t i = 0; i < dictionary.size(); ++i) {
        const std::string_view id = dictionary.text(i);
        std::copy(id.begin(), id.end(), imports[i].begin());
    }
    return imports;
}

void write_customers(const SortedEvents& sorted, Header& header, BlockOutput& out) {
    Column column = column_of(customer);
    write_integers(column, sorted.run_begins, out);
    sorted.customers.write(column, out);
    header.columns.push_back(column);
}

void check_limits(std::span<const StoredEvent> events) {
    if (events.empty()) throw Error(ErrorKind::invalid_argument, "a segment needs at least one event");
    if (events.size() > max_segment_events) throw Error(ErrorKind::limit_exceeded, "too many events for one segment");
    std::size_t weight = 0;
    for (const StoredEvent& event : events) weight += event_weight(event);
    if (weight > max_segment_weight) throw Error(ErrorKind::limit_exceeded, "the events are too large for one segment");
}

}  // namespace

std::size_t event_weight(const StoredEvent& event) noexcept {
    std::size_t weight = 96 + event.customer_id.size() + event.source.size() + event.event_id.size();
    for (const Property& property : event.properties) weight += 32 + property.key.size() + property.text.size();
    return weight;
}

Segment write_segment(std::span<const StoredEvent> events, Poll poll, std::span<const KnownAt> cuts) {
    check_limits(events);
    const SortedEvents sorted = sort_events(events);
    call(poll);
    const PropertyWriter properties(sorted.rows, poll);
    Segment segment;
    Header header;
    BlockOutput out;
    header.rows = static_cast<std::uint32_t>(events.size());
    header.customers = sorted.customers.size();
    write_times(sorted, header, out);
    write_seqs(sorted, cuts, header, out);
    write_received_at(sorted, header, out);
    call(poll);
    write_event_ids(sorted, header, out);
    call(poll);
    write_sources(sorted, header, out);
    segment.imports = write_imports(sorted, header, out);
    write_customers(sorted, header, out);
    call(poll);
    properties.write_rare(header, out);
    properties.write_columns(header, out);
    segment.bytes = make_header(header, out.blocks());
    append_bytes(segment.bytes, out.bytes());
    segment.events = header.rows;
    segment.first_ts = header.first_ts;
    segment.last_ts = header.last_ts;
    segment.first_seq = header.first_seq;
    segment.last_seq = header.last_seq;
    segment.first_customer = sorted.rows.front()->customer_id;
    segment.last_customer = sorted.rows.back()->customer_id;
    return segment;
}

}  // namespace tally
