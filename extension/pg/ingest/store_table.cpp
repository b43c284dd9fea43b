// Direct access to a table: see store_table.hpp.
#include <cstring>

#include "pg/ingest/store_table.hpp"

namespace tally {
namespace {

// What is larger than this is no part of a memory context's kept block: malloc and free each time.
constexpr std::size_t room_at_once = 8000;
constexpr std::size_t slots_at_once = room_at_once / sizeof(HeapTupleTableSlot);

bool has_columns(TupleDesc shape, std::span<const Oid> columns) {
    if (shape->natts != static_cast<int>(columns.size())) return false;
    for (int i = 0; i < shape->natts; ++i) {
        const FormData_pg_attribute* column = TupleDescAttr(shape, i);
        if (column->attisdropped || column->atttypid != columns[static_cast<std::size_t>(i)] || column->attgenerated != '\0')
            return false;
    }
    return shape->constr == nullptr || (shape->constr->num_check == 0 && !shape->constr->has_generated_stored);
}

bool is_plain_index(const IndexInfo* info, Relation index) {
    return index->rd_rel->relam == BTREE_AM_OID && info->ii_Expressions == NIL && info->ii_Predicate == NIL &&
           info->ii_ExclusionOps == nullptr && index->rd_index->indimmediate;
}

bool is_distributed_relation(Oid relation) {
    const Oid catalog = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
    if (!OidIsValid(catalog)) return false;
    const AttrNumber column = get_attnum(catalog, "logicalrelid");
    if (column == InvalidAttrNumber) return true;
    Relation const partitions = table_open(catalog, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    SysScanDesc scan = systable_beginscan(partitions, InvalidOid, false, snapshot, 1, &key);
    const bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    UnregisterSnapshot(snapshot);
    table_close(partitions, AccessShareLock);
    return found;
}

bool may_access_directly(const StoreTable& table, std::span<const Oid> columns, int key_columns) {
    Relation const relation = table.relation;
    const FormData_pg_class* about = relation->rd_rel;
    if (about->relkind != RELKIND_RELATION || about->relispartition || about->relhassubclass || about->relforcerowsecurity ||
        relation->rd_tableam != GetHeapamTableAmRoutine() || relation->trigdesc != nullptr ||
        relation->rd_rules != nullptr || !has_columns(RelationGetDescr(relation), columns) ||
        is_distributed_relation(RelationGetRelid(relation))) {
        return false;
    }
    if (table.primary == nullptr || table.primary_info->ii_NumIndexKeyAttrs != key_columns) return false;
    for (int i = 0; i < key_columns; ++i)
        if (table.primary_info->ii_IndexAttrNumbers[i] != i + 1) return false;
    const ResultRelInfo* opened = table.indexes;
    for (int i = 0; i < opened->ri_NumIndices; ++i) {
        if (opened->ri_IndexRelationInfo[i]->ii_ReadyForInserts &&
            !is_plain_index(opened->ri_IndexRelationInfo[i], opened->ri_IndexRelationDescs[i])) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool is_distributed(const char* name) {
    return is_distributed_relation(get_relname_relid(name, get_namespace_oid("tally", false)));
}

StoreTable open_store_table(const char* name, std::span<const Oid> columns, int key_columns) {
    StoreTable table;
    const Oid schema = get_namespace_oid("tally", false);
    const Oid oid = get_relname_relid(name, schema);
    if (!OidIsValid(oid)) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"tally.%s\" does not exist", name),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    }
    table.relation = table_open(oid, RowExclusiveLock);
    table.indexes = makeNode(ResultRelInfo);
    InitResultRelInfo(table.indexes, table.relation, 1, nullptr, 0);
    ExecOpenIndices(table.indexes, false);
    for (int i = 0; i < table.indexes->ri_NumIndices; ++i) {
        Relation const index = table.indexes->ri_IndexRelationDescs[i];
        if (!index->rd_index->indisprimary) continue;
        table.primary = index;
        table.primary_info = table.indexes->ri_IndexRelationInfo[i];
    }
    table.shape = CreateTupleDescCopy(RelationGetDescr(table.relation));
    table.is_direct = may_access_directly(table, columns, key_columns);
    return table;
}

void close_store_table(StoreTable& table) {
    ExecCloseIndices(table.indexes);
    table_close(table.relation, NoLock);
    table.relation = nullptr;
}

HeapTuple new_row(StoreTable& table, std::size_t length, const bits8* not_null, bool has_varlena, char** data) {
    const int columns = table.shape->natts;
    const std::size_t bitmap = not_null != nullptr ? BITMAPLEN(columns) : 0;
    const std::size_t start = MAXALIGN(SizeofHeapTupleHeader + bitmap);
    const std::size_t bytes = MAXALIGN(HEAPTUPLESIZE + start + length);
    if (bytes > table.room_left) {
        table.room_left = Max(bytes, room_at_once);
        table.room = static_cast<char*>(palloc(table.room_left));
    }
    auto* row = reinterpret_cast<HeapTuple>(table.room);
    table.room += bytes;
    table.room_left -= bytes;
    row->t_len = static_cast<uint32>(start + length);
    ItemPointerSetInvalid(&row->t_self);
    row->t_tableOid = RelationGetRelid(table.relation);
    row->t_data = reinterpret_cast<HeapTupleHeader>(reinterpret_cast<char*>(row) + HEAPTUPLESIZE);
    std::memset(row->t_data, 0, start);
    ItemPointerSetInvalid(&row->t_data->t_ctid);
    HeapTupleHeaderSetNatts(row->t_data, columns);
    row->t_data->t_hoff = static_cast<uint8>(start);
    row->t_data->t_infomask = static_cast<uint16>((bitmap > 0 ? HEAP_HASNULL : 0) | (has_varlena ? HEAP_HASVARWIDTH : 0));
    if (bitmap > 0) std::memcpy(row->t_data->t_bits, not_null, bitmap);
    *data = reinterpret_cast<char*>(row->t_data) + start;
    return row;
}

TupleTableSlot** new_slots(const StoreTable& table, int count) {
    const auto number = static_cast<std::size_t>(count);
    auto** const all = static_cast<TupleTableSlot**>(palloc(sizeof(TupleTableSlot*) * number));
    // One room for columns that are taken apart serves all: that is done for one slot after the other.
    auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<std::size_t>(table.shape->natts)));
    auto* const nulls = static_cast<bool*>(palloc(sizeof(bool) * static_cast<std::size_t>(table.shape->natts)));
    HeapTupleTableSlot* slots = nullptr;
    for (std::size_t i = 0; i < number; ++i) {
        if (i % slots_at_once == 0)
            slots = static_cast<HeapTupleTableSlot*>(palloc0(sizeof(HeapTupleTableSlot) * Min(slots_at_once, number - i)));
        TupleTableSlot* const slot = &slots[i % slots_at_once].base;
        slot->type = T_TupleTableSlot;
        const_cast<const TupleTableSlotOps*&>(slot->tts_ops) = &TTSOpsHeapTuple;
        slot->tts_tupleDescriptor = table.shape;
        slot->tts_values = values;
        slot->tts_isnull = nulls;
        slot->tts_mcxt = CurrentMemoryContext;
        all[i] = slot;
    }
    return all;
}

void put_row(TupleTableSlot* slot, HeapTuple row) {
    auto* const heap_slot = reinterpret_cast<HeapTupleTableSlot*>(slot);
    heap_slot->tuple = row;
    heap_slot->off = 0;
    slot->tts_flags = TTS_FLAG_SHOULDFREE;  // its own, so that nobody makes a copy
    slot->tts_nvalid = 0;
    slot->tts_tid = row->t_self;
}

void insert_rows(const StoreTable& table, TupleTableSlot** slots, int count) {
    table_multi_insert(table.relation, slots, count, GetCurrentCommandId(true), 0, nullptr);
}

bool insert_index_entries(const StoreTable& table, TupleTableSlot* slot, Datum* key, IndexUniqueCheck primary_check) {
    static constexpr bool no_nulls[INDEX_MAX_KEYS] = {};
    const ResultRelInfo* opened = table.indexes;
    bool is_unique = true;
    for (int i = 0; i < opened->ri_NumIndices; ++i) {
        Relation const index = opened->ri_IndexRelationDescs[i];
        IndexInfo* const info = opened->ri_IndexRelationInfo[i];
        if (!info->ii_ReadyForInserts) continue;  // being built: whoever builds it will find the row
        if (index == table.primary) {
            is_unique = PGTALLY_INDEX_INSERT(index, key, const_cast<bool*>(no_nulls), &slot->tts_tid, table.relation,
                                             primary_check, info);
            continue;
        }
        Datum values[INDEX_MAX_KEYS];
        bool nulls[INDEX_MAX_KEYS];
        slot->tts_nvalid = 0;
        FormIndexDatum(info, slot, nullptr, values, nulls);
        // A unique one is a copy of the primary key that is taking over from it, or was just relieved by it.
        const IndexUniqueCheck check = index->rd_index->indisunique ? primary_check : UNIQUE_CHECK_NO;
        const bool alone = PGTALLY_INDEX_INSERT(index, values, nulls, &slot->tts_tid, table.relation, check, info);
        if (check == UNIQUE_CHECK_PARTIAL && !alone) is_unique = false;
    }
    return is_unique;
}

}  // namespace tally
