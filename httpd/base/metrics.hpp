// Counters and histograms of the process, and their Prometheus text (version 0.0.4). Everything is an atomic:
// observing never blocks. Values sampled at scrape time (queue depth, connections) come in by Gauges.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tallyd {

// Cumulative on output only; each bucket counts its own range here.
template <std::size_t N>
class Histogram {
public:
    explicit constexpr Histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}

    void add(double value) noexcept {
        std::size_t at = 0;
        while (at < N && value > bounds_[at]) ++at;
        counts_[at].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(value, std::memory_order_relaxed);
    }

    void write(std::string& out, const char* name, const char* help) const;

private:
    std::array<double, N> bounds_;
    std::array<std::atomic<std::uint64_t>, N + 1> counts_{};
    std::atomic<double> sum_{0};
};

struct LaneGauge {
    const char* name;
    std::size_t jobs, bytes;
    int connections;
};

struct Gauges {
    std::vector<LaneGauge> lanes;
    std::size_t connections = 0, body_bytes = 0;
    bool ready = false;
};

// What requests are counted by.
struct RouteLabel {
    const char* method;
    const char* pattern;
};

class Metrics {
public:
    static constexpr std::size_t kNoRoute = static_cast<std::size_t>(-1);  // of a request that fits none

    explicit Metrics(std::vector<RouteLabel> routes);

    // route: its place among the labels, or kNoRoute.
    void request(std::size_t route, unsigned status, double seconds) noexcept;
    void batch(std::size_t requests, double seconds) noexcept;
    void packing(double seconds) noexcept { packing_.add(seconds); }
    std::string prometheus(const Gauges& gauges) const;

    std::atomic<std::uint64_t> events_accepted{0}, events_duplicate{0}, events_conflict{0}, events_rejected{0};
    std::atomic<std::uint64_t> events_unmatched{0};
    std::atomic<std::uint64_t> reconnects{0}, batches_split{0}, statements_retried{0}, clients_cut{0};
    std::atomic<std::uint64_t> packing_failures{0};
    std::atomic<std::int64_t> in_flight{0};

private:
    static constexpr std::size_t kStatuses = 24;
    using Row = std::array<std::atomic<std::uint64_t>, kStatuses>;

    void write_requests(std::string& out) const;
    static void write_lanes(std::string& out, const std::vector<LaneGauge>& lanes);

    const std::vector<RouteLabel> routes_;
    const std::unique_ptr<Row[]> requests_;  // one a route, the last for what fits none
    Histogram<14> latency_{{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
    Histogram<14> commit_{{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
    Histogram<14> packing_{{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
    Histogram<10> batch_size_{{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}};
};

}  // namespace tallyd
