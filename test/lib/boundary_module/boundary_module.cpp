// Functions that put pg/border/boundary.hpp to the test: every way to leave C++ code, with objects alive whose destructors
// count. Test-only: nothing of this is in the shipped library. SQL side: test/sql/boundary.sql.
#include <stdexcept>
#include <string>
#include <vector>

#include "pg/border/boundary.hpp"

extern "C" {
#include "executor/spi.h"
#include "utils/fmgrprotos.h"

PG_MODULE_MAGIC;
}

namespace {

int live_objects = 0;

// Counts itself and owns memory outside PostgreSQL, so that a skipped destructor shows.
class Witness {
public:
    Witness() : memory_(1000, 'x') { ++live_objects; }
    Witness(const Witness& other) : memory_(other.memory_) { ++live_objects; }
    ~Witness() { --live_objects; }

private:
    std::string memory_;
};

struct WitnessError : std::runtime_error {
    WitnessError() : std::runtime_error("an exception that counts itself") {}
    Witness witness;
};

[[noreturn]] void throw_kind(std::string_view kind) {
    using tally::Error;
    using tally::ErrorKind;
    if (kind == "invalid_text") throw Error(ErrorKind::invalid_text, "bad text", "Give better text.");
    if (kind == "invalid_binary") throw Error(ErrorKind::invalid_binary, "bad bytes");
    if (kind == "invalid_argument") throw Error(ErrorKind::invalid_argument, "bad argument");
    if (kind == "out_of_range") throw Error(ErrorKind::out_of_range, "too far");
    if (kind == "limit_exceeded") throw Error(ErrorKind::limit_exceeded, "too much");
    if (kind == "corrupted") throw Error(ErrorKind::corrupted, "bad state");
    if (kind == "percent") throw Error(ErrorKind::invalid_text, "100 %s %n of it");
    if (kind == "long") throw Error(ErrorKind::invalid_text, "x" + std::string(400, '\xC3').append("\xC3\xA9") + "y");
    if (kind == "cut") {
        std::string message = "x";
        while (message.size() < 600) message += "\xC3\xA9";
        throw Error(ErrorKind::invalid_text, message, message);
    }
    if (kind == "bad_alloc") throw std::bad_alloc();
    if (kind == "huge_vector") std::vector<char>(std::vector<char>().max_size()).at(0) = 'x';
    if (kind == "length_error") std::string().reserve(std::string().max_size() + 1);
    if (kind == "runtime_error") throw WitnessError();
    throw 42;
}

std::string_view text_argument(FunctionCallInfo fcinfo, int index) {
    const char* const bytes = text_to_cstring(PG_GETARG_TEXT_PP(index));
    return bytes;
}

// Runs SQL with witnesses alive in this frame and the one above. Returns the rows processed.
std::int64_t run_sql(std::string_view sql) {
    const std::vector<Witness> witnesses(3);
    return tally::call_pg([&]() -> std::int64_t {
        SPI_connect();
        SPI_execute(sql.data(), false, 0);
        const auto rows = static_cast<std::int64_t>(SPI_processed);
        SPI_finish();
        return rows;
    });
}

}  // namespace

// boundary_live() -> C++ objects alive in this backend.
TALLY_FUNCTION(boundary_live) {
    PG_RETURN_INT32(live_objects);
}

// boundary_throw(kind) throws.
TALLY_FUNCTION(boundary_throw) {
    return tally::guarded([&]() -> Datum {
        const Witness witness;
        throw_kind(text_argument(fcinfo, 0));
    });
}

// boundary_run(sql) -> rows; the SQL may fail, time out, be cancelled, or call these functions again.
TALLY_FUNCTION(boundary_run) {
    return tally::guarded([&]() -> Datum {
        const Witness witness;
        PG_RETURN_INT64(run_sql(text_argument(fcinfo, 0)));
    });
}

// boundary_allocate(bytes) asks palloc for that much.
TALLY_FUNCTION(boundary_allocate) {
    return tally::guarded([&]() -> Datum {
        const Witness witness;
        const auto size = static_cast<Size>(PG_GETARG_INT64(0));
        pfree(tally::call_pg([&] { return palloc(size); }));
        PG_RETURN_BOOL(true);
    });
}

// boundary_throw_within(kind) throws inside call_pg, which must put PostgreSQL's error stacks back.
TALLY_FUNCTION(boundary_throw_within) {
    const sigjmp_buf* const exceptions = PG_exception_stack;
    const ErrorContextCallback* const contexts = error_context_stack;
    PG_TRY();
    {
        tally::guarded([&]() -> Datum {
            const Witness witness;
            const std::string_view kind = text_argument(fcinfo, 0);
            tally::call_pg([&] {
                const Witness inner;
                throw_kind(kind);
            });
            PG_RETURN_VOID();
        });
    }
    PG_CATCH();
    {
        if (PG_exception_stack != exceptions || error_context_stack != contexts)
            elog(PANIC, "error stacks are not as before");
        PG_RE_THROW();
    }
    PG_END_TRY();
    PG_RETURN_VOID();
}
