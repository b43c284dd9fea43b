// Ingest batches: see batcher.hpp.
#include "db/batcher.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>

#include "base/error.hpp"
#include "base/log.hpp"
#include "db/pg_array.hpp"

namespace tallyd {

namespace {

template <class Number>
bool read_number(const PGresult* result, int row, int column, Number& out) noexcept {
    const char* text = PQgetvalue(result, row, column);
    const char* end = text + PQgetlength(result, row, column);
    return std::from_chars(text, end, out).ptr == end && text != end;
}

}  // namespace

void Batcher::serve(std::vector<Job*> jobs) {
    ingest(jobs);
}

void Batcher::ingest(std::span<Job*> jobs) {
    try {
        const auto begun = Clock::now();
        const Outcome outcome = run(jobs);
        if (outcome.kind != Outcome::Kind::done) return fail(jobs, outcome);
        metrics_.batch(jobs.size(), std::chrono::duration<double>(Clock::now() - begun).count());
        std::vector<Response> answers = answers_of(jobs.size(), outcome.result.get());
        // A body with an event that another transaction, still open, is storing was left undecided, so that nobody else
        // had to wait. It is tried once more alone, where the database waits a moment.
        const bool shared = jobs.size() > 1;
        std::vector<Job*> alone;
        for (std::size_t at = 0; at < jobs.size(); ++at) {
            if (answers[at].status != 503 || !shared) continue;
            jobs[at]->attempts = std::max(jobs[at]->attempts, 1);
            alone.push_back(jobs[at]);
        }
        if (!alone.empty()) retry_later(alone, false, "another transaction is storing one of these events; send them again");
        for (std::size_t at = 0; at < jobs.size(); ++at)
            if (answers[at].status != 503 || !shared) jobs[at]->finish(std::move(answers[at]));
    } catch (const std::bad_alloc&) {
        // Thrown while nothing of this span was answered: fail() handles its halves by calls of this function.
        for (Job* job : jobs) job->finish(unavailable("out of memory"));
    }
}

Outcome Batcher::run(std::span<Job*> jobs) {
    std::size_t bytes = 0;
    for (const Job* job : jobs) bytes += job->bytes();
    const auto count = static_cast<std::uint32_t>(jobs.size());
    PgArray keys(kByteaOid, count, count * std::size_t{32});
    PgArray bodies(kTextOid, count, bytes);
    for (const Job* job : jobs) {
        keys.add(job->parameters[0].value);
        bodies.add(job->parameters[1].value);
    }
    return execute(*jobs.front()->statement, {{keys.wire(), true}, {bodies.wire(), true}});
}

std::vector<Response> Batcher::answers_of(std::size_t jobs, const PGresult* result) {
    std::vector<Response> answers(jobs, refuse(500, "internal error"));
    for (int row = 0; row < PQntuples(result); ++row) {
        std::size_t ordinal = 0;
        unsigned status = 0;
        if (!read_number(result, row, 0, ordinal) || !read_number(result, row, 1, status) || ordinal < 1 ||
            ordinal > answers.size() || PQgetisnull(result, row, 2))
            continue;
        Response& answer = answers[ordinal - 1];
        if (status == 401) {
            answer = bad_key();
            continue;
        }
        answer = Response{};
        answer.status = status;
        if (status == 503) answer.retry_after = 1;
        answer.body.assign(PQgetvalue(result, row, 2), static_cast<std::size_t>(PQgetlength(result, row, 2)));
    }
    return answers;
}

void Batcher::fail(std::span<Job*> jobs, const Outcome& outcome) {
    const SqlFault fault = fault_of(outcome.error.state);
    if (outcome.kind == Outcome::Kind::lost || fault == SqlFault::retry) {
        // Safe whether it committed or not: every event carries its identity, a second time is a duplicate.
        retry_later({jobs.begin(), jobs.end()}, fault == SqlFault::retry);
        return;
    }
    if (outcome.kind == Outcome::Kind::failed && fault == SqlFault::isolate && jobs.size() > 1) {
        metrics_.batches_split.fetch_add(1, std::memory_order_relaxed);
        const std::size_t half = jobs.size() / 2;
        ingest(jobs.first(half));
        ingest(jobs.subspan(half));
        return;
    }
    log::write(log::Level::error, "ingest_failed",
               log::field("sqlstate", outcome.error.state) + log::field("message", outcome.error.message));
    for (Job* job : jobs)
        job->finish(outcome.kind == Outcome::Kind::refused
                        ? unavailable("the extension pgtally is not ready in this database")
                        : response_for(outcome.error));
}

}  // namespace tallyd
