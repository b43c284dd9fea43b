// The HTTP side: a libmicrohttpd daemon with a pool of epoll threads whose handlers never block. TLS enters here
// (options of the daemon); everything behind it sees requests only.
#pragma once

#include <microhttpd.h>

#include <string>

#include "service.hpp"

namespace tallyd {

class Server {
public:
    explicit Server(Service& service) noexcept : service_(service) {}
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Takes over the listening socket. Empty: serving. Else what went wrong.
    std::string start(int listen_fd);

    void stop_accepting() noexcept;

    // Every suspended connection must have been resumed before.
    void stop() noexcept;

private:
    Service& service_;
    MHD_Daemon* daemon_ = nullptr;
    bool accepting_ = false;
};

// What libmicrohttpd last had to say on this thread, in words for a client; for its own refusals.
std::string reason_of_last_complaint(unsigned status);

}  // namespace tallyd
