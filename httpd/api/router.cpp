// The route table: see router.hpp.
#include "api/router.hpp"

#include <optional>

#include "base/json_text.hpp"

namespace tallyd {

namespace {

constexpr Route kRoutes[] = {
#include "routes.inc"  // made of openapi/*.yaml by openapi.pl
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
    if (match.allow.find(method) != std::string::npos) return;
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
    // Several patterns may fit: GET /api/v1/events/ingest is for the event of that id.
    for (const Route& route : kRoutes) {
        const auto members = fit(route.pattern, segments);
        if (!members) continue;
        allow(found, route.method);
        if (found.route != nullptr || wanted != route.method) continue;
        found.route = &route;
        found.parameters = '{' + *members + '}';
    }
    if (!found.allow.empty()) found.allow += ", OPTIONS";
    return found;
}

}  // namespace tallyd
