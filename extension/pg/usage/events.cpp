// Segments are listed before any is read: a copy of a value's toast pointer is all that is kept of each.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "pg/usage/pass.hpp"
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
        if (!question.may_hold_seqs(row.first_seq, row.last_seq)) continue;
        list.push_back(
            {row.last_ts, row.segment_id, std::string(row.code), call_pg([&] { return datumCopy(row.data, false, -1); })});
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const ListedSegment& left, const ListedSegment& right) { return left.last_ts > right.last_ts; });
    return list;
}

// Without a beginning it begins at the edge of retention, in every place.
EventQuestion asked_of_kept(const EventQuestion& asked, const Segments& segments) {
    EventQuestion question = asked;
    question.from = segments.from();
    return question;
}

// A segment while it is open, with memory of its own for what is fetched of it.
class OpenSegment {
public:
    explicit OpenSegment(const ListedSegment& listed)
        : memory_(call_pg([] {
              CHECK_FOR_INTERRUPTS();
              return AllocSetContextCreate(CurrentMemoryContext, "tally segment columns", ALLOCSET_DEFAULT_SIZES);
          })),
          before_(MemoryContextSwitchTo(memory_)),  // a compressed value is unpacked into the current one
          bytes_(listed.data, listed.segment_id),
          segment_(bytes_) {
        MemoryContextSwitchTo(before_);
    }

    SegmentReader& segment() noexcept { return segment_; }
    // What is held of it: by the reader, where its bytes are kept for other questions, or else in its memory.
    std::size_t held_bytes() const {
        const Size fetched = call_pg([&] { return MemoryContextMemAllocated(memory_, false); });
        return std::max(fetched, segment_.held_bytes());
    }
    void close() {
        call_pg([&] { MemoryContextDelete(memory_); });
    }

private:
    MemoryContext memory_, before_;
    PgSegmentBytes bytes_;
    SegmentReader segment_;
};

template <typename Visit>
void visit_segment(const ListedSegment& listed, Visit&& visit) {
    OpenSegment open(listed);
    visit(open.segment());
    open.close();
}

// Searches segments side by side: whichever may have the newest event goes next, with one block of it, so that nothing is
// read that is older than what is kept in the end. Where hardly any event is wanted, one segment after the other is, so
// that no more than one is open; and where those that are open hold as much as the answer may, one that asks for more is
// searched to its end and closed: that reads more than is needed, but holds no more.
class NewestFirst {
public:
    NewestFirst(const std::vector<ListedSegment>& list, const EventQuestion& question, NewestEvents& newest)
        : list_(list), question_(question), newest_(newest), open_(list.size()) {
        const bool is_rare = question.needle || question.source || question.event_id || question.import_id;
        most_open_ = is_rare ? 0 : 256;
        most_held_ = usage_memory_bytes();
    }

    void search() {
        // Listed by descending last_ts, which is a heap already.
        for (std::uint32_t i = 0; i < list_.size(); ++i) waiting_.push_back({list_[i].last_ts, i});
        while (!waiting_.empty() && waiting_.front().ts >= newest_.oldest()) {
            std::pop_heap(waiting_.begin(), waiting_.end());
            const std::uint32_t number = waiting_.back().number;
            waiting_.pop_back();
            advance(number);
        }
    }

    void make_found() {
        const std::vector<EventPlace> places = newest_.places();
        for (std::size_t first = 0, last = 0; first < places.size(); first = last) {
            const std::uint32_t number = places[first].segment;
            while (last < places.size() && places[last].segment == number) ++last;
            const auto make = [&](SegmentReader& segment) {
                make_events(segment, list_[number].code, std::span(places).subspan(first, last - first), newest_);
            };
            if (open_[number]) {
                make(open_[number]->segment.segment());
            } else {
                visit_segment(list_[number], make);
            }
        }
    }
    void close() {
        for (std::uint32_t i = 0; i < open_.size(); ++i)
            if (open_[i]) close(i);
    }

private:
    struct Open {
        Open(const ListedSegment& listed, const EventQuestion& question, EventTaker& taker, std::uint32_t number)
            : segment(listed), search(segment.segment(), listed.code, question, taker, number) {}
        OpenSegment segment;
        SegmentSearch search;
        std::size_t held = 0;  // when it was last looked
    };
    struct Waiting {
        std::int64_t ts;
        std::uint32_t number;
        bool operator<(const Waiting& other) const noexcept { return ts < other.ts; }
    };

