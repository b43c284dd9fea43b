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

constexpr std::size_t rows_between_checks = 256;
constexpr std::size_t large_event = 4096;  // bytes: its values are forgotten before the next row is read

// Of the table's rows, the places of those that the index names, in the order of the key.
class PlaceScan {
public:
    PlaceScan(const PileRange& range, Relation table, Snapshot snapshot) : range_(range) {
        call_pg([&] {
            index_ = index_open(relation_oid("recent_event_pkey"), AccessShareLock);
            live_ = live_generations(snapshot);
            scan_ = begin_index_scan(table, index_, snapshot, 4);
            scan_->xs_want_itup = true;
        });
    }
    void end() {
        call_pg([&] {
            index_endscan(scan_);
            index_close(index_, NoLock);
        });
    }

    // So many at most of the months wanted, also of rows that the snapshot does not see. False: there are no more.
    bool read(std::size_t at_most, std::vector<ItemPointerData>& places) {
        places.reserve(at_most);
        bool more = true;
        while (more && places.size() < at_most) more = call_pg([&] { return read_some(at_most, places); });
        return more;
    }

    PilePlace last;  // that was read

private:
    bool read_some(std::size_t at_most, std::vector<ItemPointerData>& places) {
        CHECK_FOR_INTERRUPTS();
        for (std::size_t i = 0; i < rows_between_checks && places.size() < at_most; ++i) {
            ItemPointer const place = next();
            if (place == nullptr) return false;
            last = {DatumGetInt32(key(recent_generation)), DatumGetInt32(key(recent_customer_hash)),
                    DatumGetTimestampTz(key(recent_ts)), DatumGetInt64(key(recent_seq))};
            const std::int64_t ts = last.ts + unix_to_postgres_epoch;
            if (ts >= range_.edge && is_wanted(ts)) places.push_back(*place);
        }
        return true;
    }

    Datum key(RecentColumn column) const {
        bool is_null = false;
        return index_getattr(scan_->xs_itup, column, scan_->xs_itupdesc, &is_null);
    }

    // Goes on to the next generation; false if there is none.
    bool enter_next_generation() {
        while (next_place_ < live_.count && live_.numbers[next_place_] < range_.from.generation) ++next_place_;
        if (next_place_ == live_.count) return false;
        const std::int32_t number = live_.numbers[next_place_++];
        ScanKeyData keys[4];
        ScanKeyInit(&keys[0], recent_generation, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(number));
        ScanKeyInit(&keys[1], recent_tenant, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(range_.tenant_id));
        ScanKeyInit(&keys[2], recent_code_hash, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(range_.code_hash));
        from_place(number == range_.from.generation ? range_.from : PilePlace{}, keys[3]);
        index_rescan(scan_, keys, 4, nullptr, 0);
        return true;
    }

    // (customer_hash, ts, seq) >= the place: entries before it, of rows that are packed by now, are not read again by each
    // step.
    void from_place(const PilePlace& from, ScanKeyData& row) {
        const struct {
            RecentColumn column;
            Oid type, order;
            Datum value;
        } members[] = {{recent_customer_hash, INT4OID, F_BTINT4CMP, Int32GetDatum(from.customer_hash)},
                       {recent_ts, TIMESTAMPTZOID, F_TIMESTAMPTZ_CMP, TimestampTzGetDatum(from.ts)},
                       {recent_seq, INT8OID, F_BTINT8CMP, Int64GetDatum(from.seq)}};
        for (int i = 0; i < 3; ++i)
            ScanKeyEntryInitialize(&members_[i], SK_ROW_MEMBER | (i == 2 ? SK_ROW_END : 0), members[i].column,
                                   BTGreaterEqualStrategyNumber, members[i].type, InvalidOid, members[i].order,
                                   members[i].value);
        row = {};
        row.sk_flags = SK_ROW_HEADER;
        row.sk_attno = recent_customer_hash;
        row.sk_strategy = BTGreaterEqualStrategyNumber;
        row.sk_argument = PointerGetDatum(members_);
    }

