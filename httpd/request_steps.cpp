// The steps of a request that need the database before its own statement can run, or more than once: limits of requests
// per second, and files that are stored chunk by chunk while they arrive. See request.hpp for the life as a whole.
#include <fmt/format.h>

#include "error.hpp"
#include "log.hpp"
#include "request.hpp"

namespace tallyd {

// Suspends the connection; the database thread that has done the job resumes it.
void HttpRequest::queue_job(JobQueue& queue) {
    expires = Clock::now() + to_milliseconds(service_.config.queue_timeout);
    attempts = 0;
    phase_ = Phase::queued;
    // Suspend first, publish second: a database thread may resume the connection before push() returns.
    MHD_suspend_connection(connection_);
    if (!queue.push(this)) finish(unavailable("too many requests are waiting for the database"));
}

HttpRequest::Admission HttpRequest::admit() {
    if (admitted_) return Admission::passed;
    RateLimiter::Decision decision = service_.rates.admit(key, Clock::now());
    if (decision.verdict == RateLimiter::Verdict::look_up) {
        look_up_limits();
        return Admission::waiting;
    }
    admitted_ = true;
    rate_ = decision.rate;
    if (decision.verdict == RateLimiter::Verdict::pass) return Admission::passed;
    answer_ = refuse(429, fmt::format("the {} limit of requests per second is reached", decision.whose));
    answer_.retry_after = decision.retry_after;
    return Admission::refused;
}

void HttpRequest::look_up_limits() {
    asks_limits = true;
    if (service_.health.away(Use::read) <= to_milliseconds(service_.config.database_grace))
        return queue_job(service_.call_queue);
    phase_ = Phase::queued;
    MHD_suspend_connection(connection_);
    finish(unavailable("the database is not available", 2));
}

// An answer that is not the client's: of limits, or of one chunk. false: it is the client's.
bool HttpRequest::take_answer() {
    if (asks_limits) {
        asks_limits = false;
        if (answer_.status == 200 && service_.rates.learn(key, answer_.body, Clock::now())) return true;
        service_.rates.not_learned(key);
        if (answer_.status == 200) answer_ = refuse(500, "internal error");
        return false;
    }
    if (!upload_) return false;
    body.clear();
    const std::uint64_t accepted = upload_->accepted(), duplicates = upload_->duplicates(), failed = upload_->failed();
    auto refusal = upload_->take(std::move(answer_));
    service_.observe.events_accepted.fetch_add(upload_->accepted() - accepted, std::memory_order_relaxed);
    service_.observe.events_duplicate.fetch_add(upload_->duplicates() - duplicates, std::memory_order_relaxed);
    service_.observe.events_rejected.fetch_add(upload_->failed() - failed, std::memory_order_relaxed);
    if (!refusal) return true;
    answer_ = std::move(*refusal);
    release_body();
    return false;
}

std::optional<Answer> HttpRequest::begin_upload() {
    key = keys_.hash();  // a file cannot hold it, so it is known by now
    upload_ = std::make_unique<ImportUpload>(*import_format(header("Content-Type")), query);
    std::optional<Answer> problem = upload_->problem();
    if (!problem && !account(kImportMemory)) problem = unavailable("too many request bodies in memory");
    if (problem) upload_.reset();
    return problem;
}

// true: suspended. Each chunk has the whole time of a body again, so a slow upload lives as long as it moves.
bool HttpRequest::store_chunk() {
    if (!upload_->must_store(file_ended_)) return false;
    if (!peer_->enter(Peer::Stage::busy)) return false;
    upload_->next(*this);
    queue_job(service_.queue_of(*route));
    return true;
}

// Takes what fits into a chunk; the library comes again with the rest.
MHD_Result HttpRequest::take_file(const char* data, std::size_t* size) {
    if (const Admission admission = admit(); admission != Admission::passed) {
        if (admission == Admission::waiting) return MHD_YES;
        phase_ = Phase::refused;
        *size = 0;
        return MHD_YES;
    }
    if (!peer_->enter(Peer::Stage::body)) return MHD_NO;
    if (store_chunk()) return MHD_YES;
    const std::size_t taken = upload_->feed(data, *size);
    received_ += taken;
    *size -= taken;
    store_chunk();
    return MHD_YES;
}

MHD_Result HttpRequest::take_file_end() {
    if (!peer_->enter(Peer::Stage::busy)) return MHD_NO;
    if (phase_ == Phase::refused) return reply(std::move(answer_));
    if (auto refusal = check_trailers()) return reply(std::move(*refusal));
    if (const Admission admission = admit(); admission != Admission::passed)
        return admission == Admission::waiting ? MHD_YES : reply(std::move(answer_));
    if (received_ == 0) return reply(refuse(400, "the request body is empty"));
    if (!file_ended_) upload_->end();
    file_ended_ = true;
    if (store_chunk()) return MHD_YES;
    return reply(upload_->summary());
}

}  // namespace tallyd
