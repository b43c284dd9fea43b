// Job: one request on its way through the database, as queue, batcher and readers see it.
// Invariant: from the moment it is queued exactly one party owns it; whoever calls finish() must not touch it again.
#pragma once

#include <chrono>
#include <string>

#include "answer.hpp"
#include "auth.hpp"
#include "router.hpp"

namespace tallyd {

using Clock = std::chrono::steady_clock;

class Job {
public:
    virtual void finish(Answer answer) noexcept = 0;

    std::size_t bytes() const noexcept { return body.size() + query.size() + parameters.size() + once.size(); }

    const Route* route = nullptr;
    KeyHash key{};
    std::string parameters;  // {"id":"..."}
    std::string query;       // {"name":["value"]}
    std::string body;
    std::string once;          // Idempotency-Key; empty: none
    bool asks_limits = false;  // not the route's statement, but the limits of the key
    Clock::time_point expires{};  // no statement is begun for it after this
    int attempts = 0;

protected:
    ~Job() = default;
};

}  // namespace tallyd
