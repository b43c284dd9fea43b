// The open client connections, as the watchdog sees them. libmicrohttpd's own timeout counts inactivity only, so a
// client that sends a byte now and then would stay for ever; here every stage of a request has its deadline.
// A connection's stage changes by compare-and-exchange: once the watchdog has cut one, no worker changes it any more,
// and one that a worker moved on is not cut.
// Lingering: a connection closed while its client still sends would reset, and the client might never read our
// answer. Such sockets are kept (duplicated) for a moment and what still arrives is thrown away.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "http/cross_origin.hpp"

namespace tallyd {

class HttpRequest;

// What is the same for every connection.
struct Front {
    CrossOrigin cross_origin;
    bool tls = false;
};

struct Connection {
    enum class Stage : unsigned char { fresh, idle, head, body, busy, sending, cut, gone };
    static bool is_over(Stage stage) noexcept { return stage >= Stage::cut; }

    Connection(int socket, const Front& all) noexcept
        : fd(socket), front(all), since(Clock::now().time_since_epoch().count()) {}

    // false: the watchdog has ended this connection.
    bool enter(Stage next) noexcept;

    const int fd;
    const Front& front;
    std::atomic<Stage> stage{Stage::fresh};
    std::atomic<Clock::rep> since;
    bool linger = false;  // only its worker reads and writes these two
    HttpRequest* request = nullptr;
};

struct ConnectionLimits {
    Clock::duration head, body, idle, sending;
};

class Connections {
public:
    explicit Connections(Front front) : front_(std::move(front)) {}
    ~Connections();

    Connection* open(int fd);
    void closed(Connection* peer) noexcept;

    // Returns how many were cut.
    std::size_t cut_slow(const ConnectionLimits& limits);
    // Ends connections whose client has closed its side before its request was whole. libmicrohttpd waits for an edge
    // of epoll that never comes when the last data and the end arrive together.
    void end_abandoned();
    void close_idle() noexcept;  // draining: nobody begins a new request
    void sweep_lingering();
    std::size_t size() const;

    // From now on every response is the last one on its connection.
    void drain() noexcept { draining_.store(true); }
    bool draining() const noexcept { return draining_.load(); }

private:
    struct Lingering {
        int fd;
        Clock::time_point until;
    };

    const Front front_;
    mutable std::mutex mutex_;
    std::unordered_set<Connection*> open_;
    std::atomic<bool> draining_{false};
    std::mutex lingering_mutex_;
    std::vector<Lingering> lingering_;
};

}  // namespace tallyd
