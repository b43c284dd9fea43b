// Direct reads of sealed identities: which runs there are, and keys looked up by filter and block.
//
// Where a filter lies and whether its checksum was right is remembered in the backend: what a run holds never changes, its
// number is never given twice, and a remembered place is believed only if the row there says that it is that part.
#include "core/identity/filter.hpp"

#include "pg/border/boundary.hpp"
#include "pg/identity/sealed_store.hpp"

namespace tally {
namespace {

// What the backend remembers of a run's filters.
struct KnownRun {
    std::int64_t id;
    std::uint32_t filters;
    ItemPointerData* places;  // invalid where not yet looked up
};
constexpr int max_known_runs = 16;
KnownRun known_runs[max_known_runs];
int known_run_count = 0;

KnownRun* known_run(const SealedRun& run) {
    for (int i = 0; i < known_run_count; ++i)
        if (known_runs[i].id == run.id && known_runs[i].filters == run.shape.filters) return &known_runs[i];
    if (known_run_count == max_known_runs) {
        // Runs are few; so many were met because old ones were merged. Begin again.
        for (int i = 0; i < known_run_count; ++i) pfree(known_runs[i].places);
        known_run_count = 0;
    }
    auto* const places = static_cast<ItemPointerData*>(
        MemoryContextAllocHuge(TopMemoryContext, sizeof(ItemPointerData) * static_cast<Size>(run.shape.filters)));
    for (std::uint32_t i = 0; i < run.shape.filters; ++i) ItemPointerSetInvalid(&places[i]);
    KnownRun* const known = &known_runs[known_run_count++];
    *known = {run.id, run.shape.filters, places};
    return known;
}

Relation open_relation(const char* name, Oid space, LOCKMODE mode) {
    return table_open(get_relname_relid(name, space), mode);
}

Datum attribute(TupleTableSlot* slot, int number) {
    bool null = false;
    return slot_getattr(slot, number, &null);
}

Bytes bytes_of(Datum data) {
    const auto* const value = reinterpret_cast<const varlena*>(DatumGetPointer(data));
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// One open scan of the index of parts, used for one part after the other.
struct PartScan {
    const SealedStore* store;
    IndexScanDesc scan;
    TupleTableSlot* slot;
};

PartScan begin_parts(const SealedStore& store) {
    return {&store, begin_index_scan(store.parts, store.part_index, store.snapshot, 2),
            table_slot_create(store.parts, nullptr)};
}

void end_parts(const PartScan& parts) {
    ExecDropSingleTupleTableSlot(parts.slot);
    index_endscan(parts.scan);
}

// Puts a part of a run into the slot; false where there is none.
bool fetch_part(const PartScan& parts, std::int64_t run, std::int32_t part) {
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(part));
    index_rescan(parts.scan, keys, 2, nullptr, 0);
    return index_getnext_slot(parts.scan, ForwardScanDirection, parts.slot);
}

// Puts a filter into the slot, by its remembered place if there is one.
void fetch_filter(const PartScan& parts, const SealedRun& run, KnownRun& known, std::uint32_t number) {
    const std::int32_t part = -1 - static_cast<std::int32_t>(number);
    ItemPointerData* const place = &known.places[number];
    if (ItemPointerIsValid(place) &&
        table_tuple_fetch_row_version(parts.store->parts, place, parts.store->snapshot, parts.slot) &&
        DatumGetInt64(attribute(parts.slot, 1)) == run.id && DatumGetInt32(attribute(parts.slot, 2)) == part) {
        return;
    }
    if (!fetch_part(parts, run.id, part)) {
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("run %lld of sealed identities lacks part %d", static_cast<long long>(run.id), part),
                        errhint("Restore table tally.sealed_identity from a backup, or a standby.")));
    }
    check_filter(bytes_of(attribute(parts.slot, 3)));
    *place = parts.slot->tts_tid;
}

