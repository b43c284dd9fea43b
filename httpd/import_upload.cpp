// One upload of events: see import_upload.hpp.
#include "import_upload.hpp"

#include <fmt/format.h>
#include <jansson.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "error.hpp"
#include "json_text.hpp"

namespace tallyd {

namespace {

constexpr std::size_t kMostListed = 1000;

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
    return error == std::errc() && end == text.data() + text.size() ? line : 0;
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
            problem_ = refuse_field(400, "line must be a whole number from 1", "line");
        if (key == "import_id" && once) given_id_ = first_of(object.get(), "import_id");
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
    job.query = fmt::format("{{{},\"import_id\":[{}],\"line\":[\"{}\"]}}", members_, json_string(import_id_),
                            chunker_.first_line_of_chunk());
    job.body = chunker_.take();
    sent_to_line_ = chunker_.next_line();
}

void ImportUpload::note(std::uint64_t line, std::string json) {
    ++failed_;
    if (failures_.size() < kMostListed) failures_.push_back({line, std::move(json)});
}

void ImportUpload::take_local_failures() {
    for (const LineFailure& failure : chunker_.take_failures())
        note(failure.line, fmt::format("{{\"line\":{},\"reason\":{}}}", failure.line, json_string(failure.reason)));
}

std::optional<Answer> ImportUpload::take(Answer answer) {
    if (answer.status != 200) return with_progress(std::move(answer));
    const Json result = parse(answer.body);
    const json_t* id = json_object_get(result.get(), "import_id");
    if (!json_is_string(id)) return refuse(500, "internal error");
    import_id_ = json_string_value(id);
    accepted_ += number(result.get(), "accepted");
    duplicates_ += number(result.get(), "duplicates");
    std::size_t at;
    json_t* failure;
    json_array_foreach(json_object_get(result.get(), "failures"), at, failure)
        note(number(failure, "line"), dump(failure));
    take_local_failures();
    return std::nullopt;
}

std::string ImportUpload::counts() const {
    return fmt::format("\"import_id\":{},\"accepted\":{},\"duplicates\":{},\"failed\":{}", json_string(import_id_),
                       accepted_, duplicates_, failed_);
}

// What was stored stays, so the client is told how much that is.
Answer ImportUpload::with_progress(Answer refusal) const {
    if (import_id_.empty()) return refusal;
    const Json body = parse(refusal.body);
    const Json more = parse('{' + counts() + '}');
    if (!body || !more) return refusal;
    if (json_t* details = json_object_get(body.get(), "details"))
        json_object_update(details, more.get());
    else
        json_object_set(body.get(), "details", more.get());
    refusal.body = dump(body.get());
    return refusal;
}

Answer ImportUpload::summary() const {
    std::vector<const Failure*> sorted;
    for (const Failure& failure : failures_) sorted.push_back(&failure);
    std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->line < b->line; });
    Answer answer;
    answer.status = 200;
    answer.body = '{' + counts() + ",\"failures\":[";
    for (const Failure* failure : sorted) {
        if (answer.body.back() != '[') answer.body += ',';
        answer.body += failure->json;
    }
    answer.body += ']';
    if (failed_ > failures_.size()) answer.body += ",\"failures_truncated\":true";
    answer.body += '}';
    return answer;
}

}  // namespace tallyd
