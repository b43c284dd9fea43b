// Index scans over recent_event and correction.
//
// The key of recent_event holds hashes of code and customer, so the texts are compared in each row. Both its times are
// keys of the index even where no customer is named: rows outside of the range are passed over without their heap
// tuple. One generation is read after the other.
#include <algorithm>

#include "core/base/hash128.hpp"

#include "pg/usage/store.hpp"

#include "pg/segment/columns.hpp"

namespace tally {
namespace {

// Columns of the index of correction by code.
enum CorrectionKey : AttrNumber { by_code_tenant = 1, by_code_code, by_code_ts, by_code_seq, by_code_act };
// Columns of correction, which begin lifted_correction too, and the last one of that.
enum CorrectionColumn : AttrNumber { correction_seq = 2, correction_successor = 11, correction_act = 13, lifted_act = 18 };

// The bytes of a text that is never null; detoasted in the current memory context where it must be.
std::string_view text_of(TupleTableSlot* slot, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(slot, column, &is_null);
    return view_of(reinterpret_cast<text*>(PG_DETOAST_DATUM_PACKED(value)));
}

void int4_key(ScanKey key, AttrNumber column, std::int32_t value) {
    ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(value));
}

}  // namespace

int range_keys(ScanKey keys, AttrNumber column, TimestampTz from, TimestampTz to) {
    int count = 0;
    if (from != DT_NOBEGIN)
        ScanKeyInit(&keys[count++], column, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(from));
    if (to != DT_NOEND) ScanKeyInit(&keys[count++], column, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, TimestampTzGetDatum(to));
    return count;
}

IndexReader::IndexReader(const char* table, const char* index) {
    call_pg([&] {
        const Oid schema = get_namespace_oid("tally", false);
        const Oid table_oid = get_relname_relid(table, schema);
        const Oid index_oid = get_relname_relid(index, schema);
        if (!OidIsValid(table_oid) || !OidIsValid(index_oid))
            ereport(ERROR,
                    (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("tally.%s or its index %s does not exist", table, index)));
        table_ = table_open(table_oid, AccessShareLock);
        index_ = index_open(index_oid, AccessShareLock);
        slot_ = table_slot_create(table_, nullptr);
    });
}

// Calls PostgreSQL.
void IndexReader::begin(int count) {
    if (scan_ != nullptr && keys_ != count) {
        index_endscan(scan_);
        scan_ = nullptr;
    }
    if (scan_ == nullptr) scan_ = begin_index_scan(table_, index_, GetActiveSnapshot(), count);
    keys_ = count;
}

void IndexReader::scan(ScanKey keys, int count) {
    call_pg([&] {
        begin(count);
        index_rescan(scan_, keys, count, nullptr, 0);
    });
}

void IndexReader::scan_entries(ScanKey keys, int count, bool backward) {
    direction_ = backward ? BackwardScanDirection : ForwardScanDirection;
    call_pg([&] {
        begin(count);
        scan_->xs_want_itup = true;
        index_rescan(scan_, keys, count, nullptr, 0);
    });
}

TupleTableSlot* IndexReader::next() {
    return call_pg([&]() -> TupleTableSlot* {
        CHECK_FOR_INTERRUPTS();
        return index_getnext_slot(scan_, ForwardScanDirection, slot_) ? slot_ : nullptr;
    });
}

void IndexReader::close() {
    call_pg([&] {
        if (scan_ != nullptr) index_endscan(scan_);
        ExecDropSingleTupleTableSlot(slot_);
        index_close(index_, AccessShareLock);
        table_close(table_, AccessShareLock);
    });
}

RecentEvents::RecentEvents(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to)
    : reader_("recent_event", "recent_event_pkey"),
      tenant_(tenant),
      code_(code),
      code_hash_(hash32(code)),
      from_(to_postgres(from)),
      to_(to_postgres(to)) {
    call_pg([&] {
        live_ = generations_to_read(GetActiveSnapshot());
        row_memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally recent event", ALLOCSET_SMALL_SIZES);
    });
}

void RecentEvents::scan_all() {
    one_customer_ = false;
    scan_generation(0);
}