    ItemPointer next() {
        ItemPointer place = next_place_ == 0 ? nullptr : index_getnext_tid(scan_, ForwardScanDirection);
        while (place == nullptr && enter_next_generation()) place = index_getnext_tid(scan_, ForwardScanDirection);
        return place;
    }

    bool is_wanted(std::int64_t ts) {
        if (ts < month_begin_ || ts >= month_end_) {
            const std::int32_t month = month_of(ts);
            month_begin_ = month_begin(month);
            month_end_ = month_begin(month + 1);
            month_is_wanted_ = std::binary_search(range_.months.begin(), range_.months.end(), month);
        }
        return month_is_wanted_;
    }

    const PileRange& range_;
    Relation index_ = nullptr;
    IndexScanDesc scan_ = nullptr;
    ScanKeyData members_[3];  // of from_place(), where the scan looks at them
    Generations live_{};
    int next_place_ = 0;  // in live_
    std::int64_t month_begin_ = 0, month_end_ = INT64_MIN;
    bool month_is_wanted_ = false;
};

// Fetches rows by their places; those of one page one after the other cost one look-up of its buffer. Nothing is pruned:
// what packing has left on the page is vacuum's, once, and not each code's.
class RowFetch {
public:
    RowFetch(Relation table, Snapshot snapshot) : table_(table), snapshot_(snapshot) {
        call_pg([&] {
            slot_ = MakeSingleTupleTableSlot(RelationGetDescr(table_), &TTSOpsBufferHeapTuple);
            row_memory_ = AllocSetContextCreate(CurrentMemoryContext, "pgtally recent rows", ALLOCSET_DEFAULT_SIZES);
        });
    }
    void end() {
        call_pg([&] {
            ExecDropSingleTupleTableSlot(slot_);
            if (BufferIsValid(buffer_)) ReleaseBuffer(buffer_);
            MemoryContextDelete(row_memory_);
        });
    }

    // False: the snapshot does not see it. Otherwise its columns are there until the next one is fetched.
    bool fetch(ItemPointerData place, bool forget_values) {
        if (forget_values) MemoryContextReset(row_memory_);
        const BlockNumber block = ItemPointerGetBlockNumber(&place);
        if (!BufferIsValid(buffer_) || block != block_) {
            CHECK_FOR_INTERRUPTS();
            ExecClearTuple(slot_);
            buffer_ = ReleaseAndReadBuffer(buffer_, table_, block);
            block_ = block;
        }
        LockBuffer(buffer_, BUFFER_LOCK_SHARE);
        const bool is_seen = heap_hot_search_buffer(&place, table_, buffer_, snapshot_, &tuple_, nullptr, true);
        LockBuffer(buffer_, BUFFER_LOCK_UNLOCK);
        if (!is_seen) return false;
        tuple_.t_self = place;
        ExecStoreBufferHeapTuple(&tuple_, slot_, buffer_);
        MemoryContext const caller = MemoryContextSwitchTo(row_memory_);
        slot_getallattrs(slot_);
        MemoryContextSwitchTo(caller);
        return true;
    }

    Datum value(RecentColumn column) const { return column_value(slot_, column); }
    bool is_null(RecentColumn column) const { return column_is_null(slot_, column); }
    // Where the row itself lies, which may have been changed since the index was made.
    ItemPointerData place() const { return slot_->tts_tid; }
    std::string_view text_at(RecentColumn column) const {
        MemoryContext const caller = MemoryContextSwitchTo(row_memory_);
        const std::string_view found = view_of(DatumGetTextPP(value(column)));
        MemoryContextSwitchTo(caller);
        return found;
    }

private:
    Relation table_;
    Snapshot snapshot_;
    TupleTableSlot* slot_ = nullptr;
    MemoryContext row_memory_ = nullptr;  // of detoasted values
    HeapTupleData tuple_{};
    Buffer buffer_ = InvalidBuffer;
    BlockNumber block_ = InvalidBlockNumber;
};

