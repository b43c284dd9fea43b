// The listening socket, made by us rather than by libmicrohttpd: a port in use gives a clear message, port 0 tells
// which port it became, and a socket handed over by a service manager can take the same place.
#pragma once

#include <cstdint>
#include <string>

namespace tallyd {

struct Listener {
    int fd = -1;
    std::string url;    // "http://127.0.0.1:8080"
    std::string error;  // not empty: there is no socket
};

Listener listen_on(const std::string& address, std::uint16_t port, bool tls);

}  // namespace tallyd
