// Set-returning functions that fill a tuplestore at once, the same way on PostgreSQL 13 to 18.
#pragma once

#include "pg/border/prelude.hpp"

namespace tally {

// Prepares the caller's ReturnSetInfo: setResult is an empty tuplestore of work_mem, setDesc the rows' shape. The function
// puts rows with tuplestore_putvalues and returns NULL. Raises where the caller cannot take a set.
inline ReturnSetInfo* begin_rows(FunctionCallInfo fcinfo) {
    auto* const info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    }
    MemoryContext const caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    TupleDesc shape = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of the calling function"),
                        errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
    }
    info->setDesc = BlessTupleDesc(shape);
    info->setResult = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    info->returnMode = SFRM_Materialize;
    MemoryContextSwitchTo(caller);
    return info;
}

}  // namespace tally
