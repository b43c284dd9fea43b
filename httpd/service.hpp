// What a running tallyd consists of, shared by the HTTP side, the database threads, the watchdog and the shutdown.
#pragma once

#include <atomic>

#include "config.hpp"
#include "health.hpp"
#include "job_queue.hpp"
#include "observe.hpp"
#include "peers.hpp"
#include "rate_limiter.hpp"

namespace tallyd {

struct Service {
    explicit Service(const Config& settings)
        : config(settings),
          ingest_queue(settings.queue_requests, settings.queue_bytes),
          call_queue(settings.queue_requests, settings.queue_bytes),
          import_queue(settings.queue_requests, settings.body_memory),
          peers(Front{CrossOrigin(settings.cors_origins), settings.tls()}) {}

    JobQueue& queue_of(const Route& route) noexcept {
        if (route.kind == RouteKind::import) return import_queue;
        return route.kind == RouteKind::ingest ? ingest_queue : call_queue;
    }
    static Use use_of(const Route& route) noexcept {
        if (route.kind == RouteKind::import) return Use::import;
        return route.kind == RouteKind::ingest ? Use::write : Use::read;
    }

    const Config& config;
    JobQueue ingest_queue;
    JobQueue call_queue;
    JobQueue import_queue;
    Health health;
    Observe observe;
    Peers peers;
    RateLimiter rates;
    std::atomic<std::size_t> body_bytes{0};  // of all requests together, bounded by config.body_memory
};

}  // namespace tallyd
