// Erasing of a customer's personal data from packed events, a segment at a time: each that holds such an event is replaced
// by others with the same events less what is erased, in the caller's transaction. The caller holds the locks of the
// piles, so nothing else moves these events; loose segments stay loose under their new numbers.
//
// Amounts of memory are those of one segment.
#include <algorithm>
#include <optional>

#include "core/base/hash128.hpp"
#include "core/event/erasure.hpp"
#include "core/event/event_check.hpp"
#include "core/metric/rule.hpp"
#include "core/segment/cut.hpp"
#include "core/segment/reader.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"
#include "pg/segment/cuts.hpp"
#include "pg/segment/owner_step.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/segment_rows.hpp"
#include "pg/segment/statement.hpp"
#include "pg/usage/arguments.hpp"

namespace tally {
namespace {

// Names to erase; where they are NULL, all but the kept ones.
Erasure erasure_arguments(FunctionCallInfo fcinfo, int erased, int kept) {
    const bool all_but = PG_ARGISNULL(erased);
    std::vector<std::string> names;
    for (const std::optional<std::string>& name : texts_argument(fcinfo, all_but ? kept : erased))
        if (name) names.push_back(*name);
    return {std::move(names), all_but};
}

struct Forgetting {
    std::int32_t tenant_id = 0;
    std::string code;
    std::string customer;
    Erasure erasure;
    bool event_ids = false;
};

struct FoundSegment {
    StoredSegment segment;
    std::int32_t month = 0;
    bool is_loose = false;
};

std::vector<FoundSegment> find_segments(const Forgetting& wanted) {
    call_pg([&] {
        run_now(
            "SELECT s.tableoid, s.ctid, s.segment_id, s.month, EXISTS (SELECT FROM tally.loose_segment l"
            " WHERE l.tenant_id = $1 AND l.code_hash = $4 AND l.segment_id = s.segment_id)"
            " FROM tally.segment s WHERE s.tenant_id = $1 AND s.code = $2"
            " AND s.first_customer <= $3 COLLATE \"C\" AND s.last_customer >= $3 COLLATE \"C\" ORDER BY s.month, "
            "s.segment_id",
            {{INT4OID, Int32GetDatum(wanted.tenant_id)},
             {TEXTOID, text_datum(wanted.code)},
             {TEXTOID, text_datum(wanted.customer)},
             {INT4OID, Int32GetDatum(hash32(wanted.code))}},
            SPI_OK_SELECT);
    });
    std::vector<FoundSegment> found(SPI_processed);
    for (std::uint64_t row = 0; row < found.size(); ++row) {
        call_pg([&] {
            found[row].segment.partition = DatumGetObjectId(answer(row, 1));
            ItemPointerCopy(reinterpret_cast<ItemPointer>(DatumGetPointer(answer(row, 2))), &found[row].segment.place);
            found[row].segment.segment_id = DatumGetInt64(answer(row, 3));
            found[row].month = month_of_date(DatumGetDateADT(answer(row, 4)));
            found[row].is_loose = DatumGetBool(answer(row, 5));
        });
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
    return found;
}

// Takes out of an event what is erased; false: it holds nothing of that.
bool erase_from(StoredEvent& event, const Forgetting& wanted, TextArena& arena, FieldBytes& scratch) {
    bool changed = false;
    if (wanted.erasure.erases_any(event.properties)) {
        event.properties = wanted.erasure.rest(event.properties, arena);
        changed = true;
    }
    if (wanted.event_ids && !erased_identity(event.event_id)) {
        event.event_id = arena.keep(
            erased_event_id(event_identity(wanted.tenant_id, event.customer_id, event.source, event.event_id, scratch)));
        changed = true;
    }
    return changed;
}

void replace(const FoundSegment& old, const Forgetting& wanted, std::vector<StoredEvent>& events) {
    const SegmentKey key{wanted.tenant_id, wanted.code, old.month};
    const std::int32_t code_hash = hash32(wanted.code);
    const std::vector<KnownAt> cuts = cuts_among(wanted.tenant_id, events);
    cut_events(
        events,
        [&](const Segment& segment, std::uint64_t weight) {
            const std::int64_t segment_id = insert_segment(key, segment, weight);
            if (old.is_loose) note_loose(key, code_hash, segment_id);
        },
        check_interrupts, cuts);
    delete_segment(old.segment);
    if (!old.is_loose) return;
    call_pg([&] {
        run_now("DELETE FROM tally.loose_segment l WHERE l.tenant_id = $1 AND l.code_hash = $2 AND l.segment_id = $3",
                {{INT4OID, Int32GetDatum(wanted.tenant_id)},
                 {INT4OID, Int32GetDatum(code_hash)},
                 {INT8OID, Int64GetDatum(old.segment.segment_id)}},
                SPI_OK_DELETE);
    });
}

// How many events of the segment were changed.
std::int64_t forget_in(const FoundSegment& found, const Forgetting& wanted) {
    SegmentInMemory bytes(segment_bytes(found.segment));
    SegmentReader reader(bytes);
    const std::optional<std::uint32_t> customer = reader.find_customer(wanted.customer);
    if (!customer) return 0;
    std::vector<StoredEvent> events(reader.rows());
    TextArena arena;
    FieldBytes scratch;
    reader.read_events(0, reader.rows(), events.data(), arena);
    const RowRange run = reader.run(*customer);
    std::int64_t changed = 0;
    for (std::uint32_t row = run.begin; row < run.end; ++row) changed += erase_from(events[row], wanted, arena, scratch);
    if (changed > 0) replace(found, wanted, events);
    return changed;
}

std::int64_t forget_packed(const Forgetting& wanted) {
    MemoryContext const memory = call_pg(
        [] { return AllocSetContextCreate(CurrentMemoryContext, "tally forgotten segment", ALLOCSET_DEFAULT_SIZES); });
    std::int64_t changed = 0;
    for (const FoundSegment& found : find_segments(wanted)) {
        MemoryContext const before = MemoryContextSwitchTo(memory);
        changed += forget_in(found, wanted);
        MemoryContextSwitchTo(before);
        call_pg([&] {
            MemoryContextReset(memory);
            CHECK_FOR_INTERRUPTS();
        });
    }
    call_pg([&] { MemoryContextDelete(memory); });
    return changed;
}

Datum text_array(const std::vector<std::string_view>& texts) {
    return call_pg([&] {
        auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (texts.size() + 1)));
        for (std::size_t i = 0; i < texts.size(); ++i) values[i] = text_datum(texts[i]);
        return PointerGetDatum(construct_array(values, static_cast<int>(texts.size()), TEXTOID, -1, false, TYPALIGN_INT));
    });
}

}  // namespace
}  // namespace tally

