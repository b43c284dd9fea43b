// Every route but ingest: one prepared statement per route, one request at a time.
#pragma once

#include "database_thread.hpp"

namespace tallyd {

class Reader final : public DatabaseThread {
public:
    Reader(const Config& config, JobQueue& queue, Health& health, Observe& observe, Use use = Use::read);

private:
    void serve(std::vector<Job*> jobs) override;
    BatchPolicy policy() const noexcept override { return {1, 1, 1}; }

    void answer(Job& job, const Outcome& outcome);
    void lost(Job& job, bool surely_nothing_done);
    Outcome run(const Job& job);
};

}  // namespace tallyd
