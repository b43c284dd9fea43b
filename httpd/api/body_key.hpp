// The key in a request body: found and taken out, so that SQL, which refuses unknown fields, never sees it.
// JSON is scanned at its top level only and is not decoded: the rest of the body stays byte for byte what it was, and
// the member is overwritten by spaces, so that positions in error messages stay right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

struct TakenKey {
    enum class Verdict {
        absent,     // the body is untouched
        taken,      // key is what the member apiKey said; "" when that was no string
        repeated,   // more than one member apiKey
        malformed,  // the top level is not that of a JSON object
    };
    Verdict verdict = Verdict::absent;
    std::string key;
};

// May be used on text that nobody has parsed: it is taken from only when the whole top level is well formed, so what
// was malformed stays malformed. The key must be spelled without escapes.
TakenKey take_key_of_json(std::string& body);

// Has nothing but an empty object in it.
bool is_empty_object(std::string_view body) noexcept;

// application/x-www-form-urlencoded
struct Form {
    std::vector<std::string> keys;
    std::string json;  // all other fields as a JSON object of strings
};

// nullopt: a broken %-sequence, a NUL, invalid UTF-8, or a field given twice (not apiKey).
std::optional<Form> parse_form(std::string_view body);

}  // namespace tallyd
