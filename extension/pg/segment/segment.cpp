// SQL entry points of tally.segment_data: input and output, which write the bytes as bytea does, and the check of a
// value. The form is documented in core/segment/format.hpp.
#include "core/segment/reader.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/segment_bytes.hpp"

namespace {

using namespace tally;

// Refuses bytes that are no segment; they may still lie about their contents, which every reader is prepared for.
Datum checked_input(Datum value, ErrorKind kind) {
    SegmentInMemory source({reinterpret_cast<const std::byte*>(VARDATA_ANY(DatumGetPointer(value))),
                            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(DatumGetPointer(value)))});
    SegmentReader(source, kind).check_bytes();
    return value;
}

}  // namespace

TALLY_FUNCTION(segment_data_in) {
    const Datum value = DirectFunctionCall1(byteain, PG_GETARG_DATUM(0));
    return guarded([&]() -> Datum { return checked_input(value, ErrorKind::invalid_text); });
}

TALLY_FUNCTION(segment_data_out) {
    return DirectFunctionCall1(byteaout, PG_GETARG_DATUM(0));
}

TALLY_FUNCTION(segment_data_recv) {
    const Datum value = DirectFunctionCall1(bytearecv, PG_GETARG_DATUM(0));
    return guarded([&]() -> Datum { return checked_input(value, ErrorKind::invalid_binary); });
}

TALLY_FUNCTION(segment_data_send) {
    return DirectFunctionCall1(byteasend, PG_GETARG_DATUM(0));
}

// tally.segment_events(data) -> integer: how many events the segment holds, after all that it says was found true
TALLY_FUNCTION(segment_events) {
    return guarded([&]() -> Datum {
        PgSegmentBytes source(PG_GETARG_DATUM(0));
        SegmentReader reader(source);
        reader.check(check_interrupts);
        return Int32GetDatum(static_cast<int32>(reader.rows()));
    });
}
