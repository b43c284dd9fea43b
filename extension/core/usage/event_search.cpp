// Blocks are visited newest first, and those that are too old for what has been found are not loaded. Whole events are made
// only of rows that are known to be as asked, and where only some are kept, in the end and only of these: making one reads
// a block of every column.
#include "core/usage/event_search.hpp"

#include <algorithm>

#include "core/usage/needle.hpp"

namespace tally {
namespace {

std::size_t bytes_of(const FoundEvent& event) noexcept {
    return sizeof event + event.code.size() + event.customer_id.size() + event.source.size() + event.event_id.size() +
           event.properties.size();
}

}  // namespace

class SegmentSearch::Impl {
public:
    Impl(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker,
         std::uint32_t number)
        : segment_(segment), code_(code), question_(question), taker_(taker), number_(number) {
        if (finds_rows()) list_blocks();
    }

    std::int64_t next_ts() const noexcept {
        return next_ < blocks_.size() ? blocks_[next_].last : std::numeric_limits<std::int64_t>::min();
    }
    bool has_next() const noexcept { return next_ < blocks_.size(); }
    void search_next() {
        const Block& block = blocks_[next_++];
        if (block.last < taker_.oldest()) return;
        const std::uint32_t begin = std::max(rows_.begin, block.number * segment_block_rows);
        search_rows(begin, std::min(rows_.end, (block.number + 1) * segment_block_rows));
    }

private:
    struct Block {
        std::int64_t last;
        std::uint32_t number;
    };

    // Whether there may be any, as far as can be told without a look at rows.
    bool finds_rows() {
        rows_ = {0, segment_.rows()};
        if (question_.customer) {
            const auto found = segment_.find_customer(*question_.customer);
            if (!found) return false;
            rows_ = segment_.run(*found);
        }
        if (question_.source && !(source_ = segment_.sources().find(PropertyKind::text, *question_.source))) return false;
        if (question_.import_id) {
            const auto imports = segment_.imports();
            const auto found = std::find(imports.begin(), imports.end(), *question_.import_id);
            if (found == imports.end()) return false;
            import_ = static_cast<std::uint32_t>(found - imports.begin()) + 1;
        }
        if (!question_.needle) return true;
        needle_.emplace(*question_.needle);
        if (needle_->is_in(code_)) return true;
        in_segment_.emplace(segment_, *needle_);
        return !in_segment_->is_nowhere();
    }

    // Newest first.
    void list_blocks() {
        const std::uint32_t first = rows_.begin / segment_block_rows, last = (rows_.end - 1) / segment_block_rows;
        for (std::uint32_t block = first; block <= last; ++block) {
            const SegmentReader::TimeBounds bounds = segment_.ts_bounds(block);
            if (bounds.last < question_.from || bounds.first >= question_.end()) continue;
            if (question_.unknown != nullptr) {
                const SegmentReader::SeqBounds seqs = segment_.seq_bounds(block);
                if (!question_.may_hold_seqs(seqs.first, seqs.last)) continue;
            }
            blocks_.push_back({bounds.last, block});
        }
        std::stable_sort(blocks_.begin(), blocks_.end(),
                         [](const Block& left, const Block& right) { return left.last > right.last; });
    }

    void search_rows(std::uint32_t begin, std::uint32_t end) {
        find_candidates(begin, end);
        keep_those_with_needle(begin, end);
        if (taker_.takes_places()) {
            for (const std::uint32_t place : candidates_)
                if (taker_.wants(ts_[place], seqs_[place]))
                    taker_.take_place({ts_[place], seqs_[place], number_, begin + place});
            return;
        }
        give_events(begin);
    }

    // Runs of candidates are read at once.
    void give_events(std::uint32_t begin) {
        for (std::size_t first = 0, last = 0; first < candidates_.size(); first = last) {
            for (last = first + 1; last < candidates_.size() && candidates_[last] == candidates_[last - 1] + 1;) ++last;
            TextArena arena;
            events_.resize(last - first);
            segment_.read_events(begin + candidates_[first], begin + candidates_[last - 1] + 1, events_.data(), arena);
            for (const StoredEvent& event : events_) {
                properties_.clear();
                append_properties(properties_, event.properties);
                taker_.take(code_, event, properties_);
            }
        }
    }