// Looks up all keys that are not found yet in one run.
void find_in_run(const PartScan& parts, const SealedRun& run, const Hash128* keys, int count, SealedMatch* matches) {
    KnownRun& known = *known_run(run);
    std::uint32_t filter = run.shape.filters;  // the one in the slot: none
    for (int i = 0; i < count; ++i) {
        if (matches[i].found) continue;
        CHECK_FOR_INTERRUPTS();
        const std::uint32_t wanted = part_of(keys[i], run.shape.filters);
        if (wanted != filter) fetch_filter(parts, run, known, wanted);
        filter = wanted;
        if (!may_hold(bytes_of(attribute(parts.slot, 3)), keys[i])) continue;
        filter = run.shape.filters;
        if (!fetch_part(parts, run.id, static_cast<std::int32_t>(part_of(keys[i], run.shape.blocks)))) continue;
        const auto entry = BlockView(bytes_of(attribute(parts.slot, 3))).find(keys[i]);
        if (entry) matches[i] = {true, entry->payload, entry->month};
    }
}

}  // namespace

SealedStore open_sealed_store(Snapshot snapshot, LOCKMODE mode) {
    const Oid space = get_namespace_oid("tally", false);
    SealedStore store{};
    store.runs = open_relation("identity_run", space, mode);
    store.parts = open_relation("sealed_identity", space, mode);
    store.part_index = index_open(get_relname_relid("sealed_identity_pkey", space), mode);
    store.released = open_relation("released_identity", space, mode);
    store.released_index = index_open(get_relname_relid("released_identity_pkey", space), mode);
    store.snapshot = snapshot;
    return store;
}

void require_select(const SealedStore& store) {
    if (pg_class_aclcheck(RelationGetRelid(store.parts), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(store.parts));
}

void close_sealed_store(const SealedStore& store) {
    index_close(store.released_index, NoLock);
    table_close(store.released, NoLock);
    index_close(store.part_index, NoLock);
    table_close(store.parts, NoLock);
    table_close(store.runs, NoLock);
}

bool has_own_shape(const SealedRun& run) {
    const RunShape shape = run_shape(run.entries > 0 ? static_cast<std::uint64_t>(run.entries) : 0);
    return run.entries >= 0 && run.shape.filters == shape.filters && run.shape.blocks == shape.blocks;
}

SealedRuns read_runs(const SealedStore& store, const char* state) {
    const SealedRuns found = read_damaged_runs(store, state);
    for (int i = 0; i < found.count; ++i) {
        if (has_own_shape(found.runs[i])) continue;
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("run %lld of sealed identities has not the parts that its identities need",
                               static_cast<long long>(found.runs[i].id)),
                        errhint("Restore table tally.identity_run from a backup, or a standby.")));
    }
    return found;
}

SealedRuns read_damaged_runs(const SealedStore& store, const char* state) {
    SealedRuns found{static_cast<SealedRun*>(palloc(sizeof(SealedRun) * 8)), 0};
    int room = 8;
    TupleTableSlot* const slot = table_slot_create(store.runs, nullptr);
    TableScanDesc const scan = table_beginscan(store.runs, store.snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        const text* const its_state = DatumGetTextPP(attribute(slot, 2));
        if (VARSIZE_ANY_EXHDR(its_state) != strlen(state) || memcmp(VARDATA_ANY(its_state), state, strlen(state)) != 0)
            continue;
        if (found.count == room) {
            room *= 2;
            found.runs = static_cast<SealedRun*>(repalloc(found.runs, sizeof(SealedRun) * static_cast<Size>(room)));
        }
        const SealedRun run{DatumGetInt64(attribute(slot, 1)),
                            DatumGetInt64(attribute(slot, 3)),
                            {static_cast<std::uint32_t>(DatumGetInt32(attribute(slot, 4))),
                             static_cast<std::uint32_t>(DatumGetInt32(attribute(slot, 5)))},
                            DatumGetInt32(attribute(slot, 7))};
        int at = found.count++;
        for (; at > 0 && found.runs[at - 1].id < run.id; --at) found.runs[at] = found.runs[at - 1];
        found.runs[at] = run;
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    return found;
}

bool has_released(const SealedStore& store) {
    TupleTableSlot* const slot = table_slot_create(store.released, nullptr);
    TableScanDesc const scan = table_beginscan(store.released, store.snapshot, 0, nullptr);
    const bool any = table_scan_getnextslot(scan, ForwardScanDirection, slot);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    return any;
}

bool is_released(const SealedStore& store, const Hash128& key) {
    pg_uuid_t uuid;
    memcpy(uuid.data, key.data(), key.size());
    ScanKeyData search;
    ScanKeyInit(&search, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid));
    IndexScanDesc const scan = begin_index_scan(store.released, store.released_index, store.snapshot, 1);
    index_rescan(scan, &search, 1, nullptr, 0);
    TupleTableSlot* const slot = table_slot_create(store.released, nullptr);
    const bool found = index_getnext_slot(scan, ForwardScanDirection, slot);
    ExecDropSingleTupleTableSlot(slot);
    index_endscan(scan);
    return found;
}

