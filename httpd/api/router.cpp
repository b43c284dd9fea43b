// The route table: see router.hpp.
#include "api/router.hpp"

#include <optional>

#include "base/json_text.hpp"

namespace tallyd {

namespace {

constexpr Route kRoutes[] = {
    {"GET", "/healthz", RouteKind::health, LaneId::read, nullptr, nullptr, 200, BodyKind::none},
    {"GET", "/readyz", RouteKind::ready, LaneId::read, nullptr, nullptr, 200, BodyKind::none},
    {"GET", "/metrics", RouteKind::metrics, LaneId::read, nullptr, nullptr, 200, BodyKind::none},
    {"GET", "/openapi.json", RouteKind::openapi, LaneId::read, nullptr, nullptr, 200, BodyKind::none},
    {"POST", "/api/v1/events/ingest", RouteKind::ingest, LaneId::ingest, "write", nullptr, 200, BodyKind::events},
    {"POST", "/api/v1/events/import", RouteKind::import, LaneId::import, "write", "import_chunk", 200, BodyKind::file},
    {"GET", "/api/v1/profile", RouteKind::call, LaneId::read, "read", "get_profile", 200, BodyKind::none},
    {"GET", "/api/v1/keys", RouteKind::call, LaneId::read, "admin", "list_keys", 200, BodyKind::none},
    {"POST", "/api/v1/keys", RouteKind::call, LaneId::write, "admin", "create_key", 201, BodyKind::json},
    {"DELETE", "/api/v1/keys/{id}", RouteKind::call, LaneId::write, "admin", "revoke_key", 204, BodyKind::none},
    {"GET", "/api/v1/metrics", RouteKind::call, LaneId::read, "read", "list_metrics", 200, BodyKind::none},
    {"POST", "/api/v1/metrics", RouteKind::call, LaneId::write, "write", "create_metric", 201, BodyKind::json, true},
    {"GET", "/api/v1/metrics/{id}", RouteKind::call, LaneId::read, "read", "get_metric", 200, BodyKind::none},
    {"PATCH", "/api/v1/metrics/{id}", RouteKind::call, LaneId::write, "write", "change_metric", 200, BodyKind::json},
    {"POST", "/api/v1/metrics/{id}/archive", RouteKind::call, LaneId::write, "write", "archive_metric", 204, BodyKind::none},
    {"POST", "/api/v1/metrics/{id}/unarchive", RouteKind::call, LaneId::write, "write", "unarchive_metric", 204,
     BodyKind::none},
    {"GET", "/api/v1/metrics/{id}/usage", RouteKind::call, LaneId::read, "read", "metric_usage", 200, BodyKind::none},
    {"GET", "/api/v1/metrics/{id}/value", RouteKind::call, LaneId::read, "read", "metric_value", 200, BodyKind::none},
    {"GET", "/api/v1/metrics/{id}/summaries", RouteKind::call, LaneId::slow_read, "read", "metric_summaries", 200,
     BodyKind::none},
    {"POST", "/event/v1/{metric}", RouteKind::call, LaneId::write, "write", "record_value", 200, BodyKind::json},
    {"GET", "/api/v1/events", RouteKind::call, LaneId::slow_read, "read", "list_events", 200, BodyKind::none},
    {"GET", "/api/v1/events/{event_id}", RouteKind::call, LaneId::slow_read, "read", "get_event", 200, BodyKind::none},
    {"GET", "/api/v1/imports", RouteKind::call, LaneId::slow_read, "read", "list_imports", 200, BodyKind::none},
    {"GET", "/api/v1/imports/{id}", RouteKind::call, LaneId::read, "read", "get_import", 200, BodyKind::none},
    {"DELETE", "/api/v1/imports/{id}", RouteKind::call, LaneId::write, "write", "void_import", 200, BodyKind::none},
    {"GET", "/api/v1/usage/summary", RouteKind::call, LaneId::read, "read", "usage_summary", 200, BodyKind::none},
    {"GET", "/api/v1/usage/customer/{customer_id}", RouteKind::call, LaneId::read, "read", "customer_usage", 200,
     BodyKind::none},
    {"GET", "/api/v1/product_families", RouteKind::call, LaneId::read, "read", "list_product_families", 200, BodyKind::none},
    {"POST", "/api/v1/product_families", RouteKind::call, LaneId::write, "write", "create_product_family", 201,
     BodyKind::json, true},
    {"GET", "/api/v1/product_families/{id}", RouteKind::call, LaneId::read, "read", "get_product_family", 200,
     BodyKind::none},
    {"PATCH", "/api/v1/product_families/{id}", RouteKind::call, LaneId::write, "write", "change_product_family", 200,
     BodyKind::json},
    {"POST", "/api/v1/product_families/{id}/archive", RouteKind::call, LaneId::write, "write",
     "archive_product_family", 204, BodyKind::none},
    {"POST", "/api/v1/product_families/{id}/unarchive", RouteKind::call, LaneId::write, "write",
     "unarchive_product_family", 204, BodyKind::none},
    {"GET", "/api/v1/products", RouteKind::call, LaneId::read, "read", "list_products", 200, BodyKind::none},
    {"POST", "/api/v1/products", RouteKind::call, LaneId::write, "write", "create_product", 201, BodyKind::json, true},
    {"GET", "/api/v1/products/{id}", RouteKind::call, LaneId::read, "read", "get_product", 200, BodyKind::none},
    {"PATCH", "/api/v1/products/{id}", RouteKind::call, LaneId::write, "write", "change_product", 200, BodyKind::json},
    {"POST", "/api/v1/products/{id}/archive", RouteKind::call, LaneId::write, "write", "archive_product", 204,
     BodyKind::none},
    {"POST", "/api/v1/products/{id}/unarchive", RouteKind::call, LaneId::write, "write", "unarchive_product", 204,
     BodyKind::none},
};

// The parameters' members ("\"id\":\"x\"") when the path fits the pattern.
std::optional<std::string> fit(std::string_view pattern, const std::vector<std::string>& segments) {
    std::string members;
    for (const std::string& segment : segments) {
        if (!pattern.starts_with('/')) return std::nullopt;
        pattern.remove_prefix(1);
        const std::string_view part = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(part.size());
        if (part.starts_with('{')) {
            if (segment.empty()) return std::nullopt;
            if (!members.empty()) members += ',';
            append_json_string(members, part.substr(1, part.size() - 2));
            members += ':';
            append_json_string(members, segment);
        } else if (part != segment || part.empty()) {
            return std::nullopt;
        }
    }
    if (!pattern.empty()) return std::nullopt;
    return members;
}

void allow(Match& match, std::string_view method) {
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += method;
    if (method == "GET") match.allow += ", HEAD";
}

}  // namespace

std::span<const Route> routes() noexcept {
    return kRoutes;
}

std::size_t index_of(const Route& route) noexcept {
    return static_cast<std::size_t>(&route - kRoutes);
}

std::vector<RouteLabel> route_labels() {
    std::vector<RouteLabel> labels;
    for (const Route& route : kRoutes) labels.push_back({route.method, route.pattern});
    return labels;
}

Match match(std::string_view method, const std::vector<std::string>& segments) {
    const std::string_view wanted = method == "HEAD" ? "GET" : method;
    Match found;
    std::string_view pattern;
    for (const Route& route : kRoutes) {
        if (!pattern.empty() && pattern != route.pattern) continue;
        const auto members = fit(route.pattern, segments);
        if (!members) continue;
        pattern = route.pattern;
        allow(found, route.method);
        if (wanted != route.method) continue;
        found.route = &route;
        found.parameters = '{' + *members + '}';
    }
    if (!found.allow.empty()) found.allow += ", OPTIONS";
    return found;
}

}  // namespace tallyd
