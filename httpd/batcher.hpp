// Ingest: one statement, one commit, for all the small requests that are waiting (engineering: group commit).
// A statement that fails because of data is split in two, down to the one request that caused it, so that
// nobody is refused for a neighbour's body.
#pragma once

#include <span>

#include "database_thread.hpp"

namespace tallyd {

class Batcher final : public DatabaseThread {
public:
    Batcher(const Config& config, JobQueue& queue, Health& health, Observe& observe);

private:
    void serve(std::vector<Job*> jobs) override;
    BatchPolicy policy() const noexcept override { return policy_; }

    void ingest(std::span<Job*> jobs);
    Outcome run(std::span<Job*> jobs);
    std::vector<Answer> answers_of(std::size_t jobs, const PGresult* result);
    void fail(std::span<Job*> jobs, const Outcome& outcome);

    const BatchPolicy policy_;
};

}  // namespace tallyd
