// Counts lines in their order: see import_report.hpp.
#include "core/ingest/import_report.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/json_string.hpp"
#include "core/ingest/ingest_answer.hpp"

namespace tally {
namespace {

// An array of one event, as import_lines makes it, without its brackets.
std::string_view event_of(const ImportLine& line) noexcept {
    return std::string_view(line.document).substr(1, line.document.size() - 2);
}

class Report {
public:
    Report(const PieceContext& context, ImportReport& result) : context_(context), result_(result) {}

    void tell(std::int64_t line, Verdict verdict, std::string_view id, std::string_view reason, std::string_view field) {
        const bool is_again = std::any_of(context_.counted.begin(), context_.counted.end(),
                                          [line](const auto& range) { return range.first <= line && line < range.second; });
        if (verdict == Verdict::accepted) ++result_.accepted;
        else if (is_again) ++result_.resent;
        else if (verdict == Verdict::duplicate) ++result_.duplicates;
        else ++result_.failed;
        if (!reason.empty()) append_failure(line, id, reason, field);
    }

private:
    void append_failure(std::int64_t line, std::string_view id, std::string_view reason, std::string_view field) {
        std::string& json = result_.failures;
        if (json.size() > 1) json += ", ";
        json += "{\"line\":" + std::to_string(line);
        append_member("event_id", id);
        append_member("reason", reason);
        append_member("field", field);
        json += '}';
    }

    void append_member(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        std::string& json = result_.failures;
        json += ",\"";
        json += name;
        json += "\":";
        append_json_string(json, value);
    }

    const PieceContext& context_;
    ImportReport& result_;
};

}  // namespace

void add_lines(IngestBatch& batch, const ImportPiece& piece) {
    std::string all = "[";
    std::size_t count = 0;
    for (const ImportLine& line : piece.lines) {
        if (!line.reason.empty()) continue;
        if (++count > 1) all += ',';
        all += event_of(line);
    }
    all += ']';
    if (count > max_piece_events) {
        throw Error(ErrorKind::limit_exceeded, "there are " + std::to_string(count) +
                                                   " events in one piece of an import; at most " +
                                                   std::to_string(max_piece_events) + " are allowed");
    }
    if (count == 0) return;
    const EventDocument& together = batch.parse(all);
    if (together.reason().empty() && together.events().size() == count) {
        batch.take(0);
        return;
    }
    for (const ImportLine& line : piece.lines)
        if (line.reason.empty()) batch.add(line.document, 0);
}

ImportReport report(const IngestBatch& batch, const ImportPiece& piece, const PieceContext& context) {
    ImportReport result;
    result.failures = "[";
    result.next_line = context.first_line + piece.line_count;
    const std::span<const BatchEvent> events = batch.events();
    std::size_t at = 0;
    for (const ImportLine& line : piece.lines) {
        if (!line.reason.empty()) continue;
        const BatchEvent& event = events[at++];
        if (event.verdict != Verdict::limited) continue;
        result.limited = &event;
        result.next_line = context.first_line + line.line;
        break;
    }
    Report told(context, result);
    auto unread = context.unread.begin();
    const auto tell_unread = [&](std::int64_t before) {
        for (; unread != context.unread.end() && *unread < before; ++unread)
            told.tell(*unread, Verdict::rejected, {}, {}, {});
    };
    at = 0;
    for (const ImportLine& line : piece.lines) {
        const std::int64_t number = context.first_line + line.line;
        if (number >= result.next_line) break;
        tell_unread(number);
        if (!line.reason.empty()) {
            told.tell(number, Verdict::rejected, {}, line.reason, {});
            continue;
        }
        const BatchEvent& event = events[at++];
        result.unmatched += event.is_stored_unmatched();
        told.tell(number, event.verdict, has_shown_id(event) ? event.event->event_id : std::string_view{}, event.reason,
                  event.field);
    }
    tell_unread(result.next_line);
    result.failures += ']';
    return result;
}

}  // namespace tally
