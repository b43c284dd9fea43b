// See recent_rows.hpp.
#include <algorithm>

#include "core/segment/partition.hpp"
#include "core/segment/writer.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/generation.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/recent_rows.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

constexpr int rows_between_checks = 256;
constexpr std::size_t large_event = 4096;  // bytes: its values are forgotten before the next row is read

struct PileScan {
    Relation table;
    Relation index;
    IndexScanDesc scan;
    TupleTableSlot* slot;
    MemoryContext row_memory;  // of detoasted values
    Generations live;
    int next_place;  // in live
};

PileScan begin_scan(Snapshot snapshot) {
    PileScan open{};
    open.table = table_open(relation_oid("recent_event"), RowExclusiveLock);
    open.index = index_open(relation_oid("recent_event_pkey"), AccessShareLock);
    open.live = live_generations(snapshot);
    open.scan = begin_index_scan(open.table, open.index, snapshot, 4);
    open.slot = table_slot_create(open.table, nullptr);
    open.row_memory = AllocSetContextCreate(CurrentMemoryContext, "pgtally recent rows", ALLOCSET_DEFAULT_SIZES);
    return open;
}

void end_scan(const PileScan& open) {
    MemoryContextDelete(open.row_memory);
    ExecDropSingleTupleTableSlot(open.slot);
    index_endscan(open.scan);
    index_close(open.index, NoLock);
    table_close(open.table, NoLock);
}

std::string_view text_of(const TupleTableSlot* slot, RecentColumn column) {
    return view_of(DatumGetTextPP(column_value(slot, column)));
}

// What of a row is wanted before its texts are.
struct RowHead {
    bool found = false;
    std::int64_t ts = 0;
};

// Goes on to the next generation; false if there is none.
bool scan_next_generation(PileScan& open, const PileRange& range) {
    while (open.next_place < open.live.count && open.live.numbers[open.next_place] < range.from_generation)
        ++open.next_place;
    if (open.next_place == open.live.count) return false;
    const std::int32_t number = open.live.numbers[open.next_place++];
    const std::int32_t first = number == range.from_generation ? range.from_customer_hash : INT32_MIN;
    ScanKeyData keys[4];
    ScanKeyInit(&keys[0], recent_generation, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(number));
    ScanKeyInit(&keys[1], recent_tenant, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(range.tenant_id));
    ScanKeyInit(&keys[2], recent_code_hash, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(range.code_hash));
    ScanKeyInit(&keys[3], recent_customer_hash, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum(first));
    index_rescan(open.scan, keys, 4, nullptr, 0);
    return true;
}

RowHead next_row(PileScan& open, const PileRange& range) {
    while (open.next_place == 0 || !index_getnext_slot(open.scan, ForwardScanDirection, open.slot))
        if (!scan_next_generation(open, range)) return {};
    slot_getsomeattrs(open.slot, recent_received_at);
    return {true, DatumGetTimestampTz(column_value(open.slot, recent_ts)) + unix_to_postgres_epoch};
}

// Whose texts lie in the row's buffer or in row_memory: to be copied before the next row is read.
struct RowTexts {
    std::string_view code, customer_id, source, event_id, properties;
};

RowTexts row_texts(const PileScan& open) {
    MemoryContext const caller = MemoryContextSwitchTo(open.row_memory);
    slot_getallattrs(open.slot);
    const RowTexts texts{text_of(open.slot, recent_code), text_of(open.slot, recent_customer),
                         text_of(open.slot, recent_source), text_of(open.slot, recent_event_id),
                         text_of(open.slot, recent_properties)};
    MemoryContextSwitchTo(caller);
    return texts;
}

RecentRow read_row(const PileScan& open, const RowHead& head, std::int32_t month, PropertiesReader& reader, TextArena& arena,
                   std::string_view last_code) {
    const RowTexts texts = call_pg([&] { return row_texts(open); });
    const auto value = [&](RecentColumn column) { return column_value(open.slot, column); };
    RecentRow row;
    row.place = open.slot->tts_tid;
    row.generation = DatumGetInt32(value(recent_generation));
    row.customer_hash = DatumGetInt32(value(recent_customer_hash));
    row.month = month;
    row.code = texts.code == last_code ? last_code : arena.keep(texts.code);
    row.event.customer_id = arena.keep(texts.customer_id);
    row.event.source = arena.keep(texts.source);
    row.event.event_id = arena.keep(texts.event_id);
    row.event.ts = head.ts;
    row.event.received_at = DatumGetTimestampTz(value(recent_received_at)) + unix_to_postgres_epoch;
    row.event.seq = DatumGetInt64(value(recent_seq));
    row.event.has_import = !column_is_null(open.slot, recent_import);
    if (row.event.has_import)
        memcpy(row.event.import_id.data(), DatumGetUUIDP(value(recent_import))->data, row.event.import_id.size());
    row.event.properties = reader.read(texts.properties, arena);
    row.weight = event_weight(row.event);
    return row;
}

}  // namespace

void read_recent_rows(const PileRange& range, Snapshot snapshot, RecentRows& read) {
    PileScan open = call_pg([&] { return begin_scan(snapshot); });
    PropertiesReader reader;
    std::uint64_t weight = 0;
    std::string_view last_code;
    std::int32_t month = 0;
    std::int64_t month_start = 0, month_end = INT64_MIN;
    bool was_large = false;
    for (int i = 0; read.rows.size() < range.at_most && (weight < range.max_weight || read.rows.empty()); ++i) {
        const RowHead head = call_pg([&] {
            if (i % rows_between_checks == 0) CHECK_FOR_INTERRUPTS();
            if (i % rows_between_checks == 0 || was_large) MemoryContextReset(open.row_memory);
            return next_row(open, range);
        });
        if (!head.found) {
            read.is_all = true;
            break;
        }
        if (head.ts < month_start || head.ts >= month_end) {
            month = month_of(head.ts);
            month_start = month_begin(month);
            month_end = month_begin(month + 1);
        }
        if (head.ts < range.edge || !std::binary_search(range.months.begin(), range.months.end(), month)) continue;
        read.rows.push_back(read_row(open, head, month, reader, read.arena, last_code));
        weight += read.rows.back().weight;
        was_large = read.rows.back().weight > large_event;
        last_code = read.rows.back().code;
    }
    call_pg([&] { end_scan(open); });
}

void delete_recent_rows(const std::vector<RecentRow>& rows, Snapshot snapshot) {
    std::vector<ItemPointerData> places;
    places.reserve(rows.size());
    for (const RecentRow& row : rows) places.push_back(row.place);
    // In the order in which they lie: page by page.
    std::sort(places.begin(), places.end(),
              [](ItemPointerData left, ItemPointerData right) { return ItemPointerCompare(&left, &right) < 0; });
    call_pg([&] {
        Relation const table = table_open(relation_oid("recent_event"), RowExclusiveLock);
        const CommandId command = GetCurrentCommandId(true);
        for (ItemPointerData& place : places) {
            CHECK_FOR_INTERRUPTS();
            TM_FailureData failure;
            if (table_tuple_delete(table, &place, command, snapshot, InvalidSnapshot, false, &failure, false) != TM_Ok)
                ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                                errmsg("an event was deleted by another session while it was packed")));
        }
        table_close(table, NoLock);
    });
}

}  // namespace tally
