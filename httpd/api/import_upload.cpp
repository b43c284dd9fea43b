// One upload of events: see import_upload.hpp.
#include "api/import_upload.hpp"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "api/ingest_counts.hpp"
#include "api/month_limit.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_text.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kMostListed = 1000;
constexpr std::uint64_t kLastLine = 9007199254740991;  // 2^53 - 1: a number of JSON that every client reads exactly

std::uint64_t number(const Json& object, const std::string& path) {
    return static_cast<std::uint64_t>(object.integer(path).value_or(0));
}

std::string raw(const Json& object, const std::string& path) {
    return object.raw(path).value_or("null");
}

std::uint64_t line_of(const Json& query) {
    const std::string text = query.text("/line/0").value_or("");
    std::uint64_t line = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line);
    return error == std::errc() && end == text.data() + text.size() && line <= kLastLine ? line : 0;
}

}  // namespace

std::optional<ImportFormat> import_format(const char* content_type) noexcept {
    constexpr struct {
        std::string_view type;
        ImportFormat format;
    } kTypes[] = {{"text/csv", ImportFormat::csv},
                  {"application/x-ndjson", ImportFormat::ndjson},
                  {"application/ndjson", ImportFormat::ndjson},
                  {"application/jsonl", ImportFormat::ndjson}};
    if (content_type == nullptr) return std::nullopt;
    for (const auto& known : kTypes) {
        if (strncasecmp(content_type, known.type.data(), known.type.size()) != 0) continue;
        const char next = content_type[known.type.size()];
        if (next == '\0' || next == ';' || next == ' ' || next == '\t') return known.format;
    }
    return std::nullopt;
}

ImportUpload::ImportUpload(ImportFormat format, const std::string& query)
    : format_(format), chunker_(format, {}, line_of(Json(query))) {
    const Json object(query);
    members_ = fmt::format("\"format\":[\"{}\"]", format == ImportFormat::csv ? "csv" : "ndjson");
    object.members("", [&](std::string_view key, const std::string& value) {
        if (key == "format") problem_ = refuse_field(400, "the Content-Type says the format", "format");
        const bool once = object.size("/line") == 1;
        if (key == "line" && !once) problem_ = refuse_field(400, "line is given more than once", "line");
        if (key == "line" && once && line_of(object) == 0)
            problem_ = refuse_field(400, fmt::format("line must be a whole number from 1 to {}", kLastLine), "line");
        if (key == "import_id") goes_on_ = true;
        // What tells SQL of lines that this program cannot read is no parameter of the route.
        if (key == "unread") problem_ = refuse_field(400, "unknown query parameter \"unread\"", "unread");
        // The rest is for SQL to judge, once.
        if (key != "format" && key != "line") name_ += ',' + json_string(key) + ':' + value;
    });
}

std::size_t ImportUpload::feed(const char* data, std::size_t size) {
    untouched_ = false;
    return chunker_.feed(data, size);
}

bool ImportUpload::must_store(bool at_end) const noexcept {
    // What breaks off before its first whole record leaves no import behind.
    if (import_id_.empty()) return at_end || !chunker_.empty();
    return at_end ? !chunker_.empty() : chunker_.full();
}

void ImportUpload::next(std::string& query, std::string& body) {
    if (import_id_.empty()) {
        query = '{' + members_ + name_ + '}';
        body = format_ == ImportFormat::csv && chunker_.header_known() ? chunker_.header() + '\n' : std::string();
        return;
    }
    query = fmt::format("{{{},\"import_id\":[{}],\"line\":[\"{}\"]", members_, json_string(import_id_),
                        chunker_.first_line_of_chunk());
    body = chunker_.take();
    in_question_ = chunker_.take_failures();
    std::string unread;
    for (const LineFailure& failure : in_question_)
        unread += fmt::format("{}\"{}\"", unread.empty() ? "" : ",", failure.line);
    query += unread.empty() ? "}" : ",\"unread\":[" + unread + "]}";
}

