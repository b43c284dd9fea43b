// A table read from its begin to its end with the active snapshot, row by row. Everything here calls PostgreSQL.
#pragma once

#include "pg/border/prelude.hpp"

namespace tally {

struct TableRead {
    Relation table;
    TableScanDesc scan;
    TupleTableSlot* slot;
    MemoryContext memory;  // of one row
};

inline TableRead begin_table(Oid oid) {
    TableRead open{};
    open.table = table_open(oid, AccessShareLock);
    open.scan = table_beginscan_strat(open.table, GetActiveSnapshot(), 0, nullptr, true, false);
    open.slot = table_slot_create(open.table, nullptr);
    open.memory = AllocSetContextCreate(CurrentMemoryContext, "pgtally row", ALLOCSET_DEFAULT_SIZES);
    return open;
}

// The next row in the slot, its columns taken apart; false at the end.
inline bool next_row(const TableRead& open) {
    CHECK_FOR_INTERRUPTS();
    MemoryContextReset(open.memory);
    if (!table_scan_getnextslot(open.scan, ForwardScanDirection, open.slot)) return false;
    slot_getallattrs(open.slot);
    return true;
}

inline void end_table(const TableRead& open) {
    table_endscan(open.scan);
    ExecDropSingleTupleTableSlot(open.slot);
    MemoryContextDelete(open.memory);
    table_close(open.table, NoLock);
}

}  // namespace tally
