// Events in SQL: the list and the lookups behind the REST API, and tally.events for everybody.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/base/public_id.hpp"
#include "pg/border/gate.hpp"
#include "pg/usage/event_history.hpp"
#include "pg/usage/event_json.hpp"
#include "pg/usage/events.hpp"
#include "pg/usage/pass.hpp"

#include "pg/border/rows.hpp"
#include "pg/usage/arguments.hpp"
#include "pg/usage/as_of.hpp"
#include "pg/usage/store.hpp"

namespace {

using namespace tally;

constexpr std::size_t max_by_id = 1000;

std::int32_t tenant_argument(FunctionCallInfo fcinfo) {
    return call_pg([&] { return tenant_for_caller(PG_GETARG_INT32(0)); });
}

std::int64_t time_argument(FunctionCallInfo fcinfo, int number, std::int64_t absent) {
    return PG_ARGISNULL(number) ? absent : to_unix(PG_GETARG_TIMESTAMPTZ(number));
}

pg_uuid_t uuid_of(const Hash128& bytes) {
    pg_uuid_t uuid;
    std::memcpy(uuid.data, bytes.data(), bytes.size());
    return uuid;
}

// Rows are made in a context of their own, reset before the next.
class EventRows {
public:
    explicit EventRows(FunctionCallInfo fcinfo) {
        call_pg([&] {
            info_ = begin_rows(fcinfo);
            memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally event row", ALLOCSET_SMALL_SIZES);
        });
    }

    // As a row of tally.recent_event, wherever it lies.
    void put(std::int32_t tenant, const FoundEvent& event) {
        const std::int32_t code_hash = hash32(event.code), customer_hash = hash32(event.customer_id);
        call_pg([&] {
            MemoryContext const before = start_row();
            pg_uuid_t import = uuid_of(event.import_id);
            const Datum values[] = {Int32GetDatum(0),  // a packed event has left its generation
                                    Int32GetDatum(tenant),
                                    Int32GetDatum(code_hash),
                                    Int32GetDatum(customer_hash),
                                    TimestampTzGetDatum(to_postgres(event.ts)),
                                    Int64GetDatum(event.seq),
                                    TimestampTzGetDatum(to_postgres(event.received_at)),
                                    UUIDPGetDatum(&import),
                                    text_datum(event.code),
                                    text_datum(event.customer_id),
                                    text_datum(event.source),
                                    text_datum(event.event_id),
                                    text_datum(event.properties)};
            bool nulls[sizeof values / sizeof values[0]] = {};
            nulls[7] = !event.has_import;
            end_row(values, nulls, before);
        });
    }

    // As tally.events shows it.
    void put(std::string_view code, const StoredEvent& event, std::string_view properties, bool is_voided) {
        const std::string import = event.has_import ? encode_public_id("imp_", event.import_id) : std::string();
        call_pg([&] {
            MemoryContext const before = start_row();
            const Datum json =
                DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(properties.data(), properties.size())));
            const Datum values[] = {text_datum(event.event_id),
                                    text_datum(code),
                                    text_datum(event.customer_id),
                                    text_datum(event.source),
                                    TimestampTzGetDatum(to_postgres(event.ts)),
                                    TimestampTzGetDatum(to_postgres(event.received_at)),
                                    json,
                                    text_datum(import),
                                    Int64GetDatum(event.seq),
                                    BoolGetDatum(is_voided)};
            bool nulls[sizeof values / sizeof values[0]] = {};
            nulls[7] = !event.has_import;
            end_row(values, nulls, before);
        });
    }

    void close() {
        call_pg([&] { MemoryContextDelete(memory_); });
    }

private:
    MemoryContext start_row() const {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(memory_);
        return MemoryContextSwitchTo(memory_);
    }
    void end_row(const Datum* values, const bool* nulls, MemoryContext before) const {
        tuplestore_putvalues(info_->setResult, info_->setDesc, const_cast<Datum*>(values), const_cast<bool*>(nulls));
        MemoryContextSwitchTo(before);
    }

    ReturnSetInfo* info_ = nullptr;
    MemoryContext memory_ = nullptr;
};

// Every event at once, in the order in which they are read: memory is the tuplestore's, which spills.
class EveryEvent : public EventTaker {
public:
    bool wants(std::int64_t, std::int64_t) const noexcept override { return true; }
    std::int64_t oldest() const noexcept override { return INT64_MIN; }
};

