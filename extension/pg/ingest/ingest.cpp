// SQL faces of ingest for one document of events and for one event: tally.ingest, tally.record, and tally._ingest for
// functions of ours that have a tenant already.
#include "core/base/json_string.hpp"
#include "core/base/rfc3339.hpp"
#include "core/ingest/ingest_answer.hpp"
#include "core/ingest/ingest_batch.hpp"

#include <cstring>
#include <string>

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/ingest_session.hpp"

extern "C" Datum tally_uuid7(PG_FUNCTION_ARGS);

namespace {

enum {
    index_column,
    event_id_column,
    verdict_column,
    reason_column,
    field_column,
    unmatched_column,
    details_column,
    most_columns
};

// What became of an event, as columns from index to details; with as many of them as the function has.
void set_columns(const tally::BatchEvent& event, Datum* values, bool* nulls) {
    for (int i = 0; i < most_columns; ++i) nulls[i] = true;
    const auto set = [&](int column, Datum value) {
        values[column] = value;
        nulls[column] = false;
    };
    if (event.event != nullptr) set(index_column, Int32GetDatum(static_cast<int>(event.index)));
    if (has_shown_id(event)) set(event_id_column, tally::text_datum(event.event->event_id));
    const std::string_view verdict = verdict_name(event.verdict);
    if (!verdict.empty()) set(verdict_column, tally::text_datum(verdict));
    if (!event.reason.empty()) set(reason_column, tally::text_datum(event.reason));
    if (!event.field.empty()) set(field_column, tally::text_datum(event.field));
    set(unmatched_column, BoolGetDatum(event.is_stored_unmatched()));
}

void put_verdicts(ReturnSetInfo* rows, const tally::IngestBatch& batch) {
    tally::call_pg([&] {
        MemoryContext const per_row = AllocSetContextCreate(CurrentMemoryContext, "pgtally verdict", ALLOCSET_SMALL_SIZES);
        MemoryContext const caller = MemoryContextSwitchTo(per_row);
        Datum values[most_columns] = {};
        bool nulls[most_columns] = {};
        for (const tally::BatchEvent& event : batch.events()) {
            set_columns(event, values, nulls);
            tuplestore_putvalues(rows->setResult, rows->setDesc, values, nulls);
            MemoryContextReset(per_row);
        }
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(per_row);
    });
}

Datum ingest_document(FunctionCallInfo fcinfo, const text* document, bool allow_backfilling) {
    const tally::IngestSession session = tally::IngestSession::chosen("tally.ingest()");
    ReturnSetInfo* const rows = tally::begin_rows(fcinfo);
    return tally::guarded([&]() -> Datum {
        const tally::WorkspaceLease workspace;
        tally::IngestBatch& batch = workspace->batch;
        batch.begin(session.options(tally::DocumentForm::array, allow_backfilling, false));
        batch.add(document != nullptr ? tally::view_of(document) : std::string_view{}, 0);
        tally::ingest_as(session, *workspace, nullptr);
        put_verdicts(rows, batch);
        fcinfo->isnull = true;
        return 0;
    });
}

const text* text_argument(FunctionCallInfo fcinfo, int argument) {
    return PG_ARGISNULL(argument) ? nullptr : DatumGetTextPP(PG_GETARG_DATUM(argument));
}

// What tally.record was given, as the document that says so.
struct Recorded {
    const text* code;
    const text* customer;
    const char* properties;  // JSON
    const text* event_id;
    std::int64_t ts;  // Unix microseconds
    bool has_ts;
    bool is_ts_in_calendar;
    const text* source;
};

std::string document_of(const Recorded& given) {
    std::string json = "[{\"code\":";
    const auto append = [&json](const text* value) {
        if (value != nullptr) tally::append_json_string(json, tally::view_of(value));
        else json += "null";
    };
    append(given.code);
    json += ",\"customer_id\":";
    append(given.customer);
    json += ",\"event_id\":";
    append(given.event_id);
    json += ",\"source\":";
    append(given.source);
    json += ",\"timestamp\":";
    if (!given.has_ts) json += "null";
    else if (given.is_ts_in_calendar) tally::append_json_string(json, tally::format_rfc3339(given.ts));
    else json += "\"infinity\"";  // no RFC 3339 form: refused with the event
    json += ",\"properties\":";
    json += given.properties != nullptr ? given.properties : "null";
    json += "}]";
    return json;
}

const text* new_event_id() {
    const Datum uuid = DirectFunctionCall1(tally_uuid7, 0);
    return cstring_to_text(DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
}

}  // namespace

// tally.ingest(events text, allow_backfilling boolean) -> setof (index, event_id, verdict, reason, field, unmatched)
TALLY_FUNCTION(ingest_text) {
    return ingest_document(fcinfo, text_argument(fcinfo, 0), !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
}

// tally.ingest(events jsonb, allow_backfilling boolean) -> the same
TALLY_FUNCTION(ingest_jsonb) {
    const text* document = nullptr;
    if (!PG_ARGISNULL(0)) {
        Jsonb* const events = PG_GETARG_JSONB_P(0);
        document = cstring_to_text(JsonbToCString(nullptr, &events->root, VARSIZE(events)));
    }
    return ingest_document(fcinfo, document, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
}

// tally.record(code, customer, properties jsonb, event_id, ts, source, allow_backfilling)
// -> (event_id, verdict, reason, field, unmatched)
TALLY_FUNCTION(record) {
    const tally::IngestSession session = tally::IngestSession::chosen("tally.record()");
    constexpr std::int64_t first_instant = -62'135'596'800'000'000;  // 0001-01-01
    constexpr std::int64_t last_instant = 253'402'300'799'999'999;   // 9999-12-31
    Recorded given{};
    given.code = text_argument(fcinfo, 0);
    given.customer = text_argument(fcinfo, 1);
    if (!PG_ARGISNULL(2)) {
        Jsonb* const properties = PG_GETARG_JSONB_P(2);
        given.properties = JsonbToCString(nullptr, &properties->root, VARSIZE(properties));
    }
    given.event_id = PG_ARGISNULL(3) ? new_event_id() : text_argument(fcinfo, 3);
    given.has_ts = !PG_ARGISNULL(4);
    if (given.has_ts && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(4))) {
        given.ts = PG_GETARG_TIMESTAMPTZ(4) + tally::unix_to_postgres_epoch;
        given.is_ts_in_calendar = given.ts >= first_instant && given.ts <= last_instant;
    }
    given.source = text_argument(fcinfo, 5);
    const bool allow_backfilling = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE ||
        shape->natts != details_column - event_id_column)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of the calling function"),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    shape = BlessTupleDesc(shape);
    return tally::guarded([&]() -> Datum {
        const tally::WorkspaceLease workspace;
        tally::IngestBatch& batch = workspace->batch;
        batch.begin(session.options(tally::DocumentForm::array, allow_backfilling, false));
        batch.add(document_of(given), 0);
        tally::ingest_as(session, *workspace, nullptr);
        const tally::BatchEvent& event = batch.events()[0];
        return tally::call_pg([&] {
            Datum values[most_columns] = {};
            bool nulls[most_columns] = {};
            set_columns(event, values, nulls);
            return HeapTupleGetDatum(heap_form_tuple(shape, values + event_id_column, nulls + event_id_column));
        });
    });
}

// tally._ingest(tenant_id integer, events text, allow_backfilling boolean, import_id uuid)
// -> setof (index, event_id, verdict, reason, field, unmatched, details)
TALLY_FUNCTION(ingest_for_tenant) {
    tally::require_arguments(fcinfo, 3);
    const tally::IngestSession session = tally::IngestSession::given("tally._ingest()", PG_GETARG_INT32(0));
    const text* document = PG_GETARG_TEXT_PP(1);
    const bool allow_backfilling = PG_GETARG_BOOL(2);
    tally::Hash128 import_id{};
    const bool has_import = !PG_ARGISNULL(3);
    if (has_import) std::memcpy(import_id.data(), PG_GETARG_UUID_P(3)->data, import_id.size());
    ReturnSetInfo* const rows = tally::begin_rows(fcinfo);
    return tally::guarded([&]() -> Datum {
        const tally::WorkspaceLease workspace;
        tally::IngestBatch& batch = workspace->batch;
        batch.begin(session.options(tally::DocumentForm::array, allow_backfilling, false));
        batch.add(tally::view_of(document), 0);
        tally::ingest_as(session, *workspace, has_import ? &import_id : nullptr);
        for (const tally::BatchEvent& event : std::as_const(batch).events()) {
            const std::string details = event.limit ? limit_details(*event.limit) : std::string{};
            tally::call_pg([&] {
                Datum values[most_columns] = {};
                bool nulls[most_columns] = {};
                set_columns(event, values, nulls);
                nulls[details_column] = details.empty();
                if (!details.empty())
                    values[details_column] = DirectFunctionCall1(jsonb_in, CStringGetDatum(details.c_str()));
                tuplestore_putvalues(rows->setResult, rows->setDesc, values, nulls);
            });
        }
        fcinfo->isnull = true;
        return 0;
    });
}
