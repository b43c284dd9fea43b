// The open client connections: see connections.hpp.
#include "http/connections.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/error.hpp"
#include "http/request_id.hpp"
#include "http/wire.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kMostLingering = 256;
constexpr std::chrono::seconds kLinger{3};
constexpr int kSweepReads = 64;

Clock::duration limit_of(Connection::Stage stage, const ConnectionLimits& limits) noexcept {
    switch (stage) {
        case Connection::Stage::fresh:
        case Connection::Stage::head: return limits.head;
        case Connection::Stage::body: return limits.body;
        case Connection::Stage::idle: return limits.idle;
        case Connection::Stage::sending: return limits.sending;
        case Connection::Stage::busy:
        case Connection::Stage::cut:
        case Connection::Stage::gone: break;
    }
    return Clock::duration::max();
}

// true: the other side has finished, or there is an error.
bool discard_input(int fd) noexcept {
    char waste[16384];
    for (int reads = 0; reads < kSweepReads; ++reads) {
        const ssize_t got = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
        if (got == 0) return true;
        if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    }
    return false;
}

}  // namespace

bool Connection::enter(Stage next) noexcept {
    Stage now = stage.load();
    since.store(Clock::now().time_since_epoch().count());
    while (!is_over(now))
        if (stage.compare_exchange_weak(now, next)) return true;
    return false;
}

Connections::~Connections() {
    for (const Lingering& entry : lingering_) close(entry.fd);
}

Connection* Connections::open(int fd) {
    auto connection = std::make_unique<Connection>(fd, front_);
    const std::lock_guard lock(mutex_);
    open_.insert(connection.get());
    return connection.release();
}

void Connections::closed(Connection* connection) noexcept {
    {
        const std::lock_guard lock(mutex_);
        open_.erase(connection);
    }
    if (connection->linger && !Connection::is_over(connection->stage.load()) && !discard_input(connection->fd)) {
        // libmicrohttpd ends a TLS session by its own message, and leaves the socket's end to the close that we delay.
        if (front_.tls) shutdown(connection->fd, SHUT_WR);
        const std::lock_guard lock(lingering_mutex_);
        try {
            lingering_.reserve(lingering_.size() + 1);
            const int kept = lingering_.size() < kMostLingering ? dup(connection->fd) : -1;
            if (kept >= 0) lingering_.push_back({kept, Clock::now() + kLinger});
        } catch (...) {  // no memory: the socket closes at once, as without lingering
        }
    }
    delete connection;
}

std::size_t Connections::cut_slow(const ConnectionLimits& limits) {
    static const Response kTimeout = refuse(408, "the request did not arrive in time");
    const Clock::rep now = Clock::now().time_since_epoch().count();
    std::size_t count = 0;
    const std::lock_guard lock(mutex_);
    for (Connection* connection : open_) {
        Connection::Stage stage = connection->stage.load();
        const Clock::duration limit = limit_of(stage, limits);
        if (Clock::duration(now - connection->since.load()) <= limit) continue;
        if (!connection->stage.compare_exchange_strong(stage, Connection::Stage::cut)) continue;
        if (stage != Connection::Stage::idle && stage != Connection::Stage::sending)
            send_directly(nullptr, *connection, kTimeout, new_request_id(), true);
        shutdown(connection->fd, SHUT_RDWR);
        if (stage != Connection::Stage::idle) ++count;
    }
    return count;
}

void Connections::end_abandoned() {
    const std::lock_guard lock(mutex_);
    std::vector<pollfd> sockets;
    std::vector<Connection*> waiting;
    for (Connection* connection : open_) {
        const Connection::Stage stage = connection->stage.load();
        if (stage == Connection::Stage::busy || stage == Connection::Stage::sending || Connection::is_over(stage)) continue;
        sockets.push_back({connection->fd, POLLRDHUP, 0});
        waiting.push_back(connection);
    }
    if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0) return;
    for (std::size_t at = 0; at < sockets.size(); ++at) {
        char byte;
        if (sockets[at].revents == 0 || recv(sockets[at].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) continue;
        Connection::Stage stage = waiting[at]->stage.load();
        if (stage == Connection::Stage::busy || stage == Connection::Stage::sending || Connection::is_over(stage)) continue;
        if (waiting[at]->stage.compare_exchange_strong(stage, Connection::Stage::gone)) shutdown(sockets[at].fd, SHUT_RDWR);
    }
}

void Connections::close_idle() noexcept {
    const std::lock_guard lock(mutex_);
    for (Connection* connection : open_)
        for (Connection::Stage stage : {Connection::Stage::idle, Connection::Stage::fresh})
            if (connection->stage.compare_exchange_strong(stage, Connection::Stage::cut)) {
                shutdown(connection->fd, SHUT_RDWR);
                break;
            }
}

void Connections::sweep_lingering() {
    const std::lock_guard lock(lingering_mutex_);
    const auto now = Clock::now();
    std::erase_if(lingering_, [now](const Lingering& entry) {
        if (now < entry.until && !discard_input(entry.fd)) return false;
        close(entry.fd);
        return true;
    });
}

std::size_t Connections::size() const {
    const std::lock_guard lock(mutex_);
    return open_.size();
}

}  // namespace tallyd