void RecentEvents::scan_customer(std::string_view customer) {
    one_customer_ = true;
    customer_ = customer;
    scan_generation(0);
}

void RecentEvents::scan_generation(int place) {
    place_ = place;
    ScanKeyData keys[6];
    int count = 0;
    int4_key(&keys[count++], recent_generation, live_.numbers[place]);
    int4_key(&keys[count++], recent_tenant, tenant_);
    int4_key(&keys[count++], recent_code_hash, code_hash_);
    if (one_customer_) int4_key(&keys[count++], recent_customer_hash, hash32(customer_));
    reader_.scan(keys, count + range_keys(&keys[count], recent_ts, from_, to_));
}

// Calls PostgreSQL. False for an event of another code or customer of the same hash.
bool RecentEvents::take(TupleTableSlot* slot, RecentEvent& event) const {
    MemoryContextReset(row_memory_);
    MemoryContext const before = MemoryContextSwitchTo(row_memory_);
    bool is_null = false;
    event.customer = text_of(slot, recent_customer);
    const bool is_wanted = text_of(slot, recent_code) == code_ && (!one_customer_ || event.customer == customer_);
    if (is_wanted) {
        event.properties = text_of(slot, recent_properties);
        event.ts = to_unix(DatumGetTimestampTz(slot_getattr(slot, recent_ts, &is_null)));
        event.seq = DatumGetInt64(slot_getattr(slot, recent_seq, &is_null));
    }
    MemoryContextSwitchTo(before);
    return is_wanted;
}

bool RecentEvents::next(RecentEvent& event) {
    for (;;) {
        TupleTableSlot* const slot = reader_.next();
        if (slot == nullptr) {
            if (place_ + 1 == live_.count) return false;
            scan_generation(place_ + 1);
            continue;
        }
        if (call_pg([&] { return take(slot, event); })) return true;
    }
}

void RecentEvents::close() {
    call_pg([&] { MemoryContextDelete(row_memory_); });
    reader_.close();
}

namespace {

// Reads an index alone, but for the rows on pages of which vacuum does not know that everybody sees all: voids may be
// as many as events, and each answer needs all those of its range.
class SeqsOfIndex {
public:
    SeqsOfIndex(IndexScanDesc scan, const KnownAt* known)
        : scan_(scan), known_(known), slot_(table_slot_create(scan->heapRelation, nullptr)) {
        scan_->xs_want_itup = true;
        // With the keys that it has: only a scan that begins makes room for tuples of the index.
        index_rescan(scan_, nullptr, scan_->numberOfKeys, nullptr, 0);
    }

    // So many at once, as each call costs; fewer than asked for: these are all. Calls PostgreSQL.
    int read(std::int64_t* seqs, int at_most) {
        CHECK_FOR_INTERRUPTS();
        int count = 0;
        while (count < at_most) {
            ItemPointer const place = index_getnext_tid(scan_, ForwardScanDirection);
            if (place == nullptr) break;
            if (!is_seen(place)) continue;
            if (known_ != nullptr && !known_->sees_act(value(by_code_act))) continue;
            seqs[count++] = value(by_code_seq);
        }
        return count;
    }

    void close() {
        if (BufferIsValid(map_page_)) ReleaseBuffer(map_page_);
        ExecDropSingleTupleTableSlot(slot_);
    }

private:
    std::int64_t value(AttrNumber column) const {
        bool is_null = false;
        return DatumGetInt64(index_getattr(scan_->xs_itup, column, scan_->xs_itupdesc, &is_null));
    }

    bool is_seen(ItemPointer place) {
        if (!VM_ALL_VISIBLE(scan_->heapRelation, ItemPointerGetBlockNumber(place), &map_page_)) {
            const bool is_seen = index_fetch_heap(scan_, slot_);
            ExecClearTuple(slot_);
            return is_seen;
        }
        // The row itself was not read: SERIALIZABLE must know all the same.
        PredicateLockPage(scan_->heapRelation, ItemPointerGetBlockNumber(place), scan_->xs_snapshot);
        return true;
    }

