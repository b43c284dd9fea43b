// See pile.hpp.
#include "pg/segment/pile.hpp"

#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// Next to sealing (pg/identity/seal_step.cpp).
constexpr int lock_class = 82561;

Datum integer_array(const std::int32_t* numbers, int count) {
    auto* const datums = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; ++i) datums[i] = Int32GetDatum(numbers[i]);
    return PointerGetDatum(construct_array(datums, count, INT4OID, 4, true, TYPALIGN_INT));
}

}  // namespace

PileLock lock_pile(std::int32_t tenant_id, std::int32_t code_hash) {
    Relation const piles = table_open(relation_oid("pile"), RowExclusiveLock);
    Relation const key = index_open(relation_oid("pile_pkey"), AccessShareLock);
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_id));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(code_hash));
    IndexScanDesc const scan = begin_index_scan(piles, key, snapshot, 2);
    index_rescan(scan, keys, 2, nullptr, 0);
    TupleTableSlot* const slot = table_slot_create(piles, nullptr);
    PileLock lock = PileLock::missing;
    if (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        ItemPointerData place = slot->tts_tid;
        TM_FailureData failure;
        const TM_Result result =
            table_tuple_lock(piles, &place, snapshot, slot, GetCurrentCommandId(true), LockTupleNoKeyExclusive, LockWaitSkip,
                             TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
        lock = result == TM_Ok ? PileLock::held : PileLock::busy;
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(snapshot);
    index_close(key, NoLock);
    table_close(piles, NoLock);
    return lock;
}

bool try_tending_lock(TendingLock lock) {
    return DatumGetBool(DirectFunctionCall2(pg_try_advisory_xact_lock_int4, Int32GetDatum(lock_class),
                                            Int32GetDatum(static_cast<int>(lock))));
}

bool make_piles(const std::int32_t* tenant_ids, const std::int32_t* code_hashes, int count) {
    if (!try_tending_lock(TendingLock::pile_rows)) return false;
    run_now(
        "INSERT INTO tally.pile (tenant_id, code_hash)"
        " SELECT DISTINCT n.tenant_id, n.code_hash"
        " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) n(tenant_id, code_hash)"
        " WHERE NOT EXISTS (SELECT FROM tally.pile p WHERE p.tenant_id = n.tenant_id AND p.code_hash = n.code_hash)",
        {{INT4ARRAYOID, integer_array(tenant_ids, count)}, {INT4ARRAYOID, integer_array(code_hashes, count)}},
        SPI_OK_INSERT);
    return true;
}

}  // namespace tally