void ImportUpload::note(std::uint64_t line, std::string json) {
    if (failures_.size() < kMostListed) failures_.push_back({line, std::move(json)});
    else all_listed_ = false;
}

std::optional<Response> ImportUpload::take(Response answer) {
    if (answer.status != 200) return with_progress(std::move(answer));
    const Json result(answer.body);
    const auto id = result.text("/import_id");
    if (!id) return refuse(500, "internal error");
    const bool begins = import_id_.empty();
    import_id_ = *id;
    totals_ = raw(result, "/totals");
    if (begins) return std::nullopt;
    accepted_ += number(result, "/accepted");
    duplicates_ += number(result, "/duplicates");
    failed_ += number(result, "/failed");
    resent_ += number(result, "/resent");
    unmatched_ += number(result, "/unmatched");
    next_line_ = number(result, "/next_line");
    for (std::size_t at = 0; at < result.size("/failures"); ++at) {
        const std::string failure = fmt::format("/failures/{}", at);
        note(number(result, failure + "/line"), raw(result, failure));
        if (is_conflict(result.text(failure + "/reason").value_or(""))) ++conflicts_;
    }
    for (const LineFailure& unread : std::exchange(in_question_, {}))
        if (unread.line < next_line_)
            note(unread.line, fmt::format("{{\"line\":{},\"reason\":{}}}", unread.line, json_string(unread.reason)));
    if (!result.is_object("/limited")) return std::nullopt;
    return limited(result.text("/limited/reason").value_or("a limit is reached"), raw(result, "/limited/details"));
}

// The upload ends here, however long the file is: no later line could be stored.
Response ImportUpload::limited(const std::string& reason, const std::string& details) const {
    Response answer =
        with_progress(refuse(429, fmt::format("{}; the lines before line {} were taken", reason, next_line_), details));
    if (!failures_.empty()) {
        answer.body.pop_back();
        answer.body += ',' + failure_list() + '}';
    }
    tell_month_limit(answer, std::time(nullptr));
    return answer;
}

std::string ImportUpload::counts() const {
    return fmt::format("\"import_id\":{},\"accepted\":{},\"duplicates\":{},\"failed\":{}", json_string(import_id_),
                       accepted_, duplicates_, failed_) +
           (resent_ > 0 ? fmt::format(",\"resent\":{}", resent_) : "") +
           (unmatched_ > 0 ? fmt::format(",\"unmatched\":{}", unmatched_) : "");
}

// What was stored stays, so the client is told how much that is.
Response ImportUpload::with_progress(Response refusal) const {
    if (import_id_.empty()) return refusal;
    const Json body(refusal.body);
    const auto message = body.text("/message");
    if (!message) return refusal;
    std::string details;
    body.members("/details", [&details](std::string_view name, const std::string& value) {
        details += json_string(name) + ':' + value + ',';
    });
    details += counts() + (next_line_ > 0 ? fmt::format(",\"next_line\":{}", next_line_) : "");
    refusal.body = refuse(refusal.status, *message, '{' + details + '}').body;
    return refusal;
}

std::string ImportUpload::failure_list() const {
    std::vector<const Failure*> sorted;
    for (const Failure& failure : failures_) sorted.push_back(&failure);
    std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->line < b->line; });
    std::string list = "\"failures\":[";
    for (const Failure* failure : sorted) {
        if (list.back() != '[') list += ',';
        list += failure->json;
    }
    list += ']';
    if (!all_listed_) list += ",\"failures_truncated\":true";
    return list;
}

Response ImportUpload::summary() const {
    // Lines are also resent where the database's answer to a chunk got lost and tallyd asked again.
    const bool shows_totals = goes_on_ || resent_ > 0;
    Response answer;
    answer.status = 200;
    answer.body = '{' + counts() + (shows_totals ? ",\"totals\":" + totals_ : "") + ',' + failure_list() + '}';
    return answer;
}

}  // namespace tallyd
