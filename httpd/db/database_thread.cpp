// A thread with one database session: see database_thread.hpp.
#include "db/database_thread.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace tallyd {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstReconnect{100};
constexpr milliseconds kIdle{500};
constexpr milliseconds kCheckReady{5000};
constexpr milliseconds kCheckMissing{500};
constexpr int kMostAttempts = 8;

const Statement kReady{"ready", "SELECT tally_rest.ready()::text"};

// A batch that was taken, until it is served.
class InFlight {
public:
    InFlight(JobQueue& queue, bool gathers) noexcept : queue_(queue), gathers_(gathers) {}
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() { queue_.served(gathers_); }

private:
    JobQueue& queue_;
    const bool gathers_;
};

// A change that waits for somebody else's transaction would hold a connection that changes of others need; it is refused
// soon, and may be sent again.
ServerPatience patience_of(const DatabaseSettings& settings, LaneId lane) {
    const milliseconds statement = to_milliseconds(settings.statement_timeout);
    const milliseconds lock = to_milliseconds(settings.lock_timeout);
    switch (lane) {
        case LaneId::write: return {statement, lock};
        case LaneId::slow_write: return {to_milliseconds(settings.slow_change_timeout), lock};
        default: return {statement};
    }
}

}  // namespace

DatabaseThread::DatabaseThread(const DatabaseSettings& settings, Lane& lane, Extension& extension, Metrics& metrics)
    : lane_(lane),
      metrics_(metrics),
      settings_(settings),
      extension_(extension),
      session_(lane.replica ? settings.read_database : settings.database, patience_of(settings, lane.id), stop_),
      reconnect_(kFirstReconnect, to_milliseconds(settings.reconnect_max)),
      contention_(milliseconds(5), milliseconds(500)),
      random_(std::random_device{}()) {}

void DatabaseThread::start() {
    thread_ = std::thread([this] { run(); });
}

void DatabaseThread::join() {
    if (thread_.joinable()) thread_.join();
}

void DatabaseThread::run() noexcept {
    while (!stop_.load()) {
        try {
            if (!session_.connected() && !connect()) continue;
            look_after_session();
            if (!session_.connected()) continue;
            Batch batch = lane_.queue.take(kIdle);
            if (batch.jobs.empty()) continue;
            const InFlight in_flight(lane_.queue, batch.gathers);
            serve(std::move(batch.jobs));
        } catch (const std::exception& error) {
            // serve() answers what it was given before it throws; only memory can be short here.
            log::message(log::Level::error, error.what());
            rest(milliseconds(100));
        }
    }
    session_.close();
    closed();
}

bool DatabaseThread::connect() {
    closed();
    const std::string why = session_.connect(to_milliseconds(settings_.connect_timeout));
    if (why.empty()) {
        if (ever_connected_) metrics_.reconnects.fetch_add(1);
        ever_connected_ = true;
        reconnect_.reset();
        last_complaint_.clear();
        lane_.connected();
        counted_ = true;
        check_extension();
        return session_.connected();
    }
    if (why != last_complaint_ && !stop_.load()) {
        log::write(log::Level::warn, "database_unreachable", log::field("lane", lane_.name()) + log::field("reason", why));
        last_complaint_ = why;
    }
    rest(reconnect_.next(random_));
    return false;
}

void DatabaseThread::closed() noexcept {
    if (!counted_) return;
    counted_ = false;
    lane_.disconnected();
}

void DatabaseThread::look_after_session() {
    if (!session_.still_there()) {
        closed();
        return;
    }
    if (Clock::now() >= next_check_) check_extension();
}

void DatabaseThread::check_extension() {
    const Outcome outcome = session_.execute(kReady, {});
    if (outcome.kind == Outcome::Kind::done && PQntuples(outcome.result.get()) == 1) {
        extension_.ready(PQgetvalue(outcome.result.get(), 0, 0));
        next_check_ = Clock::now() + kCheckReady;
        return;
    }
    next_check_ = Clock::now() + kCheckMissing;
    if (outcome.kind == Outcome::Kind::lost) {
        closed();
        return;
    }
    const std::string& state = outcome.error.state;
    const char* advice = state == "3F000" || state == "42883" ? ": run CREATE EXTENSION pgtally there"
                         : state == "42501"                   ? ": GRANT tally_api to the role that tallyd logs in as"
                                                              : "; its log says why";
    if (outcome.error.message != last_complaint_) {
        log::write(log::Level::warn, "extension_not_ready", log::field("reason", outcome.error.message + advice));
        last_complaint_ = outcome.error.message;
    }
    extension_.missing(std::string("the extension pgtally is not ready in this database") + advice);
}

void DatabaseThread::rest(milliseconds time) noexcept {
    const auto until = Clock::now() + time;
    while (!stop_.load() && Clock::now() < until)
        std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), milliseconds(50)));
}

Outcome DatabaseThread::execute(const Statement& statement, const std::vector<Param>& params) {
    Outcome outcome = session_.execute(statement, params);
    if (!session_.connected()) closed();
    if (outcome.kind == Outcome::Kind::lost && !stop_.load())
        log::write(log::Level::warn, "database_lost",
                   log::field("statement", statement.name) + log::field("reason", outcome.error.message));
    if (outcome.kind == Outcome::Kind::done) contention_.reset();
    return outcome;
}

void DatabaseThread::retry_later(const std::vector<Job*>& jobs, bool pause, const char* why) {
    std::vector<Job*> again;
    again.reserve(jobs.size());
    const auto now = Clock::now();
    for (Job* job : jobs) {
        if (++job->attempts > kMostAttempts || job->expires <= now || stop_.load()) job->finish(unavailable(why));
        else again.push_back(job);
    }
    if (again.empty()) return;
    metrics_.statements_retried.fetch_add(again.size());
    lane_.queue.give_back(again);
    if (pause) rest(contention_.next(random_));
}

}  // namespace tallyd
