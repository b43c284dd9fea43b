// What an answer to a batch of events says: see ingest_counts.hpp.
#include "api/ingest_counts.hpp"

#include "base/json.hpp"

namespace tallyd {

IngestCounts ingest_counts(std::string_view answer) {
    const Json read(answer);
    return {static_cast<std::uint64_t>(read.integer("/accepted").value_or(0)),
            static_cast<std::uint64_t>(read.integer("/duplicates").value_or(0)), read.size("/failures"),
            static_cast<std::uint64_t>(read.integer("/unmatched").value_or(0))};
}

}  // namespace tallyd
