// The sub-command "serve": see serve.hpp.
#include "serve.hpp"

#include <jansson.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "batcher.hpp"
#include "error.hpp"
#include "listener.hpp"
#include "log.hpp"
#include "notify.hpp"
#include "packer.hpp"
#include "reader.hpp"
#include "server.hpp"
#include "tls.hpp"
#include "version.hpp"
#include "watchdog.hpp"

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
    const rlim_t needed = config.max_connections + config.writers + config.readers + config.importers + 256;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < needed)
        log::message(log::Level::warn, "the limit of open files is lower than --max-connections needs");
}

class Process {
public:
    explicit Process(const Config& config)
        : config_(config),
          service_(config),
          packer_(config, service_.observe),
          server_(service_),
          watchdog_(service_) {}

    std::string start(int listen_fd) {
        for (unsigned n = 0; n < config_.writers; ++n)
            threads_.push_back(
                std::make_unique<Batcher>(config_, service_.ingest_queue, service_.health, service_.observe));
        for (unsigned n = 0; n < config_.readers; ++n)
            threads_.push_back(
                std::make_unique<Reader>(config_, service_.call_queue, service_.health, service_.observe));
        for (unsigned n = 0; n < config_.importers; ++n)
            threads_.push_back(std::make_unique<Reader>(config_, service_.import_queue, service_.health,
                                                        service_.observe, Use::import));
        for (const auto& thread : threads_) thread->start();
        packer_.start();
        watchdog_.start();
        return server_.start(listen_fd);
    }

    void stop() {
        service_.health.draining.store(true);
        notify_service_manager("STOPPING=1");
        log::message(log::Level::info, "draining");
        bool forced = wait(to_milliseconds(config_.drain_delay), [] { return false; });
        server_.stop_accepting();
        if (!forced) forced = wait(to_milliseconds(config_.drain_timeout), [this] { return idle(); });
        if (!idle())
            log::message(log::Level::warn, forced ? "stopping at once" : "stopping although requests are under way");
        end_database();
        // Answers given just now still need their way out.
        if (!forced) wait(milliseconds(2000), [this] { return idle(); });
        watchdog_.stop();
        server_.stop();
    }

private:
    bool idle() {
        service_.peers.close_idle();
        return service_.peers.size() == 0;
    }

    // true: a second signal asks to end at once.
    template <class Condition>
    bool wait(milliseconds time, Condition done) {
        const auto until = Clock::now() + time;
        while (Clock::now() < until && !done())
            if (signalled_within(milliseconds(20))) return true;
        return false;
    }

    // No suspended connection may be left when the HTTP side stops: everyone is answered, in order of certainty.
    void end_database() {
        packer_.ask_to_stop();
        for (const auto& thread : threads_) thread->ask_to_stop();
        service_.ingest_queue.wake();
        service_.call_queue.wake();
        service_.import_queue.wake();
        for (const auto& thread : threads_) thread->join();
        packer_.join();
        const auto refuse_late = [this] {
            for (JobQueue* queue : {&service_.ingest_queue, &service_.call_queue, &service_.import_queue}) {
                queue->close();
                for (Job* job : queue->take_all()) job->finish(unavailable("the server is shutting down"));
            }
        };
        // A worker may still be queueing: look again until nobody is left who could.
        for (int round = 0; round < 10; ++round) {
            refuse_late();
            signalled_within(milliseconds(10));
        }
    }

    const Config& config_;
    Service service_;
    std::vector<std::unique_ptr<DatabaseThread>> threads_;
    Packer packer_;
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
        if (const std::string wrong = tls::load(config.tls_cert, config.tls_key); !wrong.empty())
            return complain(wrong);
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
