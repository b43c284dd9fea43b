// Configuration: see config.hpp.
#include "app/config.hpp"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include "app/config_file.hpp"
#include "base/version.hpp"
#include "http/cross_origin.hpp"

namespace tallyd {

namespace {

constexpr int kUsageError = 2;
constexpr double kLongest = 86400;

bool is_address(const std::string& text) noexcept {
    unsigned char bytes[sizeof(in6_addr)];
    return text == "localhost" || inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

class Options {
public:
    Options(CLI::App& app, Config& config) : app_(app), config_(config) {}

    void add() {
        place();
        page();
        threads();
        limits();
        times();
        value("--log-level", config_.log_level, "trace, debug, info, warn, error or off")
            ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
    }

private:
    template <class Value>
    CLI::Option* value(const std::string& flag, Value& target, const std::string& help) {
        return app_.add_option(flag, target, help)->envname(variable(flag))->capture_default_str()->take_last();
    }

    template <class Number>
    CLI::Option* number(const std::string& flag, Number& target, Number low, Number high, const std::string& help) {
        return value(flag, target, help)->check(CLI::Range(low, high));
    }

    void seconds(const std::string& flag, double& target, const std::string& help, double low = 0.001) {
        // Not CLI::Range: "nan" is neither below nor above anything.
        value(flag, target, help + " (seconds)")->check([low](const std::string& text) {
            double given = 0;
            if (CLI::detail::lexical_cast(text, given) && given >= low && given <= kLongest) return std::string();
            return "Value " + text + " not in range " + std::to_string(low) + " to " + std::to_string(kLongest);
        });
    }

    CLI::Option* bytes(const std::string& flag, std::size_t& target, std::size_t low, const std::string& help,
                       std::size_t high = std::size_t{1} << 30) {
        return value(flag, target, help + " (bytes, or 64KB, 8MB)")
            ->transform(CLI::AsSizeValue(false))
            ->check(CLI::Range(low, high));
    }

    static std::string variable(const std::string& flag) {
        std::string name = "TALLYD_";
        for (const char c : flag.substr(2))
            name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return name;
    }

    void place() {
        value("--database", config_.database, "libpq connection string; its password belongs into the file or PGPASSFILE");
        value("--read-database", config_.read_database,
              "connection string of a standby for what only reads; its answers say how far behind they may be");
        value("--listen", config_.listen, "numeric address to listen on");
        number("--port", config_.port, std::uint16_t{0}, std::uint16_t{65535}, "port; 0: any free one");
        app_.add_flag("--behind-proxy", config_.behind_proxy, "listen beyond loopback in plain HTTP: a proxy terminates TLS")
            ->envname("TALLYD_BEHIND_PROXY");
        value("--tls-cert", config_.tls_cert, "serve HTTPS: PEM file of the certificate and its chain");
        value("--tls-key", config_.tls_key, "PEM file of the certificate's private key; SIGHUP reads both anew");
        app_.add_option("--cors-origin", config_.cors_origins,
                        "origin whose web pages may call, such as https://app.example.com; may repeat; *: any, none")
            ->envname(variable("--cors-origin"))
            ->capture_default_str()
            ->allow_extra_args(false)
            ->delimiter(',')
            ->check([](const std::string& text) {
                return is_origin_rule(text) ? std::string()
                                            : "\"" + text + "\" is not *, none or scheme://host[:port] in lower case";
            });
    }

    void page() {
        app_.add_option_function<std::string>(
                "--page", [&config = config_](const std::string& given) { config.page = given == "on"; },
                "on: the page at /; off: nothing is there")
            ->envname(variable("--page"))
            ->default_str("on")
            ->take_last()
            ->check(CLI::IsMember({"on", "off"}));
        value("--page-sign-in", config_.sign_in,
              "for a demo on loopback: file of a code that signs a browser in once within 15 minutes, and of the key");
    }

    void threads() {
        number("--http-threads", config_.http_threads, 1U, 64U, "threads that serve HTTP");
        number("--writers", config_.writers, 1U, 64U, "database connections for ingest");
        number("--changers", config_.changers, 1U, 64U, "database connections for all else that changes something");
        number("--slow-changers", config_.slow_changers, 1U, 64U, "database connections for what changes very much");
        number("--readers", config_.readers, 1U, 256U, "database connections for quick reads");
        number("--slow-readers", config_.slow_readers, 1U, 256U, "database connections for searches, lists and exports");
        number("--importers", config_.importers, 1U, 64U, "database connections for imports of files");
        number("--batch-max", config_.batch.most_requests, std::size_t{1}, std::size_t{100000},
               "requests in one ingest statement");
        bytes("--batch-bytes", config_.batch.most_bytes, 1, "body bytes in one ingest statement");
        bytes("--batch-alone", config_.batch.alone_bytes, 1, "an ingest body of this size has a statement of its own");
    }

    void limits() {
        number("--max-connections", config_.max_connections, 1U, 1000000U, "client connections");
        bytes("--max-body", config_.max_body, 1024, "largest request body");
        bytes("--max-ingest-body", config_.max_ingest_body, 1024, "largest body of an ingest request");
        bytes("--max-inflated-file", config_.max_inflated_file, 1024,
              "largest file of an import that comes compressed, inflated", std::size_t{1} << 50);
        bytes("--body-memory", config_.body_memory, 1 << 20, "memory for all request bodies together");
        number("--queue-requests", config_.queue_requests, 1U, 1000000U,
               "requests that may wait for the database, per queue");
        bytes("--queue-bytes", config_.queue_bytes, 1024, "bytes that may wait for the database, per queue");
    }

    void times() {
        seconds("--queue-timeout", config_.queue_timeout, "longest wait for the database before 503");
        seconds("--statement-timeout", config_.statement_timeout, "longest statement before 503");
        seconds("--slow-change-timeout", config_.slow_change_timeout,
                "longest closing, bulk correction, voided import or forgetting before 503");
        seconds("--lock-timeout", config_.lock_timeout,
                "a change waits this long for what another transaction holds before 503");
        seconds("--database-grace", config_.database_grace,
                "requests wait this long for a lost database before they are refused at once", 0);
        seconds("--reconnect-max", config_.reconnect_max, "longest pause between attempts to connect to the database");
        seconds("--connect-timeout", config_.connect_timeout, "longest attempt to connect to the database");
        seconds("--head-timeout", config_.head_timeout, "a client must send its request's head within this");
        seconds("--body-timeout", config_.body_timeout, "a client must send its request's body within this");
        seconds("--keepalive-timeout", config_.keepalive_timeout, "an idle connection is closed after this");
        seconds("--send-timeout", config_.send_timeout, "a client must take its answer within this");
        seconds("--drain-delay", config_.drain_delay, "on SIGTERM: report not ready this long before the port is closed", 0);
        seconds("--health", config_.health, "ask the store this often how it is, for /metrics; 0: never", 0);
        seconds("--pack", config_.pack,
                "pack what waits, and rest for so long; 0: leave it to CALL tally.pack() of somebody else", 0);
        seconds("--drain-timeout", config_.drain_timeout, "on SIGTERM: requests under way get this long", 0);
    }

    CLI::App& app_;
    Config& config_;
};

int complain(const std::string& message) {
    std::cerr << "tallyd: " << message << "\nRun with --help for more information.\n";
    return kUsageError;
}

// What one option alone cannot tell. Empty: all is well.
std::string contradiction(const Config& config) {
    if (config.database.empty())
        return "--database is required, as a flag, as TALLYD_DATABASE or in the file of --config: a libpq connection string "
               "such as \"dbname=tally\"";
    if (!is_address(config.listen)) return "--listen: \"" + config.listen + "\" is not a numeric IPv4 or IPv6 address";
    if (config.tls_cert.empty() != config.tls_key.empty())
        return config.tls_cert.empty() ? "--tls-key needs --tls-cert" : "--tls-cert needs --tls-key";
    if (!config.tls() && !config.behind_proxy && !is_loopback(config.listen))
        return "refusing to listen on " + config.listen +
               " in plain HTTP: keys would travel readable; give --tls-cert and --tls-key, or --behind-proxy when a "
               "proxy terminates TLS";
    if (!config.sign_in.empty() && !is_loopback(config.listen))
        return "--page-sign-in gives a key away: it is for demos that listen on loopback";
    if (config.body_memory < std::max(config.max_body, config.max_ingest_body))
        return "--body-memory is smaller than the largest body allowed";
    return {};
}

}  // namespace

bool is_loopback(const std::string& address) noexcept {
    in_addr four{};
    in6_addr six{};
    if (address == "localhost") return true;
    if (inet_pton(AF_INET, address.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

std::variant<Config, int> read_config(int argc, const char* const* argv) {
    Config config;
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    config.http_threads = std::clamp(cores / 4, 2U, 8U);
    config.writers = std::clamp(cores / 2, 2U, 8U);
    config.changers = std::clamp(cores / 2, 2U, 16U);
    config.readers = std::clamp(cores, 3U, 32U);
    config.slow_readers = std::clamp(cores / 2, 2U, 16U);
    config.importers = std::clamp(cores / 2, 2U, 8U);

    CLI::App app{"tallyd: HTTP in front of the PostgreSQL extension pgtally", "tallyd"};
    app.set_version_flag("--version", std::string("tallyd ") + kVersion);
    app.set_config("--config", "", "file of the same options without dashes: port=8080")->envname("TALLYD_CONFIG");
    const auto file = std::make_shared<ConfigFile>(app);
    app.config_formatter(file);
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.add_subcommand("serve", "serve HTTP (the default)")->fallthrough();
    app.footer(
        "Further sub-commands, each with its own --help:\n"
        "  import FILE         send a file of events to a tallyd, over http or https\n"
        "  tenant create NAME  make a tenant and its first API key");
    Options(app, config).add();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return complain(file->located(error.what()));
    }
    if (config.listen == "localhost") config.listen = "127.0.0.1";
    if (const std::string wrong = contradiction(config); !wrong.empty()) return complain(file->located(wrong));
    return config;
}

}  // namespace tallyd
