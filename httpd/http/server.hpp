// The HTTP side: a libmicrohttpd daemon with a pool of epoll threads whose handlers never block. TLS enters here
// (options of the daemon); everything behind it sees requests only.
#pragma once

#include <microhttpd.h>

#include <string>

#include "http/request.hpp"
#include "http/settings.hpp"

namespace tallyd {

class Server {
public:
    Server(const HttpSettings& settings, const HttpRequest::Surroundings& around) noexcept
        : settings_(settings), around_(around) {}
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Takes over the listening socket. Empty: serving. Else what went wrong.
    std::string start(int listen_fd);

    void stop_accepting() noexcept;

    // Every suspended connection must have been resumed before.
    void stop() noexcept;

private:
    const HttpSettings& settings_;
    const HttpRequest::Surroundings around_;
    MHD_Daemon* daemon_ = nullptr;
    bool accepting_ = false;
};

// What libmicrohttpd last had to say on this thread, in words for a client; for its own refusals.
std::string reason_of_last_complaint(unsigned status);

}  // namespace tallyd
