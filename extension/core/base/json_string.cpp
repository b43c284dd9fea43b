// Copies what needs no escape in runs.
#include "core/base/json_string.hpp"

namespace tally {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escaped(std::string& json, char c) {
    json += '\\';
    switch (c) {
        case '"': json += '"'; return;
        case '\\': json += '\\'; return;
        case '\b': json += 'b'; return;
        case '\f': json += 'f'; return;
        case '\n': json += 'n'; return;
        case '\r': json += 'r'; return;
        case '\t': json += 't'; return;
        default:
            json += "u00";
            json += hex_digits[static_cast<unsigned char>(c) >> 4];
            json += hex_digits[static_cast<unsigned char>(c) & 15];
    }
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
    json += '"';
    std::size_t run = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
        json.append(text.substr(run, at - run));
        append_escaped(json, c);
        run = at + 1;
    }
    json.append(text.substr(run));
    json += '"';
}

}  // namespace tally
