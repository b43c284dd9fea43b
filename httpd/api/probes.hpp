// The routes that need no database statement: /healthz, /readyz, /metrics.
#pragma once

#include "api/router.hpp"
#include "base/metrics.hpp"
#include "db/database.hpp"
#include "http/body_memory.hpp"
#include "http/connections.hpp"

namespace tallyd {

class Probes {
public:
    // All outlive this.
    Probes(const Database& database, const Connections& connections, const BodyMemory& memory, const Metrics& metrics)
        : database_(database), connections_(connections), memory_(memory), metrics_(metrics) {}

    Response answer(RouteKind kind) const;

private:
    Response ready() const;
    Response metrics() const;
    std::vector<std::string> reasons_not_ready() const;

    const Database& database_;
    const Connections& connections_;
    const BodyMemory& memory_;
    const Metrics& metrics_;
};

}  // namespace tallyd
