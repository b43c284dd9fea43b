// Writes JSON by hand: see ingest_answer.hpp.
#include "core/ingest/ingest_answer.hpp"

#include "core/base/json_string.hpp"

namespace tally {
namespace {

struct Counts {
    std::size_t accepted = 0, duplicates = 0, conflicts = 0, limited = 0, held = 0, failed = 0, unmatched = 0;
    const BatchEvent* first_limited = nullptr;
};

Counts count(std::span<const BatchEvent> events) noexcept {
    Counts counts;
    for (const BatchEvent& event : events) {
        switch (event.verdict) {
            case Verdict::accepted: ++counts.accepted; break;
            case Verdict::duplicate: ++counts.duplicates; break;
            case Verdict::conflict: ++counts.conflicts; break;
            case Verdict::held: ++counts.held; break;
            case Verdict::limited:
                ++counts.limited;
                if (counts.first_limited == nullptr) counts.first_limited = &event;
                break;
            case Verdict::rejected:
            case Verdict::untold: break;
        }
        counts.failed += !event.reason.empty();
        counts.unmatched += event.is_stored_unmatched();
    }
    return counts;
}

void append_failures(std::string& json, std::span<const BatchEvent> events) {
    json += "\"failures\":[";
    bool is_first = true;
    for (const BatchEvent& event : events) {
        if (event.reason.empty()) continue;
        json += is_first ? "{\"index\":" : ",{\"index\":";
        is_first = false;
        json += std::to_string(event.index);
        json += ",\"event_id\":";
        // A text always: clients of the Meteroid API read one.
        append_json_string(json, has_shown_id(event) ? event.event->event_id : std::string_view());
        json += ",\"reason\":";
        append_json_string(json, event.reason);
        if (!event.field.empty()) {
            json += ",\"field\":";
            append_json_string(json, event.field);
        }
        json += '}';
    }
    json += ']';
}

std::string refusal(std::string_view code, std::string_view message) {
    std::string json = "{\"code\":\"";
    json += code;
    json += "\",\"message\":";
    append_json_string(json, message);
    return json;
}

IngestAnswer refused_body(const BatchEvent& refused) {
    IngestAnswer answer{400, refusal("BAD_REQUEST", refused.reason)};
    if (!refused.field.empty()) {
        answer.body += ",\"details\":{\"field\":";
        append_json_string(answer.body, refused.field);
        answer.body += '}';
    }
    answer.body += '}';
    return answer;
}

}  // namespace

bool has_shown_id(const BatchEvent& event) noexcept {
    return event.event != nullptr && event.event->event_id.data() != nullptr &&
           event.event->event_id.find('\0') == std::string_view::npos;
}

std::string limit_details(const LimitReached& limit) {
    return std::string("{\"limit\":{\"whose\":\"") + (limit.of_tenant ? "tenant" : "key") +
           "\",\"remaining\":" + std::to_string(limit.remaining) +
           ",\"events_per_month\":" + std::to_string(limit.events_per_month) + "}}";
}

IngestAnswer answer_of(const IngestBatch& batch, const BatchBody& body) {
    const std::span<const BatchEvent> events = batch.events_of(body);
    if (events.size() == 1 && events[0].event == nullptr) return refused_body(events[0]);
    const Counts counts = count(events);
    IngestAnswer answer;
    if (counts.held > 0) {
        answer = {503, refusal("SERVICE_UNAVAILABLE",
                               "a transaction that is still open is storing one of these events; send them again") +
                           '}'};
    } else if (counts.limited > 0 && (body.strict || counts.limited == events.size())) {
        answer = {429, refusal("TOO_MANY_REQUESTS", std::string(counts.first_limited->reason) + ", so nothing was stored")};
        answer.body += ",\"details\":" + limit_details(*counts.first_limited->limit) + ',';
        append_failures(answer.body, events);
        answer.body += '}';
    } else if (counts.failed > 0 && body.strict) {
        const bool only_conflicts = counts.conflicts == counts.failed;
        answer = {only_conflicts ? 409 : 400,
                  refusal(only_conflicts ? "CONFLICT" : "BAD_REQUEST",
                          std::to_string(counts.failed) + " of " + std::to_string(events.size()) +
                              " events cannot be stored, so nothing was; see failures")};
        answer.body += ',';
        append_failures(answer.body, events);
        answer.body += '}';
    } else {
        answer.body =
            "{\"accepted\":" + std::to_string(counts.accepted) + ",\"duplicates\":" + std::to_string(counts.duplicates);
        if (counts.unmatched > 0) answer.body += ",\"unmatched\":" + std::to_string(counts.unmatched);
        if (counts.failed > 0) {
            answer.body += ',';
            append_failures(answer.body, events);
        }
        answer.body += '}';
    }
    return answer;
}

}  // namespace tally
