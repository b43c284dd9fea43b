// Errors of PostgreSQL as responses: see sql_error.hpp.
#include "db/sql_error.hpp"

#include "base/error.hpp"
#include "base/json_text.hpp"

namespace tallyd {

namespace {

struct StateRow {
    std::string_view prefix;  // a whole SQLSTATE or the beginning of one; the first row that fits decides
    unsigned status;
    SqlFault fault;
};

constexpr StateRow kStates[] = {
    {"23505", 409, SqlFault::data},        {"23503", 409, SqlFault::data},        {"23514", 400, SqlFault::isolate},
    {"23502", 400, SqlFault::isolate},     {"23", 500, SqlFault::isolate},        {"22", 400, SqlFault::isolate},
    {"P0002", 404, SqlFault::data},        {"TL409", 409, SqlFault::data},        {"TL429", 429, SqlFault::data},
    {"28000", 401, SqlFault::data},        {"28P01", 401, SqlFault::data},        {"42501", 403, SqlFault::data},
    {"54", 413, SqlFault::isolate},        {"40001", 503, SqlFault::retry},       {"40P01", 503, SqlFault::retry},
    {"57014", 503, SqlFault::unavailable}, {"57P0", 503, SqlFault::connection},   {"08", 503, SqlFault::connection},
    {"53", 503, SqlFault::unavailable},    {"55P03", 503, SqlFault::unavailable}, {"25006", 503, SqlFault::unavailable},
    {"XX", 500, SqlFault::isolate},        {"P0", 500, SqlFault::isolate},
};

const StateRow* row_of(std::string_view sqlstate) noexcept {
    for (const StateRow& row : kStates)
        if (sqlstate.starts_with(row.prefix)) return &row;
    return nullptr;
}

void append_member(std::string& object, const char* name, std::string_view value) {
    if (value.empty()) return;
    object += object.empty() ? "{" : ",";
    append_json_string(object, name);
    object += ':';
    append_json_string(object, value);
}

}  // namespace

SqlFault fault_of(std::string_view sqlstate) noexcept {
    const StateRow* row = row_of(sqlstate);
    return row ? row->fault : SqlFault::internal;
}

unsigned status_of(std::string_view sqlstate) noexcept {
    const StateRow* row = row_of(sqlstate);
    return row ? row->status : 500;
}

Response response_for(const SqlError& error) {
    const unsigned status = status_of(error.state);
    if (status == 503)
        return unavailable(error.state == "57014"   ? "the database took too long, or somebody cancelled the request"
                           : error.state == "55P03" ? "another transaction holds what this change needs; try again"
                                                    : "the database is not available");
    if (status >= 500) return refuse(500, "internal error");
    // Only in the header of a file: every other text is checked before. The server's own sentence names a byte and not
    // what to do: a spreadsheet's UTF-16, a compressed file.
    if (error.state == "22021") return refuse(status, "the header is not valid UTF-8; save the file as UTF-8");
    // Its detail is the JSON object of the limit, or of what could have been meant.
    if (status == 429 || (error.state == "TL409" && error.detail.starts_with('{')))
        return refuse(status, error.message, error.detail);
    std::string details;
    append_member(details, "field", error.column);
    append_member(details, "hint", error.hint);
    append_member(details, "detail", error.detail);
    if (!details.empty()) details += '}';
    return refuse(status, error.message, details);
}

}  // namespace tallyd
