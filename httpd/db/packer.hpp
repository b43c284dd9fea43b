// The packer: a thread with a database session of its own that calls one bounded step of packing after another
// (tally.pack_step), and rests when all that a round has found is done: few large rounds cost less than many small ones,
// each of which reads what is recent anew and makes segments that are to be merged. Every step is a transaction, so a lost
// connection or a kill loses nothing, and any number of tallyds may pack one store at once. Between rounds it sees to it
// that there is a cut of the day (tally.cut_daily).
#pragma once

#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "base/backoff.hpp"
#include "base/metrics.hpp"
#include "db/session.hpp"
#include "db/settings.hpp"

namespace tallyd {

class Packer {
public:
    Packer(const DatabaseSettings& settings, Metrics& metrics);
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;

    void start();
    void ask_to_stop() noexcept { stop_.store(true); }  // gives up the step in hand
    void join();

private:
    void run() noexcept;
    void step();
    bool cut();
    void complain(const std::string& what, const std::string& why);
    void rest(std::chrono::milliseconds time) noexcept;

    const DatabaseSettings& settings_;
    Metrics& metrics_;
    std::atomic<bool> stop_{false};
    Session session_;
    Backoff trouble_;
    std::minstd_rand random_;
    std::string last_complaint_;
    std::int64_t cut_day_ = -1;  // of which there is a cut
    std::thread thread_;
};

}  // namespace tallyd
