// Job: a statement with its parameters, the lane that it runs in, and whether it may be done twice.
// Invariant: from the moment it is queued exactly one party owns it; whoever calls finish() must not touch it again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/response.hpp"

namespace tallyd {

struct Statement {
    std::string name;
    std::string sql;
};

struct Param {
    std::string_view value;  // text values must be followed by a NUL byte
    bool binary = false;
    bool null = false;
};

// Each lane has its queue, its threads and its connections, so that none waits for the work of another.
enum class LaneId : unsigned char {
    ingest,      // batches of events: statements of many jobs at once
    write,       // whatever else changes something, at once
    slow_write,  // closings, corrections in bulk and what else may change very much
    read,        // what is answered at once
    slow_read,   // searches, lists and exports, which may look at everything
    import       // files of events
};

class Job {
public:
    // Status 200: the one value of the statement's one row; no content_type: it was null. Else a refusal. From a lane
    // of batches: what the statement said of this job.
    virtual void finish(Response response) noexcept = 0;

    std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const Param& param : parameters) sum += param.value.size();
        return sum;
    }

    const Statement* statement = nullptr;
    std::vector<Param> parameters;
    LaneId lane = LaneId::read;
    bool may_repeat = false;      // done twice it is as done once
    Clock::time_point expires{};  // no statement is begun for it after this
    int attempts = 0;

protected:
    ~Job() = default;
};

}  // namespace tallyd
