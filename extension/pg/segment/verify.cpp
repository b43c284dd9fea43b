// tally._stored_events(): every stored event with its identity, and what is wrong with the segments that hold them.
// What tally.verify() compares with the identities that are known.
//
// All is read with the active snapshot; the partitions are listed after it was taken.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/event/erasure.hpp"
#include "core/segment/partition.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/writer.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/segment_bytes.hpp"
#include "pg/segment/statement.hpp"
#include "pg/segment/table_read.hpp"

namespace tally {
namespace {

// Takes rows of the answer.
class Answer {
public:
    explicit Answer(ReturnSetInfo* info) : info_(info) {}

    void event(std::int32_t tenant, std::int64_t segment, const StoredEvent& stored) {
        const Hash128 identity = stored_identity(tenant, stored.customer_id, stored.source, stored.event_id, scratch_);
        const std::int32_t month = month_of(stored.ts);
        call_pg([&] {
            pg_uuid_t uuid;
            memcpy(uuid.data, identity.data(), identity.size());
            Datum values[] = {Int32GetDatum(tenant),     UUIDPGetDatum(&uuid),   Int32GetDatum(month),
                              Int64GetDatum(stored.seq), Int64GetDatum(segment), 0};
            bool nulls[] = {false, false, false, false, segment == 0, true};
            tuplestore_putvalues(info_->setResult, info_->setDesc, values, nulls);
        });
    }
    void problem(std::int32_t tenant, std::int64_t segment, const std::string& what) {
        call_pg([&] {
            Datum values[] = {Int32GetDatum(tenant), 0, 0, 0, Int64GetDatum(segment), text_datum(what)};
            bool nulls[] = {false, true, true, true, false, false};
            tuplestore_putvalues(info_->setResult, info_->setDesc, values, nulls);
        });
    }

private:
    ReturnSetInfo* info_;
    FieldBytes scratch_;
};

// A text of the row; calls PostgreSQL where it has to be detoasted, into the current memory context.
std::string_view text_at(const TableRead& open, int column) {
    return view_of(DatumGetTextPP(column_value(open.slot, column)));
}

std::int64_t time_at(const TableRead& open, int column) {
    return DatumGetTimestampTz(column_value(open.slot, column)) + unix_to_postgres_epoch;
}

void read_recent(std::int32_t wanted, Answer& answer) {
    const TableRead open = call_pg([] { return begin_table(relation_oid("recent_event")); });
    while (call_pg([&] { return next_row(open); })) {
        const std::int32_t tenant = DatumGetInt32(column_value(open.slot, recent_tenant));
        if (wanted != 0 && tenant != wanted) continue;
        StoredEvent event;
        event.ts = time_at(open, recent_ts);
        event.seq = DatumGetInt64(column_value(open.slot, recent_seq));
        call_pg([&] {
            MemoryContext const before = MemoryContextSwitchTo(open.memory);
            event.customer_id = text_at(open, recent_customer);
            event.source = text_at(open, recent_source);
            event.event_id = text_at(open, recent_event_id);
            MemoryContextSwitchTo(before);
        });
        answer.event(tenant, 0, event);
    }
    call_pg([&] { end_table(open); });
}

// The imports that a row names, ascending.
std::vector<Hash128> imports_of(const TableRead& open) {
    if (column_is_null(open.slot, segment_imports)) return {};
    struct Elements {
        Datum* values;
        int count;
    };
    const auto elements = call_pg([&] {
        Elements found{nullptr, 0};
        deconstruct_array(DatumGetArrayTypeP(column_value(open.slot, segment_imports)), UUIDOID, UUID_LEN, false,
                          TYPALIGN_CHAR, &found.values, nullptr, &found.count);
        return found;
    });
    std::vector<Hash128> imports(static_cast<std::size_t>(elements.count));
    for (std::size_t i = 0; i < imports.size(); ++i)
        memcpy(imports[i].data(), DatumGetUUIDP(elements.values[i])->data, imports[i].size());
    std::sort(imports.begin(), imports.end());
    return imports;
}

// What a row says of its segment, and is not so; empty: all is.
std::string contradiction(const TableRead& open, SegmentReader& segment) {
    const auto value = [&](SegmentColumn column) { return column_value(open.slot, column); };
    const std::int32_t month = month_of_date(DatumGetDateADT(value(segment_month)));
    if (segment.rows() == 0 || static_cast<std::uint32_t>(DatumGetInt32(value(segment_events))) != segment.rows())
        return "it does not hold as many events as its row says";
    if (time_at(open, segment_first_ts) != segment.first_ts() || time_at(open, segment_last_ts) != segment.last_ts())
        return "its times are not those that its row says";
    if (month_of(segment.first_ts()) != month || month_of(segment.last_ts()) != month)
        return "it holds events of another month";
    if (DatumGetInt64(value(segment_first_seq)) != segment.first_seq() ||
        DatumGetInt64(value(segment_last_seq)) != segment.last_seq())
        return "its seqs are not those that its row says";
    if (text_at(open, segment_first_customer) != segment.customer(0) ||
        text_at(open, segment_last_customer) != segment.customer(segment.customer_count() - 1))
        return "its customers are not those that its row says";
    std::vector<Hash128> imports(segment.imports().begin(), segment.imports().end());
    std::sort(imports.begin(), imports.end());
    if (imports_of(open) != imports) return "its imports are not those that its row says";
    return {};
}

void put_events(std::int32_t tenant, std::int64_t number, SegmentReader& segment, std::uint64_t weight, Answer& answer) {
    std::vector<StoredEvent> events(segment_block_rows);
    TextArena arena;
    std::uint64_t sum = 0;
    for (std::uint32_t begin = 0; begin < segment.rows(); begin += segment_block_rows) {
        const std::uint32_t end = std::min(begin + segment_block_rows, segment.rows());
        check_interrupts();
        arena.clear();
        segment.read_events(begin, end, events.data(), arena);
        for (std::uint32_t i = 0; i < end - begin; ++i) {
            sum += event_weight(events[i]);
            answer.event(tenant, number, events[i]);
        }
    }
    if (sum != weight) answer.problem(tenant, number, "its weight is not the one that its row says");
}

void read_partition(Oid partition, std::int32_t wanted, Answer& answer) {
    const TableRead open = call_pg([&] { return begin_table(partition); });
    while (call_pg([&] { return next_row(open); })) {
        const auto value = [&](SegmentColumn column) { return column_value(open.slot, column); };
        const std::int32_t tenant = DatumGetInt32(value(segment_tenant));
        if (wanted != 0 && tenant != wanted) continue;
        const std::int64_t number = DatumGetInt64(value(segment_id));
        MemoryContext const before = MemoryContextSwitchTo(open.memory);
        std::string wrong;
        const std::string damage = damage_of([&] {
            PgSegmentBytes bytes(value(segment_data));
            SegmentReader segment(bytes);
            segment.check(check_interrupts);
            wrong = contradiction(open, segment);
            put_events(tenant, number, segment, static_cast<std::uint64_t>(DatumGetInt64(value(segment_weight))), answer);
        });
        if (!damage.empty()) answer.problem(tenant, number, damage);
        if (!wrong.empty()) answer.problem(tenant, number, wrong);
        MemoryContextSwitchTo(before);
    }
    call_pg([&] { end_table(open); });
}

}  // namespace
}  // namespace tally

// tally._stored_events(tenant_id integer) -> setof (tenant_id, identity, month, seq, segment_id, problem); NULL: of all
TALLY_FUNCTION(stored_events) {
    const std::int32_t wanted = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);
    ReturnSetInfo* const info = tally::begin_rows(fcinfo);
    // Whoever drops a partition waits for this, and so nothing that is listed goes away.
    LockRelationOid(tally::relation_oid("segment"), AccessShareLock);
    const tally::SegmentPartitions partitions = tally::segment_partitions();
    tally::guarded([&] {
        tally::Answer answer(info);
        tally::read_recent(wanted, answer);
        for (int i = 0; i < partitions.count; ++i) tally::read_partition(partitions.partitions[i].oid, wanted, answer);
    });
    PG_RETURN_NULL();
}
