// tally._lines: the lines of a row of tally.statement_usage, read from the JSON that PeriodLines writes and from nothing
// else (json_array_elements and five operators a line take several times as long).
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "pg/border/boundary.hpp"

namespace {

using namespace tally;

constexpr int columns = 5;  // place, value, converted_value, events, skipped

[[noreturn]] void refuse_lines() {
    ereport(ERROR,
            (errcode(ERRCODE_DATA_CORRUPTED), errmsg("lines of a statement are damaged"),
             errhint("tally.verify() names the statement: restore its rows of tally.statement_usage from a backup.")));
    pg_unreachable();
}

// What is left of the lines; the text is copied, so that it ends with a zero. Calls PostgreSQL and may raise.
struct LineReader {
    char* at;
    bool is_first = true;

    bool takes(char expected) {
        if (*at != expected) return false;
        ++at;
        return true;
    }
    void require(char expected) {
        if (!takes(expected)) refuse_lines();
    }
    std::int64_t number() {
        const char* const begin = at;
        while (*at >= '0' && *at <= '9') ++at;
        if (at == begin || at - begin > 18) refuse_lines();
        return std::strtoll(begin, nullptr, 10);
    }
    Datum amount(bool& is_null) {
        is_null = std::strncmp(at, "null", 4) == 0;
        if (is_null) {
            at += 4;
            return 0;
        }
        require('"');
        char* const begin = at;
        char* const end = std::strchr(begin, '"');
        if (end == nullptr) refuse_lines();
        *end = '\0';
        at = end + 1;
        return DirectFunctionCall3(numeric_in, CStringGetDatum(begin), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    }
    // The next line; false behind the last.
    bool next(Datum* values, bool* nulls) {
        if (takes(']')) {
            if (*at != '\0') refuse_lines();
            return false;
        }
        if (!std::exchange(is_first, false)) require(',');
        require('[');
        const std::int64_t place = number();
        if (place > PG_INT32_MAX) refuse_lines();
        values[0] = Int32GetDatum(static_cast<std::int32_t>(place));
        for (int i = 1; i < columns; ++i) {
            require(',');
            if (i <= 2) values[i] = amount(nulls[i]);
            else values[i] = Int64GetDatum(number());
        }
        require(']');
        return true;
    }
};

LineReader* begin_lines(FunctionCallInfo fcinfo, FuncCallContext* call) {
    MemoryContext const before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) elog(ERROR, "lines must return rows");
    call->tuple_desc = BlessTupleDesc(shape);
    auto* const reader = new (palloc(sizeof(LineReader))) LineReader{text_to_cstring(PG_GETARG_TEXT_PP(0))};
    reader->require('[');
    call->user_fctx = reader;
    MemoryContextSwitchTo(before);
    return reader;
}

}  // namespace

// tally._lines(lines json) -> (place, value, converted_value, events, skipped)
TALLY_FUNCTION(lines) {
    if (SRF_IS_FIRSTCALL()) begin_lines(fcinfo, SRF_FIRSTCALL_INIT());
    FuncCallContext* const call = SRF_PERCALL_SETUP();
    Datum values[columns] = {};
    bool nulls[columns] = {};
    if (!static_cast<LineReader*>(call->user_fctx)->next(values, nulls)) SRF_RETURN_DONE(call);
    SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
