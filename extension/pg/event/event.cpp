// SQL face of core/event_document: documents of events as rows that SQL can insert, and as the few facts that must be
// known of them beforehand. They are parsed for each: that costs less than keeping the rows between two statements.
#include "core/event/event_document.hpp"

#include <cstring>

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace {

// Columns of tally._parse_events and of tally._scan_events, in order.
namespace parse_column {
enum {
    body,
    index,
    event_id,
    code,
    customer,
    source,
    ts,
    properties,
    customer_hash,
    identity,
    payload,
    partial,
    reason,
    field,
    count
};
}
namespace scan_column {
enum { body, index, partial, rejected, customer_hash, identity, payload, count };
}

struct Rows {
    Tuplestorestate* store;
    TupleDesc shape;
    MemoryContext per_row;
};

Datum uuid_datum(const tally::Hash128& hash) {
    auto* uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(uuid->data, hash.data(), hash.size());
    return UUIDPGetDatum(uuid);
}

// What is stored of a payload: its first 64 bits.
Datum payload_datum(const tally::Hash128& hash) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | hash[i];
    return Int64GetDatum(static_cast<std::int64_t>(bits));
}

JsonbValue json_string(std::string_view value) {
    JsonbValue json;
    json.type = jbvString;
    json.val.string.val = const_cast<char*>(value.data());
    json.val.string.len = static_cast<int>(value.size());
    return json;
}

