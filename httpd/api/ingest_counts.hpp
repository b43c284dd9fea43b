// What an answer to a batch of events says of how many there were of which kind.
#pragma once

#include <cstdint>
#include <string_view>

namespace tallyd {

struct IngestCounts {
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t failures = 0;
    std::uint64_t unmatched = 0;  // of the accepted
};

// Reads "accepted", "duplicates", "unmatched" and the length of "failures" from the top level; what is not there is none.
IngestCounts ingest_counts(std::string_view answer);

}  // namespace tallyd
