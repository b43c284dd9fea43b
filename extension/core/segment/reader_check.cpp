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

}  // namespace

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
        least_ts = std::min(least_ts, bounds.first);
        greatest_ts = std::max(greatest_ts, bounds.last);
    }
    if (least_ts != first_ts() || greatest_ts != last_ts() || least_seq != first_seq() || greatest_seq != last_seq())
        fail_damaged("its bounds are not true");
}

}  // namespace tally
