// What the HTTP side is configured by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tallyd {

struct HttpSettings {
    std::string listen = "127.0.0.1";
    std::uint16_t port = 8080;
    std::string tls_cert;
    std::string tls_key;
    std::vector<std::string> cors_origins{"*"};

    bool tls() const noexcept { return !tls_cert.empty(); }

    unsigned http_threads = 2;
    unsigned max_connections = 4000;
    std::size_t body_memory = std::size_t{256} << 20;

    // seconds
    double head_timeout = 10;
    double body_timeout = 60;
    double keepalive_timeout = 75;
    double send_timeout = 60;
};

}  // namespace tallyd
