// Tending the list of generations: why this is safe is said in generation.hpp.
//
// One session at a time does it, the others pass by.
#include <algorithm>

#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/generation.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// A generation has so many index entries of packed events at most, and what is packed between two looks.
constexpr std::int64_t events_a_generation = 131'072;

Generations live_now() {
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const Generations live = live_generations(snapshot);
    UnregisterSnapshot(snapshot);
    return live;
}

// The transactions in which a call of ingest is going on. (Whoever else locks the list this way is taken for one.)
std::vector<VirtualTransactionId> writing_now() {
    struct Found {
        const VirtualTransactionId* of;
        int count;
    };
    const Found found = call_pg([] {
        LOCKTAG list;
        SET_LOCKTAG_RELATION(list, MyDatabaseId, relation_oid("generation"));
        Found now{nullptr, 0};
        now.of = GetLockConflicts(&list, ShareLock, &now.count);
        return now;
    });
    return {found.of, found.of + found.count};
}

bool is_among(const std::vector<VirtualTransactionId>& all, const VirtualTransactionId& wanted) {
    return std::any_of(all.begin(), all.end(),
                       [&](const VirtualTransactionId& one) { return VirtualTransactionIdEquals(one, wanted); });
}

// Whether all calls that may not know of the newest generation have ended. They are noted when it is first seen here; one
// that is not found at a later look has ended, even if its transaction has not.
bool old_calls_have_ended(OldCalls& old, std::int32_t newest) {
    const std::vector<VirtualTransactionId> now = writing_now();
    const Oid list = call_pg([] { return relation_oid("generation"); });
    if (old.list != list || old.newest != newest) old = {list, newest, now};
    else std::erase_if(old.of, [&](const VirtualTransactionId& one) { return !is_among(now, one); });
    return old.of.empty();
}

// Whoever asks who writes is not told of himself. This very transaction does so if packing is called by a trigger, and
// holds the same lock if it has changed the list: what others do not see yet is not believed here.
bool is_writing() {
    Relation const list = table_open(relation_oid("generation"), AccessShareLock);
    const bool is_locked = CheckRelationLockedByMe(list, RowExclusiveLock, true);
    table_close(list, AccessShareLock);
    return is_locked;
}

// Whether there is a row that counts, or that an open transaction inserts or deletes.
bool holds_rows(std::int32_t generation) {
    Relation const table = table_open(relation_oid("recent_event"), AccessShareLock);
    Relation const index = index_open(relation_oid("recent_event_pkey"), AccessShareLock);
    SnapshotData dirty;
    InitDirtySnapshot(dirty);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(generation));
    IndexScanDesc const scan = begin_index_scan(table, index, &dirty, 1);
    index_rescan(scan, &key, 1, nullptr, 0);
    TupleTableSlot* const slot = table_slot_create(table, nullptr);
    const bool found = index_getnext_slot(scan, ForwardScanDirection, slot);
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, NoLock);
    table_close(table, NoLock);
    return found;
}

bool remove_empty(PackQueue& queue, const Generations& live) {
    if (live.count == 1 || call_pg([] { return is_writing(); }) || !old_calls_have_ended(queue.old_calls, live.newest()))
        return false;
    bool removed = false;
    for (int i = 0; i + 1 < live.count; ++i) {
        const std::int32_t number = live.numbers[i];
        if (call_pg([&] { return holds_rows(number); })) continue;
        call_pg([&] {
            run_now("DELETE FROM tally.generation WHERE generation = $1", {{INT4OID, Int32GetDatum(number)}}, SPI_OK_DELETE);
        });
        removed = true;
    }
    return removed;
}

// Begins a new generation where it is time; calls PostgreSQL.
bool begin_new(const Generations& live) {
    if (live.count == max_generations) return false;
    run_now(
        "INSERT INTO tally.generation (generation, moved_before)"
        " SELECT n.generation, n.moved FROM (SELECT coalesce(pg_catalog.sum(p.packed_events), 0)::bigint AS moved FROM "
        "tally.pile p) p,"
        " LATERAL (VALUES (0, 0::bigint), ($1 + 1, p.moved)) n(generation, moved)"
        " WHERE p.moved >= $2 + coalesce((SELECT g.moved_before FROM tally.generation g WHERE g.generation = $1), 0)"
        " AND (n.generation > $1 OR NOT EXISTS (SELECT FROM tally.generation))",
        {{INT4OID, Int32GetDatum(live.newest())}, {INT8OID, Int64GetDatum(events_a_generation)}}, SPI_OK_INSERT);
    return SPI_processed > 0;
}

}  // namespace

bool tend_generations(PackQueue& queue) {
    if (!call_pg([] { return try_tending_lock(TendingLock::generations); })) return false;
    const bool removed = remove_empty(queue, call_pg([] { return live_now(); }));
    const bool began = call_pg([] { return begin_new(live_now()); });
    queue.generations_changed = began;  // the next step looks who has not seen it
    return removed || began;
}

}  // namespace tally
