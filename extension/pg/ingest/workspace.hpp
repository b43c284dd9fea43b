// Working memory of ingest that a session keeps from call to call: a call of a thousand events touches some megabytes,
// and to give them back to the system and fetch them again each time costs as much as storing the events.
//
// One workspace a session. A call inside of a call (a trigger that records) gets one of its own for the time.
#pragma once

#include <memory>
#include <vector>

#include "core/ingest/ingest_batch.hpp"
#include "pg/ingest/identity_claim.hpp"
#include "pg/ingest/recent_event.hpp"

namespace tally {

struct Workspace {
    IngestBatch batch;
    std::vector<ClaimKey> keys;
    std::vector<EventRow> rows;
    std::vector<std::uint32_t> order;
    std::vector<std::int64_t> seqs;  // of the accepted events

    // Memory for what PostgreSQL allocates. Calls PostgreSQL.
    MemoryContext empty_memory();

private:
    friend class WorkspaceLease;
    MemoryContext memory_ = nullptr;
    bool is_kept_ = false;
};

// Lives inside `guarded`, so that its destructor always runs.
class WorkspaceLease {
public:
    WorkspaceLease();
    ~WorkspaceLease();
    WorkspaceLease(const WorkspaceLease&) = delete;
    WorkspaceLease& operator=(const WorkspaceLease&) = delete;

    Workspace& operator*() const noexcept { return *used_; }
    Workspace* operator->() const noexcept { return used_; }

private:
    std::unique_ptr<Workspace> own_;
    Workspace* used_ = nullptr;
};

}  // namespace tally
