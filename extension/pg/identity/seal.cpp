// Sealing: committed rows of recent_identity become a new run, in one transaction.
//
// The run's number is drawn after the snapshot was taken. A row is sealed only if this transaction deleted it: so an
// identity is always in exactly one of both places, whoever else deletes it at the same time (a void) and whether this
// transaction commits or not.
#include <algorithm>

#include "core/identity/filter.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/identity/seal.hpp"

namespace tally {
namespace {

struct RecentRow {
    ItemPointerData place;
    SealedIdentity identity;
};

SealedIdentity identity_of(TupleTableSlot* slot) {
    bool null = false;
    SealedIdentity identity;
    memcpy(identity.key.data(), DatumGetUUIDP(slot_getattr(slot, 1, &null))->data, identity.key.size());
    identity.payload = DatumGetInt64(slot_getattr(slot, 2, &null));
    identity.month = static_cast<std::uint16_t>(DatumGetInt32(slot_getattr(slot, 4, &null)));
    return identity;
}

// Reads up to `at_most` rows that the snapshot sees, from the start of the table on, where the oldest lie.
std::vector<RecentRow> read_recent(Relation table, Snapshot snapshot, std::int64_t at_most) {
    std::vector<RecentRow> rows;
    TupleTableSlot* const slot = call_pg([&] { return table_slot_create(table, nullptr); });
    TableScanDesc const scan = call_pg([&] { return table_beginscan_strat(table, snapshot, 0, nullptr, true, false); });
    while (static_cast<std::int64_t>(rows.size()) < at_most) {
        const bool more = call_pg([&] {
            CHECK_FOR_INTERRUPTS();
            return table_scan_getnextslot(scan, ForwardScanDirection, slot);
        });
        if (!more) break;
        rows.push_back(call_pg([&] { return RecentRow{slot->tts_tid, identity_of(slot)}; }));
    }
    call_pg([&] {
        table_endscan(scan);
        ExecDropSingleTupleTableSlot(slot);
    });
    return rows;
}

// Deletes a row unless somebody else has, or is just doing so.
bool delete_row(Relation table, Snapshot snapshot, ItemPointerData place) {
    TM_FailureData failure;
    return table_tuple_delete(table, &place, GetCurrentCommandId(true), snapshot, InvalidSnapshot, false, &failure, false) ==
           TM_Ok;
}

// How many events were ever taken, over all tenants; it has gaps, and grows with each new identity at least by one.
std::int64_t events_taken() {
    const Oid sequence = get_relname_relid("event_seq", get_namespace_oid("tally", false));
    LOCAL_FCINFO(call, 1);
    InitFunctionCallInfoData(*call, nullptr, 1, InvalidOid, nullptr, nullptr);
    call->args[0] = {ObjectIdGetDatum(sequence), false};
    const Datum taken = pg_sequence_last_value(call);
    return call->isnull ? 0 : DatumGetInt64(taken);
}

// What this session's last look has found that was not enough: until as many more events were taken as were missing, another
// look hardly finds enough either, and reading the table for it would be all that an idle round does. Not for ever: rows of
// transactions that were open then have numbers from before. Where few are asked for, it is always looked.
struct LastLook {
    static constexpr std::int64_t few = 10'000;
    static constexpr TimestampTz longest = USECS_PER_MINUTE;
    std::int64_t taken = 0, rows = 0;
    TimestampTz at = DT_NOBEGIN;

    bool may_suffice(std::int64_t taken_now, std::int64_t wanted, TimestampTz now) const noexcept {
        return wanted < few || at == DT_NOBEGIN || now < at || now - at > longest || taken_now < taken ||
               rows + taken_now - taken >= wanted;
    }
};
LastLook last_look;

}  // namespace

PartWriter::PartWriter(std::int64_t run) : run_(run) {}

void PartWriter::add(std::int32_t part, const std::string& data) {
    parts_.push_back(part);
    data_.push_back(data);
    if (parts_.size() == 128) flush();
}

void PartWriter::flush() {
    if (parts_.empty()) return;
    const auto count = static_cast<int>(parts_.size());
    call_pg([&] {
        auto* const parts = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count)));
        auto* const data = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count)));
        for (int i = 0; i < count; ++i) {
            const std::string& bytes = data_[static_cast<std::size_t>(i)];
            parts[i] = Int32GetDatum(parts_[static_cast<std::size_t>(i)]);
            data[i] = PointerGetDatum(cstring_to_text_with_len(bytes.data(), static_cast<int>(bytes.size())));
        }
        Oid types[] = {INT8OID, INT4ARRAYOID, BYTEAARRAYOID};
        Datum values[] = {Int64GetDatum(run_),
                          PointerGetDatum(construct_array(parts, count, INT4OID, 4, true, TYPALIGN_INT)),
                          PointerGetDatum(construct_array(data, count, BYTEAOID, -1, false, TYPALIGN_INT))};
        if (SPI_execute_with_args("INSERT INTO tally.sealed_identity SELECT $1, p.part, p.data"
                                  " FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) p(part, data)",
                                  3, types, values, nullptr, false, 0) != SPI_OK_INSERT)
            elog(ERROR, "a part of a run cannot be stored");
        for (int i = 0; i < count; ++i) pfree(DatumGetPointer(data[i]));
        pfree(DatumGetPointer(values[1]));
        pfree(DatumGetPointer(values[2]));
        pfree(parts);
        pfree(data);
    });
    parts_.clear();
    data_.clear();
}

