// What an answer to a batch of events says of how many there were of which kind.
#pragma once

#include <cstdint>
#include <string_view>

namespace tallyd {

struct IngestCounts {
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t failures = 0;  // conflicts among them
    std::uint64_t conflicts = 0;
    std::uint64_t unmatched = 0;  // of the accepted
};

// Reads "accepted", "duplicates", "unmatched" and the length of "failures" from the top level; what is not there is none.
IngestCounts ingest_counts(std::string_view answer);

// Whether an event with this reason is another one under an event_id that is taken: answers say it by the reason alone.
bool is_conflict(std::string_view reason);

}  // namespace tallyd
