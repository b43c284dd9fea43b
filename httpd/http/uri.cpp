// The request target: see uri.hpp.
#include "http/uri.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "base/json_text.hpp"
#include "http/fields.hpp"

namespace tallyd {

namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string_view without_authority(std::string_view raw) {
    if (raw.starts_with('/')) return raw;
    const std::size_t scheme = raw.find("://");
    if (scheme == std::string_view::npos) return raw;
    const std::size_t rest = raw.find_first_of("/?", scheme + 3);
    return rest == std::string_view::npos ? std::string_view("/") : raw.substr(rest);
}

// Of a target in absolute form, which begins with scheme and host.
bool is_whole_uri(std::string_view raw, std::size_t scheme_end) {
    std::string scheme(raw.substr(0, scheme_end));
    for (char& c : scheme) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string_view rest = raw.substr(scheme_end + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    return (scheme == "http" || scheme == "https") && !authority.empty() && is_host(authority);
}

bool split_path(std::string_view path, std::vector<std::string>& segments) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        auto segment = percent_decode(path.substr(0, slash), false);
        if (!segment) return false;
        segments.push_back(std::move(*segment));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
        if (path.empty()) segments.emplace_back();
    }
    return true;
}

struct Parameter {
    std::string name;
    std::string values;
};

bool split_query(std::string_view query, std::vector<Parameter>& parameters, std::vector<std::string>& keys) {
    std::unordered_map<std::string, std::size_t> index;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1), true);
        if (!name || !value) return false;
        if (*name == kKeyName) {
            keys.push_back(std::move(*value));
            continue;
        }
        const auto [place, fresh] = index.try_emplace(*name, parameters.size());
        if (fresh) parameters.push_back({std::move(*name), {}});
        std::string& values = parameters[place->second].values;
        if (!values.empty()) values += ',';
        append_json_string(values, *value);
    }
    return true;
}

bool names_a_secret(std::string_view name) {
    std::string plain;
    for (const char c : name)
        if (c != '_' && c != '-') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return plain == "apikey" || plain == "key" || plain == "token" || plain == "accesstoken" || plain == "secret" ||
           plain == "password";
}

}  // namespace

bool names_a_host(std::string_view raw) {
    const std::size_t scheme = raw.starts_with('/') ? std::string_view::npos : raw.find("://");
    return scheme == std::string_view::npos || is_whole_uri(raw, scheme);
}

std::optional<std::string> percent_decode(std::string_view raw, bool plus_is_space) {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size(); ++at) {
        char c = raw[at];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            const int high = at + 2 < raw.size() ? hex_value(raw[at + 1]) : -1;
            const int low = at + 2 < raw.size() ? hex_value(raw[at + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            at += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    if (!valid_utf8(out)) return std::nullopt;
    return out;
}

Target parse_target(std::string_view raw) {
    Target target;
    const std::string_view local = without_authority(raw);
    const std::size_t mark = local.find('?');
    target.path_valid = split_path(mark == 0 ? std::string_view("/") : local.substr(0, mark), target.segments);
    std::vector<Parameter> parameters;
    target.query_valid = mark == std::string_view::npos || split_query(local.substr(mark + 1), parameters, target.keys);
    if (!parameters.empty()) target.first_name = parameters.front().name;
    target.query = "{";
    for (const Parameter& parameter : parameters) {
        if (target.query.size() > 1) target.query += ',';
        append_json_string(target.query, parameter.name);
        target.query += ":[" + parameter.values + ']';
    }
    target.query += '}';
    return target;
}

std::string redacted(std::string_view raw) {
    const std::size_t mark = std::min(raw.find('?'), raw.size());
    std::string out(raw.substr(0, mark));
    std::string_view query = raw.substr(mark);
    while (!query.empty()) {
        out += query[0];
        query.remove_prefix(1);
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const std::size_t equals = pair.find('=');
        const auto name = percent_decode(pair.substr(0, equals), true);
        if (equals != std::string_view::npos && (!name || names_a_secret(*name)))
            out.append(pair.substr(0, equals)).append("=***");
        else out += pair;
        query.remove_prefix(end);
    }
    if (out.size() > 256) out.replace(256, std::string::npos, "...");
    return out;
}

}  // namespace tallyd
