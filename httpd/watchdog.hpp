// The thread that keeps promises about time: slow clients are cut, requests that waited too long for the database are
// answered 503, lingering sockets are closed.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "service.hpp"

namespace tallyd {

class Watchdog {
public:
    explicit Watchdog(Service& service) : service_(service) {}
    ~Watchdog() { stop(); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    void start();
    void stop();

private:
    void run();
    void look();
    void expire(JobQueue& queue, Use use);

    Service& service_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    unsigned ticks_ = 0;
    std::thread thread_;
};

}  // namespace tallyd
