// SQL face of core/import_lines: a piece of an imported file as rows.
#include "core/event/import_lines.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace {

enum { line, document, reason, count };

void put(ReturnSetInfo* info, const tally::ImportLine& row) {
    Datum values[count] = {};
    bool nulls[count] = {};
    values[line] = Int32GetDatum(row.line);
    nulls[document] = !row.reason.empty();
    nulls[reason] = row.reason.empty();
    if (nulls[document]) {
        values[reason] = tally::text_datum(row.reason);
    } else {
        values[document] = tally::text_datum(row.document);
    }
    tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
}

}  // namespace

// tally._import_lines(piece text, is_csv boolean) -> setof (line, document, reason); the last row, without either text,
// holds the number of lines
TALLY_FUNCTION(import_lines) {
    const text* piece_text = PG_GETARG_TEXT_PP(0);
    const bool is_csv = PG_GETARG_BOOL(1);
    auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    }
    MemoryContext const caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE || shape->natts != count) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of the calling function"),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    }
    info->returnMode = SFRM_Materialize;
    info->setDesc = BlessTupleDesc(shape);
    info->setResult = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    MemoryContextSwitchTo(caller);
    return tally::guarded([&]() -> Datum {
        const std::string_view given = tally::view_of(piece_text);
        const tally::ImportPiece piece = is_csv ? tally::read_csv(given) : tally::read_ndjson(given);
        if (!piece.reason.empty()) throw tally::Error(tally::ErrorKind::invalid_argument, piece.reason);
        tally::call_pg([&] {
            for (const tally::ImportLine& row : piece.lines) {
                CHECK_FOR_INTERRUPTS();
                put(info, row);
            }
            Datum values[count] = {Int32GetDatum(piece.line_count)};
            bool nulls[count] = {false, true, true};
            tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
        });
        fcinfo->isnull = true;
        return 0;
    });
}
