// The bounded queue between HTTP workers and database threads: bounded in jobs and in bytes, first in first out.
// Jobs whose time is over are taken out by expire(), called by the watchdog, so that nobody waits for ever.
// Of the threads that wait the last to begin is woken first: a client that sends one request after the other is served by
// one thread and one session, whose memory is still in the processor's caches.
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
    std::size_t idle() const;  // threads that wait

private:
    struct Waiter {
        std::condition_variable ready;
        bool called = false;
    };
    void rest(std::unique_lock<std::mutex>& lock, Clock::duration patience);
    void call_one() noexcept;
    bool may_be_taken() const noexcept;
    void forget(const Job& job) noexcept { bytes_ -= job.bytes(); }

    const BatchPolicy policy_;
    const std::size_t most_jobs_;
    const std::size_t most_bytes_;
    mutable std::mutex mutex_;
    std::vector<Waiter*> waiting_;
    std::deque<Job*> jobs_;
    std::size_t bytes_ = 0;
    std::size_t gathering_ = 0;  // batches in flight that gather
    bool closed_ = false;
};

}  // namespace tallyd