// Numbers go through numeric_in: every digit and the written scale are kept.
JsonbValue json_number(std::string_view value) {
    char* const terminated = pnstrdup(value.data(), value.size());
    JsonbValue json;
    json.type = jbvNumeric;
    json.val.numeric = DatumGetNumeric(
        DirectFunctionCall3(numeric_in, CStringGetDatum(terminated), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    return json;
}

Datum properties_datum(const tally::Event& event) {
    JsonbParseState* state = nullptr;
    pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
    for (const tally::Property& property : event.properties) {
        JsonbValue key = json_string(property.key);
        pushJsonbValue(&state, WJB_KEY, &key);
        const bool is_number = property.kind == tally::PropertyKind::number;
        JsonbValue value = is_number ? json_number(property.text) : json_string(property.text);
        pushJsonbValue(&state, WJB_VALUE, &value);
    }
    return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
}

void put_event(const Rows& rows, int body, int index, const tally::Event& event, bool partial) {
    Datum values[parse_column::count] = {};
    bool nulls[parse_column::count] = {};
    const bool good = event.reason.empty();
    values[parse_column::body] = Int32GetDatum(body);
    values[parse_column::index] = Int32GetDatum(index);
    values[parse_column::partial] = BoolGetDatum(partial);
    nulls[parse_column::event_id] =
        event.event_id.data() == nullptr || std::memchr(event.event_id.data(), 0, event.event_id.size());
    if (!nulls[parse_column::event_id]) values[parse_column::event_id] = tally::text_datum(event.event_id);
    for (int column = parse_column::code; column <= parse_column::payload; ++column) nulls[column] = !good;
    nulls[parse_column::reason] = nulls[parse_column::field] = good;
    if (good) {
        values[parse_column::code] = tally::text_datum(event.code);
        values[parse_column::customer] = tally::text_datum(event.customer_id);
        values[parse_column::source] = tally::text_datum(event.source);
        values[parse_column::ts] = TimestampTzGetDatum(event.ts_microseconds - tally::unix_to_postgres_epoch);
        values[parse_column::properties] = properties_datum(event);
        values[parse_column::customer_hash] = Int32GetDatum(event.customer_hash);
        values[parse_column::identity] = uuid_datum(event.identity);
        values[parse_column::payload] = payload_datum(event.payload);
    } else {
        values[parse_column::reason] = tally::text_datum(event.reason);
        nulls[parse_column::field] = event.field.empty();
        if (!event.field.empty()) values[parse_column::field] = tally::text_datum(event.field);
    }
    tuplestore_putvalues(rows.store, rows.shape, values, nulls);
}

// A document that is refused as a whole is one row without an index.
void put_refusal(const Rows& rows, int body, const tally::EventDocument& document) {
    Datum values[parse_column::count] = {};
    bool nulls[parse_column::count];
    std::memset(nulls, true, sizeof nulls);
    nulls[parse_column::body] = nulls[parse_column::reason] = nulls[parse_column::partial] = false;
    values[parse_column::body] = Int32GetDatum(body);
    values[parse_column::partial] = BoolGetDatum(document.allow_partial_failures());
    values[parse_column::reason] = tally::text_datum(document.reason());
    nulls[parse_column::field] = document.field().empty();
    if (!document.field().empty()) values[parse_column::field] = tally::text_datum(document.field());
    tuplestore_putvalues(rows.store, rows.shape, values, nulls);
}

void put_scan(const Rows& rows, int body, int index, const tally::Event& event, bool partial) {
    Datum values[scan_column::count] = {};
    bool nulls[scan_column::count] = {};
    const bool good = event.reason.empty();
    values[scan_column::body] = Int32GetDatum(body);
    values[scan_column::index] = Int32GetDatum(index);
    values[scan_column::partial] = BoolGetDatum(partial);
    values[scan_column::rejected] = BoolGetDatum(!good);
    for (int column = scan_column::customer_hash; column <= scan_column::payload; ++column) nulls[column] = !good;
    if (good) {
        values[scan_column::customer_hash] = Int32GetDatum(event.customer_hash);
        values[scan_column::identity] = uuid_datum(event.identity);
        values[scan_column::payload] = payload_datum(event.payload);
    }
    tuplestore_putvalues(rows.store, rows.shape, values, nulls);
}

void put_scan_rows(const Rows& rows, int body, const tally::EventDocument& document) {
    MemoryContext const caller = MemoryContextSwitchTo(rows.per_row);
    int index = 0;
    for (const tally::Event& event : document.events()) {
        CHECK_FOR_INTERRUPTS();
        put_scan(rows, body, index++, event, document.allow_partial_failures());
        MemoryContextReset(rows.per_row);
    }
    MemoryContextSwitchTo(caller);
}

void put_rows(const Rows& rows, int body, const tally::EventDocument& document) {
    MemoryContext const caller = MemoryContextSwitchTo(rows.per_row);
    if (!document.reason().empty()) put_refusal(rows, body, document);
    int index = 0;
    for (const tally::Event& event : document.events()) {
        CHECK_FOR_INTERRUPTS();
        put_event(rows, body, index++, event, document.allow_partial_failures());
        MemoryContextReset(rows.per_row);
    }
    MemoryContextSwitchTo(caller);
}

// A set-returning function that fills a tuplestore at once, the same way on PostgreSQL 13 to 18.
Rows begin_rows(FunctionCallInfo fcinfo, int column_count) {
    auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    }
    MemoryContext const caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    Rows rows{};
    if (get_call_result_type(fcinfo, nullptr, &rows.shape) != TYPEFUNC_COMPOSITE || rows.shape->natts != column_count) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of the calling function"),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    }
    rows.shape = BlessTupleDesc(rows.shape);
    rows.store = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    rows.per_row = AllocSetContextCreate(CurrentMemoryContext, "pgtally event", ALLOCSET_DEFAULT_SIZES);
    info->returnMode = SFRM_Materialize;
    info->setResult = rows.store;
    info->setDesc = rows.shape;
    MemoryContextSwitchTo(caller);
    return rows;
}

// What both entry points do: check the database's encoding, parse each document, and put its rows with `put`.
Datum document_rows(FunctionCallInfo fcinfo, int column_count,
                    void (*put)(const Rows&, int, const tally::EventDocument&)) {
    if (GetDatabaseEncoding() != PG_UTF8) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pgtally needs a database in encoding UTF8"),
                        errhint("CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0")));
    }
    const tally::DocumentOptions options{PG_GETARG_BOOL(1) ? tally::DocumentForm::array : tally::DocumentForm::object,
                                         PG_GETARG_BOOL(2), PG_GETARG_TIMESTAMPTZ(3) + tally::unix_to_postgres_epoch,
                                         PG_GETARG_INT32(5), PG_GETARG_BOOL(4)};
    Datum* documents = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &documents, &nulls, &count);
    const Rows rows = begin_rows(fcinfo, column_count);
    for (int i = 0; i < count; ++i) {
        const text* document_text = nulls[i] ? cstring_to_text("") : DatumGetTextPP(documents[i]);
        tally::guarded([&]() -> Datum {
            const tally::EventDocument document(tally::view_of(document_text), options);
            tally::call_pg([&] { put(rows, i + 1, document); });
            return 0;
        });
    }
    MemoryContextDelete(rows.per_row);
    PG_RETURN_NULL();
}

}  // namespace

// tally._parse_events(documents text[], is_array boolean, allow_backfilling boolean, now timestamptz, derive_ids
// boolean, tenant_id integer)
// -> setof events
TALLY_FUNCTION(parse_events) {
    return document_rows(fcinfo, parse_column::count, put_rows);
}

// tally._scan_events(documents text[], is_array boolean, allow_backfilling boolean, now timestamptz, derive_ids
// boolean, tenant_id integer)
// -> setof facts on events
TALLY_FUNCTION(scan_events) {
    return document_rows(fcinfo, scan_column::count, put_scan_rows);
}
