// Refusals as responses: the JSON error body {"code", "message", "details"?}. No internals of the server ever enter
// one.
#pragma once

#include <string>
#include <string_view>

#include "base/response.hpp"

namespace tallyd {

const char* code_of(unsigned status) noexcept;

// details: "" or a JSON object text.
Response refuse(unsigned status, std::string_view message, std::string_view details = {});
Response refuse_field(unsigned status, std::string_view message, std::string_view field);
// The words of SQL for a key that nobody has. Whatever was wrong with a key, the answer is this.
Response bad_key();
Response unavailable(std::string_view message, int retry_after = 1);

}  // namespace tallyd
