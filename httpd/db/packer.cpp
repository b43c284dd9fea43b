// The packer: see packer.hpp.
#include "db/packer.hpp"

#include "base/log.hpp"

namespace tallyd {

namespace {

using std::chrono::milliseconds;

const Statement kStep{"pack", "SELECT tally.pack_step()"};
const Statement kCut{"cut_daily", "SELECT tally.cut_daily()"};

// Days of UTC since 1970.
std::int64_t today() {
    return std::chrono::duration_cast<std::chrono::hours>(std::chrono::system_clock::now().time_since_epoch()).count() / 24;
}

}  // namespace

Packer::Packer(const DatabaseSettings& settings, Metrics& metrics)
    : settings_(settings),
      metrics_(metrics),
      session_(settings.database, {to_milliseconds(settings.statement_timeout)}, stop_),
      trouble_(milliseconds(200), std::max(milliseconds(200), to_milliseconds(settings.reconnect_max))),
      random_(std::random_device{}()) {}

void Packer::start() {
    if (settings_.pack > 0) thread_ = std::thread([this] { run(); });
}

void Packer::join() {
    if (thread_.joinable()) thread_.join();
}

void Packer::run() noexcept {
    while (!stop_.load()) {
        try {
            if (!session_.connected()) {
                const std::string why = session_.connect(to_milliseconds(settings_.connect_timeout));
                if (!why.empty()) {
                    complain("packing_unreachable", why);
                    rest(trouble_.next(random_));
                    continue;
                }
            }
            step();
        } catch (const std::exception& error) {
            log::message(log::Level::error, error.what());
            rest(milliseconds(100));
        }
    }
    session_.close();
}

void Packer::step() {
    const auto begin = Clock::now();
    const Outcome outcome = session_.execute(kStep, {});
    if (outcome.kind != Outcome::Kind::done || PQntuples(outcome.result.get()) != 1) {
        // What failed is not tried again at once: the session plans anew.
        if (!stop_.load()) {
            metrics_.packing_failures.fetch_add(1);
            complain("packing_failed", outcome.error.message);
        }
        rest(trouble_.next(random_));
        return;
    }
    trouble_.reset();
    last_complaint_.clear();
    metrics_.packing(std::chrono::duration<double>(Clock::now() - begin).count());
    if (*PQgetvalue(outcome.result.get(), 0, 0) == 't') return;
    if (const std::int64_t day = today(); day != cut_day_ && cut()) cut_day_ = day;
    rest(to_milliseconds(settings_.pack));
}

bool Packer::cut() {
    const Outcome outcome = session_.execute(kCut, {});
    if (outcome.kind == Outcome::Kind::done) return true;
    complain("daily_cut_failed", outcome.error.message);
    return false;
}

void Packer::complain(const std::string& what, const std::string& why) {
    if (why == last_complaint_ || stop_.load()) return;
    log::write(log::Level::warn, what, log::field("reason", why));
    last_complaint_ = why;
}

void Packer::rest(milliseconds time) noexcept {
    const auto until = Clock::now() + time;
    while (!stop_.load() && Clock::now() < until)
        std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), milliseconds(50)));
}

}  // namespace tallyd
