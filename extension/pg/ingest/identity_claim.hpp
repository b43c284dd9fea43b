// Claiming identities of events in tally.recent_identity, so that each is accepted once whoever sends it at the same time.
//
// A claim is a row of this transaction. Looking reads every row of a key with a dirty snapshot: a committed one decides at
// once, whatever stands beside it, also one that an open transaction is deleting; an own one does; one that an open
// transaction inserted is a rival, unless that transaction has taken it back already (then xmin and xmax are one). Only a
// rival is waited for, and never before a look has been made at all rows. A row is put in by UNIQUE_CHECK_PARTIAL: where
// that tells of somebody else, it is taken back (in a later command: it must be visible to be deleted) before anything
// else is done. So of several writers that put in one key at the same time the first keeps it, and rows that were taken
// back make nobody wait.
// Keys are claimed in the order of their bytes, so writers of one call never wait in a circle.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/hash128.hpp"
#include "pg/ingest/store_table.hpp"

namespace tally {

// What to do about a key that an open transaction holds.
enum class Patience {
    endless,  // wait for the transaction's end, as SQL does
    brief,    // wait a moment, then leave it: a request that came alone
    none,     // leave it: requests of others stand in the same transaction
};

struct ClaimKey {
    enum class State : std::uint8_t { unknown, stored, held, claimed };

    Hash128 key{};
    std::int64_t payload = 0;  // to be stored; of a stored one what it has
    std::int32_t month = 0;
    State state = State::unknown;
    bool is_wanted = false;
    bool is_doubtful = false;  // a rival was seen
    bool is_sealed = false;    // found among the sealed ones after it was claimed: to be taken back
    ItemPointerData row{};     // of a claimed one
};

struct IdentityTable {
    StoreTable table;
    std::int32_t tenant_id = 0;
    Patience patience = Patience::endless;
};

// Looks every unknown key up: stored ones become known, and in a table that is shared with strangers (Patience::none)
// those of rivals are held.
void look_up_identities(const IndexScanDesc scan, IdentityTable& table, std::span<ClaimKey> keys);

// Claims every wanted key that is unknown; what turns out to be stored or held is told by its state.
void claim_identities(const IndexScanDesc scan, IdentityTable& table, std::span<ClaimKey> keys);

// Takes claimed keys back that are not wanted any more: they are unknown then.
void withdraw_identities(const IdentityTable& table, std::span<ClaimKey> keys);

IndexScanDesc begin_identity_scan(const IdentityTable& table, SnapshotData* dirty);

}  // namespace tally
