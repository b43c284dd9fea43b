// The database as the rest of tallyd sees it: see database.hpp.
#include "db/database.hpp"

#include "base/error.hpp"
#include "db/batcher.hpp"
#include "db/caller.hpp"

namespace tallyd {

namespace {

constexpr int kLastRounds = 10;
constexpr std::chrono::milliseconds kRound{10};

}  // namespace

Database::Database(const DatabaseSettings& settings, Metrics& metrics)
    : settings_(settings), packer_(settings, metrics), health_(settings) {
    const auto add = [&](LaneId id, unsigned width, bool replica = false) {
        // Chunks of files are large, and few: each upload has one at a time.
        const std::size_t bytes = settings.queue_bytes * (id == LaneId::import ? 4 : 1);
        const BatchPolicy policy = id == LaneId::ingest ? settings.batch : kOneByOne;
        lanes_.push_back(std::make_unique<Lane>(id, replica && has_replica(), policy, settings.queue_requests, bytes));
        for (unsigned n = 0; n < width; ++n) {
            if (id == LaneId::ingest)
                threads_.push_back(std::make_unique<Batcher>(settings, *lanes_.back(), extension_, metrics));
            else threads_.push_back(std::make_unique<Caller>(settings, *lanes_.back(), extension_, metrics));
        }
    };
    add(LaneId::ingest, settings.writers);
    add(LaneId::write, settings.changers);
    add(LaneId::slow_write, settings.slow_changers);
    add(LaneId::read, settings.readers, true);
    add(LaneId::slow_read, settings.slow_readers, true);
    add(LaneId::import, settings.importers);
}

void Database::start() {
    for (const auto& thread : threads_) thread->start();
    packer_.start();
    health_.start();
}

void Database::stop() {
    packer_.ask_to_stop();
    health_.ask_to_stop();
    for (const auto& thread : threads_) thread->ask_to_stop();
    for (const auto& lane : lanes_) lane->queue.wake();
    for (const auto& thread : threads_) thread->join();
    packer_.join();
    health_.join();
    // Somebody may still be queueing: look again until nobody is left who could.
    for (int round = 0; round < kLastRounds; ++round) {
        for (const auto& lane : lanes_) {
            lane->queue.close();
            for (Job* job : lane->queue.take_all()) job->finish(unavailable("the server is shutting down"));
        }
        std::this_thread::sleep_for(kRound);
    }
}

void Database::submit(Job& job) noexcept {
    Lane& lane = lane_of(job);
    try {
        job.expires = Clock::now() + to_milliseconds(settings_.queue_timeout);
        job.attempts = 0;
        if (gone(lane)) return job.finish(unavailable("the database is not available", 2));
        if (lane.queue.push(&job)) return;
        job.finish(unavailable("too many requests are waiting for the database"));
    } catch (const std::exception&) {  // push() has taken nothing then
        job.finish(unavailable("out of memory"));
    }
}

void Database::expire() {
    for (const auto& lane : lanes_) {
        const bool away = gone(*lane);
        for (Job* job : away ? lane->queue.take_all() : lane->queue.expire(Clock::now()))
            job->finish(
                unavailable(away ? "the database is not available" : "the request waited too long for the database"));
    }
}

std::vector<std::string> Database::reasons_not_ready() const {
    std::vector<std::string> reasons;
    bool connected = true;
    // Without a replica there are no reads, and yet all else is served.
    for (const auto& lane : lanes_) connected = connected && (lane->replica || lane->connections() > 0);
    if (!connected) reasons.emplace_back("no connection to the database");
    else if (const Extension::State state = extension_.state(); !state.ready) reasons.push_back(state.text);
    for (const auto& lane : lanes_)
        if (lane->queue.full()) reasons.push_back(std::string("the queue of lane ") + lane->name() + " is full");
    return reasons;
}

std::vector<LaneGauge> Database::gauges() const {
    std::vector<LaneGauge> gauges;
    for (const auto& lane : lanes_)
        gauges.push_back({lane->name(), lane->queue.jobs(), lane->queue.bytes(), lane->connections()});
    return gauges;
}

}  // namespace tallyd