    void advance(std::uint32_t number) {
        if (open_[number]) {
            call_pg([] { CHECK_FOR_INTERRUPTS(); });
            open_[number]->search.search_next();
        } else {
            open_[number] = std::make_unique<Open>(list_[number], question_, newest_, number);
            ++opened_;
        }
        note_held(*open_[number]);
        if (opened_ > most_open_ || held_ > most_held_)
            while (open_[number]->search.has_next()) open_[number]->search.search_next();
        if (!open_[number]->search.has_next()) {
            close(number);
            return;
        }
        waiting_.push_back({open_[number]->search.next_ts(), number});
        std::push_heap(waiting_.begin(), waiting_.end());
    }

    void note_held(Open& open) {
        constexpr std::size_t of_search = segment_block_rows * 32;  // numbers of the block that is being searched
        const std::size_t held = open.segment.held_bytes() + of_search;
        held_ += held - open.held;
        open.held = held;
    }

    void close(std::uint32_t number) {
        held_ -= open_[number]->held;
        open_[number]->segment.close();
        open_[number].reset();
        --opened_;
    }

    const std::vector<ListedSegment>& list_;
    const EventQuestion& question_;
    NewestEvents& newest_;
    std::vector<std::unique_ptr<Open>> open_;  // by the place in the list; null where it is not open
    std::vector<Waiting> waiting_;             // a heap: the newest on top
    std::size_t opened_ = 0, most_open_;
    std::size_t held_ = 0, most_held_;
};

}  // namespace

void search_recent(std::int32_t tenant, const EventQuestion& question, EventTaker& taker) {
    IndexReader reader("recent_event", "recent_event_pkey");
    MemoryContext const memory =
        call_pg([] { return AllocSetContextCreate(CurrentMemoryContext, "tally recent event", ALLOCSET_SMALL_SIZES); });
    const Generations live = call_pg([] { return generations_to_read(GetActiveSnapshot()); });
    PropertiesReader properties;
    TextArena arena;
    RecentRow row;
    const auto is_wanted = [&](IndexTuple entry, TupleDesc shape) {
        bool is_null = false;
        const std::int64_t ts = to_unix(DatumGetTimestampTz(index_getattr(entry, recent_ts, shape, &is_null)));
        const std::int64_t seq = DatumGetInt64(index_getattr(entry, recent_seq, shape, &is_null));
        return question.holds(ts, seq) && taker.wants(ts, seq);
    };
    for (int i = 0; i < live.count; ++i) {
        ScanKeyData keys[6];
        // Of a customer's events the newest come first where only the newest stay.
        reader.scan_entries(keys, call_pg([&] { return recent_keys(keys, live.numbers[i], tenant, question); }),
                            taker.takes_places());
        while (TupleTableSlot* const slot = reader.next_of(is_wanted)) {
            call_pg([&] {
                MemoryContextReset(memory);
                MemoryContext const before = MemoryContextSwitchTo(memory);
                read_row(slot, row);
                MemoryContextSwitchTo(before);
            });
            if ((question.code && row.code != *question.code) ||
                (question.customer && row.event.customer_id != *question.customer))
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

void visit_segments(std::int32_t tenant, const EventQuestion& asked,
                    const std::function<void(SegmentReader& segment, std::string_view code)>& visit) {
    Segments segments(tenant, asked.from, asked.to);
    const EventQuestion question = asked_of_kept(asked, segments);
    for (const ListedSegment& listed : list_segments(segments, question))
        visit_segment(listed, [&](SegmentReader& segment) { visit(segment, listed.code); });
    segments.close();
}

void search_events(std::int32_t tenant, const EventQuestion& asked, EventTaker& taker) {
    Segments segments(tenant, asked.from, asked.to);
    const EventQuestion question = asked_of_kept(asked, segments);
    search_recent(tenant, question, taker);
    for (const ListedSegment& listed : list_segments(segments, question))
        visit_segment(listed, [&](SegmentReader& segment) { search_segment(segment, listed.code, question, taker); });
    segments.close();
}

std::vector<FoundEvent> newest_events(std::int32_t tenant, const EventQuestion& asked, std::size_t limit,
                                      MemoryLimit memory) {
    NewestEvents newest(limit, memory);
    Segments segments(tenant, asked.from, asked.to);
    const EventQuestion question = asked_of_kept(asked, segments);
    search_recent(tenant, question, newest);
    const std::vector<ListedSegment> list = list_segments(segments, question);
    NewestFirst pass(list, question, newest);
    pass.search();
    pass.make_found();
    pass.close();
    segments.close();
    return newest.release();
}

}  // namespace tally
