// See cut.hpp.
#include "core/segment/cut.hpp"

#include <algorithm>
#include <queue>
#include <utility>
#include <vector>

namespace tally {
namespace {

// How many events a part gets where so many are cut into as few parts as hold them. A part may get more, up to
// max_packed_events, for a customer that is not to be cut.
std::uint64_t share_of(std::uint64_t events, std::uint64_t weight) noexcept {
    const std::uint64_t parts = std::max({std::uint64_t{1}, (events + packed_events_goal - 1) / packed_events_goal,
                                          (weight + max_packed_weight - 1) / max_packed_weight});
    return (events + parts - 1) / parts;
}

void write(std::span<const StoredEvent> events, std::uint64_t weight, const CutTaker& take, Poll poll,
           std::span<const KnownAt> cuts) {
    if (!events.empty()) take(write_segment(events, poll, cuts), weight);
}

// One customer of one reader, to be met in order.
struct Place {
    std::size_t reader;
    std::uint32_t customer;
    std::string_view name;
};

struct Later {
    bool operator()(const Place& left, const Place& right) const noexcept { return left.name > right.name; }
};

// Gathers, of each reader, rows that follow one another, and writes them when they are a share.
class Gathering {
public:
    Gathering(std::span<SegmentReader* const> readers, std::uint64_t share, const CutTaker& take, Poll poll,
              std::span<const KnownAt> cuts)
        : readers_(readers),
          share_(share),
          take_(take),
          poll_(poll),
          cuts_(cuts),
          begins_(readers.size()),
          ends_(readers.size()) {}

    // A customer's rows, which lie behind those that were added before.
    void add(std::span<const std::pair<std::size_t, RowRange>> runs) {
        std::uint64_t rows = 0;
        for (const auto& [reader, run] : runs) rows += run.size();
        if (rows_ + rows > max_packed_events) flush();
        for (const auto& [reader, run] : runs) ends_[reader] = run.end;
        rows_ += rows;
        if (rows_ >= share_) flush();
    }
    void flush() {
        std::vector<StoredEvent> events(rows_);
        TextArena arena;
        std::uint32_t at = 0;
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            if (begins_[i] == ends_[i]) continue;
            readers_[i]->read_events(begins_[i], ends_[i], events.data() + at, arena);
            at += ends_[i] - begins_[i];
            begins_[i] = ends_[i];
            call(poll_);
        }
        rows_ = 0;
        cut_events(events, take_, poll_, cuts_);
    }

private:
    std::span<SegmentReader* const> readers_;
    std::uint64_t share_;
    const CutTaker& take_;
    Poll poll_;
    std::span<const KnownAt> cuts_;
    std::vector<std::uint32_t> begins_, ends_;
    std::uint64_t rows_ = 0;
};

}  // namespace

void cut_events(std::span<StoredEvent> events, const CutTaker& take, Poll poll, std::span<const KnownAt> cuts) {
    std::sort(events.begin(), events.end(), stored_before);
    call(poll);
    std::uint64_t all = 0;
    for (const StoredEvent& event : events) all += event_weight(event);
    const std::uint64_t share = share_of(events.size(), all);
    std::size_t begin = 0;
    std::uint64_t weight = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const std::uint64_t its_weight = event_weight(events[i]);
        const std::uint64_t count = i - begin;
        const bool is_full = count > 0 && weight + its_weight > max_packed_weight;
        const bool is_share =
            count >= share && (count == max_packed_events || events[i].customer_id != events[i - 1].customer_id);
        if (is_full || is_share) {
            write(events.subspan(begin, count), weight, take, poll, cuts);
            begin = i;
            weight = 0;
        }
        weight += its_weight;
    }
    write(events.subspan(begin), weight, take, poll, cuts);
}

void cut_segments(std::span<SegmentReader* const> readers, std::uint64_t weight, const CutTaker& take, Poll poll,
                  std::span<const KnownAt> cuts) {
    std::uint64_t rows = 0;
    std::priority_queue<Place, std::vector<Place>, Later> next;
    for (std::size_t i = 0; i < readers.size(); ++i) {
        rows += readers[i]->rows();
        if (readers[i]->customer_count() > 0) next.push({i, 0, readers[i]->customer(0)});
    }
    Gathering gathering(readers, share_of(rows, weight), take, poll, cuts);
    std::vector<std::pair<std::size_t, RowRange>> runs;
    while (!next.empty()) {
        const Place place = next.top();
        next.pop();
        SegmentReader& reader = *readers[place.reader];
        runs.emplace_back(place.reader, reader.run(place.customer));
        if (next.empty() || next.top().name != place.name) {
            gathering.add(runs);
            runs.clear();
        }
        if (place.customer + 1 < reader.customer_count())
            next.push({place.reader, place.customer + 1, reader.customer(place.customer + 1)});
    }
    gathering.flush();
}

}  // namespace tally
