// One HTTP request's life: see request.hpp. What is checked stands in request_head.cpp and request_body.cpp.
#include "request.hpp"

#include <fmt/format.h>

#include <new>

#include "document.hpp"
#include "error.hpp"
#include "log.hpp"
#include "probes.hpp"
#include "request_id.hpp"
#include "response.hpp"
#include "uri.hpp"

namespace tallyd {

HttpRequest::HttpRequest(Service& service, MHD_Connection* connection, Peer* peer, const char* target)
    : service_(service),
      connection_(connection),
      peer_(peer),
      begun_(Clock::now()),
      target_(target),
      target_end_(target + target_.size()),
      id_(new_request_id()) {
    peer_->request = this;
    service_.observe.in_flight.fetch_add(1, std::memory_order_relaxed);
}

HttpRequest::~HttpRequest() {
    release_body();
    service_.observe.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

MHD_Result HttpRequest::step(const char* method, const char* version, const char* data, std::size_t* size) {
    if (phase_ == Phase::answered && take_answer()) phase_ = Phase::body;
    switch (phase_) {
        case Phase::head:
            return take_head(method, version);
        case Phase::body:
        case Phase::refused: {
            if (*size == 0) return upload_ ? take_file_end() : take_end();
            if (upload_ && phase_ == Phase::body) return take_file(data, size);
            const std::size_t taken = *size;
            *size = 0;
            return take_piece(data, taken);
        }
        case Phase::answered:
            if (*size == 0) return reply(std::move(answer_));
            // The rest of the body has to go first.
            if (!peer_->enter(Peer::Stage::body)) return MHD_NO;
            phase_ = Phase::refused;
            *size = 0;
            return MHD_YES;
        case Phase::queued:
        case Phase::replied:
            *size = 0;
            return MHD_YES;
    }
    return MHD_NO;
}

MHD_Result HttpRequest::take_head(const char* method, const char* version) {
    auto refusal = check_head(method, version);
    if (refusal && has_body_) {
        // The body stays unread: libmicrohttpd closes the connection after the answer.
        peer_->linger = true;
        return reply(std::move(*refusal));
    }
    if (!peer_->enter(Peer::Stage::body)) return MHD_NO;
    phase_ = refusal ? Phase::refused : Phase::body;
    if (refusal) answer_ = std::move(*refusal);  // sent at the request's end: the connection stays open
    return MHD_YES;
}

MHD_Result HttpRequest::take_piece(const char* data, std::size_t size) {
    received_ += size;
    if (phase_ == Phase::body && received_ <= body_limit()) {
        if (received_ > accounted_ && !account(static_cast<std::size_t>(received_) - accounted_)) {
            answer_ = unavailable("too many request bodies in memory");
            phase_ = Phase::refused;
            release_body();
            return MHD_YES;
        }
        body.append(data, size);
        return MHD_YES;
    }
    if (phase_ == Phase::body) {
        answer_ = refuse(413, fmt::format("the request body is larger than {} bytes", body_limit()));
        phase_ = Phase::refused;
        release_body();
    }
    // Swallow the rest of a chunked body so that the client can read the answer, but not for ever.
    swallowed_ += size;
    if (swallowed_ <= 3 * static_cast<std::uint64_t>(body_limit())) return MHD_YES;
    status_ = answer_.status;
    peer_->linger = true;
    send_directly(connection_, *peer_, answer_, id_, true);
    return MHD_NO;
}

MHD_Result HttpRequest::take_end() {
    if (!peer_->enter(Peer::Stage::busy)) return MHD_NO;
    if (phase_ == Phase::refused) return reply(std::move(answer_));
    if (auto refusal = check_trailers()) return reply(std::move(*refusal));
    if (route->kind == RouteKind::openapi) return reply(openapi_document(header("If-None-Match")));
    if (route->scope == nullptr) return reply(probe(route->kind, service_));
    // The body first: it may hold the key. This is called again when the key's limits are known.
    if (!body_checked_)
        if (auto refusal = check_body()) return reply(std::move(*refusal));
    body_checked_ = true;
    if (const Admission admission = admit(); admission != Admission::passed)
        return admission == Admission::waiting ? MHD_YES : reply(std::move(answer_));
    return submit();
}

MHD_Result HttpRequest::submit() {
    if (service_.health.away(Service::use_of(*route)) > to_milliseconds(service_.config.database_grace))
        return reply(unavailable("the database is not available", 2));
    queue_job(service_.queue_of(*route));
    return MHD_YES;
}

void HttpRequest::finish(Answer answer) noexcept {
    answer_ = std::move(answer);
    phase_ = Phase::answered;
    MHD_resume_connection(connection_);
}

MHD_Result HttpRequest::reply(Answer answer) {
    // A limit of the month that refused the request is told before that of requests per second, which let it pass.
    if (answer.rate.limit < 0) answer.rate = rate_;
    release_body();
    phase_ = Phase::replied;
    status_ = answer.status;
    sent_ = answer.body.size();
    if (!peer_->enter(Peer::Stage::sending)) return MHD_NO;
    return send_answer(connection_, std::move(answer), id_, broken_ || service_.health.draining.load());
}

MHD_Result HttpRequest::refuse_by_library(unsigned status, const std::string& reason) {
    Answer answer = refuse(status, reason);
    peer_->linger = true;
    const bool in_head = phase_ == Phase::head;
    release_body();
    phase_ = Phase::replied;
    status_ = status;
    sent_ = answer.body.size();
    if (!peer_->enter(Peer::Stage::sending)) return MHD_NO;
    if (in_head && (status == 400 || status == 413) && header("Content-Length")) {
        // A Content-Length that is no number: 0.9.75 builds the head of its refusal twice. So the answer goes
        // directly, and the library is told to close.
        send_directly(connection_, *peer_, answer, id_, true);
        return MHD_NO;
    }
    return send_answer(connection_, std::move(answer), id_, true);
}

void HttpRequest::answer_half_closed() noexcept {
    if (phase_ != Phase::answered || asks_limits || upload_) return;
    status_ = answer_.status;
    sent_ = answer_.body.size();
    send_directly(connection_, *peer_, answer_, id_, method_ != "HEAD");
}

bool HttpRequest::account(std::size_t bytes) noexcept {
    if (service_.body_bytes.fetch_add(bytes) + bytes > service_.config.body_memory) {
        service_.body_bytes.fetch_sub(bytes);
        return false;
    }
    accounted_ += bytes;
    return true;
}

void HttpRequest::release_body() noexcept {
    std::string().swap(body);
    service_.body_bytes.fetch_sub(accounted_);
    accounted_ = 0;
}

std::size_t HttpRequest::body_limit() const noexcept {
    return route->body == BodyKind::events || route->body == BodyKind::file ? service_.config.max_ingest_body
                                                                            : service_.config.max_body;
}

void HttpRequest::log_and_count(bool completed) noexcept {
    constexpr unsigned kClientGone = 499;
    if (peer_->stage.load() == Peer::Stage::cut && status_ == 0) status_ = 408;
    if (status_ == 0) status_ = kClientGone;
    const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    service_.observe.request(route, status_, seconds);
    if (!log::enabled(log::Level::info)) return;
    try {
        log::write(
            log::Level::info, "request",
            log::field("request_id", id_) + log::field("method", method_) +
                log::field("route", route ? route->pattern : "unmatched") + log::field("target", redacted(target_)) +
                fmt::format(",\"status\":{},\"duration_ms\":{:.3f},\"bytes_in\":{},\"bytes_out\":{},\"completed\":{}",
                            status_, seconds * 1000, received_, sent_, completed));
    } catch (...) {  // out of memory: a line of the log is the least loss
    }
}

}  // namespace tallyd
