// Every route but ingest: see reader.hpp.
#include "reader.hpp"

#include <vector>

#include "log.hpp"

namespace tallyd {

namespace {

constexpr unsigned kNoContent = 204;

Statement statement_of(const Route& route) {
    return {route.function, std::string("SELECT tally_rest._compact(tally_rest.") + route.function +
                                "(tally_rest.authenticate($1::bytea, $2::text), $3::jsonb, $4::jsonb, $5::text))"};
}

// With an Idempotency-Key the function is called by another one, which knows whether this has been done.
Statement once_statement_of(const Route& route) {
    return {
        std::string("once_") + route.function,
        std::string(
            "SELECT tally_rest._compact(tally_rest.once(tally_rest.authenticate($1::bytea, $2::text), $6::text, '") +
            route.function + "', $3::jsonb, $4::jsonb, $5::text))"};
}

const Statement kLimits{"limits", "SELECT coalesce(tally_rest.key_limits($1::bytea)::text, 'null')"};

// Done twice it is as done once.
bool may_repeat(const Job& job) noexcept {
    return job.asks_limits || job.route->reads() || !job.once.empty() || job.route->kind == RouteKind::import;
}

}  // namespace

Reader::Reader(const Config& config, JobQueue& queue, Health& health, Observe& observe, Use use)
    : DatabaseThread(config, queue, health, observe, use) {}

void Reader::serve(std::vector<Job*> jobs) {
    for (Job* job : jobs) {
        try {
            answer(*job, run(*job));
        } catch (const std::bad_alloc&) {
            job->finish(unavailable("out of memory"));
        }
    }
}

Outcome Reader::run(const Job& job) {
    const std::string_view key(reinterpret_cast<const char*>(job.key.data()), job.key.size());
    if (job.asks_limits) return execute(kLimits, {{key, true}});
    std::vector<Param> params{{key, true},
                              {job.route->scope},
                              {job.parameters},
                              {job.query},
                              {job.body, true, job.route->body == BodyKind::none}};
    if (job.once.empty()) return execute(statement_of(*job.route), params);
    params.push_back({job.once, true});
    return execute(once_statement_of(*job.route), params);
}

void Reader::answer(Job& job, const Outcome& outcome) {
    const SqlError& error = outcome.error;
    if (outcome.kind == Outcome::Kind::lost) return lost(job, outcome.surely_nothing_done);
    if (outcome.kind == Outcome::Kind::refused) {
        log::write(log::Level::error, "statement_refused",
                   log::field("route", job.route->pattern) + log::field("sqlstate", error.state) +
                       log::field("message", error.message));
        return job.finish(unavailable("the extension pgtally is not ready in this database"));
    }
    if (outcome.kind == Outcome::Kind::failed) {
        if (fault_of(error.state) == SqlFault::retry) return retry_later({&job}, true);
        Answer refusal = answer_for(error);
        if (refusal.status >= 500)
            log::write(log::Level::error, "statement_failed",
                       log::field("route", job.route->pattern) + log::field("sqlstate", error.state) +
                           log::field("message", error.message) + log::field("detail", error.detail));
        return job.finish(std::move(refusal));
    }
    const PGresult* result = outcome.result.get();
    Answer answer;
    answer.status = job.route->status;
    if (answer.status == kNoContent && !job.asks_limits) {  // the function answers NULL
        answer.content_type = nullptr;
        return job.finish(std::move(answer));
    }
    if (job.asks_limits) answer.status = 200;
    if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0)) {
        log::write(log::Level::error, "statement_without_answer", log::field("route", job.route->pattern));
        return job.finish(refuse(500, "internal error"));
    }
    answer.body.assign(PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0)));
    job.finish(std::move(answer));
}

void Reader::lost(Job& job, bool surely_nothing_done) {
    if (may_repeat(job) || surely_nothing_done) return retry_later({&job}, false);
    job.finish(unavailable("the database connection was lost: it is unknown whether this request was carried out"));
}

}  // namespace tallyd
