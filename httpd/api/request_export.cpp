// An answer as CSV or NDJSON. A list is exported page by page, each a statement of its own in its lane, asked for when the
// client has taken the one before: so any length needs the memory of one page, and a client that is slow or goes away holds
// no connection to the database. Its pages are no single snapshot: what comes meanwhile and lies before the place that was
// reached is not in it.
#include <algorithm>
#include <string>
#include <vector>

#include "api/request.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"

namespace tallyd {

namespace {

constexpr HeaderField kVaries[] = {{"Vary", "Accept"}};
constexpr HeaderField kCsvFile[] = {{"Vary", "Accept"}, {"Content-Disposition", "attachment; filename=\"pgtally.csv\""}};
constexpr HeaderField kNdjsonFile[] = {{"Vary", "Accept"},
                                       {"Content-Disposition", "attachment; filename=\"pgtally.ndjson\""}};

}  // namespace

std::optional<Response> Request::check_format() {
    if (!route_->has_formats()) return std::nullopt;
    const auto format = choose_format(exchange_.header("Accept"), {route_->columns != nullptr, route_->lines});
    if (!format)
        return refuse(406, std::string("the answer can be application/json, text/csv") +
                               (route_->lines ? " or application/x-ndjson" : "") + ": Accept takes none of these");
    format_ = *format;
    if (format_ == Format::json) return std::nullopt;
    const Json query(query_);
    if (route_->page > 0)
        for (const char* name : {"limit", "cursor"})
            if (query.raw(std::string("/") + name))
                return refuse_field(400, std::string("an export has no pages: leave out ") + name, name);
    // Every page of rows would be explained anew, and no row could say it.
    if (const auto explain = query.text("/explain/0"); explain && *explain != "false")
        return refuse_field(400, "rows have no place for an explanation: leave out explain, or ask for application/json",
                            "explain");
    std::vector<std::string> dimensions;
    for (std::size_t at = 0; at < query.size("/group_by"); ++at)
        if (auto name = query.text("/group_by/" + std::to_string(at)); name && *name != "customer_id")
            dimensions.push_back(*std::move(name));
    rows_ = std::make_unique<RowWriter>(format_, route_->columns, dimensions);
    asked_query_ = query_;
    if (route_->page > 0) ask_page({});
    return std::nullopt;
}

// Where the route's statements run: what the document calls slow delays nothing that is answered at once.
LaneId Request::lane_of_route() const {
    if (!route_->slow_with[0].with) return route_->lane;
    const Json query(query_);
    // filter[region] is given as a parameter of its own, and is one of filter's.
    std::vector<std::string> names;
    query.members("",
                  [&](std::string_view name, const std::string&) { names.emplace_back(name.substr(0, name.find('['))); });
    const auto given = [&](const char* name) {
        return name != nullptr && std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const SlowClause& clause : route_->slow_with) {
        if (!clause.with) break;
        const bool with = clause.with == std::string_view(kOtherFormat) ? format_ != Format::json : given(clause.with);
        if (with && !given(clause.without)) return LaneId::slow_read;
    }
    return route_->lane;
}

// Sets what the next statement asks for.
void Request::ask_page(const std::string& cursor) {
    query_ = asked_query_;
    query_.pop_back();
    if (query_.size() > 1) query_ += ',';
    query_ += "\"limit\":[\"" + std::to_string(route_->page) + "\"]";
    if (!cursor.empty()) query_ += ",\"cursor\":[" + json_string(cursor) + ']';
    query_ += '}';
}

Response Request::exported(Response response) {
    std::string text = rows_->header();
    auto cursor = rows_->write(response.body, text);
    if (!cursor) {
        log::write(log::Level::error, "answer_without_rows", log::field("route", route_->pattern));
        return refuse(500, "internal error");
    }
    // Rows have no place for the cut that they are as of.
    if (Json(asked_query_).raw("/as_of")) response.as_of = Json(response.body).text("/as_of/id").value_or("");
    response.body = std::move(text);
    response.content_type = media_type_of(format_);
    cursor_ = *std::move(cursor);
    response.streamed = !cursor_.empty();
    return response;
}

Handler::More Request::more(std::string& piece) {
    if (phase_ != Phase::page) {
        if (cursor_.empty()) return More::end;
        phase_ = Phase::page;
        ask_page(cursor_);
        ask();
        return More::wait;
    }
    phase_ = Phase::exporting;
    auto cursor = result_.status == 200 ? rows_->write(result_.body, piece) : std::nullopt;
    if (!cursor) {
        log::write(log::Level::warn, "export_broken_off",
                   log::field("route", route_->pattern) + log::field("answer", result_.body.substr(0, 1000)));
        return More::broken;
    }
    cursor_ = *std::move(cursor);
    return More::piece;
}

std::span<const HeaderField> Request::fields_of(const Response& response) const {
    if (!route_ || !route_->has_formats()) return response.fields;
    if (response.status != 200 || format_ == Format::json) return kVaries;
    return format_ == Format::csv ? std::span<const HeaderField>(kCsvFile) : kNdjsonFile;
}

}  // namespace tallyd
