// Events of a judged batch that were sent before: how many duplicates and conflicts of each code, day and customer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/ingest/ingest_batch.hpp"

namespace tally {

struct Resends {
    std::string_view code, customer_id;  // of the batch
    std::int64_t day = 0;                // of the events' timestamps as they were sent now (UTC), since 1970-01-01
    std::int64_t duplicates = 0, conflicts = 0;
};

// One of each code, day and customer, in this order. What was not told to the client counts for nothing: of a strict body
// that failed only its conflicts are told.
std::vector<Resends> resends_of(const IngestBatch& batch);

}  // namespace tally
