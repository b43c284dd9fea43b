// What is checked in a request's head, in this order: size, framing, target, route, method, key, media type, length.
// All of it before the first byte of the body is read.
#include <fmt/format.h>
#include <strings.h>

#include <charconv>
#include <cstring>

#include "body.hpp"
#include "error.hpp"
#include "json_text.hpp"
#include "request.hpp"
#include "request_id.hpp"
#include "uri.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kLongestTarget = 8192;
constexpr std::size_t kLongestHead = 32768;  // libmicrohttpd's own limit (server.cpp) lies above
constexpr int kMostHeaders = 200;

struct HeadSize {
    std::size_t bytes = 0;
    int count = 0;
    int lengths = 0;
    int authorizations = 0;
};

MHD_Result measure(void* out, MHD_ValueKind, const char* name, const char* value) {
    auto* size = static_cast<HeadSize*>(out);
    size->bytes += std::strlen(name) + (value ? std::strlen(value) : 0) + 4;
    ++size->count;
    if (strcasecmp(name, "Content-Length") == 0) ++size->lengths;
    if (strcasecmp(name, "Authorization") == 0) ++size->authorizations;
    return MHD_YES;
}

HeadSize head_size(MHD_Connection* connection) {
    HeadSize size;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, measure, &size);
    return size;
}

}  // namespace

const char* HttpRequest::header(const char* name) const noexcept {
    return MHD_lookup_connection_value(connection_, MHD_HEADER_KIND, name);
}

std::optional<Answer> HttpRequest::check_head(const char* method, const char* version) {
    method_ = std::string_view(method).substr(0, 32);
    if (const char* id = header("X-Request-Id"); id && is_sane_request_id(id)) id_ = id;
    has_body_ =
        header("Transfer-Encoding") || (header("Content-Length") && std::strcmp(header("Content-Length"), "0") != 0);
    if (target_.size() > kLongestTarget)
        return refuse(414, fmt::format("the request target is longer than {} bytes", kLongestTarget));
    const HeadSize size = head_size(connection_);
    if (size.bytes > kLongestHead || size.count > kMostHeaders)
        return refuse(431, fmt::format("the request headers are larger than {} bytes or more than {}", kLongestHead,
                                       kMostHeaders));
    if (size.lengths > 1) return refuse(400, "there is more than one Content-Length header");
    if (auto refusal = check_framing(version)) return refusal;
    if (auto refusal = find_route(method)) return refusal;
    if (size.authorizations > 1 && route->scope) return refuse(401, "there is more than one Authorization header");
    if (auto refusal = check_key()) return refusal;
    if (auto refusal = check_media()) return refusal;
    if (auto refusal = check_once()) return refusal;
    return route->body == BodyKind::file ? begin_upload() : check_announced_length();
}

std::optional<Answer> HttpRequest::check_framing(const char* version) {
    const char* encoding = header("Transfer-Encoding");
    if (encoding && strcasecmp(encoding, "chunked") != 0)
        return refuse(501, "the only Transfer-Encoding that is understood is \"chunked\"");
    if (encoding && header("Content-Length"))
        return refuse(400, "Content-Length and Transfer-Encoding exclude each other");
    if (std::strcmp(version, "HTTP/1.1") == 0 && !header("Host")) return refuse(400, "the Host header is missing");
    if (const char* expect = header("Expect"); expect && strcasecmp(expect, "100-continue") != 0)
        return refuse(417, "the only expectation that is understood is \"100-continue\"");
    return std::nullopt;
}

std::optional<Answer> HttpRequest::find_route(const char* method) {
    Target target = parse_target(target_);
    if (!target.path_valid)
        return refuse(400, "the path is not valid: it must begin with / and decode to UTF-8 without NUL");
    Match found = match(method, target.segments);
    if (!found.route && found.allow.empty()) return refuse(404, "there is no such resource");
    if (!found.route) {
        Answer refusal = refuse(405, fmt::format("this resource does not know the method {}", method_));
        refusal.allow = found.allow;
        return refusal;
    }
    route = found.route;
    parameters = std::move(found.parameters);
    if (!target.query_valid) return refuse(400, "the query string is not valid: it must decode to UTF-8 without NUL");
    query = std::move(target.query);
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_key() {
    if (!route->scope) return std::nullopt;
    const char* presented = header("Authorization");
    if (!presented) return refuse(401, "an API key is needed: Authorization: Bearer <key>");
    const auto secret = bearer_key(presented);
    if (!secret) return refuse(401, "the Authorization header is not of the form: Bearer <key>");
    key = hash_key(*secret);
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_media() {
    if (route->body == BodyKind::none) {
        if (has_body_) return refuse(400, "this request takes no body");
        return std::nullopt;
    }
    if (route->body == BodyKind::file && !import_format(header("Content-Type")))
        return refuse(415, "the Content-Type must be text/csv or application/x-ndjson");
    if (route->body != BodyKind::file && !is_json_media_type(header("Content-Type")))
        return refuse(415, "the Content-Type must be application/json");
    const char* coding = header("Content-Encoding");
    if (coding && strcasecmp(coding, "identity") != 0)
        return refuse(415, "the request body must not have a Content-Encoding");
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_once() {
    constexpr std::size_t kLongest = 255;
    const char* given = route->once ? header("Idempotency-Key") : nullptr;
    if (given == nullptr) return std::nullopt;
    once = given;
    if (once.empty() || once.size() > kLongest || !valid_utf8(once))
        return refuse_field(400, "the Idempotency-Key must have 1 to 255 characters, in UTF-8", "Idempotency-Key");
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_announced_length() {
    const char* text = header("Content-Length");
    if (!text) return std::nullopt;
    const char* end = text + std::strlen(text);
    if (std::from_chars(text, end, announced_).ptr != end) return refuse(400, "the Content-Length is not a number");
    if (announced_ > body_limit())
        return refuse(413, fmt::format("the request body is larger than {} bytes", body_limit()));
    if (!account(static_cast<std::size_t>(announced_))) return unavailable("too many request bodies in memory");
    body.reserve(static_cast<std::size_t>(announced_));
    return std::nullopt;
}

}  // namespace tallyd
