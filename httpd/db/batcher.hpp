// The lane of batches: one statement, one commit, for all the small jobs that are waiting. Every job has the same
// statement and two parameters (a key, a body); the statement takes arrays of them, and answers rows (ordinal, status,
// body). Whatever is in such a lane may be done twice. A statement that fails because of data is split in two, down to
// the one request that caused it, so that nobody is refused for a neighbour's body.
#pragma once

#include <span>

#include "db/database_thread.hpp"

namespace tallyd {

class Batcher final : public DatabaseThread {
public:
    using DatabaseThread::DatabaseThread;

private:
    void serve(std::vector<Job*> jobs) override;

    void ingest(std::span<Job*> jobs);
    Outcome run(std::span<Job*> jobs);
    static std::vector<Response> answers_of(std::size_t jobs, const PGresult* result);
    void fail(std::span<Job*> jobs, const Outcome& outcome);
};

}  // namespace tallyd
