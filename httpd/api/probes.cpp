// The routes that need no database statement: see probes.hpp.
#include "api/probes.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "base/version.hpp"

namespace tallyd {

std::vector<std::string> Probes::reasons_not_ready() const {
    std::vector<std::string> reasons = database_.reasons_not_ready();
    if (connections_.draining()) reasons.insert(reasons.begin(), "shutting down");
    return reasons;
}

Response Probes::ready() const {
    const std::vector<std::string> reasons = reasons_not_ready();
    if (reasons.empty()) {
        Response response;
        response.status = 200;
        response.body =
            fmt::format("{{\"status\":\"ready\",\"version\":\"{}\",\"database\":{}}}", kVersion, database_.versions());
        return response;
    }
    std::string list;
    for (const std::string& reason : reasons) {
        if (!list.empty()) list += ',';
        append_json_string(list, reason);
    }
    Response refusal = refuse(503, "not ready", "{\"reasons\":[" + list + "]}");
    refusal.retry_after = 1;
    return refusal;
}

Response Probes::metrics() const {
    Response response;
    response.status = 200;
    response.content_type = kPrometheus;
    response.body =
        metrics_.prometheus({database_.gauges(), connections_.size(), memory_.used(), reasons_not_ready().empty()}) +
        database_.store_health();
    return response;
}

Response Probes::answer(RouteKind kind) const {
    if (kind == RouteKind::ready) return ready();
    if (kind == RouteKind::metrics) return metrics();
    Response alive;
    alive.status = 200;
    alive.body = fmt::format("{{\"status\":\"ok\",\"version\":\"{}\"}}", kVersion);
    return alive;
}

}  // namespace tallyd
