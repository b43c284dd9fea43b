// One upload of events: see import_upload.hpp.
#include "import_upload.hpp"

#include <fmt/format.h>
#include <jansson.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>
#include <utility>

#include "error.hpp"
#include "json_text.hpp"
#include "month_limit.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kMostListed = 1000;
constexpr std::uint64_t kLastLine = 9007199254740991;  // 2^53 - 1: a number of JSON that every client reads exactly

using Json = std::unique_ptr<json_t, void (*)(json_t*)>;

Json parse(const std::string& text) {
    return {json_loadb(text.data(), text.size(), 0, nullptr), json_decref};
}

std::string dump(const json_t* value) {
    const std::unique_ptr<char, void (*)(void*)> text(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), free);
    return text ? text.get() : "null";
}

std::uint64_t number(const json_t* object, const char* name) noexcept {
    return static_cast<std::uint64_t>(json_integer_value(json_object_get(object, name)));
}

// The first value of a query parameter.
std::string first_of(const json_t* query, const char* name) {
    const json_t* value = json_array_get(json_object_get(query, name), 0);
    return json_is_string(value) ? std::string(json_string_value(value), json_string_length(value)) : std::string();
}

std::uint64_t line_of(const std::string& query) {
    const Json object = parse(query);
    const std::string text = first_of(object.get(), "line");
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
    : format_(format), chunker_(format, {}, line_of(query)) {
    const Json object = parse(query);
    const char* name;
    json_t* value;
    members_ = fmt::format("\"format\":[\"{}\"]", format == ImportFormat::csv ? "csv" : "ndjson");
    json_object_foreach(object.get(), name, value) {
        const std::string_view key(name);
        if (key == "format") problem_ = refuse_field(400, "the Content-Type says the format", "format");
        const bool once = json_array_size(value) == 1;
        if (key == "line" && !once) problem_ = refuse_field(400, "line is given more than once", "line");
        if (key == "line" && once && line_of(query) == 0)
            problem_ = refuse_field(400, fmt::format("line must be a whole number from 1 to {}", kLastLine), "line");
        if (key == "import_id") goes_on_ = true;
        // What tells SQL of lines that this program cannot read is no parameter of the route.
        if (key == "unread") problem_ = refuse_field(400, "unknown query parameter \"unread\"", "unread");
        // The rest is for SQL to judge, once.
        if (key != "format" && key != "line") name_ += ',' + json_string(key) + ':' + dump(value);
    }
}

bool ImportUpload::must_store(bool at_end) const noexcept {
    // What breaks off before its first whole record leaves no import behind.
    if (import_id_.empty()) return at_end || !chunker_.empty();
    return at_end ? !chunker_.empty() : chunker_.full();
}

void ImportUpload::next(Job& job) {
    if (import_id_.empty()) {
        job.query = '{' + members_ + name_ + '}';
        job.body = format_ == ImportFormat::csv && chunker_.header_known() ? chunker_.header() + '\n' : std::string();
        return;
    }
    job.query = fmt::format("{{{},\"import_id\":[{}],\"line\":[\"{}\"]", members_, json_string(import_id_),
                            chunker_.first_line_of_chunk());
    job.body = chunker_.take();
    in_question_ = chunker_.take_failures();
    std::string unread;
    for (const LineFailure& failure : in_question_)
        unread += fmt::format("{}\"{}\"", unread.empty() ? "" : ",", failure.line);
    job.query += unread.empty() ? "}" : ",\"unread\":[" + unread + "]}";
}

void ImportUpload::note(std::uint64_t line, std::string json) {
    if (failures_.size() < kMostListed)
        failures_.push_back({line, std::move(json)});
    else
        all_listed_ = false;
}

std::optional<Answer> ImportUpload::take(Answer answer) {
    if (answer.status != 200) return with_progress(std::move(answer));
    const Json result = parse(answer.body);
    const json_t* id = json_object_get(result.get(), "import_id");
    if (!json_is_string(id)) return refuse(500, "internal error");
    const bool begins = import_id_.empty();
    import_id_ = json_string_value(id);
    totals_ = dump(json_object_get(result.get(), "totals"));
    if (begins) return std::nullopt;
    accepted_ += number(result.get(), "accepted");
    duplicates_ += number(result.get(), "duplicates");
    failed_ += number(result.get(), "failed");
    resent_ += number(result.get(), "resent");
    next_line_ = number(result.get(), "next_line");
    std::size_t at;
    json_t* failure;
    json_array_foreach(json_object_get(result.get(), "failures"), at, failure)
        note(number(failure, "line"), dump(failure));
    for (const LineFailure& unread : std::exchange(in_question_, {}))
        if (unread.line < next_line_)
            note(unread.line, fmt::format("{{\"line\":{},\"reason\":{}}}", unread.line, json_string(unread.reason)));
    const json_t* limit = json_object_get(result.get(), "limited");
    if (!limit) return std::nullopt;
    const char* reason = json_string_value(json_object_get(limit, "reason"));
    return limited(reason ? reason : "a limit is reached", dump(json_object_get(limit, "details")));
}

// The upload ends here, however long the file is: no later line could be stored.
Answer ImportUpload::limited(const std::string& reason, const std::string& details) const {
    Answer answer =
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
           (resent_ > 0 ? fmt::format(",\"resent\":{}", resent_) : "");
}

// What was stored stays, so the client is told how much that is.
Answer ImportUpload::with_progress(Answer refusal) const {
    if (import_id_.empty()) return refusal;
    const Json body = parse(refusal.body);
    const std::string next = next_line_ > 0 ? fmt::format(",\"next_line\":{}", next_line_) : "";
    const Json more = parse('{' + counts() + next + '}');
    if (!body || !more) return refusal;
    if (json_t* details = json_object_get(body.get(), "details"))
        json_object_update(details, more.get());
    else
        json_object_set(body.get(), "details", more.get());
    refusal.body = dump(body.get());
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

Answer ImportUpload::summary() const {
    // Lines are also resent where the database's answer to a chunk got lost and tallyd asked again.
    const bool shows_totals = goes_on_ || resent_ > 0;
    Answer answer;
    answer.status = 200;
    answer.body = '{' + counts() + (shows_totals ? ",\"totals\":" + totals_ : "") + ',' + failure_list() + '}';
    return answer;
}

}  // namespace tallyd
