// Formats of answers: see formats.hpp.
#include "api/formats.hpp"

#include <simdjson.h>
#include <strings.h>

#include <array>
#include <cstdlib>

namespace tallyd {

namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The part before the separator, which is cut off the text together with it.
std::string_view cut(std::string_view& text, char separator) noexcept {
    const std::size_t at = text.find(separator);
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return trimmed(part);
}

struct Wish {
    int specificity = -1;  // of the range that said it: */*, type/*, type/subtype
    double quality = 0;
};

// How much a media type is wanted: the most specific range decides.
Wish wish_for(std::string_view type, std::string_view accept) {
    Wish wish;
    while (!accept.empty()) {
        std::string_view range = cut(accept, ',');
        const std::string_view name = cut(range, ';');
        double quality = 1;
        while (!range.empty()) {
            const std::string_view parameter = cut(range, ';');
            if (parameter.size() > 2 && same(parameter.substr(0, 2), "q="))
                quality = std::strtod(std::string(parameter.substr(2)).c_str(), nullptr);
        }
        const std::string_view family = type.substr(0, type.find('/') + 1);
        const int specificity = same(name, type) ? 2 : same(name, std::string(family) + "*") ? 1 : name == "*/*" ? 0 : -1;
        if (specificity > wish.specificity) wish = {specificity, quality};
    }
    return wish;
}

void append_cell(std::string& out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) out.append(c == '"' ? 2 : 1, c);
    out += '"';
}

std::string text_of(ondemand::value value) {
    switch (value.type().value()) {
        case ondemand::json_type::null: return {};
        case ondemand::json_type::string: return std::string(std::string_view(value.get_string()));
        case ondemand::json_type::object: return std::string(std::string_view(value.get_object().value().raw_json()));
        case ondemand::json_type::array: return std::string(std::string_view(value.get_array().value().raw_json()));
        default: return std::string(trimmed(value.raw_json_token()));
    }
}

}  // namespace

const char* media_type_of(Format format) noexcept {
    return format == Format::csv ? "text/csv" : format == Format::ndjson ? "application/x-ndjson" : "application/json";
}

std::optional<Format> choose_format(const char* accept, Offer offer) {
    if (!accept || trimmed(accept).empty()) return Format::json;
    struct {
        Format format;
        bool offered;
    } const kinds[] = {{Format::json, true}, {Format::csv, offer.csv}, {Format::ndjson, offer.ndjson}};
    std::optional<Format> best;
    Wish most;
    for (const auto& [format, offered] : kinds) {
        if (!offered) continue;
        const Wish wish = wish_for(media_type_of(format), accept);
        if (wish.quality <= 0) continue;
        const bool more =
            wish.quality > most.quality || (wish.quality == most.quality && wish.specificity > most.specificity);
        if (best && !more) continue;
        best = format;
        most = wish;
    }
    return best;
}

RowWriter::RowWriter(Format format, std::string_view columns, const std::vector<std::string>& dimensions) : format_(format) {
    while (!columns.empty()) {
        const std::string_view name = cut(columns, ',');
        if (name == "dimensions")
            for (const std::string& dimension : dimensions) columns_.push_back({"dimensions", dimension});
        else columns_.push_back({std::string(name), {}});
    }
}

std::string RowWriter::header() const {
    if (format_ != Format::csv) return {};
    std::string line;
    for (const Column& column : columns_) {
        if (!line.empty()) line += ',';
        append_cell(line, column.inner.empty() ? column.outer : column.outer + '.' + column.inner);
    }
    return line + "\r\n";
}

std::optional<std::string> RowWriter::write(const std::string& answer, std::string& out) const try {
    ondemand::parser parser;
    const simdjson::padded_string text(answer);
    ondemand::document document = parser.iterate(text);
    std::string cursor;
    bool has_rows = false;  // what is listed behind them, such as sums, is none of them
    for (auto member : document.get_object()) {
        const std::string_view key = member.unescaped_key();
        ondemand::value value = member.value();
        if (key == "next_cursor") {
            cursor = text_of(value);
            continue;
        }
        if (has_rows || value.type() != ondemand::json_type::array) continue;
        has_rows = true;
        for (ondemand::object row : value.get_array()) {
            if (format_ == Format::ndjson) {
                out.append(std::string_view(row.raw_json())).append(1, '\n');
                continue;
            }
            std::vector<std::string> cells(columns_.size());
            for (auto field : row) {
                const std::string name(std::string_view(field.unescaped_key()));
                ondemand::value inner = field.value();
                if (name == "dimensions") {
                    for (auto dimension : inner.get_object()) {
                        const std::string which(std::string_view(dimension.unescaped_key()));
                        for (std::size_t at = 0; at < columns_.size(); ++at)
                            if (columns_[at].outer == name && columns_[at].inner == which)
                                cells[at] = text_of(dimension.value());
                    }
                    continue;
                }
                for (std::size_t at = 0; at < columns_.size(); ++at)
                    if (columns_[at].outer == name) cells[at] = text_of(inner);
            }
            for (std::size_t at = 0; at < cells.size(); ++at) {
                if (at > 0) out += ',';
                append_cell(out, cells[at]);
            }
            out += "\r\n";
        }
    }
    return cursor;
} catch (const simdjson::simdjson_error&) {
    return std::nullopt;
}

}  // namespace tallyd
