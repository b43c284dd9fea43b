// tally._stored_events(): every stored event with its identity and what it says, and what is wrong with the places that hold
// them. What tally.verify() compares with the identities that are known, and with corrections.
//
// All is read with the active snapshot; the partitions are listed after it was taken. What is damaged is told, and the rest
// is read all the same. Each column of a place is held against something that was stored by itself:
//   of a recent row  code_hash, customer_hash: the texts beside them; generation: the list of those that questions visit;
//                    tenant, customer, source, event id: the identity; code, ts, properties: the payload of the identity
//   of a segment     its bytes: their checksums; events, times, seqs, customers, imports, month, weight: its bytes;
//                    tenant: the identities; code: their payloads, and the pile of the code (tally._problems)
// Nothing independent was stored of received_at (but that no cut saw an event before) and of the seq of a recent row (but
// that it is there once, and was given), nor of what an event says whose properties were erased in part, or that was
// amended.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/event/erasure.hpp"
#include "core/event/stored_payload.hpp"
#include "core/ingest/ingest_batch.hpp"
#include "core/segment/partition.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/writer.hpp"
#include "pg/segment/verify_facts.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/generation.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/segment_bytes.hpp"
#include "pg/segment/statement.hpp"
#include "pg/segment/table_read.hpp"

namespace tally {
namespace {

// Where events lie: a segment, or 0 for rows of recent_event.
struct Place {
    std::int32_t tenant = 0;
    std::int64_t segment = 0;
    std::string_view code;
};

// Takes rows of the answer.
class Answer {
public:
    explicit Answer(ReturnSetInfo* info) : info_(info) {}

    // Calls PostgreSQL, which takes memory from the current context.
    void event(const Place& place, const StoredEvent& stored) {
        const Hash128 identity = stored_identity(place.tenant, stored.customer_id, stored.source, stored.event_id, scratch_);
        StoredPayload payload;
        std::string damage;
        const bool is_erased = facts_.is_erased(place.tenant, stored.customer_id);
        if (!is_erased) damage = damage_of([&] { payload = payloads_.read(place.code, stored); });
        if (!damage.empty()) problem_of_event(place.tenant, stored.seq, damage);
        const bool is_in_correction = facts_.is_in_correction(place.tenant, stored.seq);
        facts_.see(stored);
        const bool is_unknown = is_erased || !damage.empty();
        pg_uuid_t identity_uuid = uuid_of(identity), import_uuid = uuid_of(stored.import_id);
        call_pg([&] {
            Row row;
            row.set(tenant, Int32GetDatum(place.tenant));
            row.set(event_identity, UUIDPGetDatum(&identity_uuid));
            row.set(month, Int32GetDatum(month_of(stored.ts)));
            row.set(seq, Int64GetDatum(stored.seq));
            if (place.segment != 0) row.set(segment, Int64GetDatum(place.segment));
            if (!is_unknown) {
                row.set(with_time, Int64GetDatum(payload_key(payload.with_time)));
                row.set(without_time, Int64GetDatum(payload_key(payload.without_time)));
            }
            if (is_in_correction) {
                row.set(ts, TimestampTzGetDatum(stored.ts - unix_to_postgres_epoch));
                row.set(code, text_datum(place.code));
                row.set(customer, text_datum(stored.customer_id));
                if (stored.has_import) row.set(import, UUIDPGetDatum(&import_uuid));
            }
            put(row);
        });
    }
    void problem_of_segment(std::int32_t its_tenant, std::int64_t number, const std::string& what) {
        problem(its_tenant, segment, Int64GetDatum(number), what);
    }
    void problem_of_event(std::int32_t its_tenant, std::int64_t number, const std::string& what) {
        problem(its_tenant, seq, Int64GetDatum(number), what);
    }
    const VerifyFacts& facts() const noexcept { return facts_; }
    // When all events were read.
    void problems_of_cuts(std::int32_t wanted) {
        for (const CutSight& cut : facts_.cuts()) {
            if (cut.received_later == 0 || (wanted != 0 && cut.tenant_id != 0 && cut.tenant_id != wanted)) continue;
            pg_uuid_t uuid = uuid_of(cut.cut_id);
            problem(cut.tenant_id, event_identity, UUIDPGetDatum(&uuid),
                    "it sees " + std::to_string(cut.received_later) + " events that came after it was made");
        }
    }

private:
    // The columns.
    enum Column {
        tenant,
        event_identity,
        month,
        seq,
        segment,
        what_is_wrong,
        with_time,
        without_time,
        ts,
        code,
        customer,
        import,
        columns
    };
    struct Row {
        Datum values[columns] = {};
        bool nulls[columns];

