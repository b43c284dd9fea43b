// SQL face of core/event_document: a document of events as a set of rows that SQL can insert.
#include "core/event_document.hpp"

#include <cstring>

#include "pg/boundary.hpp"

namespace {

constexpr std::int64_t unix_to_postgres_epoch =
    std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY * 1'000'000;

// Columns of tally._parse_events, in order.
enum Column { index_column, event_id_column, code_column, customer_column, source_column, ts_column, properties_column,
              customer_hash_column, identity_column, payload_column, partial_column, reason_column, field_column, column_count };

struct Rows {
    Tuplestorestate* store;
    TupleDesc shape;
    MemoryContext per_row;
};

std::string_view view_of(const text* value) {
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

Datum text_datum(std::string_view value) {
    return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

Datum uuid_datum(const tally::Hash128& hash) {
    auto* uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(uuid->data, hash.data(), hash.size());
    return UUIDPGetDatum(uuid);
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
    json.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(terminated),
                                                           ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    return json;
}

Datum properties_datum(const tally::Event& event) {
    JsonbParseState* state = nullptr;
    pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
    for (const tally::Property& property : event.properties) {
        JsonbValue key = json_string(property.key);
        pushJsonbValue(&state, WJB_KEY, &key);
        JsonbValue value = property.is_number ? json_number(property.text) : json_string(property.text);
        pushJsonbValue(&state, WJB_VALUE, &value);
    }
    return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
}

void put_event(const Rows& rows, int index, const tally::Event& event, bool partial) {
    Datum values[column_count] = {};
    bool nulls[column_count] = {};
    const bool good = event.reason.empty();
    values[index_column] = Int32GetDatum(index);
    values[partial_column] = BoolGetDatum(partial);
    nulls[event_id_column] = event.event_id.data() == nullptr || std::memchr(event.event_id.data(), 0, event.event_id.size());
    if (!nulls[event_id_column]) values[event_id_column] = text_datum(event.event_id);
    for (int column = code_column; column <= payload_column; ++column) nulls[column] = !good;
    nulls[reason_column] = nulls[field_column] = good;
    if (good) {
        values[code_column] = text_datum(event.code);
        values[customer_column] = text_datum(event.customer_id);
        values[source_column] = text_datum(event.source);
        values[ts_column] = TimestampTzGetDatum(event.ts_microseconds - unix_to_postgres_epoch);
        values[properties_column] = properties_datum(event);
        values[customer_hash_column] = Int32GetDatum(event.customer_hash);
        values[identity_column] = uuid_datum(event.identity);
        values[payload_column] = uuid_datum(event.payload);
    } else {
        values[reason_column] = text_datum(event.reason);
        nulls[field_column] = event.field.empty();
        if (!event.field.empty()) values[field_column] = text_datum(event.field);
    }
    tuplestore_putvalues(rows.store, rows.shape, values, nulls);
}

// A document that is refused as a whole is one row without an index.
void put_refusal(const Rows& rows, const tally::EventDocument& document) {
    Datum values[column_count] = {};
    bool nulls[column_count];
    std::memset(nulls, true, sizeof nulls);
    nulls[reason_column] = nulls[partial_column] = false;
    values[partial_column] = BoolGetDatum(false);
    values[reason_column] = text_datum(document.reason());
    nulls[field_column] = document.field().empty();
    if (!document.field().empty()) values[field_column] = text_datum(document.field());
    tuplestore_putvalues(rows.store, rows.shape, values, nulls);
}

void put_rows(const Rows& rows, const tally::EventDocument& document) {
    MemoryContext const caller = MemoryContextSwitchTo(rows.per_row);
    if (!document.reason().empty()) put_refusal(rows, document);
    int index = 0;
    for (const tally::Event& event : document.events()) {
        CHECK_FOR_INTERRUPTS();
        put_event(rows, index++, event, document.allow_partial_failures());
        MemoryContextReset(rows.per_row);
    }
    MemoryContextSwitchTo(caller);
}

// A set-returning function that fills a tuplestore at once, the same way on PostgreSQL 13 to 18.
Rows begin_rows(FunctionCallInfo fcinfo) {
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

}  // namespace

// tally._parse_events(document text, is_array boolean, allow_backfilling boolean, now timestamptz) -> setof events
TALLY_FUNCTION(parse_events) {
    if (GetDatabaseEncoding() != PG_UTF8) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pgtally needs a database in encoding UTF8"),
                        errhint("CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0")));
    }
    const text* document_text = PG_GETARG_TEXT_PP(0);
    const tally::DocumentOptions options{
        PG_GETARG_BOOL(1) ? tally::DocumentForm::array : tally::DocumentForm::object, PG_GETARG_BOOL(2),
        PG_GETARG_TIMESTAMPTZ(3) + unix_to_postgres_epoch};
    const Rows rows = begin_rows(fcinfo);
    tally::guarded([&]() -> Datum {
        const tally::EventDocument document(view_of(document_text), options);
        tally::call_pg([&] { put_rows(rows, document); });
        return 0;
    });
    MemoryContextDelete(rows.per_row);
    PG_RETURN_NULL();
}
