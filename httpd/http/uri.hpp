// The request target: splitting, strict percent-decoding, query parameters as JSON arrays, redaction for the log.
// Rules: a segment is decoded after splitting, so %2F never makes a new segment; one trailing slash is ignored;
// decoded text must be valid UTF-8 without NUL; '+' is a space in the query only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

inline constexpr std::string_view kKeyName = "apiKey";  // the parameter that holds a key: no part of the query

// nullopt: a broken %-sequence, a NUL or invalid UTF-8.
std::optional<std::string> percent_decode(std::string_view raw, bool plus_is_space);

struct Target {
    std::vector<std::string> segments;  // of the path, decoded
    std::string query;                  // {"name":["value",...]} in order of first appearance, without apiKey
    std::string first_name;             // of the query's parameters; empty where there is none
    std::vector<std::string> keys;      // what apiKey said
    bool path_valid = false;            // one of these two false: 400
    bool query_valid = false;
};

// raw: origin form ("/a/b?c=d") or absolute form ("http://host/a/b?c=d").
Target parse_target(std::string_view raw);

// Whether a target in absolute form is one of http or https with a host, and without a user (RFC 9110, 4.2). True of any
// target in another form.
bool names_a_host(std::string_view raw);

// Target for the log: values of secret parameters hidden, at most 256 bytes.
std::string redacted(std::string_view raw);

}  // namespace tallyd
