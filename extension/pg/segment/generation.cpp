// See generation.hpp. Read for every call of ingest and every question: without SQL, and by the index, which needs not
// ask the system how long the table is.
#include "pg/segment/generation.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// Reads up to `most` rows of the list in a direction.
Generations read_list(Relation list, Snapshot snapshot, ScanDirection direction, int most) {
    Generations live;
    Relation const index = index_open(relation_oid("generation_pkey"), AccessShareLock);
    TupleTableSlot* const slot = table_slot_create(list, nullptr);
    IndexScanDesc const scan = begin_index_scan(list, index, snapshot, 0);
    index_rescan(scan, nullptr, 0, nullptr, 0);
    while (live.count < most && index_getnext_slot(scan, direction, slot)) {
        if (live.count == max_generations) elog(ERROR, "tally.generation holds too many rows");
        bool is_null = false;
        live.numbers[live.count++] = DatumGetInt32(slot_getattr(slot, 1, &is_null));
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
    if (live.count == 0) live.numbers[live.count++] = 0;
    return live;
}

}  // namespace

Generations live_generations(Snapshot snapshot) {
    Relation const list = table_open(relation_oid("generation"), AccessShareLock);
    const Generations live = read_list(list, snapshot, ForwardScanDirection, max_generations + 1);
    table_close(list, AccessShareLock);
    return live;
}

Generations generations_to_read(Snapshot snapshot) {
    Relation const list = table_open(relation_oid("generation"), AccessShareLock);
    Generations read = read_list(list, snapshot, ForwardScanDirection, max_generations + 1);
    if (IsolationUsesXactSnapshot() && TransactionIdIsValid(GetTopTransactionIdIfAny())) {
        // Unlike GetLatestSnapshot this one may be taken while the plan that asks runs in parallel.
        Snapshot const newest = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(list)));
        const Generations now = read_list(list, newest, ForwardScanDirection, max_generations + 1);
        UnregisterSnapshot(newest);
        const std::int32_t known = read.newest();
        for (int i = 0; i < now.count; ++i)
            if (now.numbers[i] > known) read.numbers[read.count++] = now.numbers[i];
    }
    table_close(list, AccessShareLock);
    return read;
}

std::int32_t begin_writing_events() {
    Relation const list = table_open(relation_oid("generation"), RowExclusiveLock);
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const Generations newest = read_list(list, snapshot, BackwardScanDirection, 1);
    UnregisterSnapshot(snapshot);
    table_close(list, NoLock);
    return newest.newest();
}

void end_writing_events() {
    UnlockRelationOid(relation_oid("generation"), RowExclusiveLock);
}

}  // namespace tally
