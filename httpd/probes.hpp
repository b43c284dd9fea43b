// The routes that need no database statement: /healthz, /readyz, /metrics.
#pragma once

#include "service.hpp"

namespace tallyd {

Answer probe(RouteKind kind, const Service& service);

}  // namespace tallyd