        Row() { std::fill(std::begin(nulls), std::end(nulls), true); }
        void set(Column column, Datum value) {
            values[column] = value;
            nulls[column] = false;
        }
    };

    static pg_uuid_t uuid_of(const Hash128& bytes) {
        pg_uuid_t uuid;
        memcpy(uuid.data, bytes.data(), bytes.size());
        return uuid;
    }
    void put(Row& row) { tuplestore_putvalues(info_->setResult, info_->setDesc, row.values, row.nulls); }
    // `place` is the column that tells what is meant; tenant 0: everybody's.
    void problem(std::int32_t its_tenant, Column place, Datum number, const std::string& what) {
        call_pg([&] {
            Row row;
            if (its_tenant != 0) row.set(tenant, Int32GetDatum(its_tenant));
            row.set(place, number);
            row.set(what_is_wrong, text_datum(what));
            put(row);
        });
    }

    ReturnSetInfo* info_;
    FieldBytes scratch_;
    PayloadReader payloads_;
    VerifyFacts facts_;
};

// A text of the row; calls PostgreSQL where it has to be detoasted, into the current memory context.
std::string_view text_at(const TableRead& open, int column) {
    return view_of(DatumGetTextPP(column_value(open.slot, column)));
}

std::int64_t time_at(const TableRead& open, int column) {
    return DatumGetTimestampTz(column_value(open.slot, column)) + unix_to_postgres_epoch;
}

// What a row of recent_event says of itself, and is not so; empty: all is.
std::string contradiction(const TableRead& open, const Generations& live, std::string_view code, std::string_view customer) {
    const std::int32_t generation = DatumGetInt32(column_value(open.slot, recent_generation));
    if (std::find(live.numbers, live.numbers + live.count, generation) == live.numbers + live.count)
        return "it lies in generation " + std::to_string(generation) + ", which no question visits";
    if (DatumGetInt32(column_value(open.slot, recent_code_hash)) != hash32(code)) return "its code_hash is not its code's";
    if (DatumGetInt32(column_value(open.slot, recent_customer_hash)) != hash32(customer))
        return "its customer_hash is not its customer's";
    return {};
}

void read_recent(std::int32_t wanted, Answer& answer) {
    const Generations live = call_pg([] { return generations_to_read(GetActiveSnapshot()); });
    const TableRead open = call_pg([] { return begin_table(relation_oid("recent_event")); });
    PropertiesReader properties;
    TextArena arena;
    while (call_pg([&] { return next_row(open); })) {
        Place place;
        place.tenant = DatumGetInt32(column_value(open.slot, recent_tenant));
        if (wanted != 0 && place.tenant != wanted) continue;
        MemoryContext const before = MemoryContextSwitchTo(open.memory);
        StoredEvent event;
        event.ts = time_at(open, recent_ts);
        event.seq = DatumGetInt64(column_value(open.slot, recent_seq));
        event.received_at = time_at(open, recent_received_at);
        event.has_import = !column_is_null(open.slot, recent_import);
        if (event.has_import)
            memcpy(event.import_id.data(), DatumGetUUIDP(column_value(open.slot, recent_import))->data,
                   event.import_id.size());
        std::string_view json;
        call_pg([&] {
            place.code = text_at(open, recent_code);
            event.customer_id = text_at(open, recent_customer);
            event.source = text_at(open, recent_source);
            event.event_id = text_at(open, recent_event_id);
            json = text_at(open, recent_properties);
        });
        arena.clear();
        const std::string damage = damage_of([&] { event.properties = properties.read(json, arena); });
        if (!damage.empty()) answer.problem_of_event(place.tenant, event.seq, damage);
        const std::string wrong = contradiction(open, live, place.code, event.customer_id);
        if (!wrong.empty()) answer.problem_of_event(place.tenant, event.seq, wrong);
        answer.event(place, event);
        MemoryContextSwitchTo(before);
    }
    call_pg([&] { end_table(open); });
}

// The imports that a row names, ascending; nothing where one of them is NULL.
std::optional<std::vector<Hash128>> imports_of(const TableRead& open) {
    if (column_is_null(open.slot, segment_imports)) return std::vector<Hash128>();
    struct Elements {
        Datum* values;
        bool* nulls;
        int count;
    };
    const auto elements = call_pg([&] {
        Elements found{};
        deconstruct_array(DatumGetArrayTypeP(column_value(open.slot, segment_imports)), UUIDOID, UUID_LEN, false,
                          TYPALIGN_CHAR, &found.values, &found.nulls, &found.count);
        return found;
    });
    std::vector<Hash128> imports(static_cast<std::size_t>(elements.count));
    for (std::size_t i = 0; i < imports.size(); ++i) {
        if (elements.nulls[i]) return std::nullopt;
        memcpy(imports[i].data(), DatumGetUUIDP(elements.values[i])->data, imports[i].size());
    }
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

// Whether the cuts of which a segment keeps statistics see no others of these rows than the statistics say. Nobody asks as
// of a cut that does not exist.
bool marks_are_true(SegmentReader& segment, std::span<const StoredEvent> rows, const VerifyFacts& facts) {
    for (const SegmentMark& mark : segment.marks()) {
        const CutSight* const cut = facts.find_cut(mark.cut);
        if (cut == nullptr) continue;
        if (cut->last_seq != mark.last_seq) return false;
        for (const StoredEvent& row : rows)
            if (row.seq <= mark.last_seq && cut->unseen.holds(row.seq)) return false;
    }
    return true;
}

void put_events(const Place& place, SegmentReader& segment, std::uint64_t weight, Answer& answer) {
    std::vector<StoredEvent> events(segment_block_rows);
    TextArena arena;
    std::uint64_t sum = 0;
    bool right_marks = true;
    for (std::uint32_t begin = 0; begin < segment.rows(); begin += segment_block_rows) {
        const std::uint32_t end = std::min(begin + segment_block_rows, segment.rows());
        check_interrupts();
        arena.clear();
        segment.read_events(begin, end, events.data(), arena);
        right_marks = right_marks && marks_are_true(segment, std::span(events).first(end - begin), answer.facts());
        for (std::uint32_t i = 0; i < end - begin; ++i) {
            sum += event_weight(events[i]);
            answer.event(place, events[i]);
        }
    }
    if (!right_marks)
        answer.problem_of_segment(place.tenant, place.segment, "its statistics of a cut are not what the cut sees");
    if (sum != weight) answer.problem_of_segment(place.tenant, place.segment, "its weight is not the one that its row says");
}

void read_partition(Oid partition, std::int32_t wanted, Answer& answer) {
    const TableRead open = call_pg([&] { return begin_table(partition); });
    while (call_pg([&] { return next_row(open); })) {
        const auto value = [&](SegmentColumn column) { return column_value(open.slot, column); };
        Place place;
        place.tenant = DatumGetInt32(value(segment_tenant));
        if (wanted != 0 && place.tenant != wanted) continue;
        place.segment = DatumGetInt64(value(segment_id));
        MemoryContext const before = MemoryContextSwitchTo(open.memory);
        place.code = call_pg([&] { return text_at(open, segment_code); });
        std::string wrong;
        const std::string damage = damage_of([&] {
            PgSegmentBytes bytes(value(segment_data));
            SegmentReader segment(bytes);
            segment.check(check_interrupts);
            wrong = contradiction(open, segment);
            put_events(place, segment, static_cast<std::uint64_t>(DatumGetInt64(value(segment_weight))), answer);
        });
        if (!damage.empty()) answer.problem_of_segment(place.tenant, place.segment, damage);
        if (!wrong.empty()) answer.problem_of_segment(place.tenant, place.segment, wrong);
        MemoryContextSwitchTo(before);
    }
    call_pg([&] { end_table(open); });
}

}  // namespace
}  // namespace tally

// tally._stored_events(tenant_id integer) -> setof (tenant_id, identity, month, seq, segment_id, problem, payload,
// payload_untimed, ts, code, customer_id, import_id); NULL: of all
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
        answer.problems_of_cuts(wanted);
    });
    PG_RETURN_NULL();
}
