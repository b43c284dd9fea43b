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

// The edge of who asks for all that is kept. Raises 22023 where it was committed later than the active snapshot was
// taken: dropping a partition takes its events from every snapshot, so what this one saw cannot be told any more, and an
// answer without them would be another one than a moment ago. Calls PostgreSQL.
std::int64_t edge_of_snapshot();

// Where a question about [from, to) begins: `from`, or the edge as the snapshot sees it where that is INT64_MIN. What lies
// before the edge is told to nobody, whether it has gone already or not, so one snapshot has one answer. Raises 22023 naming
// "from" or "to" where events of the range have been dropped. Calls PostgreSQL.
std::int64_t kept_begin(std::int64_t from, std::int64_t to);

}  // namespace tally
