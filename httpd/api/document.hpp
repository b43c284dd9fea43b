// Documents that are part of the program and the same for everybody: /openapi.json.
#pragma once

#include "base/response.hpp"

namespace tallyd {

// known: what the client says it has already (If-None-Match); nullptr: nothing.
Response openapi_document(const char* known);

}  // namespace tallyd
