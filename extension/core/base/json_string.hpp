// Text as a JSON string: quoted, with the escapes that PostgreSQL's escape_json writes, so that an answer made here and one
// made by SQL look alike.
#pragma once

#include <string>
#include <string_view>

namespace tally {

// Appends `text` (UTF-8, without U+0000) in quotes.
void append_json_string(std::string& json, std::string_view text);

}  // namespace tally
