// The sub-command "serve": see serve.hpp.
#include "app/serve.hpp"

#include <jansson.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>

#include "api/api.hpp"
#include "app/notify.hpp"
#include "app/watchdog.hpp"
#include "base/log.hpp"
#include "base/version.hpp"
#include "http/listener.hpp"
#include "http/server.hpp"
#include "http/tls.hpp"
#include "page/page.hpp"

namespace tallyd {

namespace {

using std::chrono::milliseconds;

sigset_t stop_signals() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

// true: one of the stop signals arrived within the time.
bool signalled_within(milliseconds time) noexcept {
    const sigset_t set = stop_signals();
    const timespec limit{time.count() / 1000, (time.count() % 1000) * 1000000};
    return sigtimedwait(&set, nullptr, &limit) > 0;
}

// A bad new file changes nothing: the old certificate stays, and the log says why.
void reload_certificate(const Config& config) {
    if (!config.tls()) return log::message(log::Level::info, "SIGHUP: there is no certificate to read anew");
    const std::string wrong = tls::load(config.tls_cert, config.tls_key);
    if (wrong.empty()) return log::message(log::Level::info, "the certificate was read anew");
    log::message(log::Level::error, "the old certificate stays: " + wrong);
}

// Returns when the process is to end; SIGHUP means: read the certificate anew.
void wait_for_the_end(const Config& config, const sigset_t& set) {
    for (int number = 0;;) {
        if (sigwait(&set, &number) != 0) continue;
        if (number != SIGHUP) return;
        reload_certificate(config);
    }
}

int complain(const std::string& what) {
    std::fprintf(stderr, "tallyd: %s\n", what.c_str());
    return 1;
}

void raise_file_limit(const Config& config) {
    const rlim_t needed = config.max_connections + config.writers + config.changers + config.slow_changers + config.readers +
                          config.slow_readers + config.importers + 256;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < needed)
        log::message(log::Level::warn, "the limit of open files is lower than --max-connections needs");
}

ConnectionLimits limits_of(const HttpSettings& settings) {
    return {to_milliseconds(settings.head_timeout), to_milliseconds(settings.body_timeout),
            to_milliseconds(settings.keepalive_timeout), to_milliseconds(settings.send_timeout)};
}

// The rooms put together: each part gets what it needs of the others.
class Process {
public:
    explicit Process(const Config& config)
        : config_(config),
          metrics_(labels()),
          connections_(Front{CrossOrigin(config.cors_origins), config.tls()}),
          memory_(config.body_memory),
          database_(config, metrics_),
          api_(config, database_, metrics_, connections_, memory_),
          page_(config, route_labels().size(), api_),
          server_(config, {connections_, memory_, metrics_, page_}),
          watchdog_(limits_of(config), connections_, database_, metrics_) {}

    std::string start(int listen_fd) {
        if (std::string wrong = page_.start(); !wrong.empty()) return wrong;
        database_.start();
        watchdog_.start();
        return server_.start(listen_fd);
    }

    void stop() {
        connections_.drain();
        notify_service_manager("STOPPING=1");
        log::message(log::Level::info, "draining");
        bool forced = wait(to_milliseconds(config_.drain_delay), [] { return false; });
        server_.stop_accepting();
        if (!forced) forced = wait(to_milliseconds(config_.drain_timeout), [this] { return idle(); });
        if (!idle())
            log::message(log::Level::warn, forced ? "stopping at once" : "stopping although requests are under way");
        // No suspended connection may be left when the HTTP side stops: everyone is answered, in order of certainty.
        database_.stop();
        // Answers given just now still need their way out.
        if (!forced) wait(milliseconds(2000), [this] { return idle(); });
        watchdog_.stop();
        server_.stop();
    }

private:
    static std::vector<RouteLabel> labels() {
        std::vector<RouteLabel> all = route_labels();
        all.push_back({"GET", "page"});
        return all;
    }

    bool idle() {
        connections_.close_idle();
        return connections_.size() == 0;
    }

    // true: a second signal asks to end at once.
    template <class Condition>
    bool wait(milliseconds time, Condition done) {
        const auto until = Clock::now() + time;
        while (Clock::now() < until && !done())
            if (signalled_within(milliseconds(20))) return true;
        return false;
    }

    const Config& config_;
    Metrics metrics_;
    Connections connections_;
    BodyMemory memory_;
    Database database_;
    Api api_;
    Page page_;
    Server server_;
    Watchdog watchdog_;
};

}  // namespace

int serve(const Config& config) {
    sigset_t set = stop_signals();
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread: all inherit it
    signal(SIGPIPE, SIG_IGN);
    json_object_seed(0);
    if (config.tls())
        if (const std::string wrong = tls::load(config.tls_cert, config.tls_key); !wrong.empty()) return complain(wrong);
    const Listener listener = listen_on(config.listen, config.port, config.tls());
    if (!listener.error.empty()) return complain(listener.error);
    log::start(config.log_level);
    raise_file_limit(config);
    int code = 0;
    {
        Process process(config);
        if (const std::string wrong = process.start(listener.fd); !wrong.empty()) {
            code = complain(wrong);
        } else {
            std::printf("tallyd %s listening on %s\n", kVersion, listener.url.c_str());
            std::fflush(stdout);
            notify_service_manager("READY=1");
            wait_for_the_end(config, set);
        }
        process.stop();
    }
    log::stop();
    return code;
}

}  // namespace tallyd
