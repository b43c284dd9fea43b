// See retention_edge.hpp. Read for every call of ingest and every question: without SQL, and by the index, which needs
// not ask the system how long the table is.
#include "pg/segment/retention_edge.hpp"

#include "pg/border/values.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// As this snapshot sees it, or as it is now where there is none.
std::int64_t edge_seen_by(Snapshot given) {
    Relation const store = table_open(relation_oid("store"), AccessShareLock);
    // For a table that is no catalog this snapshot is always a new one, and unlike GetLatestSnapshot it may be taken while
    // the plan that asks runs in parallel.
    Snapshot const seen = RegisterSnapshot(given != nullptr ? given : GetCatalogSnapshot(RelationGetRelid(store)));
    TupleTableSlot* const slot = table_slot_create(store, nullptr);
    Relation const index = index_open(relation_oid("store_pkey"), AccessShareLock);
    IndexScanDesc const scan = begin_index_scan(store, index, seen, 0);
    index_rescan(scan, nullptr, 0, nullptr, 0);
    TimestampTz edge = DT_NOBEGIN;
    if (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        bool is_null = false;
        edge = DatumGetTimestampTz(slot_getattr(slot, 2, &is_null));
    }
    index_endscan(scan);
    index_close(index, AccessShareLock);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(seen);
    table_close(store, AccessShareLock);
    return TIMESTAMP_NOT_FINITE(edge) ? INT64_MIN : edge + unix_to_postgres_epoch;
}

[[noreturn]] void refuse_dropped(const char* field, std::int64_t edge) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), err_generic_string(PG_DIAG_COLUMN_NAME, field),
                    errmsg("events before %s have been dropped", timestamptz_to_str(edge - unix_to_postgres_epoch)),
                    errhint("Ask from then on: tally.retain() keeps what is newer.")));
    pg_unreachable();
}

}  // namespace

std::int64_t retained_from() {
    return edge_seen_by(nullptr);
}

void refuse_before_edge(std::int64_t from) {
    const std::int64_t edge = retained_from();
    if (from < edge) refuse_dropped("from", edge);
}

std::int64_t edge_of_snapshot() {
    const std::int64_t edge = retained_from();
    if (edge == edge_seen_by(GetActiveSnapshot())) return edge;
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), err_generic_string(PG_DIAG_COLUMN_NAME, "from"),
                    errmsg("events before %s have been dropped since this question's snapshot was taken",
                           timestamptz_to_str(edge - unix_to_postgres_epoch)),
                    errhint("Ask from then on, or again in a new transaction.")));
    pg_unreachable();
}

std::int64_t kept_begin(std::int64_t from, std::int64_t to) {
    if (from != INT64_MIN) {
        refuse_before_edge(from);
        return from;
    }
    const std::int64_t edge = edge_of_snapshot();
    if (edge != INT64_MIN && to <= edge) refuse_dropped("to", edge);
    return edge;
}

}  // namespace tally
