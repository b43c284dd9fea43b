// What a client of the REST API is told of its body: HTTP status and JSON, from the verdicts on its events.
//
// 200 {"accepted","duplicates"[,"unmatched"][,"failures"]}, unmatched of the accepted ones, where not 0; 400 a body or an
// event that cannot be stored; 409 where nothing but conflicts failed a strict body; 429 where a limit did; 503 where the
// body was left undecided. failures: [{"index","event_id", "reason"[,"field"]}] in order.
#pragma once

#include <string>

#include "core/ingest/ingest_batch.hpp"

namespace tally {

struct IngestAnswer {
    int status = 200;
    std::string body;
};

IngestAnswer answer_of(const IngestBatch& batch, const BatchBody& body);

// Whether an event has an id that may be shown: SQL text cannot hold U+0000.
bool has_shown_id(const BatchEvent& event) noexcept;

// {"limit":{"whose","remaining","events_per_month"}}
std::string limit_details(const LimitReached& limit);

}  // namespace tally
