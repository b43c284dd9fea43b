// What is checked in a request's head, in this order: size, framing, target, route, method, key, media type, length.
// All of it before the first byte of the body is read.
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "body.hpp"
#include "error.hpp"
#include "fields.hpp"
#include "head.hpp"
#include "json_text.hpp"
#include "request.hpp"
#include "request_id.hpp"
#include "uri.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kLongestTarget = 8192;
constexpr std::size_t kLongestHead = 32768;  // libmicrohttpd's own limit (server.cpp) lies above
constexpr int kMostHeaders = 200;
constexpr std::size_t kLongestOnce = 255;

// What a path can do: to a browser that asks before it sends (CORS), and to everyone else.
Answer options_of(const std::string& methods) {
    Answer answer;
    answer.status = 204;
    answer.content_type = nullptr;
    answer.allow = methods;
    answer.preflight = true;
    return answer;
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
    const Head head = read_head(connection_, target_end_, version);
    if (auto refusal = check_lines(head)) {
        broken_ = true;
        return refusal;
    }
    if (head.bytes > kLongestHead || head.count > kMostHeaders)
        return refuse(431, fmt::format("the request headers are larger than {} bytes or more than {}", kLongestHead,
                                       kMostHeaders));
    if (head.lengths > 1) return refuse(400, "there is more than one Content-Length header");
    if (head.types > 1) return refuse(400, "there is more than one Content-Type header");
    if (auto refusal = check_framing(version)) return refusal;
    if (auto refusal = find_route(method)) return refusal;
    media_ = media_of(header("Content-Type"));
    if (auto refusal = check_key(head.authorizations)) return refusal;
    if (auto refusal = check_once(head.once_keys)) return refusal;
    if (auto refusal = check_media(head.coded)) return refusal;
    return route->body == BodyKind::file ? begin_upload() : check_announced_length();
}

// What another server could read as another head: nothing that follows it on this connection can be trusted.
std::optional<Answer> HttpRequest::check_lines(const Head& head) const {
    if (head.cut) return refuse(400, "the request's head holds a NUL byte, or a header that goes on in a further line");
    if (head.lone_ends) return refuse(400, "every line of the request's head must end with CR and LF");
    if (head.bad_name)
        return refuse(400,
                      "the name of a header is not valid: letters, digits and !#$%&'*+-.^_`|~, then the colon, without "
                      "blanks before it");
    if (head.hosts > 1) return refuse(400, "there is more than one Host header");
    if (head.bad_host) return refuse(400, "the Host header is not a host with or without a port");
    return std::nullopt;
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
    if (!found.route && found.allow.empty())
        return refuse(404, "there is no such resource", R"({"hint":"GET /openapi.json describes every route."})");
    if (method_ == "OPTIONS") return has_body_ ? refuse(400, "this request takes no body") : options_of(found.allow);
    if (!found.route) {
        Answer refusal = refuse(405, fmt::format("this resource does not know the method {}", method_));
        refusal.allow = found.allow;
        return refusal;
    }
    route = found.route;
    parameters = std::move(found.parameters);
    if (!target.query_valid) return refuse(400, "the query string is not valid: it must decode to UTF-8 without NUL");
    query = std::move(target.query);
    // Routes that SQL answers know their parameters there.
    if (!route->takes_query() && !target.first_name.empty())
        return refuse_field(400, fmt::format("unknown query parameter \"{}\"", target.first_name), target.first_name);
    for (const std::string& presented : target.keys) keys_.add(presented);
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_key(int headers) {
    if (!route->scope) return std::nullopt;
    if (headers > 1) return refuse(401, "there is more than one Authorization header");
    if (const char* presented = header("Authorization")) {
        const auto secret = authorization_key(presented);
        if (!secret)
            return refuse(401,
                          "the Authorization header is not of the form: Bearer <key>, or Basic with the key as user "
                          "name and no password");
        keys_.add(*secret);
    }
    // Only now a body that might hold the key is worth reading.
    const bool may_come = has_body_ && route->body_may_hold_key() && media_ != Media::other;
    return keys_.none() && may_come ? std::nullopt : check_keys();
}

std::optional<Answer> HttpRequest::check_keys() const {
    if (keys_.none())
        return refuse(401, "an API key is needed: Authorization: Bearer <key>, HTTP Basic, or the parameter apiKey");
    // Which of them is good is told to no one.
    if (keys_.differ()) return bad_key();
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_once(int headers) {
    const char* given = route->once ? header("Idempotency-Key") : nullptr;
    if (!given) return std::nullopt;
    if (headers > 1) return refuse_field(400, "there is more than one Idempotency-Key header", "Idempotency-Key");
    once = given;
    const bool printable = std::all_of(once.begin(), once.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (once.empty() || once.size() > kLongestOnce || !printable)
        return refuse_field(
            400, fmt::format("the Idempotency-Key must have 1 to {} printable ASCII characters", kLongestOnce),
            "Idempotency-Key");
    return std::nullopt;
}

std::optional<Answer> HttpRequest::check_media(bool coded) const {
    if (route->body == BodyKind::none) {
        // A POST that takes nothing else may still bring its key so.
        if (has_body_ && (!route->body_may_hold_key() || media_ == Media::other || coded))
            return refuse(400, "this request takes no body");
        return std::nullopt;
    }
    if (route->body == BodyKind::file) {
        if (!import_format(header("Content-Type")))
            return refuse(415, "the Content-Type must be text/csv or application/x-ndjson");
    } else if (media_ != Media::json && (media_ != Media::form || route->body == BodyKind::events)) {
        return refuse(415, "the Content-Type must be application/json");
    }
    if (is_foreign_charset(header("Content-Type")))
        return refuse(415, "the request body must be in UTF-8, and its Content-Type must not say another charset");
    if (!coded) return std::nullopt;
    Answer refusal = refuse(415, "the request body must not have a Content-Encoding");
    refusal.accept_encoding = "identity";
    return refusal;
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
