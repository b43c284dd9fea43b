// Errors of PostgreSQL as responses: the one table SQLSTATE -> HTTP status and what is to be done about it.
#pragma once

#include <string>
#include <string_view>

#include "base/response.hpp"

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
Response response_for(const SqlError& error);

}  // namespace tallyd