// Gathers rows by code and month.
class Gathering {
public:
    explicit Gathering(RecentRows& read) : read_(read) {}

    // The weight of the row's event.
    std::uint64_t add(const RowFetch& row) {
        struct Texts {
            std::string_view code, customer_id, source, event_id, properties;
        };
        const Texts texts = call_pg([&] {
            return Texts{row.text_at(recent_code), row.text_at(recent_customer), row.text_at(recent_source),
                         row.text_at(recent_event_id), row.text_at(recent_properties)};
        });
        StoredEvent event;
        event.customer_id = read_.arena.keep(texts.customer_id);
        event.source = texts.source == last_source_ ? last_source_ : read_.arena.keep(texts.source);
        last_source_ = event.source;
        event.event_id = read_.arena.keep(texts.event_id);
        event.ts = DatumGetTimestampTz(row.value(recent_ts)) + unix_to_postgres_epoch;
        event.received_at = DatumGetTimestampTz(row.value(recent_received_at)) + unix_to_postgres_epoch;
        event.seq = DatumGetInt64(row.value(recent_seq));
        event.has_import = !row.is_null(recent_import);
        if (event.has_import)
            memcpy(event.import_id.data(), DatumGetUUIDP(row.value(recent_import))->data, event.import_id.size());
        event.properties = properties_.read(texts.properties, read_.arena);
        read_.places.push_back(row.place());
        group_of(texts.code, event.ts).push_back(event);
        const std::uint64_t weight = event_weight(event);
        read_.weight += weight;
        return weight;
    }

private:
    std::vector<StoredEvent>& group_of(std::string_view code, std::int64_t ts) {
        if (group_ == nullptr || ts < month_begin_ || ts >= month_end_ || code != code_) {
            const std::int32_t month = month_of(ts);
            month_begin_ = month_begin(month);
            month_end_ = month_begin(month + 1);
            if (code != code_) code_ = read_.arena.keep(code);
            group_ = &read_.groups[{code_, month}];
        }
        return *group_;
    }

    RecentRows& read_;
    PropertiesReader properties_;
    std::string_view last_source_;
    std::vector<StoredEvent>* group_ = nullptr;  // of the row before: most are of the same
    std::string_view code_;
    std::int64_t month_begin_ = 0, month_end_ = INT64_MIN;
};

bool lies_before(ItemPointerData left, ItemPointerData right) {
    return ItemPointerCompare(&left, &right) < 0;
}

// False: the weight was reached before the last of them.
bool read_places(const std::vector<ItemPointerData>& places, std::uint64_t max_weight, RowFetch& rows, Gathering& gathering,
                 RecentRows& read) {
    bool forget_values = false;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (read.weight >= max_weight) return false;
        if (!call_pg([&] { return rows.fetch(places[i], forget_values || i % rows_between_checks == 0); })) continue;
        forget_values = gathering.add(rows) > large_event;
    }
    return true;
}

}  // namespace

void read_recent_rows(const PileRange& range, Snapshot snapshot, RecentRows& read) {
    Relation const table = call_pg([] { return table_open(relation_oid("recent_event"), RowExclusiveLock); });
    PlaceScan index(range, table, snapshot);
    RowFetch rows(table, snapshot);
    Gathering gathering(read);
    read.next = range.from;
    std::vector<ItemPointerData> places;
    // Again where most of what the index named was packed before.
    while (!read.is_all && 2 * read.places.size() < range.at_most) {
        places.clear();
        read.is_all = !index.read(range.at_most - read.places.size(), places);
        std::sort(places.begin(), places.end(), lies_before);
        if (!read_places(places, range.max_weight, rows, gathering, read)) {
            // Those that were left out may lie before others that were read.
            read.is_heavy = true;
            read.is_all = false;
            break;
        }
        read.next = index.last;
    }
    rows.end();
    index.end();
    call_pg([&] { table_close(table, NoLock); });
}

void delete_recent_rows(std::vector<ItemPointerData>& places, Snapshot snapshot) {
    std::sort(places.begin(), places.end(), lies_before);
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
