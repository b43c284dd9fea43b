// An Answer on the wire: see response.hpp.
#include "response.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <memory>

namespace tallyd {

namespace {

void free_body(void* body) {
    delete static_cast<std::string*>(body);
}

template <class Add>
void headers_of(const Answer& answer, const std::string& request_id, bool last, Add add) {
    if (answer.content_type) add("Content-Type", answer.content_type);
    add("Cache-Control", "no-store");
    add("X-Request-Id", request_id.c_str());
    if (answer.retry_after > 0) add("Retry-After", std::to_string(answer.retry_after).c_str());
    if (!answer.allow.empty()) add("Allow", answer.allow.c_str());
    if (answer.challenge) add("WWW-Authenticate", "Bearer");
    if (answer.rate.limit >= 0) {
        add("RateLimit-Limit", std::to_string(answer.rate.limit).c_str());
        add("RateLimit-Remaining", std::to_string(answer.rate.remaining).c_str());
        add("RateLimit-Reset", std::to_string(answer.rate.reset).c_str());
    }
    if (last) add("Connection", "close");
}

}  // namespace

MHD_Result send_answer(MHD_Connection* connection, Answer answer, const std::string& request_id, bool last) {
    auto body = std::make_unique<std::string>(std::move(answer.body));
    MHD_Response* made =
        MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), free_body, body.get());
    if (!made) return MHD_NO;
    (void)body.release();  // the response frees it
    const std::unique_ptr<MHD_Response, void (*)(MHD_Response*)> response(made, MHD_destroy_response);
    headers_of(answer, request_id, last,
               [made](const char* name, const char* value) { MHD_add_response_header(made, name, value); });
    return queue_own_response(connection, answer.status, made);
}

void send_directly(int fd, const Answer& answer, const std::string& request_id, bool with_body) noexcept {
    try {
        std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, MHD_get_reason_phrase_for(answer.status));
        headers_of(answer, request_id, true, [&text](const char* name, const char* value) {
            text.append(name).append(": ").append(value).append("\r\n");
        });
        // An answer that has no body must not announce one, not even an empty one (RFC 9110 8.6).
        text += answer.content_type ? fmt::format("Content-Length: {}\r\n\r\n", answer.body.size()) : std::string("\r\n");
        if (with_body) text += answer.body;
        // A client that takes nothing loses its answer: the connection ends either way.
        const ssize_t sent = send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        static_cast<void>(sent);
    } catch (...) {  // no memory: end without a word
    }
}

}  // namespace tallyd
