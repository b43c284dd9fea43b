// The wall between C++ exceptions and PostgreSQL errors: the only file with `try` or `sigsetjmp`.
//
// Inside core/ and between the two guards below errors are C++ exceptions; outside they are PostgreSQL errors.
//   TALLY_FUNCTION(name) { return tally::guarded([&]() -> Datum { ... }); }     every SQL-callable entry point
//   tally::call_pg([&] { ... })     a stretch of PostgreSQL calls made while C++ objects with destructors are alive
//
// A PostgreSQL error inside call_pg stays whole on PostgreSQL's own error stack (SQLSTATE, DETAIL, HINT, CONTEXT); only an
// empty marker travels through the C++ frames, so destructors run, and `guarded` rethrows the original with PG_RE_THROW.
// Rules: (1) the lambda given to call_pg holds PostgreSQL calls and trivially destructible objects only; (2) nothing may
// swallow PendingPgError; (3) between that throw and the entry point no PostgreSQL function may be called.
#pragma once

#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/error.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

// Travels through C++ frames while a PostgreSQL error is pending on the error stack.
struct PendingPgError {};

namespace detail {

enum class Caught { nothing, pg_error, out_of_memory, data_error, internal };

inline int sqlstate_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_text: return ERRCODE_INVALID_TEXT_REPRESENTATION;
        case ErrorKind::invalid_binary: return ERRCODE_INVALID_BINARY_REPRESENTATION;
        case ErrorKind::invalid_argument: return ERRCODE_INVALID_PARAMETER_VALUE;
        case ErrorKind::out_of_range: return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
        case ErrorKind::limit_exceeded: return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
        case ErrorKind::corrupted: return ERRCODE_DATA_CORRUPTED;
    }
    return ERRCODE_INTERNAL_ERROR;
}

// Everything an exception says, copied out so that the exception object is gone before ereport jumps.
struct CaughtError {
    Caught what = Caught::nothing;
    int sqlstate = 0;
    char message[512] = "";
    char hint[256] = "";
    char field[64] = "";

    void keep(Caught kind, int code, const char* message_text, const char* hint_text, const char* field_text = "") noexcept {
        what = kind;
        sqlstate = code;
        strlcpy(message, message_text, sizeof message);
        strlcpy(hint, hint_text, sizeof hint);
        strlcpy(field, field_text, sizeof field);
    }
};

// What goes to the client must be valid in the server's encoding, also where a buffer's end or a core message cut a
// character.
inline void make_valid(char* text) noexcept {
    if (pg_verifymbstr(text, static_cast<int>(std::strlen(text)), true)) return;
    for (; *text != '\0'; ++text)
        if ((static_cast<unsigned char>(*text) & 0x80) != 0) *text = '?';
}

[[noreturn]] inline void report(CaughtError& caught) {
    if (caught.what == Caught::pg_error) PG_RE_THROW();
    make_valid(caught.message);
    make_valid(caught.hint);
    make_valid(caught.field);
    ereport(ERROR,
            (errcode(caught.sqlstate), errmsg("%s", caught.message), caught.hint[0] != '\0' ? errhint("%s", caught.hint) : 0,
             caught.field[0] != '\0' ? err_generic_string(PG_DIAG_COLUMN_NAME, caught.field) : 0));
    pg_unreachable();
}

// Puts PostgreSQL's error stacks back when a call_pg frame is left in whatever way. It is made before sigsetjmp in the frame
// that the jump returns to, so no jump ever skips its destructor.
class ErrorStacks {
public:
    ErrorStacks() noexcept : exceptions_(PG_exception_stack), contexts_(error_context_stack) {}
    ErrorStacks(const ErrorStacks&) = delete;
    ErrorStacks& operator=(const ErrorStacks&) = delete;
    ~ErrorStacks() {
        PG_exception_stack = exceptions_;
        error_context_stack = contexts_;
    }

private:
    sigjmp_buf* exceptions_;
    ErrorContextCallback* contexts_;
};

}  // namespace detail

// Runs the body of an entry point. Returns what it returns; any exception that leaves it becomes the PostgreSQL error it
// stands for. Must be the outermost C++ frame: no object with a destructor may live outside the lambda.
template <typename Body>
auto guarded(Body&& body) -> std::invoke_result_t<Body> {
    detail::CaughtError caught;
    try {
        return std::forward<Body>(body)();
    } catch (const PendingPgError&) {
        caught.what = detail::Caught::pg_error;
    } catch (const Error& error) {
        caught.keep(detail::Caught::data_error, detail::sqlstate_of(error.kind()), error.what(), error.hint(),
                    error.field());
    } catch (const std::bad_alloc&) {
        caught.keep(detail::Caught::out_of_memory, ERRCODE_OUT_OF_MEMORY, "out of memory", "");
    } catch (const std::length_error&) {
        caught.keep(detail::Caught::internal, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "value too large", "");
    } catch (const std::exception& error) {
        caught.keep(detail::Caught::internal, ERRCODE_INTERNAL_ERROR, error.what(), "");
    } catch (...) {
        caught.keep(detail::Caught::internal, ERRCODE_INTERNAL_ERROR, "unknown C++ exception", "");
    }
    detail::report(caught);
}

// Runs PostgreSQL calls while C++ objects are alive in the frames above. A PostgreSQL error leaves it as PendingPgError; a
// C++ exception of the body itself leaves it as what it is, with PostgreSQL's error stacks put back all the same.
template <typename Body>
auto call_pg(Body&& body) -> std::invoke_result_t<Body> {
    using Result = std::invoke_result_t<Body>;
    static_assert(std::is_void_v<Result> || std::is_trivially_copyable_v<Result>,
                  "a PostgreSQL error jumps over the result: it must need no destructor");
    const detail::ErrorStacks stacks;
    MemoryContext const saved_memory = CurrentMemoryContext;
    sigjmp_buf jump;
    if (sigsetjmp(jump, 0) != 0) {
        MemoryContextSwitchTo(saved_memory);
        throw PendingPgError{};
    }
    PG_exception_stack = &jump;
    return std::forward<Body>(body)();
}

// What core's long work is given as a Poll (core/base/poll.hpp): frames that own memory may be alive, so a cancellation
// leaves them as an exception does.
inline void check_interrupts() {
    call_pg([] { CHECK_FOR_INTERRUPTS(); });
}

// What core finds wrong with stored bytes while the body reads them; empty: nothing. For who tells of damage instead of
// failing at it. Errors of PostgreSQL leave it as they are.
template <typename Body>
std::string damage_of(Body&& body) {
    try {
        std::forward<Body>(body)();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupted) throw;
        return error.what();
    }
    return {};
}

}  // namespace tally

// Declares an SQL-callable function. Up to PostgreSQL 15 PG_FUNCTION_INFO_V1 declares the function without PGDLLEXPORT, so
// with hidden visibility CREATE FUNCTION would not find it: declare it exported first.
#define TALLY_FUNCTION(name)                          \
    extern "C" {                                      \
    PGDLLEXPORT Datum tally_##name(PG_FUNCTION_ARGS); \
    PG_FUNCTION_INFO_V1(tally_##name);                \
    }                                                 \
    Datum tally_##name([[maybe_unused]] PG_FUNCTION_ARGS)
