// The database as the rest of tallyd sees it: jobs go in, and every one is finished, with an answer or with a reason.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "db/database_thread.hpp"
#include "db/extension.hpp"
#include "db/health_reader.hpp"
#include "db/lane.hpp"
#include "db/packer.hpp"
#include "db/settings.hpp"

namespace tallyd {

class Database {
public:
    Database(const DatabaseSettings& settings, Metrics& metrics);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void start();

    // Answers whoever waits in a queue, and ends the threads; what is submitted later is refused.
    void stop();

    // Finishes the job at once where it cannot be queued.
    void submit(Job& job) noexcept;

    // Answers the jobs that waited too long. To be called every now and then.
    void expire();

    bool has_replica() const noexcept { return !settings_.read_database.empty(); }

    // Empty: ready. Else words for /readyz.
    std::vector<std::string> reasons_not_ready() const;
    std::string versions() const { return extension_.state().text; }
    std::vector<LaneGauge> gauges() const;
    std::string store_health() const { return health_.text(); }

private:
    Lane& lane_of(const Job& job) noexcept { return *lanes_[static_cast<std::size_t>(job.lane)]; }
    bool gone(const Lane& lane) const noexcept { return lane.away() > to_milliseconds(settings_.database_grace); }

    const DatabaseSettings& settings_;
    Extension extension_;
    std::vector<std::unique_ptr<Lane>> lanes_;  // by LaneId
    std::vector<std::unique_ptr<DatabaseThread>> threads_;
    Packer packer_;
    HealthReader health_;
};

}  // namespace tallyd
