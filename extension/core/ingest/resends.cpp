// Counting what was sent again: see resends.hpp.
#include "core/ingest/resends.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace tally {
namespace {

std::int64_t day_of(std::int64_t unix_microseconds) {
    using namespace std::chrono;
    return floor<days>(sys_time<microseconds>(microseconds(unix_microseconds))).time_since_epoch().count();
}

auto key_of(const Resends& resends) {
    return std::tie(resends.code, resends.day, resends.customer_id);
}

}  // namespace

std::vector<Resends> resends_of(const IngestBatch& batch) {
    std::vector<Resends> found;
    for (const BatchEvent& event : batch.events()) {
        const bool duplicate = event.verdict == Verdict::duplicate;
        if (!duplicate && event.verdict != Verdict::conflict) continue;
        const Event& sent = *event.event;
        found.push_back({sent.code, sent.customer_id, day_of(sent.ts_microseconds), duplicate ? 1 : 0, duplicate ? 0 : 1});
    }
    std::sort(found.begin(), found.end(), [](const Resends& a, const Resends& b) { return key_of(a) < key_of(b); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (kept > 0 && key_of(found[kept - 1]) == key_of(found[i])) {
            found[kept - 1].duplicates += found[i].duplicates;
            found[kept - 1].conflicts += found[i].conflicts;
        } else {
            found[kept++] = found[i];
        }
    }
    found.resize(kept);
    return found;
}

}  // namespace tally
