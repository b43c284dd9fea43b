// A thread with one database session: connects, reconnects with backoff, takes jobs from its lane and serves them.
// What serving means is the subclass's: Batcher (many jobs, one statement) or Caller (one job, one statement).
// A job that must be tried again goes back to the front of the queue; its time limit stays what it was.
#pragma once

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "base/backoff.hpp"
#include "base/metrics.hpp"
#include "db/extension.hpp"
#include "db/lane.hpp"
#include "db/session.hpp"
#include "db/settings.hpp"

namespace tallyd {

class DatabaseThread {
public:
    DatabaseThread(const DatabaseSettings& settings, Lane& lane, Extension& extension, Metrics& metrics);
    virtual ~DatabaseThread() = default;
    DatabaseThread(const DatabaseThread&) = delete;
    DatabaseThread& operator=(const DatabaseThread&) = delete;

    void start();
    void ask_to_stop() noexcept { stop_.store(true); }  // ends after the job in hand, and ends that one soon
    void join();

protected:
    virtual void serve(std::vector<Job*> jobs) = 0;

    Outcome execute(const Statement& statement, const std::vector<Param>& params);
    void retry_later(const std::vector<Job*>& jobs, bool pause, const char* why = "the database is not available");

    Lane& lane_;
    Metrics& metrics_;

private:
    void run() noexcept;
    bool connect();
    void closed() noexcept;
    void look_after_session();
    void check_extension();
    void rest(std::chrono::milliseconds time) noexcept;

    const DatabaseSettings& settings_;
    Extension& extension_;
    std::atomic<bool> stop_{false};
    Session session_;
    bool counted_ = false;  // in the lane, as connected
    bool ever_connected_ = false;
    Backoff reconnect_;
    Backoff contention_;
    std::minstd_rand random_;
    std::string last_complaint_;
    Clock::time_point next_check_{};
    std::thread thread_;
};

}  // namespace tallyd
