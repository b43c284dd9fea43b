// The route table: see router.hpp.
#include "api/router.hpp"

#include "base/json_text.hpp"

namespace tallyd {

namespace {

constexpr Route kRoutes[] = {
#include "routes.inc"  // made of openapi/*.yaml by openapi.pl
};

// Calls visit(part of the pattern, segment) for each, until it answers false or one of both ends before the other.
template <typename Visit>
bool walk(std::string_view pattern, const std::vector<std::string>& segments, Visit&& visit) {
    for (const std::string& segment : segments) {
        if (!pattern.starts_with('/')) return false;
        pattern.remove_prefix(1);
        const std::string_view part = pattern.substr(0, pattern.find('/'));
        pattern.remove_prefix(part.size());
        if (!visit(part, segment)) return false;
    }
    return pattern.empty();
}

bool fits(std::string_view pattern, const std::vector<std::string>& segments) {
    return walk(pattern, segments, [](std::string_view part, const std::string& segment) {
        return !segment.empty() && (part == segment || part.starts_with('{'));
    });
}

// {"id":"..."} of a path that fits.
std::string parameters_of(std::string_view pattern, const std::vector<std::string>& segments) {
    std::string json = "{";
    walk(pattern, segments, [&](std::string_view part, const std::string& segment) {
        if (!part.starts_with('{')) return true;
        if (json.size() > 1) json += ',';
        append_json_string(json, part.substr(1, part.size() - 2));
        json += ':';
        append_json_string(json, segment);
        return true;
    });
    return json += '}';
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
        if (wanted != route.method || !fits(route.pattern, segments)) continue;
        found.route = &route;
        found.parameters = parameters_of(route.pattern, segments);
        return found;
    }
    for (const Route& route : kRoutes)
        if (fits(route.pattern, segments)) allow(found, route.method);
    if (!found.allow.empty()) found.allow += ", OPTIONS";
    return found;
}

}  // namespace tallyd
