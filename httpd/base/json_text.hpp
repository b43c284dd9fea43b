// JSON as text: quoting of strings. No document is ever re-encoded; what reads one is json.hpp.
#pragma once

#include <string>
#include <string_view>

namespace tallyd {

// Appends text as a JSON string with its quotes; bytes that are no valid UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

bool valid_utf8(std::string_view text) noexcept;

}  // namespace tallyd
