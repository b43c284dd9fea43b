// Refusals as responses: see error.hpp.
#include "base/error.hpp"

#include "base/json_text.hpp"

namespace tallyd {

namespace {

struct StatusRow {
    unsigned status;
    const char* code;
};

constexpr StatusRow kCodes[] = {
    {400, "BAD_REQUEST"},
    {401, "UNAUTHORIZED"},
    {403, "FORBIDDEN"},
    {404, "NOT_FOUND"},
    {405, "METHOD_NOT_ALLOWED"},
    {406, "NOT_ACCEPTABLE"},
    {408, "REQUEST_TIMEOUT"},
    {409, "CONFLICT"},
    {413, "PAYLOAD_TOO_LARGE"},
    {414, "URI_TOO_LONG"},
    {415, "UNSUPPORTED_MEDIA_TYPE"},
    {417, "EXPECTATION_FAILED"},
    {429, "TOO_MANY_REQUESTS"},
    {431, "REQUEST_HEADER_FIELDS_TOO_LARGE"},
    {501, "NOT_IMPLEMENTED"},
    {503, "SERVICE_UNAVAILABLE"},
    {505, "HTTP_VERSION_NOT_SUPPORTED"},
};

}  // namespace

const char* code_of(unsigned status) noexcept {
    for (const StatusRow& row : kCodes)
        if (row.status == status) return row.code;
    return status >= 500 ? "INTERNAL_SERVER_ERROR" : "BAD_REQUEST";
}

Response refuse(unsigned status, std::string_view message, std::string_view details) {
    Response answer;
    answer.status = status;
    answer.challenge = status == 401;
    answer.body = "{\"code\":\"";
    answer.body += code_of(status);
    answer.body += "\",\"message\":";
    append_json_string(answer.body, message);
    if (!details.empty()) {
        answer.body += ",\"details\":";
        answer.body += details;
    }
    answer.body += '}';
    return answer;
}

Response refuse_field(unsigned status, std::string_view message, std::string_view field) {
    return refuse(status, message, field.empty() ? std::string() : "{\"field\":" + json_string(field) + '}');
}

Response bad_key() {
    return refuse(401, "the API key is not valid");
}

Response unavailable(std::string_view message, int retry_after) {
    Response answer = refuse(503, message);
    answer.retry_after = retry_after;
    return answer;
}

}  // namespace tallyd
