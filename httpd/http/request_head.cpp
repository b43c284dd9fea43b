// What is HTTP in a request's head, in this order: size, lines, fields that must not repeat, framing, length. All of it
// before the handler is asked and the first byte of the body is read.
#include <fmt/format.h>
#include <strings.h>

#include <charconv>
#include <cstring>

#include "base/error.hpp"
#include "http/fields.hpp"
#include "http/request.hpp"
#include "http/request_id.hpp"
#include "http/uri.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kLongestTarget = 8192;
constexpr std::size_t kLongestHead = 32768;  // libmicrohttpd's own limit (server.cpp) lies above
constexpr int kMostHeaders = 200;

}  // namespace

const char* HttpRequest::header(const char* name) const noexcept {
    return MHD_lookup_connection_value(wire_, MHD_HEADER_KIND, name);
}

std::optional<Response> HttpRequest::check_head(const char* version) {
    if (const char* id = header("X-Request-Id"); id && is_sane_request_id(id)) id_ = id;
    has_body_ = header("Transfer-Encoding") || (header("Content-Length") && std::strcmp(header("Content-Length"), "0") != 0);
    if (target_.size() > kLongestTarget)
        return refuse(414, fmt::format("the request target is longer than {} bytes", kLongestTarget));
    head_ = read_head(wire_, target_end_, version);
    if (auto refusal = check_lines()) {
        broken_ = true;
        return refusal;
    }
    if (head_.bytes > kLongestHead || head_.count > kMostHeaders)
        return refuse(
            431, fmt::format("the request headers are larger than {} bytes or more than {}", kLongestHead, kMostHeaders));
    if (head_.lengths > 1) return refuse(400, "there is more than one Content-Length header");
    if (head_.types > 1) return refuse(400, "there is more than one Content-Type header");
    return check_framing(version);
}

// What another server could read as another head: nothing that follows it on this connection can be trusted.
std::optional<Response> HttpRequest::check_lines() const {
    if (head_.cut) return refuse(400, "the request's head holds a NUL byte, or a header that goes on in a further line");
    if (head_.lone_ends) return refuse(400, "every line of the request's head must end with CR and LF");
    if (!is_token(method_)) return refuse(400, "the method is not valid: letters, digits and !#$%&'*+-.^_`|~");
    if (head_.bad_name)
        return refuse(400,
                      "the name of a header is not valid: letters, digits and !#$%&'*+-.^_`|~, then the colon, without "
                      "blanks before it");
    if (head_.hosts > 1) return refuse(400, "there is more than one Host header");
    if (head_.bad_host) return refuse(400, "the Host header is not a host with or without a port");
    if (!names_a_host(target_))
        return refuse(400, "a request target in absolute form needs http or https and a host, and names no user");
    return std::nullopt;
}

std::optional<Response> HttpRequest::check_framing(const char* version) const {
    const char* encoding = header("Transfer-Encoding");
    if (encoding && strcasecmp(encoding, "chunked") != 0)
        return refuse(501, "the only Transfer-Encoding that is understood is \"chunked\"");
    if (head_.transfers > 1) return refuse(400, "there is more than one Transfer-Encoding header: a body is chunked once");
    if (encoding && header("Content-Length")) return refuse(400, "Content-Length and Transfer-Encoding exclude each other");
    if (encoding && std::strcmp(version, "HTTP/1.0") == 0)
        return refuse(400, "HTTP/1.0 knows no Transfer-Encoding: send Content-Length, or HTTP/1.1");
    if (std::strcmp(version, "HTTP/1.1") == 0 && !header("Host")) return refuse(400, "the Host header is missing");
    if (const char* expect = header("Expect"); expect && strcasecmp(expect, "100-continue") != 0)
        return refuse(417, "the only expectation that is understood is \"100-continue\"");
    return std::nullopt;
}

// What its handler takes can be refused by what its head says.
void HttpRequest::take_whole(std::size_t limit) {
    limit_ = limit;
    if (!begin_coding()) return;
    const char* text = header("Content-Length");
    if (!text) return;
    const char* end = text + std::strlen(text);
    std::uint64_t announced = 0;
    if (std::from_chars(text, end, announced).ptr != end) return answer(refuse(400, "the Content-Length is not a number"));
    if (announced > limit) return answer(refuse(413, fmt::format("the request body is larger than {} bytes", limit)));
    if (!share_.take(static_cast<std::size_t>(announced))) return answer(unavailable("too many request bodies in memory"));
    body_.reserve(static_cast<std::size_t>(announced));
}

void HttpRequest::take_stream(std::size_t memory, std::size_t limit, std::uint64_t inflated) {
    limit_ = limit;
    most_inflated_ = inflated;
    phase_ = Phase::stream;
    if (!share_.take(memory)) return answer(unavailable("too many request bodies in memory"));
    begin_coding();
}

bool HttpRequest::has_bad_trailers() {
    if (!header("Transfer-Encoding") || has_sound_trailers(wire_)) return false;
    broken_ = true;
    return true;
}

}  // namespace tallyd
