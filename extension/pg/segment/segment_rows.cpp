// See segment_rows.hpp.
#include "core/base/hash128.hpp"

#include "pg/segment/segment_rows.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

Datum postgres_time(std::int64_t unix_microseconds) {
    return TimestampTzGetDatum(unix_microseconds - unix_to_postgres_epoch);
}

Datum import_array(const std::vector<Hash128>& imports) {
    auto* const ids = static_cast<Datum*>(palloc(sizeof(Datum) * (imports.size() + 1)));
    for (std::size_t i = 0; i < imports.size(); ++i) {
        auto* const uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
        memcpy(uuid->data, imports[i].data(), imports[i].size());
        ids[i] = UUIDPGetDatum(uuid);
    }
    return PointerGetDatum(construct_array(ids, static_cast<int>(imports.size()), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

Datum data_datum(const std::vector<std::byte>& bytes) {
    auto* const data = static_cast<varlena*>(palloc(bytes.size() + VARHDRSZ));
    SET_VARSIZE(data, bytes.size() + VARHDRSZ);
    memcpy(VARDATA(data), bytes.data(), bytes.size());
    return PointerGetDatum(data);
}

std::string text_answer(std::uint64_t row, int column) {
    const std::string_view view = call_pg([&] { return view_of(DatumGetTextPP(answer(row, column))); });
    return std::string(view);
}

}  // namespace

std::int64_t insert_segment(const SegmentKey& key, const Segment& segment, std::uint64_t weight) {
    return call_pg([&] {
        const Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("segment_data"),
                                         ObjectIdGetDatum(get_namespace_oid("tally", false)));
        const Datum data = data_datum(segment.bytes);
        run_now(
            "INSERT INTO tally.segment (tenant_id, code, month, first_ts, last_ts, first_customer, last_customer,"
            " first_seq, last_seq, events, imports, data, weight)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING segment_id",
            {{INT4OID, Int32GetDatum(key.tenant_id)},
             {TEXTOID, text_datum(key.code)},
             {DATEOID, DateADTGetDatum(month_date(key.month))},
             {TIMESTAMPTZOID, postgres_time(segment.first_ts)},
             {TIMESTAMPTZOID, postgres_time(segment.last_ts)},
             {TEXTOID, text_datum(segment.first_customer)},
             {TEXTOID, text_datum(segment.last_customer)},
             {INT8OID, Int64GetDatum(segment.first_seq)},
             {INT8OID, Int64GetDatum(segment.last_seq)},
             {INT4OID, Int32GetDatum(static_cast<std::int32_t>(segment.events))},
             {UUIDARRAYOID, import_array(segment.imports), segment.imports.empty()},
             {type, data},
             {INT8OID, Int64GetDatum(static_cast<std::int64_t>(weight))}},
            SPI_OK_INSERT_RETURNING);
        pfree(DatumGetPointer(data));
        const std::int64_t segment_id = DatumGetInt64(answer(0, 1));
        SPI_freetuptable(SPI_tuptable);
        return segment_id;
    });
}

void note_loose(const SegmentKey& key, std::int32_t code_hash, std::int64_t segment_id) {
    call_pg([&] {
        run_now("INSERT INTO tally.loose_segment (tenant_id, code_hash, segment_id, month) VALUES ($1, $2, $3, $4)",
                {{INT4OID, Int32GetDatum(key.tenant_id)},
                 {INT4OID, Int32GetDatum(code_hash)},
                 {INT8OID, Int64GetDatum(segment_id)},
                 {DATEOID, DateADTGetDatum(month_date(key.month))}},
                SPI_OK_INSERT);
    });
}

std::vector<StoredSegment> segments_of(const SegmentKey& key) {
    call_pg([&] {
        run_now(
            "SELECT s.tableoid, s.ctid, s.segment_id, s.events, s.weight, s.first_ts, s.last_ts, s.first_customer,"
            " s.last_customer FROM tally.segment s WHERE s.tenant_id = $1 AND s.code = $2 AND s.month = $3"
            " AND NOT EXISTS (SELECT FROM tally.loose_segment l"
            " WHERE l.tenant_id = $1 AND l.code_hash = $4 AND l.segment_id = s.segment_id)"
            " ORDER BY s.segment_id",
            {{INT4OID, Int32GetDatum(key.tenant_id)},
             {TEXTOID, text_datum(key.code)},
             {DATEOID, DateADTGetDatum(month_date(key.month))},
             {INT4OID, Int32GetDatum(hash32(key.code))}},
            SPI_OK_SELECT);
    });
    std::vector<StoredSegment> segments(SPI_processed);
    for (std::uint64_t row = 0; row < segments.size(); ++row) {
        StoredSegment& segment = segments[row];
        call_pg([&] {
            segment.partition = DatumGetObjectId(answer(row, 1));
            ItemPointerCopy(reinterpret_cast<ItemPointer>(DatumGetPointer(answer(row, 2))), &segment.place);
            segment.segment_id = DatumGetInt64(answer(row, 3));
            segment.facts.events = static_cast<std::uint32_t>(DatumGetInt32(answer(row, 4)));
            segment.facts.weight = static_cast<std::uint64_t>(DatumGetInt64(answer(row, 5)));
            segment.facts.first_ts = DatumGetTimestampTz(answer(row, 6)) + unix_to_postgres_epoch;
            segment.facts.last_ts = DatumGetTimestampTz(answer(row, 7)) + unix_to_postgres_epoch;
        });
        segment.first_customer = text_answer(row, 8);
        segment.last_customer = text_answer(row, 9);
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
    // Only now do the texts stay where they are.
    for (StoredSegment& segment : segments) {
        segment.facts.first_customer = segment.first_customer;
        segment.facts.last_customer = segment.last_customer;
    }
    return segments;
}

Bytes segment_bytes(const StoredSegment& segment) {
    return call_pg([&] {
        Relation const partition = table_open(segment.partition, RowExclusiveLock);
        TupleTableSlot* const slot = table_slot_create(partition, nullptr);
        Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
        ItemPointerData place = segment.place;
        if (!table_tuple_fetch_row_version(partition, &place, snapshot, slot))
            ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("a segment was replaced while it was read")));
        bool null = false;
        auto* const stored = reinterpret_cast<varlena*>(DatumGetPointer(slot_getattr(slot, segment_data, &null)));
        const varlena* const data = pg_detoast_datum_copy(stored);
        UnregisterSnapshot(snapshot);
        ExecDropSingleTupleTableSlot(slot);
        table_close(partition, NoLock);
        return Bytes{reinterpret_cast<const std::byte*>(VARDATA(data)), static_cast<std::size_t>(VARSIZE(data) - VARHDRSZ)};
    });
}

void delete_segment(const StoredSegment& segment) {
    call_pg([&] {
        Relation const partition = table_open(segment.partition, RowExclusiveLock);
        Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
        ItemPointerData place = segment.place;
        TM_FailureData failure;
        const TM_Result result = table_tuple_delete(partition, &place, GetCurrentCommandId(true), snapshot, InvalidSnapshot,
                                                    false, &failure, false);
        if (result != TM_Ok)
            ereport(ERROR,
                    (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("a segment was replaced while it was merged")));
        UnregisterSnapshot(snapshot);
        table_close(partition, NoLock);
    });
}

}  // namespace tally
