// The statements that the routes are: calls of functions of schema tally_rest, as text.
#pragma once

#include "api/router.hpp"
#include "db/job.hpp"

namespace tallyd {

// Of a route whose function SQL has. Parameters: key hash, scope, path, query, body; once: and the Idempotency-Key,
// which makes SQL call the function by another one that knows whether this has been done.
const Statement& statement_of(const Route& route, bool once);

// Of many requests at once, for the lane of batches. Parameters of each: key hash, body.
extern const Statement kIngest;

// Parameter: key hash.
extern const Statement kKeyLimits;

}  // namespace tallyd