    // Rows of [begin, end) by their place in it.
    void find_candidates(std::uint32_t begin, std::uint32_t end) {
        const std::uint32_t count = end - begin;
        candidates_.clear();
        ts_.resize(count);
        segment_.read_ts(begin, end, ts_.data());
        const std::int64_t from = std::max(question_.from, taker_.oldest()), to = question_.end();
        for (std::uint32_t place = 0; place < count; ++place)
            if (ts_[place] >= from && ts_[place] < to) candidates_.push_back(place);
        if (candidates_.empty()) return;
        seqs_.resize(count);
        segment_.read_seq(begin, end, seqs_.data());
        keep([&](std::uint32_t place) {
            return question_.holds(ts_[place], seqs_[place]) && taker_.wants(ts_[place], seqs_[place]);
        });
        if (candidates_.empty()) return;
        codes_.resize(count);
        if (source_) {
            segment_.read_source_codes(begin, end, codes_.data());
            keep([&](std::uint32_t place) { return codes_[place] == *source_; });
        }
        if (import_ != 0) {
            segment_.read_import_codes(begin, end, codes_.data());
            keep([&](std::uint32_t place) { return codes_[place] == import_; });
        }
        if (question_.event_id && !candidates_.empty()) {
            TextArena arena;
            ids_.resize(count);
            segment_.read_event_ids(begin, end, ids_.data(), arena);
            keep([&](std::uint32_t place) { return ids_[place] == *question_.event_id; });
        }
    }

    void keep_those_with_needle(std::uint32_t begin, std::uint32_t end) {
        if (!in_segment_ || candidates_.empty()) return;
        in_segment_->load(begin, end);
        keep([&](std::uint32_t place) { return in_segment_->found(place); });
    }

    template <typename Test>
    void keep(Test test) {
        candidates_.erase(
            std::remove_if(candidates_.begin(), candidates_.end(), [&](std::uint32_t place) { return !test(place); }),
            candidates_.end());
    }

