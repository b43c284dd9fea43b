// See retention_edge.hpp. Read for every call of ingest and every question, so without SQL.
#include "pg/segment/retention_edge.hpp"

#include "pg/border/values.hpp"
#include "pg/segment/statement.hpp"

std::int64_t tally::retained_from() {
    Relation const store = table_open(relation_oid("store"), AccessShareLock);
    Snapshot const newest = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot* const slot = table_slot_create(store, nullptr);
    TableScanDesc const scan = table_beginscan(store, newest, 0, nullptr);
    TimestampTz edge = DT_NOBEGIN;
    if (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        bool is_null = false;
        edge = DatumGetTimestampTz(slot_getattr(slot, 2, &is_null));
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(newest);
    table_close(store, AccessShareLock);
    return TIMESTAMP_NOT_FINITE(edge) ? INT64_MIN : edge + unix_to_postgres_epoch;
}
