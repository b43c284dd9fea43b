// Transition functions of the bridges pgtally_hll and pgtally_tdigest: what comes in is made fit for the other
// extension's own transition function, which keeps the state. That function is looked up in the other extension's
// library; the bridge requires the extension, so it is there.
#include <array>
#include <cmath>
#include <string>

#include "core/distinct/sketch_hash.hpp"
#include "pg/border/boundary.hpp"
#include "pg/aggregate/value_key.hpp"

namespace {

using namespace tally;

// The parameters of a sketch are given in full, because hll's defaults are a setting of one session, which parallel
// workers do not have.
constexpr int default_log2m = 11;
constexpr int least_log2m = 4;
constexpr int greatest_log2m = 17;
constexpr int register_bits = 5;
constexpr int automatic_explicit_limit = -1;
constexpr int sparse_allowed = 1;

constexpr int default_compression = 100;
constexpr int least_compression = 10;
constexpr int greatest_compression = 10'000;

// The state as it is, where a NULL adds nothing to it.
Datum unchanged(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    return PG_GETARG_DATUM(0);
}

// The optional integer argument 2; NULL is the default too.
int precision_argument(FunctionCallInfo fcinfo, const char* name, int otherwise, int least, int greatest) {
    if (PG_NARGS() <= 2 || PG_ARGISNULL(2)) return otherwise;
    const int given = PG_GETARG_INT32(2);
    if (given < least || given > greatest)
        throw Error(ErrorKind::invalid_argument, std::string(name) + " must be " + std::to_string(least) + " to " +
                                                     std::to_string(greatest) + ", not " + std::to_string(given));
    return given;
}

PGFunction function_of(const char* library, const char* name) {
    return reinterpret_cast<PGFunction>(load_external_function(library, name, true, nullptr));
}

// Calls another extension's transition function in the place of the running one: with its state and in its aggregate.
template <std::size_t count>
Datum go_on_with(PGFunction transition, FunctionCallInfo fcinfo, const std::array<Datum, count>& arguments) {
    LOCAL_FCINFO(call, 1 + count);
    InitFunctionCallInfoData(*call, nullptr, 1 + count, InvalidOid, fcinfo->context, nullptr);
    call->args[0] = fcinfo->args[0];
    for (std::size_t i = 0; i < count; ++i) {
        call->args[1 + i].value = arguments[i];
        call->args[1 + i].isnull = false;
    }
    const Datum state = transition(call);
    fcinfo->isnull = call->isnull;
    return state;
}

}  // namespace

// hll_add(state internal of hll, value anyelement [, log2m integer]) -> the state with the value in it; NULL is
// skipped.
TALLY_FUNCTION(hll_add) {
    return guarded([&]() -> Datum {
        static PGFunction transition = nullptr;
        if (PG_ARGISNULL(1)) return unchanged(fcinfo);
        const ValueReader& reader = value_reader(fcinfo, 1);
        const int log2m = precision_argument(fcinfo, "log2m", default_log2m, least_log2m, greatest_log2m);
        if (transition == nullptr) transition = function_of("$libdir/hll", "hll_add_trans4");
        const auto hash = static_cast<std::int64_t>(sketch_hash(reader.kind, reader.key_of(PG_GETARG_DATUM(1))));
        return go_on_with<5>(transition, fcinfo,
                             {Int64GetDatum(hash), Int32GetDatum(log2m), Int32GetDatum(register_bits),
                              Int64GetDatum(automatic_explicit_limit), Int32GetDatum(sparse_allowed)});
    });
}

// tdigest_add(state internal of tdigest, value double precision [, compression integer]) -> the state with the value in
// it; NULL is skipped. A digest interpolates between values: NaN and infinities would spoil all of it.
TALLY_FUNCTION(tdigest_add) {
    return guarded([&]() -> Datum {
        static PGFunction transition = nullptr;
        if (PG_ARGISNULL(1)) return unchanged(fcinfo);
        if (!std::isfinite(PG_GETARG_FLOAT8(1)))
            throw Error(ErrorKind::invalid_argument, "percentiles cannot take NaN or infinity",
                        "Leave such values out with FILTER (WHERE ...).");
        if (transition == nullptr) transition = function_of("$libdir/tdigest", "tdigest_add_double");
        const int compression =
            precision_argument(fcinfo, "compression", default_compression, least_compression, greatest_compression);
        return go_on_with<2>(transition, fcinfo, {PG_GETARG_DATUM(1), Int32GetDatum(compression)});
    });
}

// percentile_fraction(double precision) -> the same, a fraction from 0 to 1. 22023 for any other number.
TALLY_FUNCTION(percentile_fraction) {
    return guarded([&]() -> Datum {
        const double fraction = PG_GETARG_FLOAT8(0);
        if (!(fraction >= 0 && fraction <= 1))
            throw Error(ErrorKind::invalid_argument, "the fraction of a percentile must lie between 0 and 1",
                        "The 99th percentile is percentile(state, 0.99).");
        PG_RETURN_FLOAT8(fraction);
    });
}
