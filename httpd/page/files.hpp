// The files that the page at / and the API's description at /docs are made of, as the build bundled them (httpd/web), and as
// they are answered: from memory, packed for who takes gzip, with what keeps a page safe. A tallyd that was built without
// npm has none.
#pragma once

#include <string_view>

#include "base/response.hpp"

namespace tallyd::page {

bool built() noexcept;

// Whether there is such a file; path: as in the request, "/", "/docs" or "/page/app.js".
bool has_file(std::string_view path) noexcept;

// accepted: the header Accept-Encoding; known: If-None-Match; nullptr: there is no such header.
Response file(std::string_view path, const char* accepted, const char* known);

// Puts the headers of the page on an answer of it that is no file.
void make_safe(Response& answer) noexcept;

}  // namespace tallyd::page
