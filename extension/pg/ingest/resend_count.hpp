// Notes in tally.resend_count what a batch has sent again; see sql/install/50-ingest/resend-count.sql.
#pragma once

#include <cstdint>

#include "core/ingest/ingest_batch.hpp"

namespace tally {

// Of a judged batch, with the rights of tally_owner. Writes nothing where no event was sent again.
void store_resends(std::int32_t tenant_id, const IngestBatch& batch);

}  // namespace tally
