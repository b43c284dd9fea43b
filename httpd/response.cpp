// An Answer on the wire: the headers that every response carries, and the body without a copy.
#include <memory>
#include <string>

#include "request.hpp"

namespace tallyd {

namespace {

void free_body(void* body) { delete static_cast<std::string*>(body); }

}  // namespace

MHD_Result send_answer(MHD_Connection* connection, Answer answer, const std::string& request_id, bool last) {
    auto body = std::make_unique<std::string>(std::move(answer.body));
    MHD_Response* made =
        MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), free_body, body.get());
    if (!made) return MHD_NO;
    (void)body.release();  // the response frees it
    const std::unique_ptr<MHD_Response, void (*)(MHD_Response*)> response(made, MHD_destroy_response);
    const auto header = [made](const char* name, const char* value) { MHD_add_response_header(made, name, value); };
    header("Content-Type", answer.content_type);
    header("Cache-Control", "no-store");
    header("X-Request-Id", request_id.c_str());
    if (answer.retry_after > 0) header("Retry-After", std::to_string(answer.retry_after).c_str());
    if (!answer.allow.empty()) header("Allow", answer.allow.c_str());
    if (answer.challenge) header("WWW-Authenticate", "Bearer");
    if (last) header("Connection", "close");
    return queue_own_response(connection, answer.status, made);
}

}  // namespace tallyd
