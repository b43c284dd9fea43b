// The store's health as Prometheus text: see store_health.hpp.
#include "base/store_health.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "base/json.hpp"

namespace tallyd {

namespace {

struct Gauge {
    const char* member;
    const char* name;
    const char* label;  // of a family of several, which follow each other
    const char* help;
};

constexpr Gauge kGauges[] = {
    {"/tenants", "tallyd_store_tenants", "", "Tenants."},
    {"/events_last_day", "tallyd_store_events_last_day", "",
     "About how many events of all tenants happened in the last 24 hours."},
    {"/newest_event", "tallyd_store_newest_event_timestamp_seconds", "", "When the newest event happened."},
    {"/recent_events", "tallyd_store_recent_events", "",
     "Events that packing has not moved into segments yet; of more than 50000 an estimate."},
    {"/oldest_recent", "tallyd_store_oldest_recent_event_timestamp_seconds", "", "When the oldest of these events came."},
    {"/packed_events", "tallyd_store_packed_events", "", "Events in segments."},
    {"/segments", "tallyd_store_segments", "", "Segments."},
    {"/packed_at", "tallyd_store_packed_timestamp_seconds", "", "When events were last packed."},
    {"/recent_bytes", "tallyd_store_size_bytes", "kind=\"recent\"", "Size of tables with their indexes, by kind."},
    {"/segment_bytes", "tallyd_store_size_bytes", "kind=\"segment\"", ""},
    {"/identity_bytes", "tallyd_store_size_bytes", "kind=\"identity\"", ""},
    {"/other_bytes", "tallyd_store_size_bytes", "kind=\"other\"", ""},
    {"/identity_runs", "tallyd_store_identity_runs", "", "Runs of sealed identities that are ready."},
    {"/verified_at", "tallyd_store_verified_timestamp_seconds", "",
     "When tally.verify() last read the stores of all tenants."},
    {"/problems", "tallyd_store_problems", "", "Problems that it found."},
    {"/imports_running", "tallyd_store_imports_running", "", "Imports that got lines in the last minute."},
    {"/limits_near", "tallyd_store_limits_near", "",
     "Limits of the month, of tenants and keys, of which 80 percent are used."},
    {"/limits_reached", "tallyd_store_limits_reached", "", "Limits of the month of which all is used."},
};

}  // namespace

std::string store_health_text(const std::string& json) {
    const Json health(json);
    std::string text;
    std::string_view family;
    for (const Gauge& gauge : kGauges) {
        const std::optional<double> value = health.number(gauge.member);
        if (!value) continue;
        if (family != gauge.name) {
            fmt::format_to(std::back_inserter(text), "# HELP {0} {1}\n# TYPE {0} gauge\n", gauge.name, gauge.help);
            family = gauge.name;
        }
        const bool labelled = *gauge.label != '\0';
        fmt::format_to(std::back_inserter(text), "{}{}{}{} {}\n", gauge.name, labelled ? "{" : "", gauge.label,
                       labelled ? "}" : "", *value);
    }
    return text;
}

}  // namespace tallyd
