// See retention_edge.hpp. Read for every call of ingest and every question: without SQL, and by the index, which needs
// not ask the system how long the table is.
#include "pg/segment/retention_edge.hpp"

#include "pg/border/values.hpp"
#include "pg/segment/statement.hpp"

std::int64_t tally::retained_from() {
    Relation const store = table_open(relation_oid("store"), AccessShareLock);
    // For a table that is no catalog this snapshot is always a new one, and unlike GetLatestSnapshot it may be taken while
    // the plan that asks runs in parallel.
    Snapshot const newest = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(store)));
    TupleTableSlot* const slot = table_slot_create(store, nullptr);
    Relation const index = index_open(relation_oid("store_pkey"), AccessShareLock);
    IndexScanDesc const scan = begin_index_scan(store, index, newest, 0);
    index_rescan(scan, nullptr, 0, nullptr, 0);
    TimestampTz edge = DT_NOBEGIN;
    if (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        bool is_null = false;
        edge = DatumGetTimestampTz(slot_getattr(slot, 2, &is_null));
    }
    index_endscan(scan);
    index_close(index, AccessShareLock);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(newest);
    table_close(store, AccessShareLock);
    return TIMESTAMP_NOT_FINITE(edge) ? INT64_MIN : edge + unix_to_postgres_epoch;
}

void tally::refuse_before_edge(std::int64_t from) {
    const std::int64_t edge = retained_from();
    if (from >= edge) return;
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), err_generic_string(PG_DIAG_COLUMN_NAME, "from"),
                    errmsg("events before %s have been dropped", timestamptz_to_str(edge - unix_to_postgres_epoch)),
                    errhint("Ask from then on: tally.retain() keeps what is newer.")));
}