    SegmentReader& segment_;
    std::string_view code_;
    const EventQuestion& question_;
    EventTaker& taker_;
    std::uint32_t number_;
    RowRange rows_;
    std::vector<Block> blocks_;
    std::size_t next_ = 0;  // of blocks_
    std::optional<std::uint32_t> source_;
    std::uint32_t import_ = 0;
    std::vector<std::uint32_t> candidates_, codes_;
    std::vector<std::int64_t> ts_, seqs_;
    std::vector<std::string_view> ids_;
    std::vector<StoredEvent> events_;
    std::string properties_;
    std::optional<Needle> needle_;
    std::optional<SegmentNeedle> in_segment_;  // where the code does not hold it already
};

bool is_asked_for(const EventQuestion& question, std::string_view code, const StoredEvent& event) {
    if (!question.holds(event.ts, event.seq) || (question.source && event.source != *question.source) ||
        (question.event_id && event.event_id != *question.event_id) ||
        (question.import_id && !(event.has_import && event.import_id == *question.import_id)))
        return false;
    if (!question.needle) return true;
    const Needle needle(*question.needle);
    return needle.is_in(event.event_id) || needle.is_in(code) ||
           std::any_of(event.properties.begin(), event.properties.end(),
                       [&](const Property& property) { return needle.is_in(property.text); });
}

bool NewestEvents::is_newer(const Kept& left, const Kept& right) noexcept {
    return left.place.ts != right.place.ts ? left.place.ts > right.place.ts : left.place.seq > right.place.seq;
}

bool NewestEvents::wants(std::int64_t ts, std::int64_t seq) const noexcept {
    if (heap_.size() < limit_) return true;
    const EventPlace& last = limit_ > 0 ? heap_.front().place : EventPlace{};
    return limit_ > 0 && (ts != last.ts ? ts > last.ts : seq > last.seq);
}

std::int64_t NewestEvents::oldest() const noexcept {
    if (heap_.size() < limit_) return std::numeric_limits<std::int64_t>::min();
    return limit_ > 0 ? heap_.front().place.ts : std::numeric_limits<std::int64_t>::max();
}

std::uint32_t NewestEvents::make_room() {
    if (heap_.size() < limit_) return in_segment;
    std::pop_heap(heap_.begin(), heap_.end(), is_newer);
    const std::uint32_t freed = heap_.back().event;
    heap_.pop_back();
    return freed;
}

FoundEvent NewestEvents::copy_of(std::string_view code, const StoredEvent& event, std::string_view properties) {
    FoundEvent copy{std::string(code),         std::string(event.customer_id),
                    std::string(event.source), std::string(event.event_id),
                    std::string(properties),   event.ts,
                    event.received_at,         event.seq,
                    event.has_import,          event.import_id};
    memory_.require_for_events(bytes_ += bytes_of(copy));
    return copy;
}

void NewestEvents::push(const Kept& kept) {
    heap_.push_back(kept);
    std::push_heap(heap_.begin(), heap_.end(), is_newer);
}

void NewestEvents::take(std::string_view code, const StoredEvent& event, std::string_view properties) {
    if (!wants(event.ts, event.seq)) return;
    std::uint32_t at = make_room();
    if (at == in_segment) {
        at = static_cast<std::uint32_t>(events_.size());
        events_.emplace_back();
    } else {
        bytes_ -= bytes_of(events_[at]);
    }
    events_[at] = copy_of(code, event, properties);
    push({{event.ts, event.seq, 0, 0}, at});
}

// Only after all rows: they take the places in events_ that become free.
void NewestEvents::take_place(const EventPlace& place) {
    (void)make_room();
    push({place, in_segment});
}

std::vector<EventPlace> NewestEvents::places() const {
    std::vector<EventPlace> places;
    for (const Kept& kept : heap_)
        if (kept.event == in_segment) places.push_back(kept.place);
    std::sort(places.begin(), places.end(), [](const EventPlace& left, const EventPlace& right) {
        return left.segment != right.segment ? left.segment < right.segment : left.row < right.row;
    });
    return places;
}

void NewestEvents::take_made(std::string_view code, const StoredEvent& event, std::string_view properties) {
    made_.push_back(copy_of(code, event, properties));
}

std::vector<FoundEvent> NewestEvents::release() {
    for (const Kept& kept : heap_)
        if (kept.event != in_segment) made_.push_back(std::move(events_[kept.event]));
    heap_.clear();
    std::sort(made_.begin(), made_.end(), [](const FoundEvent& left, const FoundEvent& right) {
        return left.ts != right.ts ? left.ts > right.ts : left.seq > right.seq;
    });
    return std::move(made_);
}

SegmentSearch::SegmentSearch(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker,
                             std::uint32_t number)
    : impl_(std::make_unique<Impl>(segment, code, question, taker, number)) {}

SegmentSearch::~SegmentSearch() = default;

bool SegmentSearch::has_next() const noexcept {
    return impl_->has_next();
}

std::int64_t SegmentSearch::next_ts() const noexcept {
    return impl_->next_ts();
}

void SegmentSearch::search_next() {
    impl_->search_next();
}

void search_segment(SegmentReader& segment, std::string_view code, const EventQuestion& question, EventTaker& taker,
                    std::uint32_t number) {
    SegmentSearch search(segment, code, question, taker, number);
    while (search.has_next()) search.search_next();
}

void make_events(SegmentReader& segment, std::string_view code, std::span<const EventPlace> places, NewestEvents& newest) {
    std::string properties;
    std::vector<StoredEvent> events;
    for (std::size_t first = 0, last = 0; first < places.size(); first = last) {
        for (last = first + 1; last < places.size() && places[last].row == places[last - 1].row + 1;) ++last;
        TextArena arena;
        events.resize(last - first);
        segment.read_events(places[first].row, places[last - 1].row + 1, events.data(), arena);
        for (const StoredEvent& event : events) {
            properties.clear();
            append_properties(properties, event.properties);
            newest.take_made(code, event, properties);
        }
    }
}

}  // namespace tally
