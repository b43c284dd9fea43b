// Segments are listed before any is read: a copy of a value's toast pointer is all that is kept of each.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "pg/usage/events.hpp"

#include "pg/segment/columns.hpp"
#include "pg/segment/generation.hpp"
#include "pg/segment/segment_bytes.hpp"
#include "pg/usage/segments.hpp"

namespace tally {
namespace {

struct RecentRow {
    std::string_view code, properties;
    StoredEvent event;
};

// Calls PostgreSQL. Views lie in the slot or in the current memory context.
void read_row(TupleTableSlot* slot, RecentRow& row) {
    bool is_null = false;
    const auto text_at = [&](AttrNumber column) {
        return view_of(reinterpret_cast<text*>(PG_DETOAST_DATUM_PACKED(slot_getattr(slot, column, &is_null))));
    };
    StoredEvent& event = row.event;
    row.code = text_at(recent_code);
    row.properties = text_at(recent_properties);
    event.customer_id = text_at(recent_customer);
    event.source = text_at(recent_source);
    event.event_id = text_at(recent_event_id);
    event.ts = to_unix(DatumGetTimestampTz(slot_getattr(slot, recent_ts, &is_null)));
    event.received_at = to_unix(DatumGetTimestampTz(slot_getattr(slot, recent_received_at, &is_null)));
    event.seq = DatumGetInt64(slot_getattr(slot, recent_seq, &is_null));
    const Datum import = slot_getattr(slot, recent_import, &is_null);
    event.has_import = !is_null;
    if (!is_null) std::memcpy(event.import_id.data(), DatumGetUUIDP(import)->data, event.import_id.size());
}

int recent_keys(ScanKey keys, std::int32_t generation, std::int32_t tenant, const EventQuestion& question) {
    int count = 0;
    ScanKeyInit(&keys[count++], recent_generation, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(generation));
    ScanKeyInit(&keys[count++], recent_tenant, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
    if (question.code)
        ScanKeyInit(&keys[count++], recent_code_hash, BTEqualStrategyNumber, F_INT4EQ,
                    Int32GetDatum(hash32(*question.code)));
    if (question.customer)
        ScanKeyInit(&keys[count++], recent_customer_hash, BTEqualStrategyNumber, F_INT4EQ,
                    Int32GetDatum(hash32(*question.customer)));
    return count + range_keys(&keys[count], recent_ts, to_postgres(question.from), to_postgres(question.end()));
}

struct ListedSegment {
    std::int64_t last_ts;
    std::int64_t segment_id;
    std::string code;
    Datum data;
};

std::vector<ListedSegment> list_segments(Segments& segments, const EventQuestion& question) {
    std::vector<ListedSegment> list;
    segments.scan(question.code ? std::optional<std::string_view>(*question.code) : std::nullopt);
    SegmentRow row;
    while (segments.next(row)) {
        if (question.customer && (*question.customer < row.first_customer || *question.customer > row.last_customer))
            continue;
        list.push_back(
            {row.last_ts, row.segment_id, std::string(row.code), call_pg([&] { return datumCopy(row.data, false, -1); })});
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const ListedSegment& left, const ListedSegment& right) { return left.last_ts > right.last_ts; });
    return list;
}

// Segments one after the other, each with memory of its own for what is fetched of it.
class SegmentPass {
public:
    SegmentPass()
        : memory_(call_pg([] {
              return AllocSetContextCreate(CurrentMemoryContext, "tally segment columns", ALLOCSET_DEFAULT_SIZES);
          })) {}

    template <typename Body>
    void with(const ListedSegment& listed, Body&& body) {
        call_pg([] { CHECK_FOR_INTERRUPTS(); });
        MemoryContext const before = MemoryContextSwitchTo(memory_);
        PgSegmentBytes bytes(listed.data, listed.segment_id);
        SegmentReader segment(bytes);
        body(segment);
        MemoryContextSwitchTo(before);
        call_pg([&] { MemoryContextReset(memory_); });
    }
    void close() {
        call_pg([&] { MemoryContextDelete(memory_); });
    }

private:
    MemoryContext memory_;
};

// Answers what was searched, in the order of the numbers that places hold.
std::vector<ListedSegment> search_all(Segments& segments, std::int32_t tenant, const EventQuestion& question,
                                      EventTaker& taker, SegmentPass& pass) {
    search_recent(tenant, question, taker);
    std::vector<ListedSegment> list = list_segments(segments, question);
    for (std::uint32_t i = 0; i < list.size() && list[i].last_ts >= taker.oldest(); ++i)
        pass.with(list[i], [&](SegmentReader& segment) { search_segment(segment, list[i].code, question, taker, i); });
    return list;
}

}  // namespace

void search_recent(std::int32_t tenant, const EventQuestion& question, EventTaker& taker) {
    IndexReader reader("recent_event", "recent_event_pkey");
    MemoryContext const memory =
        call_pg([] { return AllocSetContextCreate(CurrentMemoryContext, "tally recent event", ALLOCSET_SMALL_SIZES); });
    const Generations live = call_pg([] { return generations_to_read(GetActiveSnapshot()); });
    PropertiesReader properties;
    TextArena arena;
    RecentRow row;
    for (int i = 0; i < live.count; ++i) {
        ScanKeyData keys[6];
        reader.scan(keys, call_pg([&] { return recent_keys(keys, live.numbers[i], tenant, question); }));
        while (TupleTableSlot* const slot = reader.next()) {
            call_pg([&] {
                MemoryContextReset(memory);
                MemoryContext const before = MemoryContextSwitchTo(memory);
                read_row(slot, row);
                MemoryContextSwitchTo(before);
            });
            if ((question.code && row.code != *question.code) ||
                (question.customer && row.event.customer_id != *question.customer) ||
                !taker.wants(row.event.ts, row.event.seq))
                continue;
            arena.clear();
            row.event.properties = {};
            if (question.needle) row.event.properties = properties.read(row.properties, arena);
            if (is_asked_for(question, row.code, row.event)) taker.take(row.code, row.event, row.properties);
        }
    }
    reader.close();
    call_pg([&] { MemoryContextDelete(memory); });
}

void visit_segments(std::int32_t tenant, const EventQuestion& question,
                    const std::function<void(SegmentReader& segment, std::string_view code)>& visit) {
    Segments segments(tenant, question.from, question.to);
    SegmentPass pass;
    for (const ListedSegment& listed : list_segments(segments, question))
        pass.with(listed, [&](SegmentReader& segment) { visit(segment, listed.code); });
    pass.close();
    segments.close();
}

void search_events(std::int32_t tenant, const EventQuestion& question, EventTaker& taker) {
    Segments segments(tenant, question.from, question.to);
    SegmentPass pass;
    search_all(segments, tenant, question, taker, pass);
    pass.close();
    segments.close();
}

std::vector<FoundEvent> newest_events(std::int32_t tenant, const EventQuestion& question, std::size_t limit,
                                      MemoryLimit memory) {
    NewestEvents newest(limit, memory);
    Segments segments(tenant, question.from, question.to);
    SegmentPass pass;
    const std::vector<ListedSegment> list = search_all(segments, tenant, question, newest, pass);
    const std::vector<EventPlace> places = newest.places();
    for (std::size_t first = 0, last = 0; first < places.size(); first = last) {
        while (last < places.size() && places[last].segment == places[first].segment) ++last;
        const ListedSegment& listed = list[places[first].segment];
        pass.with(listed, [&](SegmentReader& segment) {
            make_events(segment, listed.code, std::span(places).subspan(first, last - first), newest);
        });
    }
    pass.close();
    segments.close();
    return newest.release();
}

}  // namespace tally
