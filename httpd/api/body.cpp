// Checks of a request body: see body.hpp.
#include "api/body.hpp"

#include <fmt/format.h>
#include <jansson.h>
#include <strings.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "base/json_text.hpp"

namespace tallyd {

namespace {

// Jansson stops at 2048 levels; the contract wants fewer. Counts brackets outside of strings.
bool too_deep(std::string_view text) noexcept {
    int depth = 0;
    bool inside = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (inside) {
            if (c == '\\') ++at;
            else if (c == '"') inside = false;
        } else if (c == '"') {
            inside = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kJsonDepth) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

// Numbers that Jansson cannot hold are legal JSON all the same; SQL reads them as numeric.
bool is_number_range_error(const json_error_t& error) noexcept {
    return json_error_code(&error) == json_error_numeric_overflow;
}

bool is_type(const char* header, std::string_view type) noexcept {
    if (header == nullptr || strncasecmp(header, type.data(), type.size()) != 0) return false;
    const char next = header[type.size()];
    return next == '\0' || next == ';' || next == ' ' || next == '\t';
}

}  // namespace

std::optional<Response> check_text(const std::string& body) {
    if (body.find_first_not_of(" \t\r\n") == std::string::npos) return refuse(400, "the request body is empty");
    if (const std::size_t at = body.find('\0'); at != std::string::npos)
        return refuse(400, fmt::format("the request body contains a NUL byte at byte {}", at + 1));
    if (!valid_utf8(body)) return refuse(400, "the request body is not valid UTF-8");
    return std::nullopt;
}

std::optional<Response> check_json(const std::string& body) {
    if (too_deep(body))
        return refuse(400, fmt::format("the JSON in the request body is nested deeper than {} levels", kJsonDepth));
    json_error_t error;
    const std::unique_ptr<json_t, void (*)(json_t*)> value(
        json_loadb(body.data(), body.size(), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error),
        json_decref);
    if (value || is_number_range_error(error)) return std::nullopt;
    return refuse(
        400,
        fmt::format("the request body is not valid JSON: {} at line {}, column {}", error.text, error.line, error.column),
        fmt::format("{{\"line\":{},\"column\":{}}}", error.line, error.column));
}

Media media_of(const char* header) noexcept {
    if (is_type(header, "application/json")) return Media::json;
    return is_type(header, "application/x-www-form-urlencoded") ? Media::form : Media::other;
}

}  // namespace tallyd
