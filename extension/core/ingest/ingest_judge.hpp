// What becomes of every event of a batch, once the facts are known: the rule of ingest.
//
// Bodies are judged one after the other in the order in which they came, as if each were sent alone when the one before it
// had been stored; events of a body in their order. The first event of an identity stands: the same again is a duplicate,
// another content a conflict. A strict body stores all of its events or none: one that is rejected, conflicts or finds no
// room fails it, and then only what is wrong is told. A partial body stores what it can. What does not fit into a limit of
// the month is refused from the first event on that finds no room; what is stored already needs none.
// An identity that an open transaction holds, where the caller does not wait for it, leaves its body undecided and takes
// nothing from the others.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/ingest/ingest_batch.hpp"

namespace tally {

// What may still be counted for a key or a tenant.
struct MonthLimit {
    std::int64_t allowed = std::numeric_limits<std::int64_t>::max();
    std::int64_t events_per_month = 0;
};

struct MonthLimits {
    MonthLimit tenant;
    std::vector<MonthLimit> senders;  // by BatchBody::sender; a sender beyond the end has no limit of its own
};

// Sets verdict, reason, field and limit of every event, and for each identity the event that is to be stored under it.
// May be called again when more facts are known.
void judge(IngestBatch& batch, const MonthLimits& limits);

}  // namespace tally
