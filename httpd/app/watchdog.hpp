// The thread that keeps promises about time: slow clients are cut, requests that waited too long for the database are
// answered 503, lingering sockets are closed.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/metrics.hpp"
#include "db/database.hpp"
#include "http/connections.hpp"

namespace tallyd {

class Watchdog {
public:
    Watchdog(const ConnectionLimits& limits, Connections& connections, Database& database, Metrics& metrics)
        : limits_(limits), connections_(connections), database_(database), metrics_(metrics) {}
    ~Watchdog() { stop(); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    void start();
    void stop();

private:
    void run();
    void look();

    const ConnectionLimits limits_;
    Connections& connections_;
    Database& database_;
    Metrics& metrics_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    unsigned ticks_ = 0;
    std::thread thread_;
};

}  // namespace tallyd
