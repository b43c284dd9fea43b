// SQL face of core/ingest/import_report: a piece of an imported file, stored and counted.
#include "core/base/error.hpp"
#include "core/ingest/import_report.hpp"
#include "core/ingest/ingest_answer.hpp"

#include <algorithm>
#include <cstring>

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/ingest_session.hpp"

namespace {

enum { accepted, duplicates, failed, resent, next_line, failures, limit_reason, limit_details, unmatched, columns };

struct Numbers {
    const Datum* values;
    int count;
};

Numbers numbers_of(FunctionCallInfo fcinfo, int argument) {
    if (PG_ARGISNULL(argument)) return {nullptr, 0};
    Datum* values = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), INT8OID, 8, true, TYPALIGN_DOUBLE, &values, nullptr, &count);
    return {values, count};
}

std::vector<std::int64_t> vector_of(const Numbers& numbers) {
    std::vector<std::int64_t> all;
    all.reserve(static_cast<std::size_t>(numbers.count));
    for (int i = 0; i < numbers.count; ++i) all.push_back(DatumGetInt64(numbers.values[i]));
    return all;
}

Datum row_of(TupleDesc shape, const tally::ImportReport& told, const char* details) {
    Datum values[columns] = {Int64GetDatum(told.accepted), Int64GetDatum(told.duplicates), Int64GetDatum(told.failed),
                             Int64GetDatum(told.resent),   Int64GetDatum(told.next_line),  tally::text_datum(told.failures)};
    values[unmatched] = Int64GetDatum(told.unmatched);
    bool nulls[columns] = {};
    nulls[limit_reason] = nulls[limit_details] = told.limited == nullptr;
    if (told.limited != nullptr) {
        values[limit_reason] = tally::text_datum(told.limited->reason);
        values[limit_details] = DirectFunctionCall1(jsonb_in, CStringGetDatum(details));
    }
    return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

}  // namespace

// tally._import_piece(tenant_id integer, import_id uuid, piece text, is_csv boolean, first_line bigint, unread bigint[],
// counted_from bigint[], counted_to bigint[]) -> (accepted, duplicates, failed, resent, next_line, failures, limit_reason,
// limit_details, unmatched)
TALLY_FUNCTION(import_piece) {
    tally::require_arguments(fcinfo, 5);
    const tally::IngestSession session = tally::IngestSession::given("tally._import_piece()", PG_GETARG_INT32(0));
    tally::Hash128 import_id{};
    std::memcpy(import_id.data(), PG_GETARG_UUID_P(1)->data, import_id.size());
    const text* piece_text = PG_GETARG_TEXT_PP(2);
    const bool is_csv = PG_GETARG_BOOL(3);
    const std::int64_t first_line = PG_GETARG_INT64(4);
    const Numbers unread_lines = numbers_of(fcinfo, 5);
    const Numbers from = numbers_of(fcinfo, 6);
    const Numbers to = numbers_of(fcinfo, 7);
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE || shape->natts != columns ||
        from.count != to.count)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of the calling function"),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    shape = BlessTupleDesc(shape);
    return tally::guarded([&]() -> Datum {
        const std::string_view given = tally::view_of(piece_text);
        const tally::ImportPiece piece = is_csv ? tally::read_csv(given) : tally::read_ndjson(given);
        if (!piece.reason.empty()) throw tally::Error(tally::ErrorKind::invalid_argument, piece.reason);
        std::vector<std::int64_t> unread = vector_of(unread_lines);
        std::sort(unread.begin(), unread.end());
        std::vector<std::pair<std::int64_t, std::int64_t>> counted;
        counted.reserve(static_cast<std::size_t>(from.count));
        for (int i = 0; i < from.count; ++i)
            counted.emplace_back(DatumGetInt64(from.values[i]), DatumGetInt64(to.values[i]));
        const tally::WorkspaceLease workspace;
        tally::IngestBatch& batch = workspace->batch;
        batch.begin(session.options(tally::DocumentForm::array, true, true));
        tally::add_lines(batch, piece);
        if (!batch.bodies().empty()) tally::ingest_as(session, *workspace, &import_id);
        const tally::ImportReport told = tally::report(batch, piece, {first_line, unread, counted});
        const std::string details = told.limited != nullptr ? tally::limit_details(*told.limited->limit) : std::string{};
        return tally::call_pg([&] { return row_of(shape, told, details.c_str()); });
    });
}
