// The reader of health: a thread with a session of its own that asks the store how it is (tally_rest.health) every few
// seconds, so that /metrics waits for no database and no lane waits for /metrics.
// Invariant: what text() answers was read within the last rounds; when the store cannot be asked it says so, and nothing
// else of the store: an old figure is not shown as a new one.
#pragma once

#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "base/backoff.hpp"
#include "db/session.hpp"
#include "db/settings.hpp"

namespace tallyd {

class HealthReader {
public:
    explicit HealthReader(const DatabaseSettings& settings);
    HealthReader(const HealthReader&) = delete;
    HealthReader& operator=(const HealthReader&) = delete;

    void start();
    void ask_to_stop() noexcept { stop_.store(true); }
    void join();

    // Prometheus text; empty where it is switched off.
    std::string text() const;

private:
    void run() noexcept;
    void round();
    void failed(const std::string& why);
    void show(std::string text);
    void rest(Clock::duration time) noexcept;

    const DatabaseSettings& settings_;
    std::atomic<bool> stop_{false};
    Session session_;
    Backoff trouble_;
    std::minstd_rand random_;
    std::string last_complaint_;
    mutable std::mutex mutex_;
    std::string text_;
    std::thread thread_;
};

}  // namespace tallyd
