// What tallyd checks in a request body before the database sees it. The original bytes are always what is passed on:
// Jansson would change decimals, so nothing is ever decoded and encoded again.
#pragma once

#include <optional>
#include <string>

#include "base/response.hpp"

namespace tallyd {

inline constexpr int kJsonDepth = 64;

// nullopt: the body is text that PostgreSQL can take (not empty, valid UTF-8, no NUL byte).
std::optional<Response> check_text(const std::string& body);

// nullopt: the body is one JSON value, without duplicate keys, at most kJsonDepth deep.
std::optional<Response> check_json(const std::string& body);

enum class Media { json, form, other };  // form: application/x-www-form-urlencoded

// Of a Content-Type header, parameters or none; nullptr: there is no such header.
Media media_of(const char* header) noexcept;

}  // namespace tallyd
