// What an answer to a batch of events says: see ingest_counts.hpp.
#include "api/ingest_counts.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace tallyd {

bool is_conflict(std::string_view reason) {
    return reason.find(" is stored already with other content") != std::string_view::npos;
}

IngestCounts ingest_counts(std::string_view answer) {
    const Json read(answer);
    std::uint64_t conflicts = 0;
    for (std::size_t at = 0; at < read.size("/failures"); ++at)
        if (is_conflict(read.text(fmt::format("/failures/{}/reason", at)).value_or(""))) ++conflicts;
    return {static_cast<std::uint64_t>(read.integer("/accepted").value_or(0)),
            static_cast<std::uint64_t>(read.integer("/duplicates").value_or(0)), read.size("/failures"), conflicts,
            static_cast<std::uint64_t>(read.integer("/unmatched").value_or(0))};
}

}  // namespace tallyd
