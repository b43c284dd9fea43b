// For whom a call stores, decided as its caller before anything else (pg/border/gate.hpp), and the way into the engine.
#pragma once

#include <cstdint>

#include "core/ingest/ingest_batch.hpp"
#include "pg/ingest/ingest_engine.hpp"

namespace tally {

// A call that may store for a tenant. Its functions call PostgreSQL and may raise.
struct IngestSession {
    std::int32_t tenant_id = 0;
    std::int64_t now = 0;  // the clock at the call, Unix microseconds
    Hash128 key{};         // the API key that was checked in this transaction
    bool has_key = false;
    std::int64_t retained_from = 0;  // no older event is taken

    // Who the caller is and what it may do. `function` is for messages, such as "tally.record()".
    static IngestSession chosen(const char* function);                      // the tenant that the caller acts for
    static IngestSession given(const char* function, std::int32_t tenant);  // the call names it

    DocumentOptions options(DocumentForm form, bool allow_backfilling, bool derive_ids) const {
        return {form, allow_backfilling, now, tenant_id, derive_ids, retained_from};
    }
};

// Stores what was added to the workspace's batch, with the rights of tally_owner. Events that come with an API key count
// for the limits of the month, and wait for open transactions that hold the same events only a moment: then 55P03 is
// raised. Inside `guarded`.
void ingest_as(const IngestSession& session, Workspace& workspace, const Hash128* import_id);

}  // namespace tally
