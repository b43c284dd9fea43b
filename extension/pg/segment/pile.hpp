// A pile: the recent events of one tenant and code. Whoever packs or merges a code holds the lock of its row in
// tally.pile until the end of the transaction, so one session at a time moves its events, and none waits.
//
// Everything here calls PostgreSQL and may raise: inside call_pg where C++ objects are alive. SPI must be connected.
#pragma once

#include <cstdint>

#include "pg/border/prelude.hpp"

namespace tally {

enum class PileLock { held, busy, missing };

// What is read under the lock must be read with a snapshot that is taken after it.
PileLock lock_pile(std::int32_t tenant_id, std::int32_t code_hash);

// What one session at a time does, until the end of its transaction; false: another is at it.
enum class TendingLock { pile_rows = 1, generations = 2, watermarks = 3, resends = 4 };
bool try_tending_lock(TendingLock lock);

// Of piles that nobody has locked before there are no rows yet: makes them. False if another session is just doing so.
bool make_piles(const std::int32_t* tenant_ids, const std::int32_t* code_hashes, int count);

}  // namespace tally
