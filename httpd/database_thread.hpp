// A thread with one database session: connects, reconnects with backoff, takes jobs from its queue and serves them.
// What serving means is the subclass's: Batcher (ingest) or Reader (every other route).
// A job that must be tried again goes back to the front of the queue; its time limit stays what it was.
#pragma once

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "backoff.hpp"
#include "config.hpp"
#include "database.hpp"
#include "health.hpp"
#include "job_queue.hpp"
#include "observe.hpp"

namespace tallyd {

class DatabaseThread {
public:
    DatabaseThread(const Config& config, JobQueue& queue, Health& health, Observe& observe, Use use);
    virtual ~DatabaseThread() = default;
    DatabaseThread(const DatabaseThread&) = delete;
    DatabaseThread& operator=(const DatabaseThread&) = delete;

    void start();
    void ask_to_stop() noexcept { stop_.store(true); }  // ends after the job in hand, and ends that one soon
    void join();

protected:
    virtual void serve(std::vector<Job*> jobs) = 0;
    virtual BatchPolicy policy() const noexcept = 0;

    Outcome execute(const Statement& statement, const std::vector<Param>& params);
    void retry_later(const std::vector<Job*>& jobs, bool pause, const char* why = "the database is not available");

    Observe& observe_;

private:
    void run() noexcept;
    bool connect();
    void closed() noexcept;
    void look_after_session();
    void check_extension();
    void rest(std::chrono::milliseconds time) noexcept;

    const Config& config_;
    JobQueue& queue_;
    Health& health_;
    const Use use_;
    std::atomic<bool> stop_{false};
    Session session_;
    bool counted_ = false;  // in health_ as connected
    bool ever_connected_ = false;
    Backoff reconnect_;
    Backoff contention_;
    std::minstd_rand random_;
    std::string last_complaint_;
    Clock::time_point next_check_{};
    std::thread thread_;
};

}  // namespace tallyd
