// The open client connections, as the watchdog sees them. libmicrohttpd's own timeout counts inactivity only, so a
// client that sends a byte now and then would stay for ever; here every stage of a request has its deadline.
// A peer's stage changes by compare-and-exchange: once the watchdog has cut a peer, no worker changes it any more,
// and a peer that a worker moved on is not cut.
// Lingering: a connection closed while its client still sends would reset, and the client might never read our
// answer. Such sockets are kept (duplicated) for a moment and what still arrives is thrown away.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "cross_origin.hpp"
#include "job.hpp"

namespace tallyd {

class HttpRequest;

// What is the same for every connection.
struct Front {
    CrossOrigin cross_origin;
    bool tls = false;
};

struct Peer {
    enum class Stage : unsigned char { fresh, idle, head, body, busy, sending, cut, gone };
    static bool is_over(Stage stage) noexcept { return stage >= Stage::cut; }

    Peer(int socket, const Front& all) noexcept
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

struct PeerLimits {
    Clock::duration head, body, idle, sending;
};

class Peers {
public:
    explicit Peers(Front front) : front_(std::move(front)) {}
    ~Peers();

    Peer* open(int fd);
    void closed(Peer* peer) noexcept;

    // Returns how many were cut.
    std::size_t cut_slow(const PeerLimits& limits);
    // Ends connections whose client has closed its side before its request was whole. libmicrohttpd waits for an edge
    // of epoll that never comes when the last data and the end arrive together.
    void end_abandoned();
    void close_idle() noexcept;  // draining: nobody begins a new request
    void close_all() noexcept;
    void sweep_lingering();
    std::size_t size() const;

private:
    struct Lingering {
        int fd;
        Clock::time_point until;
    };

    const Front front_;
    mutable std::mutex mutex_;
    std::unordered_set<Peer*> peers_;
    std::mutex lingering_mutex_;
    std::vector<Lingering> lingering_;
};

}  // namespace tallyd
