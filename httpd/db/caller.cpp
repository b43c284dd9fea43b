// Serves every lane but that of batches: see caller.hpp.
#include "db/caller.hpp"

#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"

namespace tallyd {

namespace {

// How far behind the answers may be that this session gives from now on, in seconds. Of a standby that has replayed
// nothing since it began nobody knows.
const Statement kLag{"lag",
                     "SELECT CASE WHEN NOT pg_is_in_recovery() THEN '0' ELSE coalesce(round(greatest(extract(epoch FROM"
                     " clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::numeric, 3)::text, 'unknown') END"};

}  // namespace

void Caller::serve(std::vector<Job*> jobs) {
    for (Job* job : jobs) {
        try {
            call(*job);
        } catch (const std::bad_alloc&) {
            job->finish(unavailable("out of memory"));
        }
    }
}

void Caller::call(Job& job) {
    std::string lag;
    if (lane_.replica) {
        const Outcome asked = execute(kLag, {});
        if (asked.kind != Outcome::Kind::done || PQntuples(asked.result.get()) != 1) return answer(job, asked, {});
        lag = PQgetvalue(asked.result.get(), 0, 0);
    }
    answer(job, execute(*job.statement, job.parameters), std::move(lag));
}

void Caller::answer(Job& job, const Outcome& outcome, std::string lag) {
    const SqlError& error = outcome.error;
    if (outcome.kind == Outcome::Kind::lost) return lost(job, outcome.surely_nothing_done);
    if (outcome.kind == Outcome::Kind::refused) {
        log::write(log::Level::error, "statement_refused",
                   log::field("statement", job.statement->name) + log::field("sqlstate", error.state) +
                       log::field("message", error.message));
        return job.finish(unavailable("the extension pgtally is not ready in this database"));
    }
    if (outcome.kind == Outcome::Kind::failed) {
        if (fault_of(error.state) == SqlFault::retry) return retry_later({&job}, true);
        Response refusal = response_for(error);
        if (refusal.status >= 500)
            log::write(log::Level::error, "statement_failed",
                       log::field("statement", job.statement->name) + log::field("sqlstate", error.state) +
                           log::field("message", error.message) + log::field("detail", error.detail));
        refusal.replica_lag = std::move(lag);
        return job.finish(std::move(refusal));
    }
    const PGresult* result = outcome.result.get();
    Response response;
    response.replica_lag = std::move(lag);
    if (PQntuples(result) != 1) {
        log::write(log::Level::error, "statement_without_answer", log::field("statement", job.statement->name));
        return job.finish(refuse(500, "internal error"));
    }
    response.status = 200;
    if (PQgetisnull(result, 0, 0)) response.content_type = nullptr;
    else response.body.assign(PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0)));
    job.finish(std::move(response));
}

void Caller::lost(Job& job, bool surely_nothing_done) {
    if (job.may_repeat || surely_nothing_done) return retry_later({&job}, false);
    job.finish(unavailable("the database connection was lost: it is unknown whether this request was carried out"));
}

}  // namespace tallyd
