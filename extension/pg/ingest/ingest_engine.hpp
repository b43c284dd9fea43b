// One batch of bodies, from judging to stored rows. The way of every event into the store.
#pragma once

#include <cstdint>
#include <span>

#include "pg/ingest/identity_claim.hpp"
#include "pg/ingest/workspace.hpp"

namespace tally {

struct IngestCall {
    std::int32_t tenant_id = 0;
    Patience patience = Patience::endless;
    const Hash128* import_id = nullptr;
    std::span<const Hash128> keys;  // API keys by BatchBody::sender; none where the events do not come through the API
};

// Decides about the events of the workspace's batch and stores the accepted ones. The caller has added the bodies and not
// sealed the batch, has checked that its caller may act for the tenant, and has taken the rights of tally_owner. Inside
// `guarded`.
void ingest(Workspace& workspace, const IngestCall& call);

}  // namespace tally
