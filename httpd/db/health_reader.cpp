// The reader of health: see health_reader.hpp.
#include "db/health_reader.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/store_health.hpp"

namespace tallyd {

namespace {

using std::chrono::milliseconds;

const Statement kHealth{"health", "SELECT tally_rest.health()"};

// The store is asked for a twentieth of the time at most, however long an answer takes.
constexpr int kRestsForEachAnswer = 19;

std::string up(bool is_up) {
    return fmt::format(
        "# HELP tallyd_store_up 1 when the store said lately how it is.\n# TYPE tallyd_store_up gauge\n"
        "tallyd_store_up {}\n",
        is_up ? 1 : 0);
}

std::string duration(Clock::duration time) {
    return fmt::format(
        "# HELP tallyd_store_health_duration_seconds How long the store took to say how it is.\n"
        "# TYPE tallyd_store_health_duration_seconds gauge\ntallyd_store_health_duration_seconds {}\n",
        std::chrono::duration<double>(time).count());
}

}  // namespace

HealthReader::HealthReader(const DatabaseSettings& settings)
    : settings_(settings),
      session_(settings.database, {to_milliseconds(settings.statement_timeout)}, stop_),
      trouble_(milliseconds(200), std::max(milliseconds(200), to_milliseconds(settings.reconnect_max))),
      random_(std::random_device{}()) {}

void HealthReader::start() {
    if (settings_.health <= 0) return;
    show(up(false));
    thread_ = std::thread([this] { run(); });
}

void HealthReader::join() {
    if (thread_.joinable()) thread_.join();
}

std::string HealthReader::text() const {
    const std::lock_guard lock(mutex_);
    return text_;
}

void HealthReader::show(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
}

void HealthReader::run() noexcept {
    while (!stop_.load()) {
        try {
            round();
        } catch (const std::exception& error) {
            log::message(log::Level::error, error.what());
            rest(milliseconds(100));
        }
    }
    session_.close();
}

void HealthReader::round() {
    if (!session_.connected())
        if (const std::string why = session_.connect(to_milliseconds(settings_.connect_timeout)); !why.empty())
            return failed(why);
    const auto begin = Clock::now();
    const Outcome outcome = session_.execute(kHealth, {});
    const Clock::duration took = Clock::now() - begin;
    if (outcome.kind != Outcome::Kind::done || PQntuples(outcome.result.get()) != 1) return failed(outcome.error.message);
    show(up(true) + duration(took) + store_health_text(PQgetvalue(outcome.result.get(), 0, 0)));
    trouble_.reset();
    last_complaint_.clear();
    rest(std::max<Clock::duration>(to_milliseconds(settings_.health), took * kRestsForEachAnswer));
}

void HealthReader::failed(const std::string& why) {
    show(up(false));
    if (why != last_complaint_ && !stop_.load()) log::write(log::Level::warn, "health_unknown", log::field("reason", why));
    last_complaint_ = why;
    rest(trouble_.next(random_));
}

void HealthReader::rest(Clock::duration time) noexcept {
    const auto until = Clock::now() + time;
    while (!stop_.load() && Clock::now() < until)
        std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), milliseconds(50)));
}

}  // namespace tallyd