void write_parts(PartWriter& writer, const RunShape& shape, std::uint32_t first, std::uint32_t end,
                 std::span<const SealedIdentity> entries) {
    const std::uint32_t blocks_per_filter = shape.blocks / shape.filters;
    FilterBuilder filter;
    std::string block;
    std::size_t at = 0;
    for (std::uint32_t number = first * blocks_per_filter; number < end * blocks_per_filter; ++number) {
        const std::size_t start = at;
        for (; at < entries.size() && part_of(entries[at].key, shape.blocks) == number; ++at) filter.add(entries[at].key);
        if (at > start) {
            block.clear();
            append_block(block, entries.subspan(start, at - start));
            writer.add(static_cast<std::int32_t>(number), block);
        }
        if ((number + 1) % blocks_per_filter == 0)
            writer.add(-1 - static_cast<std::int32_t>(number / blocks_per_filter), filter.take());
    }
}

Sealed seal_recent(const SealedStore& store, std::int64_t at_least, std::int64_t at_most) {
    const std::int64_t wanted = std::min(at_least, at_most);
    const std::int64_t taken = call_pg([] { return events_taken(); });
    const TimestampTz now = call_pg([] { return GetCurrentTimestamp(); });
    if (!last_look.may_suffice(taken, wanted, now)) return {};
    Relation const table = call_pg([&] {
        return table_open(get_relname_relid("recent_identity", get_namespace_oid("tally", false)), RowExclusiveLock);
    });
    std::vector<SealedIdentity> sealed;
    std::int64_t held_back = 0;
    std::vector<RecentRow> rows = read_recent(table, store.snapshot, at_most);
    const auto found = static_cast<std::int64_t>(rows.size());
    last_look = found < wanted ? LastLook{taken, found, now} : LastLook{};
    if (found >= wanted) {
        const bool ask = call_pg([&] { return has_released(store); });
        for (const RecentRow& row : rows) {
            call_pg([] { CHECK_FOR_INTERRUPTS(); });
            if (ask && call_pg([&] { return is_released(store, row.identity.key); })) {
                ++held_back;
            } else if (call_pg([&] { return delete_row(table, store.snapshot, row.place); })) {
                sealed.push_back(row.identity);
            }
        }
    }
    call_pg([&] { table_close(table, NoLock); });
    if (sealed.empty()) return {0, held_back};
    std::sort(sealed.begin(), sealed.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    const RunShape shape = run_shape(sealed.size());
    const std::int64_t run = call_pg(
        [&] { return nextval_internal(get_relname_relid("identity_run_seq", get_namespace_oid("tally", false)), false); });
    PartWriter writer(run);
    write_parts(writer, shape, 0, shape.filters, sealed);
    writer.flush();
    call_pg([&] {
        Oid types[] = {INT8OID, INT8OID, INT4OID, INT4OID};
        Datum values[] = {Int64GetDatum(run), Int64GetDatum(static_cast<std::int64_t>(sealed.size())),
                          Int32GetDatum(static_cast<std::int32_t>(shape.filters)),
                          Int32GetDatum(static_cast<std::int32_t>(shape.blocks))};
        if (SPI_execute_with_args("INSERT INTO tally.identity_run (run_id, state, entries, filters, blocks)"
                                  " VALUES ($1, 'ready', $2, $3, $4)",
                                  4, types, values, nullptr, false, 0) != SPI_OK_INSERT)
            elog(ERROR, "a run of sealed identities cannot be stored");
    });
    return {static_cast<std::int64_t>(sealed.size()), held_back};
}

}  // namespace tally
