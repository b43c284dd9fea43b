// Configuration: flags, then environment (TALLYD_*), then the file named by --config, then defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "batch_policy.hpp"

namespace tallyd {

struct Config {
    std::string database;
    std::string listen = "127.0.0.1";
    std::uint16_t port = 8080;
    bool behind_proxy = false;
    std::string tls_cert;
    std::string tls_key;
    std::vector<std::string> cors_origins{"*"};

    bool tls() const noexcept { return !tls_cert.empty(); }

    unsigned http_threads = 2;
    unsigned writers = 1;
    unsigned readers = 3;
    unsigned importers = 1;

    unsigned max_connections = 4000;
    std::size_t max_body = std::size_t{1} << 20;
    std::size_t max_ingest_body = std::size_t{8} << 20;
    std::size_t body_memory = std::size_t{256} << 20;
    unsigned queue_requests = 8192;
    std::size_t queue_bytes = std::size_t{64} << 20;
    BatchPolicy batch;

    // seconds
    double queue_timeout = 10;
    double statement_timeout = 20;
    double database_grace = 5;
    double reconnect_max = 8;
    double connect_timeout = 5;
    double head_timeout = 10;
    double body_timeout = 60;
    double keepalive_timeout = 75;
    double send_timeout = 60;
    double drain_delay = 0;
    double drain_timeout = 25;
    double pack = 2;  // 0: no packing

    std::string log_level = "info";
};

// A Config, or the exit code when the process has nothing more to do (help, version, a wrong value).
std::variant<Config, int> read_config(int argc, const char* const* argv);

// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(const std::string& address) noexcept;

inline std::chrono::milliseconds to_milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace tallyd
