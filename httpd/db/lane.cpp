// A lane to the database: see lane.hpp.
#include "db/lane.hpp"

namespace tallyd {

const char* Lane::name() const noexcept {
    switch (id) {
        case LaneId::ingest: return "ingest";
        case LaneId::write: return "write";
        case LaneId::slow_write: return "slow_write";
        case LaneId::read: return "read";
        case LaneId::slow_read: return "slow_read";
        case LaneId::import: return "import";
    }
    return "";
}

void Lane::disconnected() noexcept {
    since_.store(Clock::now().time_since_epoch().count());
    connections_.fetch_sub(1);
}

Clock::duration Lane::away() const noexcept {
    if (connections_.load() > 0) return Clock::duration::zero();
    return Clock::now() - Clock::time_point(Clock::duration(since_.load()));
}

}  // namespace tallyd