// As rows of tally.recent_event.
class StoredRows final : public EveryEvent {
public:
    StoredRows(EventRows& rows, std::int32_t tenant) : rows_(rows), tenant_(tenant) {}
    void take(std::string_view code, const StoredEvent& event, std::string_view properties) override {
        rows_.put(tenant_,
                  {std::string(code), std::string(event.customer_id), std::string(event.source), std::string(event.event_id),
                   std::string(properties), event.ts, event.received_at, event.seq, event.has_import, event.import_id});
    }

private:
    EventRows& rows_;
    std::int32_t tenant_;
};

class PublicEvents final : public EveryEvent {
public:
    PublicEvents(EventRows& rows, std::int32_t tenant, const KnownAt* known) : rows_(rows), tenant_(tenant), known_(known) {}
    void take(std::string_view code, const StoredEvent& event, std::string_view properties) override {
        rows_.put(code, event, properties, is_voided(code, event.seq));
    }

private:
    // Events come code by code, for the most part.
    bool is_voided(std::string_view code, std::int64_t seq) {
        if (!code_ || *code_ != code) {
            MemoryLimit memory = usage_memory();
            voided_ = voided_seqs(tenant_, code, INT64_MIN, INT64_MAX, memory, known_);
            code_ = code;
        }
        return std::binary_search(voided_.begin(), voided_.end(), seq);
    }

    EventRows& rows_;
    std::int32_t tenant_;
    const KnownAt* known_;
    std::optional<std::string> code_;
    std::vector<std::int64_t> voided_;
};

Datum answer_all(FunctionCallInfo fcinfo, std::int32_t tenant, const EventQuestion& question) {
    EventRows rows(fcinfo);
    StoredRows taker(rows, tenant);
    search_events(tenant, question, taker);
    rows.close();
    return Datum{0};
}

Datum answer_newest(FunctionCallInfo fcinfo, std::int32_t tenant, const EventQuestion& question, std::size_t limit) {
    EventRows rows(fcinfo);
    for (const FoundEvent& event : newest_events(tenant, question, limit, usage_memory())) rows.put(tenant, event);
    rows.close();
    return Datum{0};
}

std::string lowered(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
}

// What the functions that list are asked.
EventQuestion list_question(FunctionCallInfo fcinfo) {
    EventQuestion question;
    question.code = text_argument(fcinfo, 1);
    question.customer = text_argument(fcinfo, 2);
    question.source = text_argument(fcinfo, 3);
    question.from = time_argument(fcinfo, 4, INT64_MIN);
    question.to = time_argument(fcinfo, 5, INT64_MAX);
    question.needle = text_argument(fcinfo, 6);
    if (question.needle) question.needle = lowered(*question.needle);
    if (!PG_ARGISNULL(7)) question.before_ts = to_unix(PG_GETARG_TIMESTAMPTZ(7));
    question.before_seq = PG_ARGISNULL(8) ? INT64_MIN : PG_GETARG_INT64(8);
    return question;
}

// The first `limit` events as an array, and the place of the last one of them where there are more.
void answer_page(FunctionCallInfo fcinfo, std::int32_t tenant, const std::vector<FoundEvent>& events, std::size_t limit,
                 const std::optional<AsOf>& as_of, MemoryLimit memory) {
    std::string json = "[";
    const std::span<const FoundEvent> page = std::span(events).first(std::min(limit, events.size()));
    const EventHistories histories(tenant, page, as_of ? std::optional(as_of->id) : std::nullopt);
    EventJson shown(tenant, as_of ? &*as_of : nullptr);
    for (std::size_t i = 0; i < page.size(); ++i) {
        if (i != 0) json += ", ";
        shown.append(json, page[i], histories.of(i));
        memory.require_for_events(json.size());
    }
    shown.close();
    json += ']';
    const bool has_more = events.size() > limit;
    call_pg([&] {
        ReturnSetInfo* const info = begin_rows(fcinfo);
        const FoundEvent* const last = has_more ? &events[limit - 1] : nullptr;
        Datum values[] = {text_datum(json), has_more ? TimestampTzGetDatum(to_postgres(last->ts)) : Datum{0},
                          has_more ? Int64GetDatum(last->seq) : Datum{0}};
        bool nulls[] = {false, !has_more, !has_more};
        tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
    });
}

}  // namespace

