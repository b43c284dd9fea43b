// Request ids: see request_id.hpp.
#include "http/request_id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace tallyd {

bool is_sane_request_id(std::string_view id) noexcept {
    constexpr std::size_t kLongest = 128;
    return !id.empty() && id.size() <= kLongest && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || c == ':' || c == '/' || c == '+' || c == '=';
    });
}

std::string new_request_id() {
    thread_local std::mt19937_64 random(std::random_device{}());
    return fmt::format("{:016x}", random());
}

}  // namespace tallyd
