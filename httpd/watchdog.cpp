// The thread that keeps promises about time: see watchdog.hpp.
#include "watchdog.hpp"

#include "error.hpp"
#include "log.hpp"

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
    const Config& config = service_.config;
    const PeerLimits limits{to_milliseconds(config.head_timeout), to_milliseconds(config.body_timeout),
                            to_milliseconds(config.keepalive_timeout), to_milliseconds(config.send_timeout)};
    service_.observe.clients_cut.fetch_add(service_.peers.cut_slow(limits));
    if (++ticks_ % kTicksPerLook == 0) service_.peers.end_abandoned();
    service_.peers.sweep_lingering();
    expire(service_.ingest_queue, Use::write);
    expire(service_.call_queue, Use::read);
    expire(service_.import_queue, Use::import);
}

void Watchdog::expire(JobQueue& queue, Use use) {
    const bool gone = service_.health.away(use) > to_milliseconds(service_.config.database_grace);
    for (Job* job : gone ? queue.take_all() : queue.expire(Clock::now()))
        job->finish(
            unavailable(gone ? "the database is not available" : "the request waited too long for the database"));
}

}  // namespace tallyd
