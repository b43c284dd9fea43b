// The session's workspace: see workspace.hpp.
#include "pg/ingest/workspace.hpp"

namespace tally {
namespace {

constinit Workspace* kept = nullptr;
constinit bool is_in_use = false;

// Of which only what is touched is memory.
constexpr Size first_block = 1 << 20;

}  // namespace

MemoryContext Workspace::empty_memory() {
    if (memory_ == nullptr) {
        memory_ = is_kept_
                      ? AllocSetContextCreate(TopMemoryContext, "pgtally ingest", 0, first_block, ALLOCSET_DEFAULT_MAXSIZE)
                      : AllocSetContextCreate(CurrentMemoryContext, "pgtally ingest", ALLOCSET_DEFAULT_SIZES);
    }
    MemoryContextReset(memory_);  // an error may have left something
    return memory_;
}

WorkspaceLease::WorkspaceLease() {
    if (is_in_use) {
        own_ = std::make_unique<Workspace>();
        used_ = own_.get();
        return;
    }
    if (kept == nullptr) {
        kept = new Workspace;
        kept->is_kept_ = true;
    }
    is_in_use = true;
    used_ = kept;
}

WorkspaceLease::~WorkspaceLease() {
    if (!own_) is_in_use = false;
}

}  // namespace tally
