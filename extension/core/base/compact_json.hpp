// JSON text without the white space between its tokens, so that all answers of the API look alike.
#pragma once

#include <string>
#include <string_view>

namespace tally {

// `json` must be valid JSON; what stands inside strings is kept.
std::string compact_json(std::string_view json);

}  // namespace tally
