// A request's body once it is whole: checked, and the key taken out that it may hold, so that SQL never sees it.
#pragma once

#include <optional>
#include <string>

#include "api/body.hpp"
#include "api/credentials.hpp"
#include "api/router.hpp"

namespace tallyd {

// Returns the refusal, or nothing when all is well; then body is what the route's function gets.
std::optional<Response> read_body(std::string& body, const Route& route, Media media, Credentials& credentials);

}  // namespace tallyd
