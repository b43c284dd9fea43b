// One request to the API: see request.hpp.
#include "api/request.hpp"

#include <fmt/format.h>

#include <ctime>

#include "api/body_reader.hpp"
#include "api/document.hpp"
#include "api/ingest_counts.hpp"
#include "api/month_limit.hpp"
#include "api/statements.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace tallyd {

namespace {

constexpr unsigned kNoContent = 204;

}  // namespace

void Request::on_end() {
    if (phase_ != Phase::arriving) return end_upload();
    if (route_->kind == RouteKind::openapi) return answer(openapi_document(exchange_.header("If-None-Match")));
    if (!route_->scope) return answer(means_.probes.answer(route_->kind));
    // The body first: it may hold the key.
    if (exchange_.has_body() || route_->body != BodyKind::none)
        if (auto refusal = read_body(exchange_.body(), *route_, media_, credentials_)) return answer(std::move(*refusal));
    if (auto refusal = credentials_.check()) return answer(std::move(*refusal));
    phase_ = Phase::admission;
    if (admit()) begin();
}

void Request::on_resumed() {
    switch (phase_) {
        case Phase::admission:
            if (!learn_limits()) return answer(std::move(result_));
            if (admit()) begin();
            return;
        case Phase::statement:
        case Phase::done:
            if (!repeats_on_primary()) answer(result());
            return;
        case Phase::exporting:
        case Phase::page:
        case Phase::upload:
        case Phase::upload_end: return take_chunk();
        case Phase::arriving: return;
    }
}

std::optional<Response> Request::last_word() {
    return phase_ == Phase::done ? std::optional<Response>(result()) : std::nullopt;
}

void Request::finish(Response response) noexcept {
    result_ = std::move(response);
    if (phase_ == Phase::statement) phase_ = Phase::done;
    exchange_.resume();
}

// Waits first, and is queued then: a database thread may be done before submit() returns.
void Request::queue(const Statement& what, LaneId where, bool repeatable) {
    statement = &what;
    lane = where;
    may_repeat = repeatable;
    exchange_.wait();
    means_.database.submit(*this);
}

bool Request::admit() {
    RateLimiter::Decision decision = means_.rates.admit(credentials_.hash(), Clock::now());
    if (decision.verdict == RateLimiter::Verdict::look_up) {
        ask_limits();
        return false;
    }
    rate_ = decision.rate;
    on_primary_ = !decision.key_known;
    if (decision.verdict == RateLimiter::Verdict::pass) return true;
    Response refusal = refuse(429, fmt::format("the {} limit of requests per second is reached", decision.whose));
    refusal.retry_after = decision.retry_after;
    answer(std::move(refusal));
    return false;
}

// Of the primary, whose word on a key is the last one: a replica may not have heard of its revocation yet.
void Request::ask_limits() {
    parameters = {{credentials_.bytes(), true}};
    queue(kKeyLimits, means_.database.has_replica() ? LaneId::write : LaneId::read, true);
}

// false: result_ is the refusal.
bool Request::learn_limits() {
    if (result_.status == 200 && means_.rates.learn(credentials_.hash(), result_.body, Clock::now())) return true;
    means_.rates.not_learned(credentials_.hash());
    if (result_.status == 200) result_ = refuse(500, "internal error");
    return false;
}

// Admitted: what the request is there for.
void Request::begin() {
    if (upload_) phase_ = Phase::upload;
    else submit();
}

void Request::submit() {
    phase_ = Phase::statement;
    ask();
}

void Request::ask() {
    attempts = 0;
    const std::string& body = exchange_.body();
    if (route_->kind == RouteKind::ingest) {
        parameters = {{credentials_.bytes(), true}, {body, true}};
        // Every event carries its identity: a second time is a duplicate.
        return queue(kIngest, route_->lane, true);
    }
    parameters = {
        {credentials_.bytes(), true}, {route_->scope}, {path_}, {query_}, {body, true, route_->body == BodyKind::none}};
    if (!once_.empty()) parameters.push_back({once_, true});
    const bool reads = route_->reads();
    queue(statement_of(*route_, !once_.empty()), reads && on_primary_ ? LaneId::write : lane_of_route(),
          reads || !once_.empty());
}

// A replica that does not know a key may only be behind.
bool Request::repeats_on_primary() {
    if (result_.status != 401 || result_.replica_lag.empty() || on_primary_) return false;
    on_primary_ = true;
    submit();
    return true;
}

// What the statement's value means for this route.
Response Request::result() {
    Response response = std::move(result_);
    if (response.rate.limit < 0) response.rate = rate_;
    if (response.status == 429) tell_month_limit(response, std::time(nullptr));
    if (route_->kind == RouteKind::ingest) {
        const IngestCounts counts = ingest_counts(response.body);
        means_.metrics.events_accepted.fetch_add(counts.accepted, std::memory_order_relaxed);
        means_.metrics.events_duplicate.fetch_add(counts.duplicates, std::memory_order_relaxed);
        means_.metrics.events_rejected.fetch_add(counts.failures - counts.conflicts, std::memory_order_relaxed);
        means_.metrics.events_conflict.fetch_add(counts.conflicts, std::memory_order_relaxed);
        means_.metrics.events_unmatched.fetch_add(counts.unmatched, std::memory_order_relaxed);
        return response;
    }
    if (response.status != 200) return response;
    response.status = route_->status;
    if (route_->status == kNoContent) {  // the function answers NULL
        response.content_type = nullptr;
        response.body.clear();
    } else if (!response.content_type) {
        log::write(log::Level::error, "statement_without_answer", log::field("route", route_->pattern));
        return refuse(500, "internal error");
    }
    return rows_ ? exported(std::move(response)) : response;
}

void Request::answer(Response response) {
    // A limit of the month that refused the request is told before that of requests per second, which let it pass.
    if (response.rate.limit < 0) response.rate = rate_;
    response.fields = fields_of(response);
    exchange_.answer(std::move(response));
}

std::size_t Request::body_limit() const noexcept {
    return route_->body == BodyKind::events || route_->body == BodyKind::file ? means_.settings.max_ingest_body
                                                                              : means_.settings.max_body;
}

}  // namespace tallyd