    IndexScanDesc scan_;
    const KnownAt* known_;
    TupleTableSlot* slot_;
    Buffer map_page_ = InvalidBuffer;
};

void scan_corrections(IndexReader& reader, std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to) {
    ScanKeyData keys[4];
    const int count = call_pg([&] {
        int4_key(&keys[0], by_code_tenant, tenant);
        ScanKeyEntryInitialize(&keys[1], 0, by_code_code, BTEqualStrategyNumber, TEXTOID, DEFAULT_COLLATION_OID, F_TEXTEQ,
                               text_datum(code));
        return 2 + range_keys(&keys[2], by_code_ts, to_postgres(from), to_postgres(to));
    });
    reader.scan(keys, count);
}

// Makes room for more, where it may be had.
void make_room(std::vector<std::int64_t>& seqs, std::size_t more, MemoryLimit& memory) {
    if (seqs.size() + more <= seqs.capacity()) return;
    const std::size_t room = std::max(seqs.size() + more, 2 * seqs.capacity());
    memory.take_for_voided((room - seqs.capacity()) * sizeof(std::int64_t));
    seqs.reserve(room);
}

// Those whose corrections were lifted later than the cut.
void add_lifted_since(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to, const KnownAt& known,
                      std::vector<std::int64_t>& seqs, MemoryLimit& memory) {
    struct Lifted {
        std::int64_t seq, act, lifted_by_act;
    };
    IndexReader reader("lifted_correction", "lifted_correction_code");
    scan_corrections(reader, tenant, code, from, to);
    while (TupleTableSlot* const slot = reader.next()) {
        const Lifted row = call_pg([&] {
            const auto value = [&](AttrNumber column) {
                bool is_null = false;
                return DatumGetInt64(slot_getattr(slot, column, &is_null));
            };
            return Lifted{value(correction_seq), value(correction_act), value(lifted_act)};
        });
        if (!known.sees_act(row.act) || known.sees_act(row.lifted_by_act)) continue;
        make_room(seqs, 1, memory);
        seqs.push_back(row.seq);
    }
    reader.close();
}

}  // namespace

std::vector<std::int64_t> voided_seqs(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to,
                                      MemoryLimit& memory, const KnownAt* known) {
    constexpr int at_once = 4096;
    std::int64_t read[at_once];
    std::vector<std::int64_t> seqs;
    IndexReader reader("correction", "correction_code");
    scan_corrections(reader, tenant, code, from, to);
    SeqsOfIndex index = call_pg([&] { return SeqsOfIndex(reader.scan_of_index(), known); });
    for (int count = at_once; count == at_once;) {
        count = call_pg([&] { return index.read(read, at_once); });
        make_room(seqs, static_cast<std::size_t>(count), memory);
        seqs.insert(seqs.end(), read, read + count);
    }
    call_pg([&] { index.close(); });
    reader.close();
    if (known != nullptr) add_lifted_since(tenant, code, from, to, *known, seqs, memory);
    std::sort(seqs.begin(), seqs.end());
    return seqs;
}

std::vector<std::int64_t> amended_seqs(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to,
                                       MemoryLimit& memory, const KnownAt* known) {
    struct Amended {
        std::int64_t seq, act;
        bool is_amended;
    };
    std::vector<std::int64_t> seqs;
    IndexReader reader("correction", "correction_code");
    scan_corrections(reader, tenant, code, from, to);
    while (TupleTableSlot* const slot = reader.next()) {
        const Amended row = call_pg([&] {
            bool is_null = false;
            const Datum seq = slot_getattr(slot, correction_seq, &is_null);
            const Datum act = slot_getattr(slot, correction_act, &is_null);
            slot_getattr(slot, correction_successor, &is_null);
            return Amended{DatumGetInt64(seq), DatumGetInt64(act), !is_null};
        });
        if (!row.is_amended || (known != nullptr && !known->sees_act(row.act))) continue;
        make_room(seqs, 1, memory);
        seqs.push_back(row.seq);
    }
    reader.close();
    std::sort(seqs.begin(), seqs.end());
    return seqs;
}

}  // namespace tally
