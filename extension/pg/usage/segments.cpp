// Partitions of tally.segment by their bounds, and scans of their keys (tenant_id, code, segment_id).
#include <algorithm>

#include "pg/segment/retention_edge.hpp"
#include "pg/usage/segments.hpp"

#include "pg/segment/columns.hpp"

namespace tally {
namespace {

Oid table_named(const char* name) {
    const Oid oid = get_relname_relid(name, get_namespace_oid("tally", false));
    if (!OidIsValid(oid)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table tally.%s does not exist", name)));
    return oid;
}

// Whether a range of days, as a partition's bounds give it, meets [from, to). Bounds of months and their days are
// UTC's.
bool meets(PartitionBoundInfo bounds, int partition, TimestampTz from, TimestampTz to) {
    const auto moment = [&](int datum, TimestampTz open_end) -> TimestampTz {
        if (datum < 0 || datum >= bounds->ndatums || bounds->kind[datum][0] != PARTITION_RANGE_DATUM_VALUE) return open_end;
        return std::int64_t{DatumGetDateADT(bounds->datums[datum][0])} * USECS_PER_DAY;
    };
    // Partition of index i of a range lies below datum i: indexes[i] says whose range ends there.
    for (int end = 0; end <= bounds->ndatums; ++end) {
        if (bounds->indexes[end] != partition) continue;
        return moment(end, DT_NOEND) > from && moment(end - 1, DT_NOBEGIN) < to;
    }
    return true;
}

}  // namespace

Segments::Segments(std::int32_t tenant, std::int64_t from, std::int64_t to, bool begins_at_edge)
    : tenant_(tenant), from_(to_postgres(from)), to_(to_postgres(to)) {
    open_partitions();
    call_pg([&] {
        row_memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally segment", ALLOCSET_DEFAULT_SIZES);
        if (!begins_at_edge) from_ = to_postgres(kept_begin(from, to));
    });
}

void Segments::open_partitions() {
    PartitionDesc const parts = call_pg([&] {
        parent_ = table_open(table_named("segment"), AccessShareLock);
        return partitions_of(parent_);
    });
    for (int i = 0; i < parts->nparts; ++i) {
        Partition opened{};
        call_pg([&] {
            if (!meets(parts->boundinfo, i, from_, to_)) return;
            opened.table = table_open(parts->oids[i], AccessShareLock);
            const Oid key = RelationGetPrimaryKeyIndex(opened.table);
            if (!OidIsValid(key))
                ereport(ERROR,
                        (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("partition \"%s\" of tally.segment has no primary key",
                                                                   RelationGetRelationName(opened.table))));
            opened.index = index_open(key, AccessShareLock);
            opened.slot = table_slot_create(opened.table, nullptr);
        });
        if (opened.table != nullptr) partitions_.push_back(opened);
    }
}

void Segments::scan(const std::optional<std::string_view>& code, std::optional<std::int64_t> segment_id) {
    keys_ = segment_id ? 3 : code ? 2 : 1;
    segment_id_ = segment_id.value_or(0);
    if (code) code_ = call_pg([&] { return text_datum(*code); });
    partition_ = 0;
}

bool Segments::next(SegmentRow& segment) {
    for (; partition_ < partitions_.size(); ++partition_) {
        if (call_pg([&] { return take(segment); })) return true;
    }
    return false;
}

// The next segment of the current partition. Calls PostgreSQL.
bool Segments::take(SegmentRow& segment) {
    const Partition& partition = partitions_[partition_];
    if (scan_ == nullptr) {
        ScanKeyData keys[3];
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_));
        ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ, code_);
        ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(segment_id_));
        scan_ = begin_index_scan(partition.table, partition.index, GetActiveSnapshot(), keys_);
        index_rescan(scan_, keys, keys_, nullptr, 0);
    }
    while (index_getnext_slot(scan_, ForwardScanDirection, partition.slot)) {
        CHECK_FOR_INTERRUPTS();
        bool is_null = false;
        TupleTableSlot* const slot = partition.slot;
        const TimestampTz first = DatumGetTimestampTz(slot_getattr(slot, segment_first_ts, &is_null));
        const TimestampTz last = DatumGetTimestampTz(slot_getattr(slot, segment_last_ts, &is_null));
        if (last < from_ || first >= to_) continue;
        MemoryContextReset(row_memory_);
        MemoryContext const before = MemoryContextSwitchTo(row_memory_);
        const auto text_at = [&](AttrNumber column) {
            return view_of(reinterpret_cast<text*>(PG_DETOAST_DATUM_PACKED(slot_getattr(slot, column, &is_null))));
        };
        segment = {DatumGetInt64(slot_getattr(slot, segment_id, &is_null)),
                   to_unix(first),
                   to_unix(last),
                   DatumGetInt64(slot_getattr(slot, segment_first_seq, &is_null)),
                   DatumGetInt64(slot_getattr(slot, segment_last_seq, &is_null)),
                   text_at(segment_first_customer),
                   text_at(segment_last_customer),
                   text_at(segment_code),
                   slot_getattr(slot, segment_data, &is_null)};
        MemoryContextSwitchTo(before);
        return true;
    }
    index_endscan(scan_);
    scan_ = nullptr;
    return false;
}

void Segments::close() {
    call_pg([&] {
        if (scan_ != nullptr) index_endscan(scan_);
        MemoryContextDelete(row_memory_);
    });
    for (const Partition& partition : partitions_)
        call_pg([&] {
            ExecDropSingleTupleTableSlot(partition.slot);
            index_close(partition.index, AccessShareLock);
            table_close(partition.table, AccessShareLock);
        });
    call_pg([&] { table_close(parent_, AccessShareLock); });
}

}  // namespace tally
