// Counters, histograms and their Prometheus text: see metrics.hpp.
#include "base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/version.hpp"

namespace tallyd {

namespace {

// Statuses that tallyd sends; the last place counts any other.
constexpr unsigned kKnown[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409,
                               413, 414, 415, 417, 429, 431, 499, 500, 501, 503, 505};

std::size_t place_of(unsigned status) noexcept {
    return static_cast<std::size_t>(std::find(std::begin(kKnown), std::end(kKnown), status) - std::begin(kKnown));
}

void head(std::string& out, const char* name, const char* type, const char* help) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template <class Number>
void single(std::string& out, const char* name, const char* type, const char* help, Number value) {
    head(out, name, type, help);
    fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

}  // namespace

template <std::size_t N>
void Histogram<N>::write(std::string& out, const char* name, const char* help) const {
    head(out, name, "histogram", help);
    std::uint64_t total = 0;
    for (std::size_t at = 0; at < N; ++at) {
        total += counts_[at].load(std::memory_order_relaxed);
        fmt::format_to(std::back_inserter(out), "{}_bucket{{le=\"{}\"}} {}\n", name, bounds_[at], total);
    }
    total += counts_[N].load(std::memory_order_relaxed);
    fmt::format_to(std::back_inserter(out), "{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, total,
                   sum_.load(std::memory_order_relaxed));
}

Metrics::Metrics(std::vector<RouteLabel> routes)
    : routes_(std::move(routes)), requests_(std::make_unique<Row[]>(routes_.size() + 1)) {}

void Metrics::request(std::size_t route, unsigned status, double seconds) noexcept {
    static_assert(std::size(kKnown) < kStatuses);
    requests_[std::min(route, routes_.size())][place_of(status)].fetch_add(1, std::memory_order_relaxed);
    latency_.add(seconds);
}

void Metrics::batch(std::size_t requests, double seconds) noexcept {
    batch_size_.add(static_cast<double>(requests));
    commit_.add(seconds);
}

void Metrics::write_requests(std::string& out) const {
    head(out, "tallyd_http_requests_total", "counter", "Requests answered, by route and status.");
    for (std::size_t row = 0; row <= routes_.size(); ++row) {
        for (std::size_t place = 0; place <= std::size(kKnown); ++place) {
            const std::uint64_t count = requests_[row][place].load(std::memory_order_relaxed);
            if (count == 0) continue;
            const RouteLabel label = row < routes_.size() ? routes_[row] : RouteLabel{"", "unmatched"};
            const std::string status = place < std::size(kKnown) ? std::to_string(kKnown[place]) : "other";
            fmt::format_to(std::back_inserter(out),
                           "tallyd_http_requests_total{{method=\"{}\",route=\"{}\",status=\"{}\"}} {}\n", label.method,
                           label.pattern, status, count);
        }
    }
}

void Metrics::write_lanes(std::string& out, const std::vector<LaneGauge>& lanes) {
    const auto each = [&](const char* name, const char* help, auto value) {
        head(out, name, "gauge", help);
        for (const LaneGauge& lane : lanes)
            fmt::format_to(std::back_inserter(out), "{}{{lane=\"{}\"}} {}\n", name, lane.name, lane.*value);
    };
    each("tallyd_queue_requests", "Requests waiting for the database.", &LaneGauge::jobs);
    each("tallyd_queue_bytes", "Bytes waiting for the database.", &LaneGauge::bytes);
    each("tallyd_database_connections", "Open database connections.", &LaneGauge::connections);
}

std::string Metrics::prometheus(const Gauges& gauges) const {
    std::string out;
    out.reserve(8192);
    head(out, "tallyd_build_info", "gauge", "Version of this tallyd.");
    fmt::format_to(std::back_inserter(out), "tallyd_build_info{{version=\"{}\"}} 1\n", kVersion);
    single(out, "tallyd_ready", "gauge", "1 when requests can be served.", gauges.ready ? 1 : 0);
    write_requests(out);
    latency_.write(out, "tallyd_http_request_duration_seconds", "Time from request line to answer sent.");
    single(out, "tallyd_http_requests_in_flight", "gauge", "Requests begun and not yet answered.", in_flight.load());
    single(out, "tallyd_http_connections", "gauge", "Open client connections.", gauges.connections);
    single(out, "tallyd_http_clients_cut_total", "counter", "Connections ended by the slow-client watchdog.",
           clients_cut.load());
    single(out, "tallyd_body_bytes", "gauge", "Request body bytes held in memory.", gauges.body_bytes);
    head(out, "tallyd_events_total", "counter", "Events by verdict.");
    fmt::format_to(std::back_inserter(out),
                   "tallyd_events_total{{verdict=\"accepted\"}} {}\ntallyd_events_total{{verdict=\"duplicate\"}} {}\n"
                   "tallyd_events_total{{verdict=\"conflict\"}} {}\ntallyd_events_total{{verdict=\"rejected\"}} {}\n",
                   events_accepted.load(), events_duplicate.load(), events_conflict.load(), events_rejected.load());
    single(out, "tallyd_unmatched_events_total", "counter", "Accepted events whose code no metric in use read.",
           events_unmatched.load());
    batch_size_.write(out, "tallyd_ingest_batch_requests", "Requests per ingest statement.");
    commit_.write(out, "tallyd_ingest_commit_duration_seconds", "Time of one ingest statement with its commit.");
    write_lanes(out, gauges.lanes);
    single(out, "tallyd_database_reconnects_total", "counter", "Database connections made after the first of each thread.",
           reconnects.load());
    packing_.write(out, "tallyd_packing_step_duration_seconds", "Time of one step of packing with its commit.");
    single(out, "tallyd_packing_failures_total", "counter", "Steps of packing that failed.", packing_failures.load());
    single(out, "tallyd_ingest_batches_split_total", "counter", "Ingest batches split to find the request that failed.",
           batches_split.load());
    single(out, "tallyd_statements_retried_total", "counter", "Requests given back to the queue for another attempt.",
           statements_retried.load());
    return out;
}

}  // namespace tallyd
