// Splits a piece of an imported file into events: see import_lines.hpp.
#include "core/event/import_lines.hpp"

#include <algorithm>
#include <optional>

#include "core/base/json_string.hpp"
#include "core/base/number_text.hpp"

namespace tally {
namespace {

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Whether the text is one pair of braces with whatever between them: a second value on a line would be a second event.
// A backslash outside of strings is no JSON, and readers disagree about where strings begin and end after it.
bool is_one_object(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') {
                ++at;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '\\') {
            return false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (--depth == 0 && at + 1 != text.size()) return false;
        }
        if (depth == 0 && at == 0) return false;
    }
    return !in_string && !text.empty() && text.front() == '{' && text.back() == '}';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    if (out.back() != '{') out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
}

struct Record {
    std::vector<std::string> fields;
    int lines = 0;  // that it takes
    bool blank = false;
    std::string reason;
};

class CsvReader {
public:
    explicit CsvReader(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }

    Record next() {
        Record record;
        const std::size_t begin = at_;
        bool more = true;
        while (more) {
            record.fields.emplace_back();
            more = read_field(record);
        }
        record.lines += 1;
        const std::string_view raw = text_.substr(begin, at_ - begin);
        record.blank = is_blank(raw.substr(0, raw.find('\n')));
        return record;
    }

private:
    // Reads up to the end of a field; whether another one follows on the same line.
    bool read_field(Record& record) {
        std::string& field = record.fields.back();
        if (at_ < text_.size() && text_[at_] == '"') read_quoted(record, field);
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == ',') return true;
            if (c == '\n') break;
            const bool ends_line = c == '\r' && (at_ == text_.size() || text_[at_] == '\n');
            if (!ends_line) field += c;
        }
        return false;
    }

    void read_quoted(Record& record, std::string& field) {
        ++at_;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') {
                if (at_ < text_.size() && text_[at_] == '"') {
                    field += '"';
                    ++at_;
                    continue;
                }
                const std::string_view rest = text_.substr(at_, 2);
                if (!rest.empty() && rest[0] != ',' && rest[0] != '\n' && rest != "\r\n" && rest != "\r")
                    record.reason = "there is text after the closing quote of a field";
                return;
            }
            if (c == '\n' && at_ < text_.size()) ++record.lines;  // after the last line end there is no line
            field += c;
        }
        record.reason = "a quoted field has no closing quote";
        const std::string_view taken = std::string_view(field).substr(0, field.find_last_not_of('\n') + 1);
        const auto lost = std::count(taken.begin(), taken.end(), '\n');
        if (lost > 0) record.reason += ", so this many lines after it were not read either: " + std::to_string(lost);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// The event's field that a column is; empty for a property.
std::string_view event_field(std::string_view column) {
    if (column == "event_code" || column == "code") return "code";
    if (column == "customer_alias" || column == "customer_id") return "customer_id";
    if (column == "event_id" || column == "timestamp" || column == "source") return column;
    return {};
}

// A file whose lines end so would be one long header, and nothing of it would be read.
bool holds_lone_return(std::string_view text) {
    const std::size_t at = text.find('\r');
    return at != std::string_view::npos && text.substr(at + 1, 1) != "\n";
}

// Shows what the header was read as: another separator, or no header at all, is seen at once.
std::string seen_in(const std::vector<std::string>& columns) {
    std::string shown = "; its columns, separated by commas, are";
    for (std::size_t i = 0; i < columns.size() && i < 8; ++i) {
        std::size_t end = std::min<std::size_t>(columns[i].size(), 64);
        while (end < columns[i].size() && (static_cast<unsigned char>(columns[i][end]) & 0xC0) == 0x80) --end;
        shown += (i == 0 ? " \"" : ", \"") + columns[i].substr(0, end) + '"';
    }
    return shown + (columns.size() > 8 ? ", ..." : "");
}

std::optional<std::string> header_problem(const std::vector<std::string>& columns) {
    if (columns.size() == 1 && columns[0].empty())
        return "the header is missing: the first line of CSV names its columns, such as code,customer_id,timestamp";
    bool code = false;
    bool customer = false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string_view field = event_field(columns[i]);
        if (holds_lone_return(columns[i]))
            return "the lines end with a carriage return alone: they must end with a line feed, or with both";
        if (columns[i].empty()) return "column " + std::to_string(i + 1) + " of the header has no name";
        if (std::count(columns.begin(), columns.end(), columns[i]) > 1)
            return "the column \"" + columns[i] + "\" is there twice";
        if ((field == "code" && code) || (field == "customer_id" && customer))
            return "two columns of the header name the event's " + std::string(field);
        code = code || field == "code";
        customer = customer || field == "customer_id";
    }
    if (!code) return "the header has no column code (or event_code)" + seen_in(columns);
    if (!customer) return "the header has no column customer_id (or customer_alias)" + seen_in(columns);
    return std::nullopt;
}

// A number that blanks stand around, as spreadsheets and reports pad their columns, is meant as a number; blanks around any
// other text may be its own.
std::string_view property_text(std::string_view field) {
    constexpr const char* blanks = " \t\r";
    const std::size_t begin = field.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return field;
    const std::string_view inner = field.substr(begin, field.find_last_not_of(blanks) + 1 - begin);
    return inner.size() < field.size() && !number_problem(inner) ? inner : field;
}

std::string event_of(const std::vector<std::string>& columns, const std::vector<std::string>& fields) {
    std::string event = "{";
    std::string properties = "{";
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string_view name = event_field(columns[i]);
        if (!name.empty()) {
            append_member(event, name, fields[i]);
        } else if (columns[i] != "_error" && !fields[i].empty()) {
            append_member(properties, columns[i], property_text(fields[i]));
        }
    }
    return "[" + event + ",\"properties\":" + properties + "}}]";
}

std::string_view without_byte_order_mark(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

}  // namespace

ImportPiece read_ndjson(std::string_view text) {
    ImportPiece piece;
    text = without_byte_order_mark(text);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const int number = piece.line_count++;
        if (is_blank(line)) continue;
        line = line.substr(line.find_first_not_of(" \t"));
        line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
        if (is_one_object(line)) {
            piece.lines.push_back({number, "[" + std::string(line) + "]", {}});
        } else {
            piece.lines.push_back({number, {}, "the line is not one JSON object"});
        }
    }
    return piece;
}

ImportPiece read_csv(std::string_view text) {
    ImportPiece piece;
    CsvReader reader(without_byte_order_mark(text));
    if (reader.at_end()) {
        piece.reason = "there is no header";
        return piece;
    }
    Record header = reader.next();
    if (header.reason.empty()) header.reason = header_problem(header.fields).value_or("");
    piece.reason = header.reason;
    while (piece.reason.empty() && !reader.at_end()) {
        const Record record = reader.next();
        const int number = piece.line_count;
        piece.line_count += record.lines;
        if (record.blank) continue;
        if (!record.reason.empty()) {
            piece.lines.push_back({number, {}, record.reason});
        } else if (record.fields.size() != header.fields.size()) {
            piece.lines.push_back({number,
                                   {},
                                   "there are " + std::to_string(record.fields.size()) + " fields where the header has " +
                                       std::to_string(header.fields.size())});
        } else {
            piece.lines.push_back({number, event_of(header.fields, record.fields), {}});
        }
    }
    return piece;
}

}  // namespace tally
