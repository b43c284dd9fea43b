// The edge of retention: events before it are gone or going (tally.retain).
#pragma once

#include <cstdint>

namespace tally {

// What is committed now, whatever snapshot the caller reads with; Unix microseconds, INT64_MIN where all is kept.
// Whoever reads partitions asks after having locked them: what is dropped later waits for those locks, and what was
// dropped before is known. Calls PostgreSQL.
std::int64_t retained_from();

// Raises 22023 where a range that begins then has been dropped in part. Calls PostgreSQL.
void refuse_before_edge(std::int64_t from);

}  // namespace tally
