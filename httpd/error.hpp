// Errors as answers: the one table SQLSTATE -> HTTP status -> code, and the JSON error body
// {"code", "message", "details"?}. No internals of the server ever enter a body.
#pragma once

#include <string>
#include <string_view>

#include "answer.hpp"

namespace tallyd {

// What PostgreSQL reported; empty texts where a field was absent.
struct SqlError {
    std::string state;
    std::string message;
    std::string detail;
    std::string hint;
    std::string column;
};

enum class SqlFault {
    data,         // the request's own fault, or an ordinary refusal: answer it
    isolate,      // a batch with this error is split, to find the request that caused it
    retry,        // 40001, 40P01: nothing was done, the same statement may be tried again
    connection,   // 08xxx, 57P0x: the session is gone or going
    unavailable,  // resources, timeouts: 503
    internal      // 500, logged in full
};

SqlFault fault_of(std::string_view sqlstate) noexcept;
unsigned status_of(std::string_view sqlstate) noexcept;
const char* code_of(unsigned status) noexcept;

// details: "" or a JSON object text.
Answer refuse(unsigned status, std::string_view message, std::string_view details = {});
Answer refuse_field(unsigned status, std::string_view message, std::string_view field);
// The words of SQL for a key that nobody has. Whatever was wrong with a key, the answer is this.
Answer bad_key();
Answer unavailable(std::string_view message, int retry_after = 1);
Answer answer_for(const SqlError& error);

}  // namespace tallyd
