// Rows of a table of ours by one of its indexes, with a snapshot of the caller's choice. Everything here calls PostgreSQL.
#pragma once

#include "pg/border/prelude.hpp"
#include "pg/segment/statement.hpp"

namespace tally {

struct IndexRead {
    Relation table;
    Relation index;
    Snapshot snapshot;
    IndexScanDesc scan;
    TupleTableSlot* slot;
};

// `lock`: of the table. index_rescan() says what is looked for, by as many keys.
inline IndexRead begin_index_read(const char* table, LOCKMODE lock, const char* index, Snapshot snapshot, int keys) {
    IndexRead read{};
    read.table = table_open(relation_oid(table), lock);
    read.index = index_open(relation_oid(index), AccessShareLock);
    read.snapshot = RegisterSnapshot(snapshot);
    read.slot = table_slot_create(read.table, nullptr);
    read.scan = begin_index_scan(read.table, read.index, read.snapshot, keys);
    return read;
}

// The next row in the slot; false at the end.
inline bool next_row(const IndexRead& read) {
    return index_getnext_slot(read.scan, ForwardScanDirection, read.slot);
}

inline void end_index_read(const IndexRead& read) {
    index_endscan(read.scan);
    ExecDropSingleTupleTableSlot(read.slot);
    UnregisterSnapshot(read.snapshot);
    index_close(read.index, NoLock);
    table_close(read.table, NoLock);
}

}  // namespace tally
