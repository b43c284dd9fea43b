// See partition_list.hpp.
#include <string>
#include <vector>

#include "pg/border/boundary.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// A bound of a partition, which is always a date: packing makes no others.
std::int32_t month_of_bound(const List* bounds) {
    const auto* const bound = castNode(PartitionRangeDatum, linitial(bounds));
    if (bound->kind != PARTITION_RANGE_DATUM_VALUE)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a partition of tally.segment has no bound"),
                 errhint("Partitions are made by packing: detach what was attached by hand.")));
    return month_of_date(DatumGetDateADT(castNode(Const, bound->value)->constvalue));
}

MonthRange months_of(Oid partition) {
    HeapTuple const tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(partition));
    if (!HeapTupleIsValid(tuple)) return {0, 0};  // dropped just now
    bool null = false;
    const Datum bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &null);
    MonthRange months{0, 0};
    if (!null) {
        const auto* const bounds = castNode(PartitionBoundSpec, stringToNode(TextDatumGetCString(bound)));
        if (!bounds->is_default) months = {month_of_bound(bounds->lowerdatums), month_of_bound(bounds->upperdatums)};
    }
    ReleaseSysCache(tuple);
    return months;
}

void execute_utility(const std::string& statement) {
    call_pg([&] {
        if (SPI_execute(statement.c_str(), false, 0) < 0) elog(ERROR, "cannot execute: %s", statement.c_str());
    });
}

// The roles that ALTER DEFAULT PRIVILEGES has given a new table to, quoted, with commas between; PUBLIC always.
const char* grantees(const char* table) {
    const Oid oid = get_relname_relid(table, get_namespace_oid("tally", false));
    HeapTuple const tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "there is no table %s", table);
    bool null = false;
    const Datum rights = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &null);
    Oid* roles = nullptr;
    const int count = null ? 0 : aclmembers(DatumGetAclP(rights), &roles);
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    const char* names = "PUBLIC";
    for (int i = 0; i < count; ++i)
        if (roles[i] != owner) names = psprintf("%s, %s", names, quote_identifier(GetUserNameFromId(roles[i], false)));
    ReleaseSysCache(tuple);
    return names;
}

// A name that is free: somebody may have detached a partition by hand, and kept it.
std::string free_name(const MonthRange& months) {
    const std::string wanted = partition_name(months);
    std::string name = wanted;
    for (int i = 2; call_pg([&] { return OidIsValid(get_relname_relid(name.c_str(), get_namespace_oid("tally", false))); });
         ++i)
        name = wanted + "_" + std::to_string(i);
    return name;
}

}  // namespace

SegmentPartitions segment_partitions() {
    List* const children = find_inheritance_children(relation_oid("segment"), NoLock);
    SegmentPartitions all{
        static_cast<SegmentPartition*>(palloc(sizeof(SegmentPartition) * static_cast<Size>(list_length(children) + 1))), 0};
    ListCell* cell = nullptr;
    foreach (cell, children) {
        const MonthRange months = months_of(lfirst_oid(cell));
        if (months.begin < months.end) all.partitions[all.count++] = {lfirst_oid(cell), months};
    }
    return all;
}

bool lock_for_writing(const SegmentPartitions& all, std::int32_t month) {
    for (int i = 0; i < all.count; ++i) {
        const SegmentPartition& partition = all.partitions[i];
        if (!partition.months.holds(month)) continue;
        // What became of the partition until the locks were there is seen by them.
        return ConditionalLockRelationOid(relation_oid("segment"), RowExclusiveLock) &&
               ConditionalLockRelationOid(partition.oid, RowExclusiveLock) && months_of(partition.oid).holds(month);
    }
    return false;
}

bool make_partition(std::int32_t month, std::int32_t current_month) {
    const bool locked =
        call_pg([] { return ConditionalLockRelationOid(relation_oid("segment"), ShareUpdateExclusiveLock); });
    if (!locked) return false;
    const SegmentPartitions all = call_pg([] { return segment_partitions(); });
    if (all.hold(month)) return true;
    std::vector<MonthRange> existing;
    existing.reserve(static_cast<std::size_t>(all.count));
    for (int i = 0; i < all.count; ++i) existing.push_back(all.partitions[i].months);
    const MonthRange months = partition_for(month, current_month, existing);
    const std::string free = free_name(months), name = "tally." + free;
    // Few rows, each of them large and never changed; what merges delete lies in the TOAST table.
    execute_utility("CREATE TABLE " + name +
                    " (LIKE tally.segment INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,"
                    " PRIMARY KEY (tenant_id, code, segment_id)) USING heap WITH (fillfactor = 100, vacuum_truncate = off,"
                    " autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200, toast.vacuum_truncate = off,"
                    " toast.autovacuum_vacuum_scale_factor = 0.05)");
    // Its rows are read through tally.segment alone, which row level security guards.
    execute_utility("REVOKE ALL ON " + name + " FROM " + call_pg([&] { return grantees(free.c_str()); }) + " CASCADE");
    execute_utility("ALTER TABLE " + name + " ALTER COLUMN data SET STATISTICS 0");
    execute_utility("COMMENT ON TABLE " + name + " IS 'Segments of months from " + month_text(months.begin) +
                    " on, before " + month_text(months.end) + "'");
    execute_utility("ALTER TABLE tally.segment ATTACH PARTITION " + name + " FOR VALUES FROM ('" + month_text(months.begin) +
                    "') TO ('" + month_text(months.end) + "')");
    return true;
}

}  // namespace tally
