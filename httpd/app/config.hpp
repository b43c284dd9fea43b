// Configuration: flags, then environment (TALLYD_*), then the file named by --config, then defaults.
#pragma once

#include <string>
#include <variant>

#include "api/settings.hpp"
#include "db/settings.hpp"
#include "http/settings.hpp"
#include "page/settings.hpp"

namespace tallyd {

// Each room has what it is configured by; the process has the rest.
struct Config : HttpSettings, ApiSettings, PageSettings, DatabaseSettings {
    bool behind_proxy = false;
    double drain_delay = 0;     // seconds
    double drain_timeout = 25;  // seconds
    std::string log_level = "info";
};

// A Config, or the exit code when the process has nothing more to do (help, version, a wrong value).
std::variant<Config, int> read_config(int argc, const char* const* argv);

// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(const std::string& address) noexcept;

}  // namespace tallyd
