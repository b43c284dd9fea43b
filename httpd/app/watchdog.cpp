// The thread that keeps promises about time: see watchdog.hpp.
#include "app/watchdog.hpp"

#include "base/log.hpp"

namespace tallyd {

namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr unsigned kTicksPerLook = 10;  // looking at every socket is the dearest of the duties

}  // namespace

void Watchdog::start() {
    thread_ = std::thread([this] { run(); });
}

void Watchdog::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
        try {
            look();
        } catch (const std::exception& error) {
            log::message(log::Level::error, error.what());
        }
    }
}

void Watchdog::look() {
    metrics_.clients_cut.fetch_add(connections_.cut_slow(limits_));
    if (++ticks_ % kTicksPerLook == 0) connections_.end_abandoned();
    connections_.sweep_lingering();
    database_.expire();
}

}  // namespace tallyd
