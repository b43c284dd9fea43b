// The steps that keep recent_identity small: sealing, merging runs, deleting what was merged. Each is one bounded piece of
// work in the caller's transaction, and only one session at a time is at it (an advisory lock that nobody waits for).
#pragma once

#include <string>
#include <vector>

#include "pg/identity/sealed_store.hpp"

namespace tally {

// What became of committed rows of recent_identity.
struct Sealed {
    std::int64_t moved;
    std::int64_t held_back;  // their identity was released from a run that still holds it: all runs must be merged first
};

// Moves up to `at_most` rows into a new run if there are `at_least` of them. Rows that somebody is just deleting stay.
Sealed seal_recent(const SealedStore& store, std::int64_t at_least, std::int64_t at_most);

// Goes on with the run that is being merged, or begins to merge the newest runs if that is due, or all of them where `all`.
// False: nothing to do.
bool merge_step(const SealedStore& store, bool all);

// Deletes parts of obsolete runs, and with the last of them the releases whose identity no run holds any more. False:
// nothing to do.
bool delete_step(const SealedStore& store);

// Collects parts of a run and inserts them, many a statement, through SPI (which must be connected).
class PartWriter {
public:
    explicit PartWriter(std::int64_t run);
    void add(std::int32_t part, const std::string& data);
    void flush();

private:
    std::int64_t run_;
    std::vector<std::int32_t> parts_;
    std::vector<std::string> data_;
};

// Writes the blocks and filters of a run's sorted identities: those of the filters first <= filter < end.
void write_parts(PartWriter& writer, const RunShape& shape, std::uint32_t first, std::uint32_t end,
                 std::span<const SealedIdentity> entries);

}  // namespace tally
