// The open client connections: see peers.hpp.
#include "peers.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "error.hpp"
#include "request_id.hpp"
#include "response.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kMostLingering = 256;
constexpr std::chrono::seconds kLinger{3};
constexpr int kSweepReads = 64;

Clock::duration limit_of(Peer::Stage stage, const PeerLimits& limits) noexcept {
    switch (stage) {
        case Peer::Stage::fresh:
        case Peer::Stage::head:
            return limits.head;
        case Peer::Stage::body:
            return limits.body;
        case Peer::Stage::idle:
            return limits.idle;
        case Peer::Stage::sending:
            return limits.sending;
        case Peer::Stage::busy:
        case Peer::Stage::cut:
        case Peer::Stage::gone:
            break;
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

bool Peer::enter(Stage next) noexcept {
    Stage now = stage.load();
    since.store(Clock::now().time_since_epoch().count());
    while (!is_over(now))
        if (stage.compare_exchange_weak(now, next)) return true;
    return false;
}

Peers::~Peers() {
    for (const Lingering& entry : lingering_) close(entry.fd);
}

Peer* Peers::open(int fd) {
    auto peer = std::make_unique<Peer>(fd, front_);
    const std::lock_guard lock(mutex_);
    peers_.insert(peer.get());
    return peer.release();
}

void Peers::closed(Peer* peer) noexcept {
    {
        const std::lock_guard lock(mutex_);
        peers_.erase(peer);
    }
    if (peer->linger && !Peer::is_over(peer->stage.load()) && !discard_input(peer->fd)) {
        // libmicrohttpd ends a TLS session by its own message, and leaves the socket's end to the close that we delay.
        if (front_.tls) shutdown(peer->fd, SHUT_WR);
        const std::lock_guard lock(lingering_mutex_);
        try {
            lingering_.reserve(lingering_.size() + 1);
            const int kept = lingering_.size() < kMostLingering ? dup(peer->fd) : -1;
            if (kept >= 0) lingering_.push_back({kept, Clock::now() + kLinger});
        } catch (...) {  // no memory: the socket closes at once, as without lingering
        }
    }
    delete peer;
}

std::size_t Peers::cut_slow(const PeerLimits& limits) {
    static const Answer kTimeout = refuse(408, "the request did not arrive in time");
    const Clock::rep now = Clock::now().time_since_epoch().count();
    std::size_t count = 0;
    const std::lock_guard lock(mutex_);
    for (Peer* peer : peers_) {
        Peer::Stage stage = peer->stage.load();
        const Clock::duration limit = limit_of(stage, limits);
        if (Clock::duration(now - peer->since.load()) <= limit) continue;
        if (!peer->stage.compare_exchange_strong(stage, Peer::Stage::cut)) continue;
        if (stage != Peer::Stage::idle && stage != Peer::Stage::sending)
            send_directly(nullptr, *peer, kTimeout, new_request_id(), true);
        shutdown(peer->fd, SHUT_RDWR);
        if (stage != Peer::Stage::idle) ++count;
    }
    return count;
}

void Peers::end_abandoned() {
    const std::lock_guard lock(mutex_);
    std::vector<pollfd> sockets;
    std::vector<Peer*> waiting;
    for (Peer* peer : peers_) {
        const Peer::Stage stage = peer->stage.load();
        if (stage == Peer::Stage::busy || stage == Peer::Stage::sending || Peer::is_over(stage)) continue;
        sockets.push_back({peer->fd, POLLRDHUP, 0});
        waiting.push_back(peer);
    }
    if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0) return;
    for (std::size_t at = 0; at < sockets.size(); ++at) {
        char byte;
        if (sockets[at].revents == 0 || recv(sockets[at].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) continue;
        Peer::Stage stage = waiting[at]->stage.load();
        if (stage == Peer::Stage::busy || stage == Peer::Stage::sending || Peer::is_over(stage)) continue;
        if (waiting[at]->stage.compare_exchange_strong(stage, Peer::Stage::gone)) shutdown(sockets[at].fd, SHUT_RDWR);
    }
}

void Peers::close_idle() noexcept {
    const std::lock_guard lock(mutex_);
    for (Peer* peer : peers_)
        for (Peer::Stage stage : {Peer::Stage::idle, Peer::Stage::fresh})
            if (peer->stage.compare_exchange_strong(stage, Peer::Stage::cut)) {
                shutdown(peer->fd, SHUT_RDWR);
                break;
            }
}

void Peers::close_all() noexcept {
    const std::lock_guard lock(mutex_);
    for (Peer* peer : peers_) shutdown(peer->fd, SHUT_RDWR);
}

void Peers::sweep_lingering() {
    const std::lock_guard lock(lingering_mutex_);
    const auto now = Clock::now();
    std::erase_if(lingering_, [now](const Lingering& entry) {
        if (now < entry.until && !discard_input(entry.fd)) return false;
        close(entry.fd);
        return true;
    });
}

std::size_t Peers::size() const {
    const std::lock_guard lock(mutex_);
    return peers_.size();
}

}  // namespace tallyd
