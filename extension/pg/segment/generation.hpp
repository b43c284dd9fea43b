// Generations of recent events: so that readers never walk over index entries of packed rows.
//
// While anybody holds an old snapshot (pg_dump, a forgotten session, a standby's feedback), vacuum removes nothing of
// what packing has deleted since, and a question would pass through all of it. So the key of recent_event begins with a
// generation. Rows go into the newest; when packing has moved many events, a new one begins, and one that is empty is
// taken off the list (table generation). Readers visit those on the list, one index descent each.
//
// Why no reader misses an event:
// - A writer reads the list with the newest snapshot. So the row of the generation that it writes to was committed before
//   the writer commits: whatever snapshot sees the event, sees that row, unless it sees the row deleted.
// - The row is deleted only when (a) a newer generation is committed, (b) every call of ingest that may have read the
//   list before that has ended, and (c) no row of the generation is left: none that is committed, none that an open
//   transaction (a prepared one may stay for days) has inserted, none that an open packing is deleting. By (a) and (b)
//   none will come. So a snapshot that sees the deletion sees those of all its events too.
// - Its own events a transaction sees before it commits. Under REPEATABLE READ its snapshot may be older than the
//   generation that they went into, so a question of a transaction that has written visits those that began since, too.
// For (b) a call holds ROW EXCLUSIVE on the list, from before it reads until it has stored: nobody waits for that lock,
// packing only looks who holds it. No transaction identifiers are compared: a transaction that stays open, and in it is
// no call going on, holds back those generations alone that hold its events.
//
// Where the list is empty (a new store), generation 0 is live; its row is made with that of generation 1, so a dump holds
// what is to be restored, and nothing that the extension makes by itself. Everything here calls PostgreSQL and may raise.
#pragma once

#include <cstdint>

#include "pg/border/prelude.hpp"

namespace tally {

inline constexpr int max_generations = 8;

struct Generations {
    std::int32_t numbers[2 * max_generations];  // ascending; those of two snapshots where a transaction reads its own
    int count = 0;                              // at least 1

    std::int32_t newest() const noexcept { return numbers[count - 1]; }
};

// Those that are live in the snapshot with which rows are read.
Generations live_generations(Snapshot snapshot);

// The same for a question, which also sees what its own transaction stored: under REPEATABLE READ and SERIALIZABLE that may
// lie in a generation which began after the snapshot was taken.
Generations generations_to_read(Snapshot snapshot);

// The generation that a call of ingest writes to, from here on until the end.
std::int32_t begin_writing_events();
void end_writing_events();

}  // namespace tally
