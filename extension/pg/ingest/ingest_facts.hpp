// What must be known about a batch besides the identities that are stored: that the tenant is there, and what its metrics
// take. Read by direct table access, since a request may be of one event. Runs with the rights of tally_owner.
#pragma once

#include <cstdint>

#include "core/ingest/ingest_judge.hpp"

namespace tally {

// Holds the tenant against being deleted until the transaction ends. Raises 23503 where there is none.
void lock_tenant(std::int32_t tenant_id);

// Rejects the events that the kind of a metric refuses, and marks those whose code no metric reads, unless the tenant
// has no metric in use at all. Before batch.seal().
void ask_metrics(IngestBatch& batch, std::int32_t tenant_id);

}  // namespace tally
