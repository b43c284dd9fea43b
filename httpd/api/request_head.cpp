// The first stage of a request to the API: route, method, credentials, media type. All of it before the first byte of
// the body is read.
#include <fmt/format.h>

#include <algorithm>

#include "api/request.hpp"
#include "base/error.hpp"
#include "http/coded_body.hpp"
#include "http/fields.hpp"
#include "http/uri.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kLongestOnce = 255;

// What a path can do: to a browser that asks before it sends (CORS), and to everyone else.
Response options_of(const std::string& methods) {
    Response answer;
    answer.status = 204;
    answer.content_type = nullptr;
    answer.allow = methods;
    answer.preflight = true;
    return answer;
}

}  // namespace

void Request::on_head() {
    if (auto refusal = check_head()) answer(std::move(*refusal));
}

std::optional<Response> Request::check_head() {
    if (auto refusal = find_route()) return refusal;
    media_ = media_of(exchange_.header("Content-Type"));
    if (auto refusal = check_credentials()) return refusal;
    if (auto refusal = check_once()) return refusal;
    if (auto refusal = check_media()) return refusal;
    if (auto refusal = check_format()) return refusal;
    if (route_->body == BodyKind::file) return begin_upload();
    exchange_.take_whole(body_limit());
    return std::nullopt;
}

std::optional<Response> Request::find_route() {
    Target target = parse_target(exchange_.target());
    if (!target.path_valid)
        return refuse(400, "the path is not valid: it must begin with / and decode to UTF-8 without NUL");
    Match found = match(exchange_.method(), target.segments);
    if (!found.route && found.allow.empty())
        return refuse(404, "there is no such resource", R"({"hint":"GET /openapi.json describes every route."})");
    if (exchange_.method() == "OPTIONS")
        return exchange_.has_body() ? refuse(400, "this request takes no body") : options_of(found.allow);
    if (!found.route) {
        Response refusal = refuse(405, fmt::format("this resource does not know the method {}", exchange_.method()));
        refusal.allow = found.allow;
        return refusal;
    }
    route_ = found.route;
    path_ = std::move(found.parameters);
    if (!target.query_valid) return refuse(400, "the query string is not valid: it must decode to UTF-8 without NUL");
    query_ = std::move(target.query);
    // Routes that SQL answers know their parameters there.
    if (!route_->takes_query() && !target.first_name.empty())
        return refuse_field(400, fmt::format("unknown query parameter \"{}\"", target.first_name), target.first_name);
    for (const std::string& presented : target.keys) credentials_.add(presented);
    return std::nullopt;
}

std::optional<Response> Request::check_credentials() {
    if (!route_->scope) return std::nullopt;
    if (auto refusal = credentials_.read_header(exchange_.header("Authorization"), exchange_.head().authorizations))
        return refusal;
    // Only now a body that might hold the key is worth reading.
    const bool may_come = exchange_.has_body() && route_->body_may_hold_key() && media_ != Media::other;
    return credentials_.none() && may_come ? std::nullopt : credentials_.check();
}

std::optional<Response> Request::check_once() {
    const char* given = route_->once ? exchange_.header("Idempotency-Key") : nullptr;
    if (!given) return std::nullopt;
    if (exchange_.head().once_keys > 1)
        return refuse_field(400, "there is more than one Idempotency-Key header", "Idempotency-Key");
    once_ = given;
    const bool printable = std::all_of(once_.begin(), once_.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (once_.empty() || once_.size() > kLongestOnce || !printable)
        return refuse_field(400,
                            fmt::format("the Idempotency-Key must have 1 to {} printable ASCII characters", kLongestOnce),
                            "Idempotency-Key");
    return std::nullopt;
}

std::optional<Response> Request::check_media() const {
    if (route_->body == BodyKind::none) {
        // A POST that takes nothing else may still bring its key so.
        if (exchange_.has_body() && (!route_->body_may_hold_key() || media_ == Media::other || exchange_.head().coded))
            return refuse(400, "this request takes no body");
        return std::nullopt;
    }
    if (route_->body == BodyKind::file) {
        if (!import_format(exchange_.header("Content-Type")))
            return refuse(415, "the Content-Type must be text/csv or application/x-ndjson");
    } else if (media_ != Media::json && (media_ != Media::form || route_->body == BodyKind::events)) {
        return refuse(415, "the Content-Type must be application/json");
    }
    if (is_foreign_charset(exchange_.header("Content-Type")))
        return refuse(415, "the request body must be in UTF-8, and its Content-Type must not say another charset");
    if (!exchange_.head().coded) return std::nullopt;
    if (exchange_.head().codings == 1 && coding_of(exchange_.header("Content-Encoding"))) return std::nullopt;
    Response refusal = refuse(415, "the Content-Encoding of the request body must be gzip, zstd or identity");
    refusal.accept_encoding = kCodings;
    return refusal;
}

}  // namespace tallyd