std::int64_t find_sealed(const SealedStore& store, const Hash128* keys, int count, SealedMatch* matches,
                         const SealedSearch& search) {
    for (int i = 0; i < count; ++i) matches[i] = {false, 0, 0};
    const SealedRuns ready = read_runs(store, "ready");
    if (ready.count == 0) return 0;
    const std::int64_t newest = ready.runs[0].id;
    if (newest <= search.newer_than) return newest;
    const PartScan parts = begin_parts(store);
    for (int i = 0; i < ready.count && ready.runs[i].id > search.newer_than; ++i)
        find_in_run(parts, ready.runs[i], keys, count, matches);
    end_parts(parts);
    for (int i = 0; i < count && !search.released_too; ++i)
        if (matches[i].found && is_released(store, keys[i])) matches[i].found = false;
    return newest;
}

void each_part(const SealedStore& store, std::int64_t run, std::int32_t first, std::int32_t end, UsePart use,
               void* closure) {
    const PartScan parts = begin_parts(store);
    ScanKeyData keys[3];
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(run));
    ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum(first));
    ScanKeyInit(&keys[2], 2, BTLessStrategyNumber, F_INT4LT, Int32GetDatum(end));
    IndexScanDesc const scan = begin_index_scan(store.parts, store.part_index, store.snapshot, 3);
    index_rescan(scan, keys, 3, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, parts.slot)) {
        CHECK_FOR_INTERRUPTS();
        use(DatumGetInt32(attribute(parts.slot, 2)), bytes_of(attribute(parts.slot, 3)), closure);
    }
    index_endscan(scan);
    end_parts(parts);
}

namespace {

struct FilterCheck {
    const SealedRun* run;
    const PartScan* parts;
    KnownRun* known;
    std::uint32_t filter;  // the one in the slot
};

void check_block(std::int32_t part, Bytes data, void* closure) {
    auto& check = *static_cast<FilterCheck*>(closure);
    const std::uint32_t filter = static_cast<std::uint32_t>(part) / (check.run->shape.blocks / check.run->shape.filters);
    if (filter != check.filter) fetch_filter(*check.parts, *check.run, *check.known, filter);
    check.filter = filter;
    const Bytes bits = bytes_of(attribute(check.parts->slot, 3));
    const BlockView block(data);
    for (std::uint32_t i = 0; i < block.size(); ++i) {
        const Hash128 key = block.at(i).key;
        if (part_of(key, check.run->shape.blocks) == static_cast<std::uint32_t>(part) && may_hold(bits, key)) continue;
        throw Error(ErrorKind::corrupted, "a run of sealed identities contradicts itself",
                    "Restore table tally.sealed_identity from a backup, or a standby.");
    }
}

}  // namespace

void check_filters(const SealedStore& store, const SealedRun& run) {
    KnownRun& known = *known_run(run);
    // What is remembered as whole is looked at again.
    for (std::uint32_t i = 0; i < known.filters; ++i) ItemPointerSetInvalid(&known.places[i]);
    const PartScan parts = begin_parts(store);
    for (std::uint32_t i = 0; i < run.shape.filters; ++i) fetch_filter(parts, run, known, i);
    FilterCheck check{&run, &parts, &known, run.shape.filters};
    each_part(store, run.id, 0, static_cast<std::int32_t>(run.shape.blocks), check_block, &check);
    end_parts(parts);
}

}  // namespace tally
