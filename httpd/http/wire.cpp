// A Response on the wire: see wire.hpp.
#include "http/wire.hpp"

#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include <memory>

namespace tallyd {

namespace {

constexpr std::size_t kStreamBuffer = std::size_t{64} << 10;

void free_body(void* body) {
    delete static_cast<std::string*>(body);
}

constexpr const char* kExposed =
    "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Replica-Lag, X-As-Of";
constexpr const char* kAcceptedHeaders = "Authorization, Content-Type, Idempotency-Key, X-Request-Id";
constexpr const char* kPreflightSeconds = "7200";  // no browser keeps it longer

Connection* connection_of(MHD_Connection* connection) noexcept {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? static_cast<Connection*>(info->socket_context) : nullptr;
}

template <class Add>
void cross_origin_headers(const Response& response, const CrossOrigin& rules, MHD_Connection* connection, Add add) {
    const char* origin = connection ? MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin") : nullptr;
    if (rules.depends_on_origin()) add("Vary", "Origin");
    const char* allowed = rules.allowed(origin);
    if (!allowed) return;
    add("Access-Control-Allow-Origin", allowed);
    if (!response.preflight) return add("Access-Control-Expose-Headers", kExposed);
    add("Access-Control-Allow-Methods", response.allow.c_str());
    add("Access-Control-Allow-Headers", kAcceptedHeaders);
    add("Access-Control-Max-Age", kPreflightSeconds);
}

template <class Add>
void headers_of(const Response& response, const std::string& request_id, bool last, Add add) {
    if (response.content_type) add("Content-Type", response.content_type);
    add("Cache-Control", response.cache_control);
    if (response.etag) add("ETag", response.etag);
    add("X-Request-Id", request_id.c_str());
    if (response.retry_after > 0) add("Retry-After", std::to_string(response.retry_after).c_str());
    if (!response.allow.empty()) add("Allow", response.allow.c_str());
    if (!response.replica_lag.empty()) add("X-Replica-Lag", response.replica_lag.c_str());
    if (!response.as_of.empty()) add("X-As-Of", response.as_of.c_str());
    if (response.accept_encoding) add("Accept-Encoding", response.accept_encoding);
    if (response.challenge) add("WWW-Authenticate", "Bearer");
    if (response.challenge) add("WWW-Authenticate", "Basic realm=\"tallyd\"");
    if (response.rate.limit >= 0) {
        add("RateLimit-Limit", std::to_string(response.rate.limit).c_str());
        add("RateLimit-Remaining", std::to_string(response.rate.remaining).c_str());
        add("RateLimit-Reset", std::to_string(response.rate.reset).c_str());
    }
    for (const HeaderField& field : response.fields) add(field.name, field.value);
    if (last) add("Connection", "close");
}

// Of one record, so that it arrives whole or not at all.
void send_encrypted(MHD_Connection* connection, const std::string& text) noexcept {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!info || !info->tls_session) return;
    const ssize_t sent = gnutls_record_send(static_cast<gnutls_session_t>(info->tls_session), text.data(), text.size());
    static_cast<void>(sent);
}

// Owns made.
MHD_Result queue(MHD_Connection* connection, MHD_Response* made, const Response& response, const std::string& request_id,
                 bool last) {
    const std::unique_ptr<MHD_Response, void (*)(MHD_Response*)> owner(made, MHD_destroy_response);
    const auto add = [made](const char* name, const char* value) { MHD_add_response_header(made, name, value); };
    headers_of(response, request_id, last, add);
    if (const Connection* from = connection_of(connection))
        cross_origin_headers(response, from->front.cross_origin, connection, add);
    return queue_own_response(connection, response.status, made);
}

}  // namespace

MHD_Result send_response(MHD_Connection* connection, Response response, const std::string& request_id, bool last) {
    auto body = std::make_unique<std::string>(std::move(response.body));
    MHD_Response* made =
        MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), free_body, body.get());
    if (!made) return MHD_NO;
    (void)body.release();  // the response frees it
    return queue(connection, made, response, request_id, last);
}

MHD_Result send_stream(MHD_Connection* connection, const Response& response, const std::string& request_id, bool last,
                       MHD_ContentReaderCallback read, void* from) {
    MHD_Response* made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBuffer, read, from, nullptr);
    return made ? queue(connection, made, response, request_id, last) : MHD_NO;
}

void send_directly(MHD_Connection* connection, const Connection& to, const Response& response, const std::string& request_id,
                   bool with_body) noexcept {
    if (to.front.tls && !connection) return;
    try {
        std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, MHD_get_reason_phrase_for(response.status));
        const auto add = [&text](const char* name, const char* value) {
            text.append(name).append(": ").append(value).append("\r\n");
        };
        headers_of(response, request_id, true, add);
        cross_origin_headers(response, to.front.cross_origin, connection, add);
        // An answer that has no body must not announce one, not even an empty one (RFC 9110 8.6).
        text += response.content_type ? fmt::format("Content-Length: {}\r\n\r\n", response.body.size()) : "\r\n";
        if (with_body) text += response.body;
        if (to.front.tls) return send_encrypted(connection, text);
        // A client that takes nothing loses its answer: the connection ends either way.
        const ssize_t sent = send(to.fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        static_cast<void>(sent);
    } catch (...) {  // no memory: end without a word
    }
}

}  // namespace tallyd
