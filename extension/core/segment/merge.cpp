// Cuts many events into segments, and merges segments: their events by blocks, in one order, into new ones.
#include <algorithm>
#include <memory>
#include <queue>

#include "core/segment/writer.hpp"

namespace tally {
namespace {

// The events of one input in the order of stored_before, a block at a time.
class EventStream {
public:
    explicit EventStream(SegmentReader& reader) : reader_(&reader) { load(); }
    explicit EventStream(std::vector<StoredEvent> events) : events_(std::move(events)) {}

    bool done() const noexcept { return at_ == events_.size(); }
    const StoredEvent& front() const noexcept { return events_[at_]; }
    void pop() {
        if (++at_ == events_.size() && reader_ != nullptr) load();
    }

private:
    void load() {
        const std::uint32_t count = std::min(segment_block_rows, reader_->rows() - next_row_);
        events_.resize(count);
        at_ = 0;
        if (count == 0) return;
        arena_ = TextArena();
        reader_->read_events(next_row_, next_row_ + count, events_.data(), arena_);
        next_row_ += count;
    }

    SegmentReader* reader_ = nullptr;
    std::uint32_t next_row_ = 0;
    std::vector<StoredEvent> events_;
    TextArena arena_;
    std::size_t at_ = 0;
};

// Gathers events, in order, until the next would not fit, and gives the segment away.
class SegmentCutter {
public:
    explicit SegmentCutter(const SegmentTaker& take) : take_(take) {}

    void add(const StoredEvent& event) {
        const std::size_t weight = event_weight(event);
        if (events_.size() == max_segment_events || (weight_ + weight > max_segment_weight && !events_.empty()))
            flush();
        weight_ += weight;
        StoredEvent kept = event;
        kept.customer_id = last_customer_ == event.customer_id ? last_customer_ : arena_.keep(event.customer_id);
        kept.source = last_source_ == event.source ? last_source_ : arena_.keep(event.source);
        kept.event_id = arena_.keep(event.event_id);
        last_customer_ = kept.customer_id;
        last_source_ = kept.source;
        const std::span<Property> properties = arena_.array<Property>(event.properties.size());
        for (std::size_t i = 0; i < properties.size(); ++i) {
            properties[i] = event.properties[i];
            properties[i].text = arena_.keep(properties[i].text);
            properties[i].key = kept_key(i, properties[i].key);
        }
        kept.properties = properties;
        events_.push_back(kept);
    }

    void flush() {
        if (events_.empty()) return;
        take_(write_segment(events_));
        events_.clear();
        arena_ = TextArena();
        weight_ = 0;
        last_customer_ = last_source_ = {};
        last_keys_.clear();
    }

private:
    std::string_view kept_key(std::size_t place, std::string_view key) {
        if (place >= last_keys_.size()) last_keys_.resize(place + 1);
        if (last_keys_[place] != key) last_keys_[place] = arena_.keep(key);
        return last_keys_[place];
    }

    const SegmentTaker& take_;
    std::vector<StoredEvent> events_;
    TextArena arena_;
    std::size_t weight_ = 0;
    std::string_view last_customer_, last_source_;
    std::vector<std::string_view> last_keys_;
};

std::vector<StoredEvent> sorted_events(std::span<const StoredEvent> events) {
    std::vector<StoredEvent> sorted(events.begin(), events.end());
    std::sort(sorted.begin(), sorted.end(), stored_before);
    return sorted;
}

}  // namespace

void write_segments(std::span<const StoredEvent> events, const SegmentTaker& take) {
    const std::vector<StoredEvent> sorted = sorted_events(events);
    std::size_t begin = 0, weight = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const std::size_t added = event_weight(sorted[i]);
        if (i > begin && (i - begin == max_segment_events || weight + added > max_segment_weight)) {
            take(write_segment(std::span(sorted).subspan(begin, i - begin)));
            begin = i;
            weight = 0;
        }
        weight += added;
    }
    if (begin < sorted.size()) take(write_segment(std::span(sorted).subspan(begin)));
}

void merge_segments(std::span<SegmentReader* const> readers, std::span<const StoredEvent> events,
                    std::span<const std::int64_t> dropped_seqs, const SegmentTaker& take) {
    std::vector<std::unique_ptr<EventStream>> streams;
    for (SegmentReader* reader : readers) streams.push_back(std::make_unique<EventStream>(*reader));
    if (!events.empty()) streams.push_back(std::make_unique<EventStream>(sorted_events(events)));
    const auto later = [&streams](std::size_t left, std::size_t right) {
        return stored_before(streams[right]->front(), streams[left]->front());
    };
    std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> queue(later);
    for (std::size_t i = 0; i < streams.size(); ++i)
        if (!streams[i]->done()) queue.push(i);
    SegmentCutter cutter(take);
    while (!queue.empty()) {
        EventStream& stream = *streams[queue.top()];
        const StoredEvent& event = stream.front();
        const std::size_t index = queue.top();
        queue.pop();
        if (!std::binary_search(dropped_seqs.begin(), dropped_seqs.end(), event.seq)) cutter.add(event);
        stream.pop();
        if (!stream.done()) queue.push(index);
    }
    cutter.flush();
}

}  // namespace tally
