// Request ids: the client's own when it is harmless in a log and a header, else 16 random hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace tallyd {

bool is_sane_request_id(std::string_view id) noexcept;
std::string new_request_id();

}  // namespace tallyd