// tally._find_events(tenant_id, code, customer_id, source, "from", "to", search, before_ts, before_seq, row_limit, as_of)
TALLY_FUNCTION(find_events) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = tenant_argument(fcinfo);
        EventQuestion question = list_question(fcinfo);
        const std::optional<AsOf> as_of = find_as_of(tenant, text_argument(fcinfo, 10));
        question.known = as_of ? &as_of->known : nullptr;
        if (PG_ARGISNULL(9)) return answer_all(fcinfo, tenant, question);
        return answer_newest(fcinfo, tenant, question, static_cast<std::size_t>(PG_GETARG_INT32(9)));
    });
}

// tally._events_since(tenant_id, code, customer_id, "from", "to", as_of, seqs bigint[])
TALLY_FUNCTION(events_since) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = tenant_argument(fcinfo);
        EventQuestion question;
        question.code = text_argument(fcinfo, 1);
        question.customer = text_argument(fcinfo, 2);
        question.from = time_argument(fcinfo, 3, INT64_MIN);
        question.to = time_argument(fcinfo, 4, INT64_MAX);
        const std::optional<AsOf> as_of = find_as_of(tenant, text_argument(fcinfo, 5));
        question.unknown = as_of ? &as_of->known : nullptr;
        question.also = call_pg([&] {
            ArrayType* const seqs = PG_ARGISNULL(6) ? nullptr : PG_GETARG_ARRAYTYPE_P(6);
            if (seqs == nullptr || array_contains_nulls(seqs)) refuse_argument("seqs", "seqs must not be NULL");
            const int count = ArrayGetNItems(ARR_NDIM(seqs), ARR_DIMS(seqs));
            return std::span(reinterpret_cast<const std::int64_t*>(ARR_DATA_PTR(seqs)), static_cast<std::size_t>(count));
        });
        return answer_all(fcinfo, tenant, question);
    });
}

// tally._list_events(the same as _find_events) -> data json, last_ts, last_seq
TALLY_FUNCTION(list_events) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = tenant_argument(fcinfo);
        EventQuestion question = list_question(fcinfo);
        const auto limit = static_cast<std::size_t>(PG_GETARG_INT32(9));
        const std::optional<AsOf> as_of = find_as_of(tenant, text_argument(fcinfo, 10));
        question.known = as_of ? &as_of->known : nullptr;
        // One more than asked for tells whether there is another page.
        const MemoryLimit memory = usage_memory();
        const std::vector<FoundEvent> events = newest_events(tenant, question, limit + 1, memory);
        answer_page(fcinfo, tenant, events, limit, as_of, memory);
        return Datum{0};
    });
}

// tally._events_by_id(tenant_id, event_id, customer_id, source, as_of)
TALLY_FUNCTION(events_by_id) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = tenant_argument(fcinfo);
        EventQuestion question;
        question.event_id = text_argument(fcinfo, 1);
        question.customer = text_argument(fcinfo, 2);
        question.source = text_argument(fcinfo, 3);
        const std::optional<AsOf> as_of = find_as_of(tenant, text_argument(fcinfo, 4));
        question.known = as_of ? &as_of->known : nullptr;
        return answer_newest(fcinfo, tenant, question, question.event_id ? max_by_id : 0);
    });
}

// tally._events_of_import(tenant_id, import_id uuid)
TALLY_FUNCTION(events_of_import) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = tenant_argument(fcinfo);
        EventQuestion question;
        Hash128 import;
        std::memcpy(import.data(), PG_GETARG_UUID_P(1)->data, import.size());
        question.import_id = import;
        return answer_all(fcinfo, tenant, question);
    });
}

// tally.events(code, "from", "to", customer, start_date, end_date, as_of) -> rows; NULL asks for any
TALLY_FUNCTION(events) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = call_pg([] { return tenant_for_caller(); });
        EventQuestion question;
        question.code = text_argument(fcinfo, 0);
        question.from = time_argument(fcinfo, either_argument(fcinfo, 1, 4, "from", "start_date"), INT64_MIN);
        question.to = time_argument(fcinfo, either_argument(fcinfo, 2, 5, "to", "end_date"), INT64_MAX);
        question.customer = text_argument(fcinfo, 3);
        const std::optional<AsOf> as_of = find_as_of(tenant, text_argument(fcinfo, 6));
        question.known = as_of ? &as_of->known : nullptr;
        EventRows rows(fcinfo);
        PublicEvents taker(rows, tenant, question.known);
        search_events(tenant, question, taker);
        rows.close();
        return Datum{0};
    });
}
