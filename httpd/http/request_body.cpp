// A request's body that comes compressed: inflated on its way to the handler, or into the whole that it is collected in.
#include <fmt/format.h>

#include "base/error.hpp"
#include "http/request.hpp"

namespace tallyd {

// false: it is refused.
bool HttpRequest::begin_coding() {
    if (!head_.coded) return true;
    const std::optional<Coding> coding = coding_of(header("Content-Encoding"));
    if (!coding) return answer(refuse(415, "the Content-Encoding is not understood")), false;
    coded_ = std::make_unique<CodedBody>(*coding, around_.memory);
    if (coded_->begin()) return true;
    answer(unavailable("too many request bodies in memory"));
    return false;
}

MHD_Result HttpRequest::take_coded(const char* data, std::size_t* size) {
    if (!connection_->enter(Connection::Stage::body)) return MHD_NO;
    inflate(data, size);
    if (phase_ != Phase::refusing) return MHD_YES;
    coded_.reset();
    const std::size_t left = *size;
    *size = 0;
    return swallow(left);
}

// true: all that was there is through, and at the body's end that is all. Else somebody is waited for, or it is refused, or
// it is the others' turn.
bool HttpRequest::inflate(const char* data, std::size_t* size) {
    const bool at_end = *size == 0;
    try {
        std::size_t taken = 0;
        const CodedBody::State state = coded_->pass(
            data, *size, taken, [this](const char* piece, std::size_t bytes) { return take_inflated(piece, bytes); });
        received_ += taken;
        *size -= taken;
        if (!takes_body()) return false;  // refused, or it waits
        if (state == CodedBody::State::tired) return yield(), false;
        if (!at_end || coded_->whole()) return true;
        throw InflateError("ends too early: it was cut");
    } catch (const InflateError& error) {
        const Response refusal =
            refuse(400, fmt::format("the Content-Encoding is {}, and the request body {}", coded_->name(), error.what()));
        answer(phase_ == Phase::stream ? handler_->broken(refusal) : refusal);
    }
    return false;
}

std::size_t HttpRequest::take_inflated(const char* data, std::size_t size) {
    if (phase_ == Phase::whole) {
        append(data, size);
        return phase_ == Phase::whole ? size : 0;
    }
    if (phase_ != Phase::stream) return 0;  // the piece before made it wait, or was refused
    if (coded_->total() > most_inflated_) {
        answer(
            handler_->broken(refuse(413, fmt::format("the request body is larger than {} bytes inflated", most_inflated_))));
        return 0;
    }
    return handler_->on_piece(data, size);
}

// Once around: what else its thread has to do comes before it.
void HttpRequest::yield() {
    MHD_suspend_connection(wire_);
    MHD_resume_connection(wire_);
}

}  // namespace tallyd
