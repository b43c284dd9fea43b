// What may stand in the fields of a request's head: names, hosts, character sets (RFC 9110, 9112). Pure.
#pragma once

#include <string_view>

namespace tallyd {

// A name or a method: one or more of the characters that RFC 9110 (5.6.2) allows; no blank, so none before the colon.
bool is_token(std::string_view text) noexcept;

// The value of a Host field: a name or an address and perhaps a port, or nothing at all (RFC 9112, 3.2).
bool is_host(std::string_view text) noexcept;

// Whether a Content-Type says that the body is written in another character set than UTF-8 or its part US-ASCII.
// Whoever read such a body as UTF-8 would read something else than was sent. nullptr: there is no such header.
bool is_foreign_charset(const char* content_type) noexcept;

}  // namespace tallyd
