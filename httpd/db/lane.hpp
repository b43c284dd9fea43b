// A lane to the database: the queue of its jobs and the connections that serve it.
#pragma once

#include <atomic>

#include "db/job_queue.hpp"

namespace tallyd {

class Lane {
public:
    Lane(LaneId lane, bool on_replica, const BatchPolicy& policy, std::size_t most_jobs, std::size_t most_bytes) noexcept
        : id(lane), replica(on_replica), queue(policy, most_jobs, most_bytes) {}

    const char* name() const noexcept;

    void connected() noexcept { connections_.fetch_add(1); }
    void disconnected() noexcept;
    int connections() const noexcept { return connections_.load(); }

    // How long there has been no connection; zero while there is one.
    Clock::duration away() const noexcept;

    const LaneId id;
    const bool replica;  // its connections lead to the database for reading
    JobQueue queue;

private:
    std::atomic<int> connections_{0};
    std::atomic<Clock::rep> since_{Clock::now().time_since_epoch().count()};  // meaningful while there is none
};

}  // namespace tallyd