// tally._forget_packed(tenant_id, code, customer, erased, kept, event_ids) -> bigint: how many packed events were changed
TALLY_FUNCTION(forget_packed) {
    using namespace tally;
    require_arguments(fcinfo, 3);
    return Int64GetDatum(as_owner([&] {
        return forget_packed({PG_GETARG_INT32(0), *text_argument(fcinfo, 1), *text_argument(fcinfo, 2),
                              erasure_arguments(fcinfo, 3, 4), flag_argument(fcinfo, 5)});
    }));
}

// tally._erased_names(properties json, erased, kept) -> text[]: which properties of the event are erased
TALLY_FUNCTION(erased_names) {
    using namespace tally;
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    return guarded([&]() -> Datum {
        PropertiesReader reader;
        TextArena arena;
        const Erasure erasure = erasure_arguments(fcinfo, 1, 2);
        std::vector<std::string_view> names;
        for (const Property& property : reader.read(call_pg([&] { return view_of(PG_GETARG_TEXT_PP(0)); }), arena))
            if (erasure.erases(property.key)) names.push_back(property.key);
        return text_array(names);
    });
}

// tally._without(properties json, erased, kept) -> json: the properties that are not erased
TALLY_FUNCTION(without) {
    using namespace tally;
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    return guarded([&]() -> Datum {
        PropertiesReader reader;
        TextArena arena;
        const Erasure erasure = erasure_arguments(fcinfo, 1, 2);
        std::string json;
        append_properties(json,
                          erasure.rest(reader.read(call_pg([&] { return view_of(PG_GETARG_TEXT_PP(0)); }), arena), arena));
        return call_pg([&] { return text_datum(json); });
    });
}

// tally._metric_properties(metric tally.metric) -> text[]: which properties of events its values depend on
TALLY_FUNCTION(metric_properties) {
    using namespace tally;
    return guarded([&]() -> Datum {
        const MetricRule rule(definition_of_row(call_pg([&] { return PG_GETARG_HEAPTUPLEHEADER(0); })), {}, {});
        std::vector<std::string_view> names;
        for (const PropertyKey& key : rule.keys()) {
            names.push_back(key.property());
            if (key.is_path() && key.may_be_name()) names.push_back(key.text());
        }
        return text_array(names);
    });
}

// tally._key_property(key text) -> text: the property in which a key begins
TALLY_FUNCTION(key_property) {
    using namespace tally;
    return guarded([&]() -> Datum {
        std::string problem;
        const PropertyKey key = PropertyKey::read(call_pg([&] { return view_of(PG_GETARG_TEXT_PP(0)); }), problem);
        return call_pg([&] { return text_datum(key.property()); });
    });
}
