// One request on the wire: see request.hpp. What is checked in its head stands in request_head.cpp.
#include "http/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/error.hpp"
#include "base/log.hpp"
#include "http/request_id.hpp"
#include "http/uri.hpp"
#include "http/wire.hpp"

namespace tallyd {

namespace {

constexpr unsigned kClientGone = 499;
constexpr std::uint64_t kSwallowedLimits = 3;  // times the limit of a body

}  // namespace

HttpRequest::HttpRequest(const Surroundings& around, MHD_Connection* wire, Connection* connection, const char* target)
    : around_(around),
      wire_(wire),
      connection_(connection),
      begun_(Clock::now()),
      target_(target),
      target_end_(target + target_.size()),
      id_(new_request_id()),
      share_(around.memory),
      handler_(around.handlers.handle(*this)) {
    connection_->request = this;
    around_.metrics.in_flight.fetch_add(1, std::memory_order_relaxed);
}

HttpRequest::~HttpRequest() {
    around_.metrics.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

MHD_Result HttpRequest::step(const char* method, const char* version, const char* data, std::size_t* size) {
    if (phase_ == Phase::head) return take_head(method, version);
    if (phase_ == Phase::waiting) {
        phase_ = body_phase_;
        handler_->on_resumed();
        if (phase_ == Phase::waiting) return MHD_YES;
        // The rest of the body has to go first, in the time that a body has.
        if (phase_ == Phase::refusing && *size > 0 && !connection_->enter(Connection::Stage::body)) return MHD_NO;
    }
    if (phase_ == Phase::replied) {
        *size = 0;
        return MHD_YES;
    }
    if (*size == 0) return take_end();
    if (coded_ && takes_body()) return take_coded(data, size);
    if (phase_ == Phase::stream) {
        if (!connection_->enter(Connection::Stage::body)) return MHD_NO;
        const std::size_t taken = handler_->on_piece(data, *size);
        received_ += taken;
        *size -= taken;
        if (phase_ == Phase::refusing) *size = 0;
        return MHD_YES;
    }
    const std::size_t taken = *size;
    *size = 0;
    received_ += taken;
    if (phase_ == Phase::whole) append(data, taken);
    return phase_ == Phase::refusing ? swallow(taken) : MHD_YES;
}

MHD_Result HttpRequest::take_head(const char* method, const char* version) {
    method_ = std::string_view(method).substr(0, 32);
    phase_ = Phase::whole;
    if (auto refusal = check_head(version)) answer(std::move(*refusal));
    else handler_->on_head();
    if (phase_ == Phase::refusing && has_body_) {
        // The body stays unread: libmicrohttpd closes the connection after the response.
        connection_->linger = true;
        return reply();
    }
    // Of a refusal without a body: it is sent at the request's end, and the connection stays open.
    return connection_->enter(Connection::Stage::body) ? MHD_YES : MHD_NO;
}

void HttpRequest::append(const char* data, std::size_t size) {
    const std::size_t whole = body_.size() + size;
    if (whole > limit_)
        answer(refuse(413, fmt::format("the request body is larger than {} bytes{}", limit_, coded_ ? " inflated" : "")));
    else if (whole > share_.bytes() && !share_.take(whole - share_.bytes()))
        answer(unavailable("too many request bodies in memory"));
    else body_.append(data, size);
}

// The rest of a body in pieces is thrown away so that the client can read the response, but not for ever.
MHD_Result HttpRequest::swallow(std::size_t size) {
    swallowed_ += size;
    if (swallowed_ <= kSwallowedLimits * limit_) return MHD_YES;
    status_ = response_.status;
    connection_->linger = true;
    send_directly(wire_, *connection_, response_, id_, true);
    return MHD_NO;
}

MHD_Result HttpRequest::take_end() {
    if (!connection_->enter(Connection::Stage::busy)) return MHD_NO;
    if (phase_ != Phase::refusing) {
        std::size_t nothing = 0;
        if (has_bad_trailers()) answer(refuse(400, "the name of a trailer is not valid"));
        else if (!coded_ || inflate(nullptr, &nothing)) handler_->on_end();
        if (takes_body()) return MHD_YES;  // it goes on in its turn
    }
    return phase_ == Phase::waiting ? MHD_YES : reply();
}

void HttpRequest::answer(Response response) {
    response_ = std::move(response);
    phase_ = Phase::refusing;
    std::string().swap(body_);
    share_.release();
}

// Suspended first: whoever is waited for may be done before its caller returns. A connection that the watchdog has cut
// by now is given up when it is resumed, not before: until then somebody holds on to the request.
void HttpRequest::wait() {
    connection_->enter(Connection::Stage::busy);
    if (phase_ != Phase::replied) {  // else a streamed response goes on when it is resumed
        if (phase_ != Phase::waiting) body_phase_ = phase_;
        phase_ = Phase::waiting;
    }
    MHD_suspend_connection(wire_);
}

void HttpRequest::resume() noexcept {
    MHD_resume_connection(wire_);
}

MHD_Result HttpRequest::reply() {
    phase_ = Phase::replied;
    status_ = response_.status;
    sent_ = response_.body.size();
    if (!connection_->enter(Connection::Stage::sending)) return MHD_NO;
    const bool last = broken_ || around_.connections.draining();
    if (!response_.streamed) return send_response(wire_, std::move(response_), id_, last);
    piece_ = std::move(response_.body);
    sent_ = 0;
    return send_stream(wire_, response_, id_, last, read_stream, this);
}

ssize_t HttpRequest::read_stream(void* self, std::uint64_t, char* room, std::size_t most) {
    try {
        return static_cast<HttpRequest*>(self)->give(room, most);
    } catch (const std::exception& error) {
        log::message(log::Level::error, error.what());
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

// A stream that breaks off has no last chunk: its client sees that it is not whole.
ssize_t HttpRequest::give(char* room, std::size_t most) {
    while (piece_at_ == piece_.size()) {
        piece_.clear();
        piece_at_ = 0;
        const Handler::More more = handler_->more(piece_);
        if (more == Handler::More::wait) return 0;
        if (more == Handler::More::end) return MHD_CONTENT_READER_END_OF_STREAM;
        if (more == Handler::More::broken) return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (!connection_->enter(Connection::Stage::sending)) return MHD_CONTENT_READER_END_WITH_ERROR;
    const std::size_t size = std::min(most, piece_.size() - piece_at_);
    std::memcpy(room, piece_.data() + piece_at_, size);
    piece_at_ += size;
    sent_ += size;
    return static_cast<ssize_t>(size);
}

MHD_Result HttpRequest::refuse_by_library(unsigned status, const std::string& reason) {
    const bool in_head = phase_ == Phase::head;
    answer(refuse(status, reason));
    connection_->linger = true;
    broken_ = true;
    if (in_head && (status == 400 || status == 413) && header("Content-Length")) {
        // A Content-Length that is no number: 0.9.75 builds the head of its refusal twice. So the response goes
        // directly, and the library is told to close.
        phase_ = Phase::replied;
        status_ = status;
        sent_ = response_.body.size();
        if (connection_->enter(Connection::Stage::sending)) send_directly(wire_, *connection_, response_, id_, true);
        return MHD_NO;
    }
    return reply();
}

void HttpRequest::answer_half_closed() noexcept {
    if (phase_ != Phase::waiting) return;
    try {
        const std::optional<Response> response = handler_->last_word();
        if (!response || response->streamed) return;
        status_ = response->status;
        sent_ = response->body.size();
        send_directly(wire_, *connection_, *response, id_, method_ != "HEAD");
    } catch (const std::exception&) {  // no memory: end without a word
    }
}

void HttpRequest::log_and_count(bool completed) noexcept {
    if (connection_->stage.load() == Connection::Stage::cut && status_ == 0) status_ = 408;
    if (status_ == 0) status_ = kClientGone;
    const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    around_.metrics.request(handler_->route(), status_, seconds);
    if (!log::enabled(log::Level::info)) return;
    try {
        log::write(log::Level::info, "request",
                   log::field("request_id", id_) + log::field("method", method_) +
                       log::field("route", handler_->route_name()) + log::field("target", redacted(target_)) +
                       fmt::format(",\"status\":{},\"duration_ms\":{:.3f},\"bytes_in\":{},\"bytes_out\":{},\"completed\":{}",
                                   status_, seconds * 1000, received_, sent_, completed));
    } catch (...) {  // out of memory: a line of the log is the least loss
    }
}

}  // namespace tallyd
