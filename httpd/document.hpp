// Documents that are part of the program and the same for everybody: /openapi.json.
#pragma once

#include "answer.hpp"

namespace tallyd {

// known: what the client says it has already (If-None-Match); nullptr: nothing.
Answer openapi_document(const char* known);

}  // namespace tallyd
