// The bounded queue between HTTP workers and database threads: bounded in jobs and in bytes, first in first out.
// Jobs whose time is over are taken out by expire(), called by the watchdog, so that nobody waits for ever.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "db/batch_policy.hpp"
#include "db/job.hpp"

namespace tallyd {

// What was taken at once. While one that gathers is in flight, the requests after it wait for each other's company.
struct Batch {
    std::vector<Job*> jobs;
    bool gathers = false;
};

class JobQueue {
public:
    JobQueue(const BatchPolicy& policy, std::size_t most_jobs, std::size_t most_bytes) noexcept
        : policy_(policy), most_jobs_(most_jobs), most_bytes_(most_bytes) {}

    // false: full or closed; the job stays the caller's.
    bool push(Job* job);

    // Gives jobs back to the front, in order, whatever the limits: they were inside before.
    void give_back(const std::vector<Job*>& jobs);

    // Waits up to `patience` for work; empty when there was none, or none that may be taken beside a batch in flight.
    // Who got something calls served() with it afterwards.
    Batch take(Clock::duration patience);
    void served(bool gathers);

    // Takes out the jobs that expired, or all of them.
    std::vector<Job*> expire(Clock::time_point now);
    std::vector<Job*> take_all();

    void wake();
    void close();  // for good

    std::size_t jobs() const;
    std::size_t bytes() const;
    bool full() const;

private:
    bool may_be_taken() const noexcept;
    void forget(const Job& job) noexcept { bytes_ -= job.bytes(); }

    const BatchPolicy policy_;
    const std::size_t most_jobs_;
    const std::size_t most_bytes_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<Job*> jobs_;
    std::size_t bytes_ = 0;
    std::size_t gathering_ = 0;  // batches in flight that gather
    bool closed_ = false;
};

}  // namespace tallyd
