// The API: makes a handler for each request, and holds what they share.
#pragma once

#include "api/request.hpp"

namespace tallyd {

class Api final : public Handlers {
public:
    Api(const ApiSettings& settings, Database& database, Metrics& metrics, const Connections& connections,
        const BodyMemory& memory)
        : probes_(database, connections, memory, metrics), means_{settings, database, metrics, rates_, probes_} {}
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;

    std::unique_ptr<Handler> handle(Exchange& exchange) override { return std::make_unique<Request>(means_, exchange); }

private:
    RateLimiter rates_;
    const Probes probes_;
    const Request::Means means_;
};

}  // namespace tallyd
