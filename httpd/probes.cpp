// The routes that need no database statement: see probes.hpp.
#include "probes.hpp"

#include <fmt/format.h>

#include "error.hpp"
#include "json_text.hpp"
#include "version.hpp"

namespace tallyd {

namespace {

std::vector<std::string> reasons_not_ready(const Service& service) {
    std::vector<std::string> reasons;
    if (service.health.draining.load()) reasons.emplace_back("shutting down");
    const int writers = service.health.connections(Use::write);
    const int readers = service.health.connections(Use::read);
    if (writers == 0 || readers == 0) reasons.emplace_back("no connection to the database");
    if (writers > 0 && readers > 0)
        if (const Health::Extension extension = service.health.extension(); !extension.ready)
            reasons.push_back(extension.text);
    if (service.ingest_queue.full()) reasons.emplace_back("the ingest queue is full");
    if (service.call_queue.full()) reasons.emplace_back("the request queue is full");
    return reasons;
}

Answer ready(const Service& service) {
    const std::vector<std::string> reasons = reasons_not_ready(service);
    Answer answer;
    if (reasons.empty()) {
        answer.status = 200;
        answer.body = fmt::format("{{\"status\":\"ready\",\"version\":\"{}\",\"database\":{}}}", kVersion,
                                  service.health.extension().text);
        return answer;
    }
    std::string list;
    for (const std::string& reason : reasons) {
        if (!list.empty()) list += ',';
        append_json_string(list, reason);
    }
    answer = refuse(503, "not ready", "{\"reasons\":[" + list + "]}");
    answer.retry_after = 1;
    return answer;
}

Answer metrics(const Service& service) {
    Gauges gauges;
    gauges.ingest_jobs = service.ingest_queue.jobs();
    gauges.ingest_bytes = service.ingest_queue.bytes();
    gauges.call_jobs = service.call_queue.jobs();
    gauges.call_bytes = service.call_queue.bytes();
    gauges.connections = service.peers.size();
    gauges.body_bytes = service.body_bytes.load();
    gauges.writers_connected = service.health.connections(Use::write);
    gauges.readers_connected = service.health.connections(Use::read);
    gauges.importers_connected = service.health.connections(Use::import);
    gauges.import_jobs = service.import_queue.jobs();
    gauges.import_bytes = service.import_queue.bytes();
    gauges.ready = reasons_not_ready(service).empty();
    Answer answer;
    answer.status = 200;
    answer.content_type = kPrometheus;
    answer.body = service.observe.prometheus(gauges);
    return answer;
}

}  // namespace

Answer probe(RouteKind kind, const Service& service) {
    if (kind == RouteKind::ready) return ready(service);
    if (kind == RouteKind::metrics) return metrics(service);
    Answer alive;
    alive.status = 200;
    alive.body = fmt::format("{{\"status\":\"ok\",\"version\":\"{}\"}}", kVersion);
    return alive;
}

}  // namespace tallyd
