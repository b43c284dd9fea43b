// Differences between PostgreSQL 13 and 18, each with the major and the reason. No other file may test PG_VERSION_NUM.
// Read by pg/border/prelude.hpp after PostgreSQL's headers; never on its own.
#pragma once

#if PG_VERSION_NUM < 130000 || PG_VERSION_NUM >= 190000
#error "pgtally is made for PostgreSQL 13 to 18"
#endif

// 16 moved the varlena macros (VARDATA_ANY and friends) out of postgres.h.
#if PG_VERSION_NUM >= 160000
extern "C" {
#include "varatt.h"
}
#endif

// 15 introduced MarkGUCPrefixReserved; before, the same job was done by EmitWarningsOnPlaceholders.
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

// 18 can carry the module's name and version in its magic block.
#if PG_VERSION_NUM >= 180000
#define PGTALLY_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "pgtally", .version = PGTALLY_VERSION)
#else
#define PGTALLY_MODULE_MAGIC PG_MODULE_MAGIC
#endif

// 14 introduced multiranges.
#if PG_VERSION_NUM >= 140000
extern "C" {
#include "utils/multirangetypes.h"
}
#define PGTALLY_MULTIRANGES
#endif

// 18 wants to be told where index scans are counted.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(table, index, snapshot, keys, 0);
#endif
}
